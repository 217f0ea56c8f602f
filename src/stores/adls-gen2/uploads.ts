// Uploads in pieces: Gen2 append and flush, Blob blocks.
import { Readable } from 'node:stream';
import type {
  CommitBlocksMutation,
  FlushMutation,
  MutationResult,
  StageBlockMutation,
  StageMutation,
} from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { afterChange, StoreError } from '../../core/store-error.ts';
import type { Account } from './account.ts';
import { chunkBytes, heldBack, permission, portionsOf, stageBody } from './body.ts';
import { sdkConditions } from './conditions.ts';
import { writtenEntry } from './entries.ts';
import { sdkContent } from './files.ts';
import { making } from './making.ts';
import { placeForNew, placeOf } from './place.ts';
import { isDirectory, sdk } from './queries.ts';
import { setAttributes } from './set-attributes.ts';

/** @throws StoreError */
export async function stage(account: Account, mutation: StageMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, position, body, condition } = mutation;
  if (!Number.isSafeInteger(position) || position < 0)
    throw StoreError.invalid('a position is a whole number of bytes, 0 or more');
  const place = placeOf(path);
  if (!place || place.path === '') throw isDirectory(path);
  const last = ctx.beforeCommit ? () => permission(ctx) : undefined;
  await stageBody(account, place, position, portionsOf(body, ctx), ctx, {
    leaseId: condition?.leaseId,
    ...(last ? { last } : {}),
  });
  return {};
}

/** @throws StoreError `invalid-flush` */
export async function flush(account: Account, mutation: FlushMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, position, retain, close, content, condition } = mutation;
  const place = placeOf(path);
  if (!place || place.path === '') throw isDirectory(path);
  await permission(ctx);
  const flushed = await sdk(
    account.file(place).flush(position, {
      abortSignal: ctx.signal,
      retainUncommittedData: retain,
      close,
      conditions: sdkConditions(condition),
      ...(content ? { pathHttpHeaders: sdkContent(content) } : {}),
    }),
    true,
  );
  return { entry: writtenEntry(path, flushed, { type: 'file', lengthBytes: position }) };
}

/** A block must come with its length, as the service asks; one without is held, up to 4 MiB. @throws StoreError `too-large` */
export async function stageBlock(
  account: Account,
  mutation: StageBlockMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, blockId, body, condition } = mutation;
  const place = placeForNew(path);
  const portions = portionsOf(body, ctx);
  const leaseId = condition?.leaseId;
  const options = { abortSignal: ctx.signal, conditions: leaseId === undefined ? {} : { leaseId } };
  const blob = account.blob(place);
  if (portions.lengthBytes === undefined) {
    const bytes = await portions.take(chunkBytes + 1);
    if (bytes.length > chunkBytes)
      throw new StoreError('too-large', `a block without Content-Length has at most ${chunkBytes} bytes`);
    await permission(ctx);
    await sdk(blob.stageBlock(blockId, bytes, bytes.length, options), true);
    return {};
  }
  const source = portions.stream(portions.lengthBytes);
  const stream = ctx.beforeCommit
    ? Readable.from(
        heldBack(source, () => permission(ctx)),
        { objectMode: false },
      )
    : source;
  await sdk(blob.stageBlock(blockId, stream, portions.lengthBytes, options), true);
  return {};
}

/** Mode and umask that the service gives a new blob by itself, unless the folder has a default ACL. */
const blobMode = 0o666;
const blobUmask = 0o027;

function modeAfterCommit(mode: number | undefined, umask = 0): { permission?: number } {
  if (mode === undefined || (mode === blobMode && umask === blobUmask)) return {};
  return { permission: mode & ~umask };
}

/** Attributes that the Blob API has no words for follow in calls of their own. @throws StoreError */
export async function commitBlocks(
  account: Account,
  mutation: CommitBlocksMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, parents, blockIds, attributes = {}, condition } = mutation;
  const place = placeForNew(path);
  await permission(ctx);
  const { content, acl, umask, permission: mode, ...rest } = attributes;
  const { contentMd5, ...contentHeaders } = content ?? {};
  const committed = await making(account, place, path, { parents, type: 'file' }, ctx, () =>
    account.blob(place).commitBlockList(blockIds, {
      abortSignal: ctx.signal,
      conditions: sdkConditions(condition),
      blobHTTPHeaders: {
        ...Object.fromEntries(
          Object.entries(contentHeaders).map(([name, value]) => [
            `blob${name[0]!.toUpperCase()}${name.slice(1)}`,
            value,
          ]),
        ),
        ...(contentMd5 === undefined ? {} : { blobContentMD5: Buffer.from(contentMd5, 'base64') }),
      },
    }),
  );
  const lease = condition?.leaseId === undefined ? {} : { condition: { leaseId: condition.leaseId } };
  const access = acl ? { acl: { mode: 'set', entries: acl } as const } : modeAfterCommit(mode, umask);
  if (Object.keys({ ...rest, ...access }).length > 0)
    return afterChange(
      setAttributes(account, { verb: 'set-attributes', path, ...rest, ...access, ...lease }, ctx),
    );
  return { entry: writtenEntry(path, committed, { type: 'file', lengthBytes: 0 }) };
}
