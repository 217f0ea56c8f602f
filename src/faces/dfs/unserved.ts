// Requests that the face cannot parse: forwarded unchanged where the route is transparent, refused where it is not (design §3).
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import type { Exchange } from './exchange.ts';
import { failureReply } from './replies.ts';

/** Headers of one connection only (RFC 9110 §7.6.1), and those that the next hop sets itself. */
const hopHeaders = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'proxy-connection', 'host', 'expect'],
]);

async function forward({ store, ctx, address, request }: Exchange): Promise<FaceReply | undefined> {
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

/** Forwards, or refuses: 501 for a change that cannot be expressed on two stores, 400 for a question. */
export async function unserved(
  exchange: Exchange,
  onRefused?: (reason: string, request: FaceRequest) => void,
): Promise<FaceReply> {
  const forwarded = await forward(exchange);
  if (forwarded) return forwarded;
  const { method, request } = exchange;
  const reads = method === 'GET' || method === 'HEAD';
  onRefused?.(reads ? 'unknown-query' : 'unknown-mutation', request);
  const what = `${method} with these parameters is not an operation of this service`;
  if (!reads) return failureReply(exchange, StoreError.unsupported(what));
  return failureReply(exchange, new StoreError('invalid', what, { code: 'InvalidQueryParameterValue' }));
}
