// Where a redirect leads: what servers write into a Location is not always the path they mean.
import { encodePath } from '../../wire/webhdfs/target.ts';
import { splitUrl } from './transport.ts';

/**
 * The URL of the next step.
 * @param from the URL that was asked, for a Location without a host
 * @param path the decoded path of the operation
 */
export function nextUrl(location: string, from: string, path: string): string {
  const absolute = /^https?:\/\//i.test(location) ? location : splitUrl(from).origin + location;
  return withOwnPath(escaped(absolute), path);
}

/** A Location may hold raw UTF-8, which Node hands over byte by byte. */
function escaped(url: string): string {
  if (/^[!-~]*$/.test(url)) return url;
  return [...Buffer.from(url, 'latin1')]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

/**
 * A NameNode's Location has the path in Unicode's composed form (Java's `URI.toASCIIString`), which is another file if the name is
 * not in that form.
 */
function withOwnPath(url: string, path: string): string {
  const composed = path.normalize('NFC');
  if (composed === path) return url;
  const mark = url.indexOf('?');
  const [before, query] = mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
  const there = encodePath(composed);
  // Letters that need no escape may still be escaped, so the two are compared as what they mean.
  const start = before.lastIndexOf('/webhdfs/v1', before.length - 1);
  const prefix = start === -1 ? undefined : before.slice(0, start + '/webhdfs/v1'.length);
  if (prefix === undefined || decoded(before.slice(prefix.length)) !== decoded(there)) return url;
  return prefix + encodePath(path) + query;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
