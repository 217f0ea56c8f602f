// SETPERMISSION, SETOWNER, SETTIMES, SETREPLICATION, SETEXPIRY: one path, one PUT, no body either way.
import type { SetAttributesMutation } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import type { WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import type { Exchange } from './exchange.ts';
import { booleanReply, emptyReply } from './replies.ts';

/** Hadoop's default is 755 for files and folders alike. */
export async function setPermission({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const permission = target.params.permission('permission') ?? 0o755;
  await store.mutate({ verb: 'set-attributes', path: target.path, permission }, ctx);
  return emptyReply(200, target.dialect);
}

export async function setOwner({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const owner = target.params.text('owner');
  const group = target.params.text('group');
  if (owner === undefined && group === undefined) throw StoreError.invalid('Both owner and group are empty.');
  const change: SetAttributesMutation = { verb: 'set-attributes', path: target.path };
  if (owner !== undefined) change.owner = owner;
  if (group !== undefined) change.group = group;
  await store.mutate(change, ctx);
  return emptyReply(200, target.dialect);
}

/** Epoch milliseconds; -1, or nothing, leaves a time as it is. */
export async function setTimes({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const { path, params, dialect } = target;
  const modifiedMs = params.integer('modificationtime', -1) ?? -1;
  const accessedMs = params.integer('accesstime', -1) ?? -1;
  if (modifiedMs === -1 && accessedMs === -1) {
    await store.query({ verb: 'stat', path }, ctx);
    return emptyReply(200, dialect);
  }
  const change: SetAttributesMutation = { verb: 'set-attributes', path };
  if (modifiedMs !== -1) change.modifiedMs = modifiedMs;
  if (accessedMs !== -1) change.accessedMs = accessedMs;
  await store.mutate(change, ctx);
  return emptyReply(200, dialect);
}

/** How often bytes are kept is the store's affair: true for a file, false for a folder, and nothing changes. */
export async function setReplication({ store, ctx, target }: Exchange): Promise<FaceReply> {
  target.params.integer('replication', 1);
  ctx.trail.losses = ['replication'];
  const { entry } = await store.query({ verb: 'stat', path: target.path }, ctx);
  return booleanReply(entry.type === 'file', target.dialect);
}

/** Gen1: when a file disappears. */
export async function setExpiry(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target } = exchange;
  const { path, dialect } = target;
  const { entry } = await store.query({ verb: 'stat', path }, ctx);
  if (entry.type === 'directory') throw StoreError.invalid(`only files expire, and ${path} is a directory`);
  const expiresMs = expiryOf(target, entry.createdMs ?? entry.modifiedMs, exchange.now());
  await store.mutate({ verb: 'set-attributes', path, expiresMs }, ctx);
  return emptyReply(200, dialect);
}

function expiryOf({ params }: WebhdfsTarget, createdMs: number, nowMs: number): number | null {
  const option = params.required('expiryOption').toLowerCase();
  if (option === 'neverexpire') return null;
  const origins: Record<string, number> = {
    relativetonow: nowMs,
    relativetocreationdate: createdMs,
    absolute: 0,
  };
  const origin = Object.hasOwn(origins, option) ? origins[option] : undefined;
  if (origin === undefined) {
    throw StoreError.invalid('Parameter expiryOption is Invaild, Reason Invalid expiryOption');
  }
  params.required('expireTime');
  const expiresMs = origin + (params.integer('expireTime', 0) ?? 0);
  // The spelling is the service's own.
  if (!Number.isSafeInteger(expiresMs) || expiresMs <= nowMs) {
    throw StoreError.invalid('Parameter expireTime is Invaild, Reason Invalid expireTime');
  }
  return expiresMs;
}
