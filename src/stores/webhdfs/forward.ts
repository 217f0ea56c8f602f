// Raw requests of WebHDFS clients, for transparent routes: the gateway's own identity instead of theirs, redirects followed here.
import type { Readable } from 'node:stream';
import type { RawRequest, RawResponse } from '../../core/store.ts';
import { encodePath } from '../../wire/webhdfs/target.ts';
import { drain } from './answers.ts';
import type { CallParams } from './hadoop-calls.ts';
import { nextUrl } from './locations.ts';
import { type Answer, splitUrl, type Transport } from './transport.ts';

/** Where raw requests go and who asks. */
export interface ForwardTarget {
  baseUrl: string;
  /** Take the place of the client's own identity. */
  params: CallParams;
  headers: Record<string, string>;
  /** True: Gen1's `/WebHdfsExt`. */
  extension: boolean;
}

/** Who the client says it is, and how it wants to be redirected, is between the client and the gateway. */
const gatewayParams = /^(user\.name|doas|delegation|noredirect)$/i;
const requestHeaders = ['accept', 'content-type', 'x-hadoop-accept-ez', 'x-xsrf-header'];
/** Of one connection, or about the gateway's own session with the store. */
const privateHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'set-cookie', 'location']);
const maxRedirects = 3;

/**
 * Sends the request on and follows the store's redirects. A body goes only to where no redirect comes from: the first step is
 * made without it.
 * @throws StoreError of the connection; whatever the store answers is returned
 */
export async function forwardRaw(
  transport: Transport,
  target: ForwardTarget,
  request: RawRequest,
  signal: AbortSignal,
): Promise<RawResponse> {
  const { method, body } = request;
  const mutating = method !== 'GET' && method !== 'HEAD';
  let url = rawUrl(target, request);
  const twoStep = mutating && /(^|&)op=(create|append)(&|$)/i.test(request.search);
  for (let hop = 0; ; hop++) {
    const own = splitUrl(url).origin === splitUrl(target.baseUrl).origin;
    const headers = { ...headersOf(request), ...(own ? target.headers : {}) };
    const withBody = body && mutating && (!twoStep || hop > 0);
    const outgoing = { method, url, headers, signal, mutating };
    const answer = withBody
      ? await transport.upload(outgoing, uploadOf(request, body))
      : await transport.request(outgoing);
    const { location } = answer.headers;
    const redirected = answer.status >= 300 && answer.status < 400 && typeof location === 'string';
    if (!redirected || hop === maxRedirects || (withBody && mutating)) return visible(answer);
    await drain(answer.body);
    url = nextUrl(location, url, request.path);
  }
}

function rawUrl({ baseUrl, params, extension }: ForwardTarget, request: RawRequest): string {
  const kept = request.search.split('&').filter((pair) => {
    const name = pair.split('=', 1)[0] ?? '';
    return pair !== '' && !gatewayParams.test(name);
  });
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) kept.push(`${name}=${encodeURIComponent(value)}`);
  }
  const prefix = extension ? '/WebHdfsExt' : '/webhdfs/v1';
  return `${baseUrl.replace(/\/+$/, '')}${prefix}${encodePath(request.path)}?${kept.join('&')}`;
}

function headersOf({ headers }: RawRequest): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of requestHeaders) {
    const value = headers[name];
    if (value !== undefined) kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return kept;
}

function uploadOf({ headers }: RawRequest, body: Readable): { chunks: Readable; lengthBytes?: number } {
  const length = Number(headers['content-length']);
  return headers['content-length'] !== undefined && Number.isSafeInteger(length)
    ? { chunks: body, lengthBytes: length }
    : { chunks: body };
}

function visible({ status, headers, body }: Answer): RawResponse {
  const kept: RawResponse['headers'] = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!privateHeaders.has(name.toLowerCase())) kept[name.toLowerCase()] = value;
  }
  return { status, headers: kept, body };
}
