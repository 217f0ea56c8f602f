// How Gen2 writes properties, content headers, times and ETags in headers (Gen2 reference §1.5, §2).
import type { ContentHeaders } from '../../core/entry.ts';
import { StoreError } from '../../core/store-error.ts';

/** Most bytes of all user-defined properties of one path (Gen2 reference §6). */
export const maxPropertiesBytes = 8192;

/** `n1=base64(v1),n2=base64(v2)`. */
export function formatProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${Buffer.from(value).toString('base64')}`)
    .join(',');
}

/** @throws StoreError `invalid` for names or values that are no properties, or too many of them */
export function parseProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  if (Buffer.byteLength(text) > 2 * maxPropertiesBytes)
    throw invalidProperties('there are too many properties');
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const mark = pair.indexOf('=');
    const name = pair.slice(0, mark).trim();
    const value = pair.slice(mark + 1).trim();
    if (mark <= 0 || /[\s,=]/.test(name)) throw invalidProperties(`'${name}' is not the name of a property`);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value))
      throw invalidProperties(`the value of '${name}' is not base64`);
    properties[name] = Buffer.from(value, 'base64').toString();
  }
  return properties;
}

function invalidProperties(message: string): StoreError {
  return new StoreError('invalid', message, { code: 'InvalidPropertyName' });
}

/** Properties as the Blob API shows them. Names that are no header names are left out. */
export function metaHeaders(properties: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(properties).filter(
    ([name, value]) => /^[\w-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value),
  );
  return Object.fromEntries(entries.map(([name, value]) => [`x-ms-meta-${name}`, value]));
}

/** `x-ms-meta-*` of a request; undefined if there is none. `hdi_isfolder` is the server's own. */
export function parseMetaHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> | undefined {
  const found = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-ms-meta-') && name !== 'x-ms-meta-hdi_isfolder')
    .map(([name, value]) => [name.slice('x-ms-meta-'.length), String(value)] as const);
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

const contentNames = {
  contentType: 'content-type',
  contentEncoding: 'content-encoding',
  contentLanguage: 'content-language',
  contentDisposition: 'content-disposition',
  cacheControl: 'cache-control',
  contentMd5: 'content-md5',
} as const;

/**
 * Content headers that a request sets.
 * @param prefix `x-ms-` on the DFS API, `x-ms-blob-` on the Blob API
 * @returns undefined if it sets none; empty values clear
 */
export function parseContentHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  prefix: 'x-ms-' | 'x-ms-blob-',
): ContentHeaders | undefined {
  const content: ContentHeaders = {};
  let any = false;
  for (const [field, name] of Object.entries(contentNames) as [keyof ContentHeaders, string][]) {
    const value = headers[prefix + name];
    if (value === undefined) continue;
    any = true;
    if (value !== '') content[field] = String(value);
  }
  return any ? content : undefined;
}

/** Content headers of an answer. */
export function contentHeadersOf(content: ContentHeaders | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': content?.contentType ?? 'application/octet-stream',
  };
  for (const [field, name] of Object.entries(contentNames) as [keyof ContentHeaders, string][]) {
    const value = content?.[field];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** Windows FILETIME: 100 ns since 1601, as a string; the form of times in path lists. */
export function toFileTime(epochMs: number): string {
  return ((BigInt(Math.round(epochMs)) + 11_644_473_600_000n) * 10_000n).toString();
}

/** RFC 1123 with seconds, as HTTP has it. */
export function toHttpDate(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}

/** @throws StoreError `invalid` */
export function parseHttpDate(text: string): number {
  const epochMs = Date.parse(text);
  if (Number.isNaN(epochMs))
    throw new StoreError('invalid', `'${text}' is not a date`, { code: 'InvalidHeaderValue' });
  return epochMs;
}

/** ETags are quoted on the wire; ABFS sends them without quotes. */
export function unquote(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}
