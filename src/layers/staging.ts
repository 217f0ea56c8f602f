// Gives a store that appends only at the end of a file what Gen2 clients need: stage, flush, stage-block, commit-blocks.
import { Readable } from 'node:stream';
import { checkCondition } from '../core/condition.ts';
import type { Entry } from '../core/entry.ts';
import { bodyOf, type Mutation, type MutationResult, pathsOf } from '../core/mutation.ts';
import { normalizePath } from '../core/path.ts';
import type { ListQuery, ListResult, Query, QueryResult, ReadQuery, StatQuery } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { afterChange, StoreError } from '../core/store-error.ts';
import { checkNothingLate, dropUnflushed, flush, hideLate, type Staged, stage } from './staging/appends.ts';
import { commitBlocks, stageBlock } from './staging/blocks.ts';
import { isHidden } from './staging/hidden.ts';
import { createPieces, type Pieces } from './staging/pieces.ts';
import { masked, noTable, openUploads, type Upload, type UploadTable } from './staging/uploads.ts';

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

async function answer(staged: Staged, query: Query, ctx: Ctx): Promise<QueryResult> {
  const { store, uploads } = staged;
  if (query.verb === 'list') return await list(staged, query, ctx);
  const upload = uploads.get(query.path);
  if (!upload || (query.verb !== 'stat' && query.verb !== 'read')) return await store.query(query, ctx);
  try {
    return await answerMasked(staged, query, upload, ctx);
  } catch (error) {
    // A file that is gone hides nothing.
    if (StoreError.from(error, 'no').kind === 'not-found') await uploads.end(query.path);
    throw error;
  }
}

async function answerMasked(
  staged: Staged,
  query: StatQuery | ReadQuery,
  upload: Upload,
  ctx: Ctx,
): Promise<QueryResult> {
  const { store } = staged;
  if (query.verb === 'read') return await readFlushed(staged, query, ctx);
  const { condition, ...plain } = query;
  const entry = masked((await store.query(plain, ctx)).entry, upload);
  checkCondition(condition, entry);
  return { entry };
}

async function list({ store, uploads }: Staged, query: ListQuery, ctx: Ctx): Promise<ListResult> {
  const page = await store.query(query, ctx);
  const entries = page.entries
    .filter((entry) => !isHidden(entry.path) || isHidden(query.path))
    .map((entry) => masked(entry, uploads.get(entry.path)));
  return { ...page, entries };
}

/** How often a file is read again because another one took its place. */
const readTries = 4;

/**
 * The file up to where it is flushed. The look that tells how far that is and the bytes have to be of one file: one that took its place
 * meanwhile hides nothing.
 */
async function readFlushed(
  { store, uploads }: Staged,
  query: ReadQuery,
  ctx: Ctx,
): Promise<QueryResult<ReadQuery>> {
  const { condition, ...plain } = query;
  const { path, offset } = query;
  for (let attempt = 0; attempt < readTries; attempt++) {
    const entry = masked((await store.query({ verb: 'stat', path }, ctx)).entry, uploads.get(path));
    checkCondition(condition, entry);
    const left = entry.lengthBytes - offset;
    if (left <= 0 && !(offset === 0 && query.lengthBytes === undefined))
      throw new StoreError('invalid-range', `the file is ${entry.lengthBytes} bytes long`);
    const lengthBytes = Math.min(query.lengthBytes ?? left, left);
    if (lengthBytes === 0) return { entry, offset, lengthBytes, body: Readable.from([]) };
    const result = await store.query({ ...plain, lengthBytes }, ctx);
    if (isSame(entry, masked(result.entry, uploads.get(path)))) return { ...result, entry };
    result.body.destroy();
  }
  throw new StoreError('unavailable', `the file changes without pause: ${path}`);
}

function isSame(one: Entry, other: Entry): boolean {
  return one.fileId === other.fileId && one.lengthBytes === other.lengthBytes && one.etag === other.etag;
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
  const result = await store.mutate(plain, ctx);
  if (mutation.verb === 'create') {
    await uploads.end(mutation.path);
    await afterChange(hideLate(staged, uploads.lateBelow(mutation.path), ctx));
  } else if (changesBytes.has(mutation.verb)) {
    await uploads.end(mutation.path);
  } else if (mutation.verb === 'delete') {
    await uploads.endBelow(mutation.path);
  } else if (mutation.verb === 'rename') {
    const destination = result.entry?.path ?? mutation.destination;
    if (destination !== mutation.path) {
      await uploads.endBelow(destination);
      const late = uploads.lateBelow(destination);
      await uploads.move(mutation.path, destination);
      // What has moved there hides its own.
      const others = late.filter((upload) => uploads.get(upload.shown.path) === upload);
      await afterChange(hideLate(staged, others, ctx));
    }
  }
  return result;
}

/** An ETag shown during an upload is known here only, so conditions on such a path are judged here. */
async function judged<M extends Mutation>({ store, uploads }: Staged, mutation: M, ctx: Ctx): Promise<M> {
  const upload = uploads.get(mutation.path);
  if (!upload || !('condition' in mutation) || !mutation.condition || mutation.verb === 'rename')
    return mutation;
  const { entry } = await store.query({ verb: 'stat', path: mutation.path }, ctx);
  checkCondition(mutation.condition, masked(entry, upload));
  const { condition: _, ...plain } = mutation;
  return plain as M;
}
