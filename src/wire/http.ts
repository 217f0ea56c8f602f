// HTTP as the faces see it: no framework, raw target, body as a stream. `server/` adapts fastify to it.
import type { Readable } from 'node:stream';
import { StoreError } from '../core/store-error.ts';

/** A request as it arrived. */
export interface FaceRequest {
  requestId: string;
  method: string;
  /** The raw request target: never decoded, never normalised. */
  target: string;
  /** Lower-case names, as Node gives them. */
  headers: Record<string, string | string[] | undefined>;
  /** Always there; empty if the request has no body. Ends with an error if the client breaks off. */
  body: Readable;
  /** `http` or `https`. */
  scheme: 'http' | 'https';
  /** True if the peer's address is on this machine. */
  loopback: boolean;
  /** The peer's address. */
  peer?: string;
  /** What the client showed over TLS, where it is asked; `commonName` undefined if it has none, or several. */
  certificate?: { trusted: boolean; commonName: string | undefined };
  /** Aborts when the client goes away before its answer is complete. */
  signal: AbortSignal;
}

/** The answer. With a `Readable` body and no `content-length` header it is sent chunked. */
export interface FaceReply {
  status: number;
  headers: Record<string, string | number>;
  body?: string | Buffer | Readable;
}

/** A wire protocol served over a store; never rejects: every failure is an answer in the protocol's own shape. */
export type Face = (request: FaceRequest) => Promise<FaceReply>;

/** Raw path and raw query of a request target; absolute-form targets lose scheme and host. */
export function splitTarget(target: string): { rawPath: string; search: string } {
  const local = /^https?:\/\/[^/?#]*/i.test(target)
    ? target.replace(/^https?:\/\/[^/?#]*/i, '') || '/'
    : target;
  const mark = local.indexOf('?');
  return mark === -1
    ? { rawPath: local, search: '' }
    : { rawPath: local.slice(0, mark), search: local.slice(mark + 1) };
}

/**
 * Percent-decodes once; `+` stays a plus.
 * @throws StoreError `invalid` for malformed escapes and bytes that are not UTF-8
 */
export function decodePath(rawPath: string): string {
  try {
    return decodeURIComponent(rawPath);
  } catch {
    throw StoreError.invalid('the path has a malformed percent-escape');
  }
}

/**
 * Query parameters in order, form-decoded (`+` is a space), names as sent.
 * @throws StoreError `invalid` for malformed escapes
 */
export function parseQuery(search: string): [name: string, value: string][] {
  if (search === '') return [];
  return search
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const mark = pair.indexOf('=');
      const [name, value] = mark === -1 ? [pair, ''] : [pair.slice(0, mark), pair.slice(mark + 1)];
      return [decodeQueryPart(name), decodeQueryPart(value)];
    });
}

function decodeQueryPart(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw StoreError.invalid('a query parameter has a malformed percent-escape');
  }
}

/** A header's single value; the first one if it was repeated. */
export function header(headers: FaceRequest['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
