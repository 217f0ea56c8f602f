// Whole files: create, append, delete.
import type { PathCreateOptions } from '@azure/storage-file-datalake';
import { checkCondition } from '../../core/condition.ts';
import type { ContentHeaders } from '../../core/entry.ts';
import type {
  AppendMutation,
  Attributes,
  CreateMutation,
  DeleteMutation,
  MutationResult,
} from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { unquote } from '../../wire/dfs/properties.ts';
import type { Account } from './account.ts';
import { permission, portionsOf, stageBody, wholeBodyBytes } from './body.ts';
import { sdkConditions } from './conditions.ts';
import { sdkAcl, writtenEntry } from './entries.ts';
import { making } from './making.ts';
import { type Place, placeForNew, placeOf } from './place.ts';
import { isDirectory, sdk, stat } from './queries.ts';

/** Attributes as the SDK takes them with a create. A mode is sent with umask 0 unless one is given: it is meant as it stands. */
export function createOptions(attributes: Attributes | undefined): PathCreateOptions {
  const { permission: mode, umask, owner, group, acl, properties, content, expiresMs } = attributes ?? {};
  const octal = (bits: number): string => bits.toString(8).padStart(4, '0');
  return {
    ...(acl ? { acl: sdkAcl(acl) } : {}),
    ...(mode === undefined || acl ? {} : { permissions: octal(mode) }),
    ...(umask === undefined && mode === undefined ? {} : { umask: octal(umask ?? 0) }),
    ...(owner === undefined ? {} : { owner }),
    ...(group === undefined ? {} : { group }),
    ...(properties ? { metadata: properties } : {}),
    ...(content ? { pathHttpHeaders: sdkContent(content) } : {}),
    ...(expiresMs === undefined ? {} : { expiresOn: new Date(expiresMs) }),
  };
}

/** Content headers as the SDK has them. */
export function sdkContent(content: ContentHeaders) {
  const { contentMd5, ...rest } = content;
  return { ...rest, ...(contentMd5 === undefined ? {} : { contentMD5: Buffer.from(contentMd5, 'base64') }) };
}

/**
 * Truncates, stages, flushes. The flush carries the ETag of the create, so that one which arrives late, or behind another writer, fails.
 * @throws StoreError; once the file is truncated the outcome of a failure is unknown
 */
export async function create(account: Account, mutation: CreateMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, parents, attributes, condition } = mutation;
  const place = placeForNew(path);
  const portions = portionsOf(mutation.body, ctx);
  const { lengthBytes } = portions;
  const first =
    lengthBytes !== undefined && lengthBytes <= wholeBodyBytes
      ? await portions.take(wholeBodyBytes + 1)
      : undefined;
  const isEmpty = first?.length === 0;
  if (isEmpty) await permission(ctx);
  const file = account.file(place);
  const options = {
    ...createOptions(attributes),
    conditions: sdkConditions(condition),
    abortSignal: ctx.signal,
  };
  const made = await making(account, place, path, { parents, type: 'file' }, ctx, () =>
    file.create({ ...options }),
  );
  if (isEmpty) return { entry: writtenEntry(path, made, { type: 'file', lengthBytes: 0, attributes }) };
  try {
    const leaseId = condition?.leaseId;
    const end = await stageBody(account, place, 0, portions, ctx, { leaseId, ...(first ? { first } : {}) });
    await permission(ctx);
    const fence = { ...(made.etag === undefined ? {} : { ifMatch: unquote(made.etag) }) };
    const flushed = await sdk(
      file.flush(end, {
        abortSignal: ctx.signal,
        close: true,
        conditions: sdkConditions({ ...fence, ...(leaseId === undefined ? {} : { leaseId }) }),
        ...(attributes?.content ? { pathHttpHeaders: sdkContent(attributes.content) } : {}),
      }),
      true,
    );
    return { entry: writtenEntry(path, flushed, { type: 'file', lengthBytes: end, attributes }) };
  } catch (error) {
    const failure = StoreError.from(error);
    // A store that does not answer would only make the caller wait once more.
    if (failure.kind !== 'timeout' && failure.kind !== 'unavailable')
      await undo(account, place, made.etag, condition?.leaseId);
    throw failure.asUnknown();
  }
}

/** How long taking back a half-made file may take, milliseconds. */
const undoMs = 2_000;

/** Takes the empty file away again, if it still is that file. What fails here is told by the outcome `unknown`. */
async function undo(account: Account, place: Place, etag: string | undefined, leaseId: string | undefined) {
  if (etag === undefined) return;
  const conditions = sdkConditions({ ifMatch: unquote(etag), ...(leaseId === undefined ? {} : { leaseId }) });
  const abortSignal = AbortSignal.timeout(undoMs);
  await account
    .file(place)
    .delete(false, { conditions, abortSignal })
    .catch(() => undefined);
}

/** @throws StoreError `bad-offset` if the file is not as long as `position` says, or grew meanwhile */
export async function append(account: Account, mutation: AppendMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, position, body, condition } = mutation;
  const place = placeOf(path);
  const { entry } = await stat(account, { verb: 'stat', path }, ctx);
  if (!place || entry.type === 'directory') throw isDirectory(path);
  checkCondition(condition, entry);
  if (position !== undefined && position !== entry.lengthBytes)
    throw new StoreError('bad-offset', `the file is ${entry.lengthBytes} bytes long, not ${position}`);
  const leaseId = condition?.leaseId;
  const file = account.file(place);
  const end = await stageBody(account, place, entry.lengthBytes, portionsOf(body, ctx), ctx, { leaseId });
  await permission(ctx);
  if (end === entry.lengthBytes) return { entry };
  const fence = entry.etag === undefined ? {} : { ifMatch: entry.etag };
  const lease = leaseId === undefined ? {} : { leaseId };
  try {
    const flushed = await sdk(
      file.flush(end, {
        abortSignal: ctx.signal,
        close: true,
        conditions: sdkConditions({ ...fence, ...lease }),
      }),
      true,
    );
    return { entry: { ...entry, ...changed(flushed), lengthBytes: end } };
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'condition-failed' && condition?.ifMatch === undefined)
      throw new StoreError('bad-offset', 'another writer changed the file meanwhile', { cause: error });
    throw error;
  }
}

/** What every answer to a change tells. */
export function changed(answer: { etag?: string; lastModified?: Date }): {
  etag?: string;
  modifiedMs?: number;
} {
  return {
    ...(answer.etag === undefined ? {} : { etag: unquote(answer.etag) }),
    ...(answer.lastModified ? { modifiedMs: answer.lastModified.getTime() } : {}),
  };
}

/** A filesystem is deleted whole; without `recursive` only if nothing is in it. @throws StoreError */
export async function remove(account: Account, mutation: DeleteMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, recursive, condition } = mutation;
  const place = placeOf(path);
  if (!place) throw StoreError.invalid('the root cannot be deleted');
  if (place.path !== '') {
    await permission(ctx);
    const options = { conditions: sdkConditions(condition), abortSignal: ctx.signal };
    await sdk(account.file(place).delete(recursive, options), true);
    return {};
  }
  const { entry } = await stat(account, { verb: 'stat', path }, ctx);
  checkCondition(condition, entry);
  const client = account.filesystem(place.filesystem);
  if (!recursive) {
    const pages = client.listPaths({ recursive: false, abortSignal: ctx.signal }).byPage({ maxPageSize: 1 });
    for await (const page of pages) {
      if ((page.pathItems ?? []).length > 0)
        throw new StoreError('not-empty', `the filesystem is not empty: ${path}`);
    }
  }
  await permission(ctx);
  const leaseId = condition?.leaseId;
  const conditions = leaseId === undefined ? {} : { leaseId };
  await sdk(client.delete({ conditions, abortSignal: ctx.signal }), true);
  return {};
}
