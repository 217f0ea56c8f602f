// The folder where what is not yet a file is kept; no listing shows it.
import { createHash } from 'node:crypto';
import type { Entry } from '../../core/entry.ts';
import type { Mutation } from '../../core/mutation.ts';
import { joinPath, parentOf, segmentsOf } from '../../core/path.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';

const hiddenName = '.twinlake';

/** True for `.twinlake` at the root or in a root folder, and for all below it. */
export function isHidden(path: string): boolean {
  const [first, second] = segmentsOf(path);
  return first === hiddenName || second === hiddenName;
}

/** Where the pieces of this path are kept: the same in every process, so that they survive a restart. */
export function uploadFolder(path: string): string {
  const id = createHash('sha256').update(path).digest('hex').slice(0, 32);
  return joinPath(hiddenFolder(path), `uploads/${id}`);
}

/** In the path's own root folder, because HDFS joins and renames within one volume only. */
export function hiddenFolder(path: string): string {
  const [root] = segmentsOf(path);
  return segmentsOf(path).length > 1 ? `/${root}/${hiddenName}` : `/${hiddenName}`;
}

/** Removes the pieces of a path, and the hidden folder if it has become empty. @throws StoreError */
export async function removeUploads(store: Store, path: string, ctx: Ctx): Promise<void> {
  const folder = uploadFolder(path);
  await removeIfThere(store, folder, true, ctx);
  const uploads = parentOf(folder);
  if (await removeIfThere(store, uploads, false, ctx)) {
    await removeIfThere(store, parentOf(uploads), false, ctx);
  }
}

/** False if it is in use. @throws StoreError */
export async function removeIfThere(
  store: Store,
  path: string,
  recursive: boolean,
  ctx: Ctx,
): Promise<boolean> {
  const mutation: Mutation = { verb: 'delete', path, recursive };
  try {
    await store.mutate(mutation, quiet(ctx));
    return true;
  } catch (error) {
    const { kind } = StoreError.from(error);
    if (kind === 'not-found') return true;
    if (kind === 'not-empty') return false;
    throw error;
  }
}

/** The context for one of several steps: the last step is not this one, and nobody wants to see what came of it. */
export function quiet(ctx: Ctx): Ctx {
  const { beforeCommit: _, wantEntry: __, ...rest } = ctx;
  return rest;
}

/** @throws StoreError `aborted` if the word is not to commit */
export async function permission(ctx: Ctx): Promise<void> {
  try {
    await ctx.beforeCommit?.();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the change was called off before its last step', { cause: error });
  }
}

/** The entry at a path; undefined if nothing is there. @throws StoreError */
export async function lookUp(store: Store, path: string, ctx: Ctx): Promise<Entry | undefined> {
  try {
    return (await store.query({ verb: 'stat', path }, ctx)).entry;
  } catch (error) {
    if (StoreError.from(error).kind === 'not-found') return undefined;
    throw error;
  }
}
