// Create a file or a folder (Gen2 reference §2.3).
import type { Mutation } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import {
  badParam,
  conditioned,
  contentLength,
  type Exchange,
  missingParam,
  type Operation,
  param,
} from './exchange.ts';
import { leaseOfNew } from './lease.ts';
import { newAttributes } from './new-path.ts';
import { empty, entryAfter, failureReply, versionHeaders } from './replies.ts';

/** @throws StoreError `invalid` if the request has a body where none belongs */
export function refuseBody(exchange: Exchange): void {
  const length = contentLength(exchange);
  if (length === 0 || (length === undefined && exchange.request.headers['transfer-encoding'] === undefined))
    return;
  throw new StoreError('invalid', 'the content length must be zero', { code: 'ContentLengthMustBeZero' });
}

/** Tells what stands in the way: ABFS takes 409 with a directory for a successful mkdir. */
export async function conflictReply(exchange: Exchange, error: StoreError, path: string): Promise<FaceReply> {
  const reply = await failureReply(exchange, error);
  if (error.kind !== 'exists') return reply;
  const { entry } = await exchange.store
    .query({ verb: 'stat', path }, exchange.ctx)
    .catch(() => ({ entry: undefined }));
  return entry
    ? { ...reply, headers: { ...reply.headers, 'x-ms-existing-resource-type': entry.type } }
    : reply;
}

export const createPath: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const resource = param(exchange, 'resource')?.toLowerCase();
  if (resource === undefined) throw missingParam('resource');
  if (resource !== 'file' && resource !== 'directory') throw badParam('resource', resource);
  refuseBody(exchange);
  const lease = leaseOfNew(exchange);
  const { path } = address;
  const common = {
    path,
    parents: 'below-root-folder',
    attributes: newAttributes(exchange, resource),
    ...conditioned(exchange),
  } as const;
  const mutation: Mutation =
    resource === 'file' ? { verb: 'create', upload: true, ...common } : { verb: 'mkdir', ...common };
  try {
    const entry = await entryAfter(exchange, await store.mutate(mutation, ctx), path);
    if (lease) await store.mutate(lease, ctx);
    return empty(201, { ...versionHeaders(entry), 'x-ms-request-server-encrypted': 'true' });
  } catch (error) {
    return conflictReply(exchange, StoreError.from(error), path);
  }
};
