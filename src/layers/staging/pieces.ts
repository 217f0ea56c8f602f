// The folders of pieces: who works in one, and which of them go because nobody has gone on with them for long.
import type { Entry } from '../../core/entry.ts';
import { parentOf, segmentsOf } from '../../core/path.ts';
import type { ListQuery, ListResult } from '../../core/query.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { ownLimit, StoreError } from '../../core/store-error.ts';
import { hiddenFolder, removeIfThere, uploadFolder } from './hidden.ts';

/** Entries asked for in one call. */
const pageEntries = 5000;

/** The folders of one store, by path of the file that the pieces are of. */
export interface Pieces {
  /** Does what works with the pieces of a path; they are not swept meanwhile. @throws StoreError `unavailable` where one may go late */
  during<T>(path: string, work: () => Promise<T>): Promise<T>;
  /**
   * Removes the folders of pieces below these that nothing has been put into since `beforeMs`.
   * @param below roots of mounts
   * @returns how many were removed
   * @throws StoreError
   */
  sweep(below: readonly string[], beforeMs: number, ctx: Ctx): Promise<number>;
}

/** The entries of a folder, page by page; a folder that is not there is empty. @throws StoreError */
export async function* entriesIn(store: Store, path: string, ctx: Ctx): AsyncGenerator<Entry> {
  let token: string | undefined;
  do {
    const query: ListQuery = { verb: 'list', path, recursive: false, limit: pageEntries };
    if (token !== undefined) query.token = token;
    let page: ListResult;
    try {
      page = await store.query(query, ctx);
    } catch (error) {
      if (StoreError.from(error).kind === 'not-found') return;
      throw error;
    }
    // A file lists itself.
    yield* page.entries.filter((entry) => entry.path !== path);
    token = page.token;
  } while (token !== undefined);
}

/** Where folders of pieces may stand for paths below a root: all of a root folder are in one place. */
async function* homesOf(store: Store, root: string, ctx: Ctx): AsyncGenerator<string> {
  if (root !== '/') return yield homeOf(`/${segmentsOf(root)[0]}/any`);
  yield homeOf('/any');
  for await (const { path, type } of entriesIn(store, '/', ctx))
    if (type === 'directory') yield homeOf(`${path}/any`);
}

const homeOf = (path: string): string => `${hiddenFolder(path)}/uploads`;

/**
 * Nobody knows of a folder whose it is, so it is kept from those who would use it here, in the process: of a store there is one layer.
 * @param zombieMs how long a removal without an answer may still happen
 */
export function createPieces(store: Store, zombieMs: number, now: () => number): Pieces {
  const inUse = new Map<string, number>();
  const swept = new Map<string, Promise<void>>();
  const lateUntilMs = new Map<string, number>();

  const isOld = async (folder: Entry, beforeMs: number, ctx: Ctx): Promise<boolean> => {
    if (folder.modifiedMs >= beforeMs) return false;
    for await (const { modifiedMs } of entriesIn(store, folder.path, ctx))
      if (modifiedMs >= beforeMs) return false;
    return true;
  };
  const removeOld = async (folder: Entry, beforeMs: number, ctx: Ctx): Promise<boolean> => {
    const { path } = folder;
    if (inUse.has(path)) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    swept.set(path, promise);
    try {
      if (!(await isOld(folder, beforeMs, ctx))) return false;
      await removeIfThere(store, path, true, ctx);
      return true;
    } catch (error) {
      if (StoreError.from(error).applied === 'unknown') lateUntilMs.set(path, now() + zombieMs);
      throw error;
    } finally {
      swept.delete(path);
      resolve();
    }
  };
  const refuseLate = (folder: string): void => {
    const leftMs = (lateUntilMs.get(folder) ?? 0) - now();
    if (leftMs <= 0) {
      lateUntilMs.delete(folder);
      return;
    }
    const message = 'what was left of an earlier upload is being removed';
    throw new StoreError('unavailable', message, { retryAfterMs: leftMs, code: ownLimit });
  };
  return {
    async during(path, work) {
      const folder = uploadFolder(path);
      while (swept.has(folder)) await swept.get(folder);
      refuseLate(folder);
      inUse.set(folder, (inUse.get(folder) ?? 0) + 1);
      try {
        return await work();
      } finally {
        const left = inUse.get(folder)! - 1;
        if (left > 0) inUse.set(folder, left);
        else inUse.delete(folder);
      }
    },
    async sweep(below, beforeMs, ctx) {
      let removed = 0;
      const homes = new Set<string>();
      for (const root of below) for await (const home of homesOf(store, root, ctx)) homes.add(home);
      for (const home of homes) {
        const before = removed;
        for await (const folder of entriesIn(store, home, ctx))
          if (await removeOld(folder, beforeMs, ctx)) removed++;
        if (removed === before) continue;
        if (await removeIfThere(store, home, false, ctx))
          await removeIfThere(store, parentOf(home), false, ctx);
      }
      return removed;
    },
  };
}
