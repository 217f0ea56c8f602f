// Changes that a store makes in several requests come to their end, whatever happens between them (semantics A8).
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Entry } from '../core/entry.ts';
import {
  bodyOf,
  type ConcatMutation,
  type MutationResult,
  pathsOf,
  type RenameMutation,
  type TruncateMutation,
} from '../core/mutation.ts';
import { isWithin, joinPath, parentOf } from '../core/path.ts';
import type { Query, QueryResult } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { afterChange, StoreError } from '../core/store-error.ts';
import { type OpenSaga, type OpenSagas, openSagas, type Tails } from './sagas/open-sagas.ts';
import { noSagas, type Saga, type SagaTable } from './sagas/saga.ts';
import { hiddenFolder, permission, quiet } from './staging/hidden.ts';
import { writeLike } from './staging/rewrite.ts';

/** A store, and what of its sagas nobody waits for. */
export interface StoreWithSagas extends Store {
  /** Carries on those that nobody is at and that have rested since they failed. */
  carrySagasOn(): Promise<void>;
  /** How many are not at their end, as far as is known. */
  openSagas(): number;
}

/**
 * A layer around a driver: a concat or truncate where the store has none that fits, and a rename that the driver makes in steps (`ctx.beforeSteps`). What they
 * change is not shown before they are at their end, and a restart carries them there before anybody is served.
 */
export function withSagas(
  store: Store,
  table: SagaTable = noSagas,
  tails: Tails = { zombieMs: 0, now: Date.now },
): StoreWithSagas {
  let opened: Promise<OpenSagas> | undefined;
  let known: OpenSagas | undefined;
  let from: unknown;
  const open = async (): Promise<OpenSagas> => {
    if (!opened || from !== table.current()) opened = openSagas(store, table, tails);
    from = table.current();
    known = await opened;
    return known;
  };
  return {
    ...store,
    carrySagasOn: async () => (await open()).carryOn(),
    openSagas: () => known?.count() ?? 0,
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      await (await open()).pass(query.path, query.verb === 'list' || query.verb === 'summary');
      return store.query(query, ctx);
    },
    async mutate(mutation, ctx) {
      try {
        const sagas = await open();
        const tree = mutation.verb === 'rename' || mutation.verb === 'delete';
        for (const path of pathsOf(mutation)) await sagas.pass(path, tree);
        if (mutation.verb === 'rename') return await rename(store, sagas, mutation, ctx);
        if (mutation.verb === 'concat') {
          const atOnce = store.supports.concat ? store.mutate(mutation, ctx) : undefined;
          return await atOnceElse(atOnce, () => concatByCopy(store, sagas, mutation, ctx));
        }
        if (mutation.verb === 'truncate') {
          const atOnce = store.mutate(mutation, ctx);
          return await atOnceElse(atOnce, () => truncateByCopy(store, sagas, mutation, ctx));
        }
        return await store.mutate(mutation, ctx);
      } finally {
        bodyOf(mutation)?.stream.destroy();
      }
    },
  };
}

/** What must come to its end does not end with its client. */
const lasting = (ctx: Ctx): Ctx => ({ ...quiet(ctx), signal: new AbortController().signal });

async function shown(store: Store, path: string, ctx: Ctx): Promise<MutationResult> {
  if (!ctx.wantEntry) return {};
  return { entry: (await afterChange(store.query({ verb: 'stat', path }, lasting(ctx)))).entry };
}

async function rename(
  store: Store,
  sagas: OpenSagas,
  mutation: RenameMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  let open: OpenSaga | undefined;
  const mine = Promise.withResolvers<void>();
  const beforeSteps = async (to: string): Promise<void> => {
    const saga = { id: randomUUID(), step: 'built', from: mutation.path, to } as const;
    open = await sagas.begin({ ...saga, hidden: false, sources: [] }, mine.promise);
  };
  try {
    const result = await store.mutate(mutation, { ...ctx, beforeSteps });
    if (open) await sagas.end(open);
    return result;
  } catch (error) {
    if (!open) throw error;
    const failure = StoreError.from(error);
    if (failure.applied === 'no') {
      await sagas.end(open);
      throw failure;
    }
    sagas.unanswered(open);
    const refused = await sagas.advance(open, lasting(ctx)).catch(() => failure);
    if (refused) throw failure;
    return await shown(store, open.saga.to, ctx);
  } finally {
    mine.resolve();
  }
}

/** In one request where the store can, else by a copy. */
async function atOnceElse(
  atOnce: Promise<MutationResult> | undefined,
  byCopy: () => Promise<MutationResult>,
): Promise<MutationResult> {
  try {
    if (atOnce) return await atOnce;
  } catch (error) {
    if (StoreError.from(error).kind !== 'unsupported') throw error;
  }
  return await byCopy();
}

async function concatByCopy(
  store: Store,
  sagas: OpenSagas,
  mutation: ConcatMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, create, deleteSourceDirectory } = mutation;
  const folder = parentOf(mutation.sources[0] ?? '/');
  if (mutation.sources.length === 0) throw StoreError.invalid('concat needs at least one source');
  if (new Set([path, ...mutation.sources]).size !== mutation.sources.length + 1)
    throw StoreError.invalid('a file can be joined only once');
  if (deleteSourceDirectory && (folder === '/' || isWithin(path, folder)))
    throw StoreError.invalid('the folder of the sources holds the destination and cannot be deleted');
  const early = quiet(ctx);
  const target = create ? undefined : await fileAt(store, path, early);
  const sources = await Promise.all(mutation.sources.map((source) => fileAt(store, source, early)));
  const rest = deleteSourceDirectory ? { folder } : {};
  const parts = target ? [target, ...sources] : sources;
  return await replace(store, sagas, { path, target, parts, sources, ...rest }, ctx);
}

async function truncateByCopy(
  store: Store,
  sagas: OpenSagas,
  { path, lengthBytes }: TruncateMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const target = await fileAt(store, path, quiet(ctx));
  if (lengthBytes > target.lengthBytes)
    throw StoreError.invalid(`the file is ${target.lengthBytes} bytes long`);
  if (lengthBytes === target.lengthBytes) return { entry: target };
  const parts = [{ ...target, lengthBytes }];
  return await replace(store, sagas, { path, target, parts, sources: [] }, ctx);
}

/** A file that is to be made of parts of others. */
interface Replacement {
  path: string;
  /** What stands there and is replaced; its attributes are kept. */
  target: Entry | undefined;
  /** The beginnings of these files, so long. */
  parts: readonly Entry[];
  /** Removed afterwards. */
  sources: readonly Entry[];
  folder?: string;
}

/** Everything is written into a hidden file, which then takes the place of the other; the sources go after it. */
async function replace(
  store: Store,
  sagas: OpenSagas,
  { path, target, parts, sources, folder }: Replacement,
  ctx: Ctx,
): Promise<MutationResult> {
  const early = quiet(ctx);
  const id = randomUUID();
  const saga: Saga = {
    id,
    step: 'building',
    from: joinPath(hiddenFolder(path), `concat/${id}`),
    to: path,
    hidden: true,
    ...(target?.etag === undefined ? {} : { replaces: target.etag }),
    sources: sources.map((source) => ({
      path: source.path,
      ...(source.etag === undefined ? {} : { etag: source.etag }),
    })),
    ...(folder === undefined ? {} : { folder }),
  };
  const mine = Promise.withResolvers<void>();
  const open = await sagas.begin(saga, mine.promise);
  try {
    await build(store, saga.from, target, parts, early);
    await permission(ctx);
    await sagas.built(open);
  } catch (error) {
    // Nothing that a client sees was touched, whatever is known of the hidden file.
    await sagas.advance(open, lasting(ctx)).catch(() => undefined);
    const { kind, message, temporary } = StoreError.from(error);
    throw new StoreError(kind, message, { temporary, applied: 'no', cause: error });
  } finally {
    mine.resolve();
  }
  const carried = sagas.advance(open, lasting(ctx));
  // An unknown step is looked at once more at once; then whoever comes next looks.
  const failure = await carried.catch(() => sagas.advance(open, lasting(ctx))).catch(unknown);
  if (failure) throw failure;
  return await shown(store, path, ctx);
}

function unknown(error: unknown): StoreError {
  const { kind, message, temporary } = StoreError.from(error);
  return new StoreError(kind, message, { temporary, applied: 'unknown', cause: error });
}

async function fileAt(store: Store, path: string, ctx: Ctx): Promise<Entry> {
  const { entry } = await store.query({ verb: 'stat', path, attributes: true }, ctx);
  if (entry.type === 'directory') throw new StoreError('is-directory', `this is a directory: ${path}`);
  return { ...entry, path };
}

/** A file that is made anew has the rights of its first part, as where a store joins the others onto that one. */
async function build(
  store: Store,
  path: string,
  target: Entry | undefined,
  parts: readonly Entry[],
  ctx: Ctx,
): Promise<void> {
  const stream = Readable.from(bytesOf(store, parts, ctx), { objectMode: false });
  const lengthBytes = parts.reduce((sum, part) => sum + part.lengthBytes, 0);
  const { properties: _p, content: _c, ...rights } = parts[0]!;
  await writeLike(store, path, target ?? rights, { stream, lengthBytes }, ctx);
}

async function* bytesOf(store: Store, parts: readonly Entry[], ctx: Ctx): AsyncGenerator<Buffer> {
  for (const { path, etag, lengthBytes } of parts) {
    if (lengthBytes === 0) continue;
    const condition = etag === undefined ? {} : { condition: { ifMatch: etag } };
    const { body } = await store.query({ verb: 'read', path, offset: 0, lengthBytes, ...condition }, ctx);
    yield* body as AsyncIterable<Buffer>;
  }
}
