// Answers that both APIs share: entry headers as a superset of the two (Gen2 reference §3.1), and errors in each one's shape.
import { formatAcl, formatPermission } from '../../core/acl.ts';
import type { Entry } from '../../core/entry.ts';
import type { MutationResult } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import type { StoreError } from '../../core/store-error.ts';
import { type DfsApi, type DfsSubject, toDfsError } from '../../wire/dfs/errors.ts';
import { contentHeadersOf, formatProperties, metaHeaders, toHttpDate } from '../../wire/dfs/properties.ts';
import type { FaceReply } from '../../wire/http.ts';
import { type Exchange, leaseHeaders } from './exchange.ts';

type Headers = Record<string, string | number>;

/** The ETag of an entry, without quotes; made of length and time where the store has none. */
export function etagOf(entry: Entry): string {
  return (
    entry.etag ??
    `0x${Math.round(entry.modifiedMs).toString(16).toUpperCase()}${entry.lengthBytes.toString(16).toUpperCase()}`
  );
}

/** ETag and Last-Modified. */
export function versionHeaders(entry: Entry): Headers {
  return { etag: `"${etagOf(entry)}"`, 'last-modified': toHttpDate(entry.modifiedMs) };
}

/** Owner, group, mode and ACL. */
export function accessHeaders(entry: Entry): Headers {
  const headers: Headers = {
    'x-ms-owner': headerSafe(entry.owner),
    'x-ms-group': headerSafe(entry.group),
    'x-ms-permissions': formatPermission(entry.permission, entry.extendedAcl ?? false),
  };
  if (entry.acl) headers['x-ms-acl'] = headerSafe(formatAcl(entry.acl));
  return headers;
}

function headerSafe(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}

/** What came in a header goes out as it came (Latin-1); what came otherwise may be anything and must not break the answer. */
function latin1(headers: Record<string, string>): Record<string, string> {
  const safe = Object.entries(headers).map(([name, value]) => [
    name,
    value.toWellFormed().replace(/[^\x20-\x7e\x80-\xff]/gu, (char) => encodeURIComponent(char)),
  ]);
  return Object.fromEntries(safe);
}

/** Everything HEAD and GET tell of a path, in the words of both APIs. */
export function entryHeaders(entry: Entry, withProperties = true): Headers {
  const directory = entry.type === 'directory';
  const headers: Headers = {
    ...latin1(contentHeadersOf(entry.content)),
    ...versionHeaders(entry),
    ...accessHeaders(entry),
    ...leaseHeaders(entry.lease),
    'accept-ranges': 'bytes',
    'x-ms-resource-type': entry.type,
    'x-ms-blob-type': 'BlockBlob',
    'x-ms-server-encrypted': 'true',
    'x-ms-access-tier': 'Hot',
    'x-ms-access-tier-inferred': 'true',
    'x-ms-creation-time': toHttpDate(entry.createdMs ?? entry.modifiedMs),
  };
  if (entry.expiresMs !== undefined) headers['x-ms-expiry-time'] = toHttpDate(entry.expiresMs);
  const properties = withProperties ? (entry.properties ?? {}) : {};
  if (Object.keys(properties).length > 0) {
    headers['x-ms-properties'] = headerSafe(formatProperties(properties));
    Object.assign(headers, metaHeaders(properties));
  }
  if (directory) headers['x-ms-meta-hdi_isfolder'] = 'true';
  return headers;
}

/** The entry after a mutation; asked for where the store did not say. */
export async function entryAfter(
  { store, ctx }: Exchange,
  result: MutationResult,
  path: string,
): Promise<Entry> {
  return result.entry ?? (await store.query({ verb: 'stat', path }, ctx)).entry;
}

/** Is it the path that is missing, or its filesystem? Asked on the way of errors only. */
async function subjectOf(exchange: Exchange, error: StoreError): Promise<DfsSubject> {
  const segments = segmentsOf(exchange.address.path);
  if (segments.length === 0) return 'path';
  if (error.kind !== 'not-found' && error.kind !== 'parent-not-found')
    return segments.length === 1 ? 'filesystem' : 'path';
  try {
    await exchange.store.query({ verb: 'stat', path: `/${segments[0]}` }, exchange.ctx);
    return 'path';
  } catch (thrown) {
    return (thrown as StoreError).kind === 'not-found' ? 'filesystem' : 'path';
  }
}

/** A read that asks "only if changed" and finds it unchanged: 304 (RFC 9110 §13.2.2). */
function isUnchanged({ method, request }: Exchange, error: StoreError): boolean {
  if (
    (method !== 'GET' && method !== 'HEAD') ||
    (error.kind !== 'condition-failed' && error.kind !== 'exists')
  )
    return false;
  return request.headers['if-match'] === undefined && request.headers['if-unmodified-since'] === undefined;
}

/** What RFC 9110 wants beside 416 and 304; the answer does without if the store has nothing more to say. */
async function currentHeaders({ store, ctx, address }: Exchange, status: 304 | 416): Promise<Headers> {
  try {
    const { entry } = await store.query({ verb: 'stat', path: address.path }, ctx);
    return status === 304 ? versionHeaders(entry) : { 'content-range': `bytes */${entry.lengthBytes}` };
  } catch {
    return {};
  }
}

/** The answer to a failed request. */
export async function failureReply(exchange: Exchange, error: StoreError): Promise<FaceReply> {
  const subject = await subjectOf(exchange, error);
  const missing =
    subject === 'filesystem' && (error.kind === 'not-found' || error.kind === 'parent-not-found');
  const code = exchange.api === 'dfs' ? 'FilesystemNotFound' : 'ContainerNotFound';
  const shown = missing
    ? {
        status: 404,
        code,
        message: `The specified ${exchange.api === 'dfs' ? 'filesystem' : 'container'} does not exist.`,
      }
    : isUnchanged(exchange, error)
      ? { ...toDfsError(error, exchange.api, subject), status: 304 }
      : toDfsError(error, exchange.api, subject);
  const headers: Headers = {};
  if (error.retryAfterMs !== undefined)
    headers['retry-after'] = Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  if (shown.status === 416 || shown.status === 304)
    Object.assign(headers, await currentHeaders(exchange, shown.status));
  return errorReply(exchange.api, exchange.method, shown, exchange.ctx.requestId, exchange.now(), headers);
}

/** An error in the shape of its API; HEAD has the header only. */
export function errorReply(
  api: DfsApi,
  method: string,
  shown: { status: number; code: string; message: string },
  requestId: string,
  nowMs: number,
  more: Headers = {},
): FaceReply {
  const message = `${shown.message}\nRequestId:${requestId}\nTime:${new Date(nowMs).toISOString()}`;
  const headers: Headers = { ...more, 'x-ms-error-code': shown.code };
  if (method === 'HEAD' || shown.status === 304) return { status: shown.status, headers };
  if (api === 'dfs') {
    const body = JSON.stringify({ error: { code: shown.code, message } });
    return {
      status: shown.status,
      headers: { ...headers, 'content-type': 'application/json;charset=utf-8' },
      body,
    };
  }
  const escaped = message.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`);
  const body = `<?xml version="1.0" encoding="utf-8"?>\n<Error><Code>${shown.code}</Code><Message>${escaped}</Message></Error>`;
  return { status: shown.status, headers: { ...headers, 'content-type': 'application/xml' }, body };
}

/** An empty answer. */
export function empty(status: number, headers: Headers = {}): FaceReply {
  return { status, headers: { ...headers, 'content-length': 0 } };
}
