// Gives a store that appends only at the end of a file what Gen2 clients need: stage, flush, stage-block, commit-blocks.
import { checkCondition } from '../core/condition.ts';
import { bodyOf, type Mutation, type MutationResult, pathsOf } from '../core/mutation.ts';
import { normalizePath } from '../core/path.ts';
import type { Condition, Query, QueryResult } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { afterChange, StoreError } from '../core/store-error.ts';
import {
  checkNothingLate,
  dropUnflushed,
  flush,
  forgetReplaced,
  hideLate,
  type Staged,
  stage,
} from './staging/appends.ts';
import { commitBlocks, stageBlock } from './staging/blocks.ts';
import { lookUp, quiet } from './staging/hidden.ts';
import { answer } from './staging/masks.ts';
import { createPieces, type Pieces } from './staging/pieces.ts';
import { masked, noTable, openUploads, type UploadTable } from './staging/uploads.ts';

/** What the layer may be made with. */
export interface StagingOptions {
  /** Without one, what was appended and not flushed shows after a restart. */
  table?: UploadTable;
  /** How long an append without an answer may still land, milliseconds. Default 0. */
  zombieMs?: number;
  now?: () => number;
}

/** A store that stages. */
export interface StoreWithStaging extends Store {
  /** Where this layer stages: removes pieces of uploads that nobody has gone on with. */
  sweepPieces?: Pieces['sweep'];
  /** Resolves when it is durable that nothing is hidden at a path any more, unless an append may still land there. */
  forgetUpload?(path: string): Promise<void>;
}

/**
 * A layer for stores whose `supports.staging` is false; any other store is returned as it is. What was appended and not flushed is
 * kept from readers here only: others that read the store see it.
 */
export function withStaging(store: Store, options: StagingOptions = {}): StoreWithStaging {
  if (store.supports.staging) return store;
  const { table = noTable, zombieMs = 0, now = Date.now } = options;
  const pieces = createPieces(store, zombieMs, now);
  let opened: Promise<Staged> | undefined;
  let from: unknown;
  const open = (): Promise<Staged> => {
    if (!opened || from !== table.current())
      opened = openUploads(table, now).then((uploads) => ({ store, uploads, pieces, zombieMs, now }));
    from = table.current();
    return opened;
  };
  return {
    ...store,
    supports: { ...store.supports, staging: true },
    sweepPieces: pieces.sweep,
    forgetUpload: async (path) => (await open()).uploads.end(path),
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      const normal = { ...query, path: normalizePath(query.path) };
      return (await answer(await open(), normal, ctx)) as QueryResult<Q>;
    },
    async mutate(mutation, ctx) {
      const body = bodyOf(mutation)?.stream;
      try {
        return await change(await open(), { ...mutation, path: normalizePath(mutation.path) }, ctx);
      } catch (error) {
        throw StoreError.from(error);
      } finally {
        body?.destroy();
      }
    },
  };
}

/** Of a file that stands there; what was staged for it and not flushed goes. */
const changesBytes: ReadonlySet<Mutation['verb']> = new Set(['append', 'concat', 'truncate']);

async function change(staged: Staged, mutation: Mutation, ctx: Ctx): Promise<MutationResult> {
  const { store, uploads } = staged;
  switch (mutation.verb) {
    case 'stage':
      return stage(staged, mutation, ctx);
    case 'flush':
      return flush(staged, mutation, ctx);
    case 'stage-block':
      return staged.pieces.during(mutation.path, () => stageBlock(staged, mutation, ctx));
    case 'commit-blocks':
      return staged.pieces.during(mutation.path, () => commitBlocks(staged, mutation, ctx));
  }
  const plain = await judged(staged, mutation, ctx);
  if (changesBytes.has(mutation.verb))
    for (const path of pathsOf(mutation)) {
      checkNothingLate(staged, uploads.get(path));
      await dropUnflushed(staged, path, ctx);
    }
  try {
    // Under which name a folder has received it only the store knows.
    const wantEntry = mutation.verb === 'rename' && mutation.intoDirectory;
    const result = await store.mutate(plain, wantEntry ? { ...ctx, wantEntry } : ctx);
    await follow(staged, mutation, result, ctx);
    return result;
  } catch (error) {
    // What failed before is what the caller has to know.
    if (StoreError.from(error).applied === 'unknown')
      await doubt(staged, mutation, ctx).catch(() => undefined);
    throw error;
  }
}

/** What is hidden after a change that was made. */
async function follow(
  staged: Staged,
  mutation: Mutation,
  { entry }: MutationResult,
  ctx: Ctx,
): Promise<void> {
  const { uploads } = staged;
  const { verb, path } = mutation;
  if (verb === 'create') {
    await uploads.end(path);
    await afterChange(hideLate(staged, uploads.lateBelow(path), ctx));
  } else if (changesBytes.has(verb)) {
    await uploads.end(path);
  } else if (verb === 'delete') {
    await uploads.endBelow(path);
  } else if (verb === 'set-attributes') {
    const upload = uploads.get(path);
    if (!upload || mutation.modifiedMs === undefined) return;
    upload.shown = { ...upload.shown, modifiedMs: mutation.modifiedMs };
    if (upload.kept) await afterChange(uploads.keep(upload));
  } else if (verb === 'rename') {
    const destination = entry?.path ?? mutation.destination;
    if (destination === path) return;
    await uploads.endBelow(destination);
    const late = uploads.lateBelow(destination);
    await uploads.move(path, destination);
    // What has moved there hides its own.
    const others = late.filter((upload) => uploads.get(upload.shown.path) === upload);
    await afterChange(hideLate(staged, others, ctx));
  }
}

/** Nobody knows whether it was made; what is hidden must be right either way, as far as the file itself tells. */
async function doubt(staged: Staged, mutation: Mutation, ctx: Ctx): Promise<void> {
  if (mutation.verb === 'rename') await staged.uploads.copy(mutation.path, mutation.destination);
  if (mutation.verb === 'create') await forgetReplaced(staged, mutation.path, quiet(ctx));
  if (mutation.verb === 'rename') await forgetReplaced(staged, mutation.destination, quiet(ctx));
}

/** What is shown during an upload is known here only, so conditions on such a path are judged here. */
async function judged(staged: Staged, mutation: Mutation, ctx: Ctx): Promise<Mutation> {
  if (!('condition' in mutation || 'sourceCondition' in mutation)) return mutation;
  const { condition, ...plain } = mutation;
  if (plain.verb !== 'rename') {
    const left = await leftToJudge(staged, mutation.path, condition, ctx);
    return left ? mutation : plain;
  }
  const { sourceCondition, ...bare } = plain;
  const failed = 'source-condition-failed';
  const leftOfSource = await leftToJudge(staged, plain.path, sourceCondition, ctx, failed);
  const left = await leftToJudge(staged, plain.destination, condition, ctx);
  return {
    ...bare,
    ...(left ? { condition: left } : {}),
    ...(leftOfSource ? { sourceCondition: leftOfSource } : {}),
  };
}

/** The condition if the store itself is to judge it. @throws StoreError */
async function leftToJudge(
  { store, uploads }: Staged,
  path: string,
  condition: Condition | undefined,
  ctx: Ctx,
  kind?: 'source-condition-failed',
): Promise<Condition | undefined> {
  const upload = uploads.get(path);
  if (!upload || !condition) return condition;
  const entry = await lookUp(store, path, ctx);
  if (!entry) return condition;
  checkCondition(condition, masked(entry, upload), kind);
  return undefined;
}
