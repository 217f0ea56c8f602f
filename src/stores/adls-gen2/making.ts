// What making something below a filesystem shares: parents, missing filesystems, and saying what stands in the way.
import type { Parents } from '../../core/mutation.ts';
import { ancestorsOf, parentOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import type { Account } from './account.ts';
import type { Place } from './place.ts';
import { find, sdk } from './queries.ts';

/** Makes a filesystem; there already is no error. @returns false if it was there @throws StoreError */
export async function makeFilesystem(
  account: Account,
  name: string,
  ctx: Ctx,
  metadata?: Record<string, string>,
): Promise<boolean> {
  try {
    const options = { abortSignal: ctx.signal, ...(metadata ? { metadata } : {}) };
    await sdk(account.filesystem(name).create(options), true);
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'exists') return false;
    throw error;
  }
}

/**
 * Runs the request that makes something. The service makes missing folders by itself, never a filesystem; that is done here where all
 * parents may be made.
 * @throws StoreError `parent-not-found`, and what `explain` finds
 */
export async function making<T>(
  account: Account,
  place: Place,
  path: string,
  what: { parents: Parents; type: 'file' | 'directory' },
  ctx: Ctx,
  work: () => Promise<T>,
): Promise<T> {
  if (what.parents === 'none') await requireParent(account, path, ctx);
  try {
    return await sdk(work(), true);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code !== 'FilesystemNotFound') throw await explain(account, path, what.type, error, ctx);
    if (what.parents !== 'all') throw missingParent(path, 'FilesystemNotFound');
  }
  await makeFilesystem(account, place.filesystem, ctx);
  return sdk(work(), true);
}

/** @throws StoreError `parent-not-found`, `not-directory` */
export async function requireParent(account: Account, path: string, ctx: Ctx): Promise<void> {
  const folder = parentOf(path);
  const parent = await find(account, folder, ctx);
  if (!parent) throw missingParent(path, parentOf(folder) === '/' ? 'FilesystemNotFound' : undefined);
  if (parent.type === 'file')
    throw new StoreError('not-directory', `a parent is a file, not a directory: ${folder}`);
}

function missingParent(path: string, code: string | undefined): StoreError {
  const details = code === undefined ? {} : { code };
  return new StoreError('parent-not-found', `the parent directory is not there: ${parentOf(path)}`, details);
}

const clashes = new Set(['exists', 'is-directory', 'not-directory', 'invalid', 'not-found']);

/** The service's codes for what stands in the way are not documented well enough (Gen2 reference §9.5): look. */
export async function explain(
  account: Account,
  path: string,
  wanted: 'file' | 'directory',
  error: StoreError,
  ctx: Ctx,
): Promise<StoreError> {
  if (!clashes.has(error.kind) || error.applied === 'unknown') return error;
  const details = error.code === undefined ? { cause: error } : { cause: error, code: error.code };
  const entry = await findIfPossible(account, path, ctx);
  if (entry) {
    if (error.kind === 'exists' || wanted === 'directory')
      return new StoreError('exists', `the path is there already: ${path}`, details);
    return entry.type === 'directory'
      ? new StoreError('is-directory', `this is a directory: ${path}`, details)
      : error;
  }
  for (const ancestor of ancestorsOf(path).slice(1).reverse()) {
    const above = await findIfPossible(account, ancestor, ctx);
    if (above?.type === 'directory') break;
    if (above)
      return new StoreError('not-directory', `a parent is a file, not a directory: ${ancestor}`, details);
  }
  return error;
}

async function findIfPossible(account: Account, path: string, ctx: Ctx) {
  try {
    return await find(account, path, ctx);
  } catch (error) {
    // Below a file some servers refuse instead of finding nothing.
    if (error instanceof StoreError && clashes.has(error.kind)) return undefined;
    throw error;
  }
}
