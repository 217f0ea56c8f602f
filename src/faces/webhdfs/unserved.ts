// Operations that the face cannot express: forwarded unchanged where the route is transparent, refused where it is not.
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import { notExpressible } from '../../wire/webhdfs/errors.ts';
import { wrong } from '../../wire/webhdfs/params.ts';
import type { Exchange } from './exchange.ts';
import { knownOperations, trashOperations } from './operations.ts';

/** Headers of one connection only (RFC 9110 §7.6.1), and those that the next hop sets itself. */
const hopHeaders = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'proxy-connection', 'host', 'expect'],
]);

/** Hands the request on as it is, if the store lets it. */
export async function forward({ store, ctx, target, request }: Exchange): Promise<FaceReply | undefined> {
  const direct = store.direct?.(target.path, ctx);
  if (direct?.protocol !== 'webhdfs') return undefined;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !hopHeaders.has(name)),
  );
  const raw = {
    method: request.method,
    path: target.path,
    search: target.search,
    headers,
    body: request.body,
  };
  const answer = await direct.forward(raw, ctx.signal);
  const kept: FaceReply['headers'] = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || hopHeaders.has(name.toLowerCase())) continue;
    kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: answer.status, headers: kept, body: answer.body };
}

/**
 * The refusal of an operation that could not be forwarded: 501 for a change that would reach one of two stores only and for Gen1's trash,
 * Hadoop's own 400 otherwise.
 */
export function refusal({ store, target, request }: Exchange): StoreError {
  const { op } = target;
  const changes = request.method !== 'GET' && request.method !== 'HEAD';
  const name = op.slice(0, 60);
  const notHere = (why: string) => new StoreError('unsupported', `${name} ${why}`, { code: notExpressible });
  if (trashOperations.has(op)) return notHere('is not switched on');
  if (store.direct && changes && op !== '') return notHere('cannot be done on two stores at once');
  if (knownOperations.has(op)) return StoreError.unsupported(`${name} is not supported`);
  try {
    return wrong('op', op === '' ? 'it is missing' : `no operation ${name} with method ${request.method}`);
  } catch (error) {
    return StoreError.from(error);
  }
}
