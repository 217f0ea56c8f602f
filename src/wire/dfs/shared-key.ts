// SharedKey signatures of Azure Storage: the same text is signed by a client and checked by a server (Gen2 reference §5).
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The parts of a request that are signed. */
export interface SignedRequest {
  method: string;
  /** As sent, percent-escapes and all. */
  rawPath: string;
  /** Raw query without `?`. */
  search: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

const standardHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
] as const;

function text(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

/** Characters of header names in the order of .NET's en-US culture, but for `-` and `'`, which it looks at last. */
const localeOrder = '!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * The order of the JavaScript and Python SDKs, which imitate .NET's culture: `x-ms-meta-ab` stands between `x-ms-meta-aa` and
 * `x-ms-meta-a-c`. The other SDKs sort by code unit.
 */
const byLocale = (a: string, b: string): number => {
  const weights = (name: string): number[] =>
    [...name.replaceAll(/[-']/g, '')].map((char) => localeOrder.indexOf(char));
  const [left, right] = [weights(a), weights(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  }
  if (left.length !== right.length) return left.length - right.length;
  const first = [...a].findIndex((char, index) => char !== b[index]);
  return a[first] === '-' ? 1 : -1;
};
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);

function canonicalHeaders(
  headers: SignedRequest['headers'],
  order: (a: string, b: string) => number,
): string {
  return Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort(order)
    .map((name) => `${name}:${text(headers[name]).replace(/\s+/g, ' ').trim()}\n`)
    .join('');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function canonicalResource(account: string, { rawPath, search }: SignedRequest): string {
  const params = new Map<string, string[]>();
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const name = decoded(mark === -1 ? pair : pair.slice(0, mark)).toLowerCase();
    // `+` is not a space here: clients sign what they escaped (ABFS decodes with `+` preserved).
    const value = mark === -1 ? '' : decoded(pair.slice(mark + 1));
    params.set(name, [...(params.get(name) ?? []), value]);
  }
  const lines = [...params.entries()]
    .sort(([a], [b]) => byCode(a, b))
    .map(([name, values]) => `\n${name}:${values.sort().join(',')}`);
  return `/${account}${rawPath === '' ? '/' : rawPath}${lines.join('')}`;
}

/** Which of the orders that real clients use. */
export interface Variant {
  headerOrder: 'code' | 'locale';
  /** The JavaScript SDK has Content-Language before Content-Encoding. */
  languageFirst: boolean;
}

/** The text that is signed. */
export function stringToSign(
  account: string,
  request: SignedRequest,
  variant: Variant = { headerOrder: 'code', languageFirst: false },
): string {
  const { headers } = request;
  const values = standardHeaders.map((name) => {
    const value = text(headers[name]);
    if (name === 'content-length') return value === '0' ? '' : value;
    if (name === 'date' && headers['x-ms-date'] !== undefined) return '';
    return value;
  });
  if (variant.languageFirst) [values[0], values[1]] = [values[1]!, values[0]!];
  const order = variant.headerOrder === 'locale' ? byLocale : byCode;
  return `${[request.method, ...values].join('\n')}\n${canonicalHeaders(headers, order)}${canonicalResource(account, request)}`;
}

/**
 * The value of the Authorization header.
 * @param key account key, base64
 */
export function signSharedKey(
  account: string,
  key: string,
  request: SignedRequest,
  variant?: Variant,
): string {
  const signature = createHmac('sha256', Buffer.from(key, 'base64'))
    .update(stringToSign(account, request, variant), 'utf8')
    .digest('base64');
  return `SharedKey ${account}:${signature}`;
}

const variants: readonly Variant[] = [
  { headerOrder: 'code', languageFirst: false },
  { headerOrder: 'locale', languageFirst: false },
  { headerOrder: 'code', languageFirst: true },
  { headerOrder: 'locale', languageFirst: true },
];

/** Account and signature of an Authorization header; undefined if it is not SharedKey. */
export function parseSharedKey(
  authorization: string | undefined,
): { account: string; signature: string } | undefined {
  const match = /^SharedKey ([^:\s]+):(\S+)$/i.exec(authorization ?? '');
  return match ? { account: match[1]!, signature: match[2]! } : undefined;
}

/** True if the request carries a right signature of `account`; compared in constant time. */
export function verifySharedKey(account: string, key: string, request: SignedRequest): boolean {
  const parsed = parseSharedKey(text(request.headers.authorization));
  if (parsed?.account !== account) return false;
  const given = Buffer.from(parsed.signature, 'base64');
  const secret = Buffer.from(key, 'base64');
  return variants.some((variant) => {
    const wanted = createHmac('sha256', secret)
      .update(stringToSign(account, request, variant), 'utf8')
      .digest();
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  });
}
