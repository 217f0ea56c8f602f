// Gives a store that appends only at the end of a file what Gen2 clients need: stage, flush, stage-block, commit-blocks.
import { checkCondition } from '../core/condition.ts';
import { bodyOf, type Mutation, type MutationResult } from '../core/mutation.ts';
import { normalizePath } from '../core/path.ts';
import type { ListQuery, ListResult, Query, QueryResult, ReadQuery } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { flush, type Staged, stage } from './staging/appends.ts';
import { commitBlocks, stageBlock } from './staging/blocks.ts';
import { isHidden } from './staging/hidden.ts';
import { createUploads, masked } from './staging/uploads.ts';

/**
 * A layer for stores whose `supports.staging` is false; any other store is returned as it is. What was appended and not flushed is
 * kept from readers by this process only: others that read the store see it, and so do all after a restart.
 */
export function withStaging(store: Store): Store {
  if (store.supports.staging) return store;
  const staged: Staged = { store, uploads: createUploads() };
  return {
    ...store,
    supports: { ...store.supports, staging: true },
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      const normal = { ...query, path: normalizePath(query.path) };
      return (await answer(staged, normal, ctx)) as QueryResult<Q>;
    },
    async mutate(mutation, ctx) {
      const body = bodyOf(mutation)?.stream;
      try {
        return await change(staged, { ...mutation, path: normalizePath(mutation.path) }, ctx);
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

/** The file up to where it is flushed. */
async function readFlushed(staged: Staged, query: ReadQuery, ctx: Ctx): Promise<QueryResult<ReadQuery>> {
  const { store, uploads } = staged;
  const { condition, ...plain } = query;
  const { path, offset } = query;
  const upload = uploads.get(path);
  const entry = masked((await store.query({ verb: 'stat', path }, ctx)).entry, upload);
  checkCondition(condition, entry);
  const left = entry.lengthBytes - offset;
  if (left <= 0 && !(offset === 0 && query.lengthBytes === undefined))
    throw new StoreError('invalid-range', `the file is ${entry.lengthBytes} bytes long`);
  const lengthBytes = Math.min(query.lengthBytes ?? left, left);
  const result = await store.query({ ...plain, lengthBytes }, ctx);
  return { ...result, entry };
}

async function change(staged: Staged, mutation: Mutation, ctx: Ctx): Promise<MutationResult> {
  const { store, uploads } = staged;
  switch (mutation.verb) {
    case 'stage':
      return stage(staged, mutation, ctx);
    case 'flush':
      return flush(staged, mutation, ctx);
    case 'stage-block':
      return stageBlock(staged, mutation, ctx);
    case 'commit-blocks':
      return commitBlocks(staged, mutation, ctx);
  }
  const result = await store.mutate(await judged(staged, mutation, ctx), ctx);
  if (mutation.verb === 'create' || mutation.verb === 'append' || mutation.verb === 'concat') {
    uploads.end(mutation.path);
  } else if (mutation.verb === 'delete') {
    uploads.endBelow(mutation.path);
  } else if (mutation.verb === 'rename') {
    const destination = result.entry?.path ?? mutation.destination;
    if (destination !== mutation.path) {
      uploads.endBelow(destination);
      uploads.move(mutation.path, destination);
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
