// What the operations of a WebHDFS or Gen1 store share: its calls, and what is known of the paths it is asked about.
import { LRUCache } from 'lru-cache';
import type { Entry } from '../../core/entry.ts';
import type { Parents } from '../../core/mutation.ts';
import { parentOf, segmentsOf } from '../../core/path.ts';
import type { Ctx, Supports } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { fromFileStatus } from '../../wire/webhdfs/file-status.ts';
import type { HadoopCalls } from './hadoop-calls.ts';

/** How long a root folder that was seen is taken to be there, in milliseconds. */
const rootFolderMs = 1_000;
/** How many are remembered. */
const rootFolderCount = 1_000;

/** One store from the inside. */
export interface StoreParts {
  name: string;
  calls: HadoopCalls;
  supports: Supports;
  /** Root folders seen a moment ago. */
  rootFolders: LRUCache<string, true>;
}

export function createParts(name: string, calls: HadoopCalls, supports: Supports): StoreParts {
  const rootFolders = new LRUCache<string, true>({ max: rootFolderCount, ttl: rootFolderMs });
  return { name, calls, supports, rootFolders };
}

/** The entry without ACL and properties; undefined if the path is not there. @throws StoreError */
export async function lookUp({ calls }: StoreParts, path: string, ctx: Ctx): Promise<Entry | undefined> {
  try {
    return fromFileStatus(await calls.json({ method: 'GET', op: 'GETFILESTATUS', path }, ctx), path);
  } catch (error) {
    const failure = StoreError.from(error, 'no');
    // A path below a file is not there either (HDFS refuses to look with ParentNotDirectoryException).
    if (failure.kind === 'not-found' || failure.kind === 'not-directory') return undefined;
    throw failure;
  }
}

/** @throws StoreError `not-found`; code `FilesystemNotFound` if even the root folder is not there */
export async function mustFind(parts: StoreParts, path: string, ctx: Ctx): Promise<Entry> {
  const entry = await lookUp(parts, path, ctx);
  if (entry) return entry;
  throw await missing(parts, path, ctx);
}

/** The error for a path that is not there. */
export async function missing(parts: StoreParts, path: string, ctx: Ctx): Promise<StoreError> {
  const segments = segmentsOf(path);
  const rootThere = segments.length > 1 && (await rootFolderExists(parts, `/${segments[0]}`, ctx));
  const details = rootThere ? {} : { code: 'FilesystemNotFound' };
  return new StoreError('not-found', `no such file or directory: ${path}`, details);
}

/**
 * May something new stand at `path`? Makes nothing: the store's own CREATE and MKDIRS make the parents.
 * @throws StoreError `parent-not-found`, `not-directory`
 */
export async function checkParents(
  parts: StoreParts,
  path: string,
  parents: Parents,
  ctx: Ctx,
): Promise<void> {
  const folder = parentOf(path);
  if (folder === '/') return;
  if (parents === 'none') {
    const parent = await lookUp(parts, folder, ctx);
    if (!parent) throw await noParent(parts, path, ctx);
    if (parent.type === 'file') throw parentIsFile(folder);
  } else if (parents === 'below-root-folder') {
    const root = `/${segmentsOf(path)[0]}`;
    if (!(await rootFolderExists(parts, root, ctx))) throw await noParent(parts, path, ctx);
  }
}

async function noParent(parts: StoreParts, path: string, ctx: Ctx): Promise<StoreError> {
  const root = `/${segmentsOf(path)[0]}`;
  const details = (await rootFolderExists(parts, root, ctx)) ? {} : { code: 'FilesystemNotFound' };
  return new StoreError('parent-not-found', `the parent directory is not there: ${parentOf(path)}`, details);
}

function parentIsFile(path: string): StoreError {
  return new StoreError('not-directory', `a parent is a file, not a directory: ${path}`);
}

export function isDirectory(path: string): StoreError {
  return new StoreError('is-directory', `this is a directory: ${path}`);
}

async function rootFolderExists(parts: StoreParts, root: string, ctx: Ctx): Promise<boolean> {
  if (parts.rootFolders.has(root)) return true;
  const entry = await lookUp(parts, root, ctx);
  if (entry?.type !== 'directory') return false;
  parts.rootFolders.set(root, true);
  return true;
}

/** Forgets what was known of a root folder that is deleted or moved. */
export function forget(parts: StoreParts, path: string): void {
  if (segmentsOf(path).length === 1) parts.rootFolders.delete(path);
}
