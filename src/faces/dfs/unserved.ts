// Requests that the face cannot parse: forwarded unchanged where the route is transparent, refused where it is not (design §3).
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import { type Exchange, given, param } from './exchange.ts';
import { failureReply } from './replies.ts';

/** Headers of one connection only (RFC 9110 §7.6.1), and those that the next hop sets itself. */
const hopHeaders = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'proxy-connection', 'host', 'expect'],
]);

/** Hands the request on as it is, if the store lets it. */
export async function forward({ store, ctx, address, request }: Exchange): Promise<FaceReply | undefined> {
  const direct = store.direct?.(address.path, ctx);
  if (direct?.protocol !== 'dfs') return undefined;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !hopHeaders.has(name)),
  );
  const raw = {
    method: request.method,
    path: address.path,
    search: address.search,
    headers,
    body: request.body,
  };
  const answer = await direct.forward(raw, ctx.signal);
  const kept: FaceReply['headers'] = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !hopHeaders.has(name))
      kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: answer.status, headers: kept, body: answer.body };
}

/** To ignore one of these would touch the live blob in place of another version of it. */
const versionParams = ['snapshot', 'versionid', 'deletetype', 'deletionid'];
/** To ignore one of these would drop a condition, a protection or an encryption that the client relies on. */
const bindingHeaders = [
  ...['x-ms-encryption-key', 'x-ms-encryption-scope', 'x-ms-encryption-context'],
  ...['x-ms-if-tags', 'x-ms-source-if-tags', 'x-ms-tags'],
  ...['x-ms-legal-hold', 'x-ms-immutability-policy-until-date'],
];

/** True for a request of a known operation that asks for more than a store can be told. */
export function isInexpressible(exchange: Exchange): boolean {
  if (versionParams.some((name) => param(exchange, name) !== undefined)) return true;
  if (bindingHeaders.some((name) => given(exchange, name) !== undefined)) return true;
  if (given(exchange, 'x-ms-delete-snapshots')?.toLowerCase() === 'only') return true;
  // A lease taken, renewed or given up along with another operation (POST and comp=lease are the lease operations themselves).
  const alone = exchange.method === 'POST' || param(exchange, 'comp')?.toLowerCase() === 'lease';
  if (!alone && given(exchange, 'x-ms-lease-action') !== undefined) return true;
  // Put Block From URL: its body is elsewhere.
  return param(exchange, 'comp') !== undefined && given(exchange, 'x-ms-copy-source') !== undefined;
}

/** What could not be forwarded is refused: 501 for a change that cannot be expressed on two stores, 400 for a question. */
export async function refusal(
  exchange: Exchange,
  onRefused?: (reason: string, request: FaceRequest) => void,
): Promise<FaceReply> {
  const { method, request } = exchange;
  const reads = method === 'GET' || method === 'HEAD';
  onRefused?.(reads ? 'unknown-query' : 'unknown-mutation', request);
  const what = `${method} with these parameters is not an operation of this service`;
  if (!reads) return failureReply(exchange, StoreError.unsupported(what));
  return failureReply(exchange, new StoreError('invalid', what, { code: 'InvalidQueryParameterValue' }));
}
