// What every operation of a tree store shares: finding nodes, names, parents, the last step before a change.
import { isExtendedAcl, permissionOfAcl } from '../../core/acl.ts';
import type { Entry } from '../../core/entry.ts';
import { leaseStatus } from '../../core/lease.ts';
import type { Attributes, Parents } from '../../core/mutation.ts';
import { parentOf, segmentsOf } from '../../core/path.ts';
import type { Ctx, Supports } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { newAttributes } from './new-attributes.ts';
import type { LockedPath, PathLocks } from './path-locks.ts';
import type { Content, NodeAttributes, Tree, TreeNode } from './tree.ts';

/** One tree store from the inside. */
export interface Rules<N extends TreeNode = TreeNode, C extends Content = Content> {
  tree: Tree<N, C>;
  /** Epoch milliseconds. */
  now: () => number;
  mintEtag: () => string;
  rootFolders: Supports['rootFolders'];
  locks: PathLocks;
  /** Taken inside `locks`, one at a time, while a folder is made that several changes may need. */
  folderLocks: PathLocks;
}

/** Gen2's rule for filesystem names (wire reference §1.1). */
const filesystemName = /^[$a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]$/;

export function isExpired(node: TreeNode, nowMs: number): boolean {
  return node.attributes.expiresMs !== undefined && node.attributes.expiresMs <= nowMs;
}

/** The node unless it has expired: an expired file is as good as gone. */
export function alive<N extends TreeNode>(node: N | undefined, nowMs: number): N | undefined {
  return node && !isExpired(node, nowMs) ? node : undefined;
}

/** @throws StoreError `not-found`; code `FilesystemNotFound` if even the root folder is not there */
export async function require<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
): Promise<N> {
  const node = alive(await rules.tree.find(path), rules.now());
  if (node) return node;
  throw await missing(rules, path);
}

/** The error for a path that is not there. */
export async function missing<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
): Promise<StoreError> {
  const [root] = segmentsOf(path);
  const rootThere = root !== undefined && (await rules.tree.find(`/${root}`)) !== undefined;
  const details = rootThere ? {} : { code: 'FilesystemNotFound' };
  return new StoreError('not-found', `no such file or directory: ${path}`, details);
}

/** @throws StoreError `not-found`, `is-directory` */
export async function requireFile<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
): Promise<N> {
  const node = await require(rules, path);
  if (node.type === 'directory') throw isDirectory(path);
  return node;
}

export function isDirectory(path: string): StoreError {
  return new StoreError('is-directory', `this is a directory: ${path}`);
}

/**
 * May something of this type stand at this path?
 * @throws StoreError `invalid` for the root and for what is no filesystem where only those may stand, `is-directory` for a file at `/`
 */
export function checkPlace(
  rules: Pick<Rules, 'rootFolders'>,
  path: string,
  type: 'file' | 'directory',
): void {
  const segments = segmentsOf(path);
  if (segments.length === 0 && type === 'file') throw isDirectory(path);
  if (rules.rootFolders === 'any' || segments.length === 0) return;
  if (!filesystemName.test(segments[0]!) || (segments.length === 1 && type === 'file')) {
    throw new StoreError('invalid', `only filesystems can stand at the root: ${path}`, {
      code: 'InvalidResourceName',
    });
  }
}

/**
 * The ancestors that have to be made before `path` can be, topmost first.
 * @throws StoreError `parent-not-found`, `not-directory`
 */
export async function missingParents<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  parents: Parents,
): Promise<string[]> {
  const absent: string[] = [];
  for (let folder = parentOf(path); folder !== '/'; folder = parentOf(folder)) {
    const node = alive(await rules.tree.find(folder), rules.now());
    if (node?.type === 'file')
      throw new StoreError('not-directory', `a parent is a file, not a directory: ${folder}`);
    if (node) break;
    absent.unshift(folder);
  }
  const [top] = absent;
  if (top === undefined || parents === 'all') return absent;
  const rootMissing = parentOf(top) === '/';
  if (parents === 'none' || rootMissing) {
    const details = rootMissing ? { code: 'FilesystemNotFound' } : {};
    throw new StoreError('parent-not-found', `the parent directory is not there: ${parentOf(path)}`, details);
  }
  return absent;
}

/** Makes the missing ancestors of `path`; they inherit, and take the caller's umask. */
export async function makeParents<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  parents: Parents,
  attributes: Attributes | undefined,
  ctx: Ctx,
): Promise<void> {
  const given: Attributes = attributes?.umask === undefined ? {} : { umask: attributes.umask };
  for (const folder of await missingParents(rules, path, parents)) {
    await rules.folderLocks([{ path: folder, deep: false }], async () => {
      const there = await rules.tree.find(folder);
      if (there?.type === 'directory') return;
      if (there) await rules.tree.remove(folder, there);
      await rules.tree.addFolder(folder, await freshAttributes(rules, folder, 'directory', given, ctx));
    });
  }
}

/** Attributes of something new at `path`, whose parent is there. */
export async function freshAttributes<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  type: 'file' | 'directory',
  given: Attributes | undefined,
  ctx: Ctx,
): Promise<NodeAttributes> {
  const parent = await rules.tree.find(parentOf(path));
  return newAttributes(type, parent?.attributes.acl ?? [], given ?? {}, {
    owner: ctx.caller.user ?? '$superuser',
    etag: rules.mintEtag(),
    createdMs: rules.now(),
  });
}

/** Runs the change alone on its paths, after the caller's last word. @throws StoreError `aborted` */
export async function commit<T>(
  rules: Pick<Rules, 'locks'>,
  ctx: Ctx,
  paths: readonly LockedPath[],
  work: () => Promise<T>,
): Promise<T> {
  throwIfAborted(ctx.signal);
  try {
    await ctx.beforeCommit?.();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the change was called off before its last step', { cause: error });
  }
  return rules.locks(paths, () => {
    throwIfAborted(ctx.signal);
    return work();
  });
}

/** @throws StoreError `aborted` */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted)
    throw new StoreError('aborted', 'the caller has gone away', { cause: signal.reason as unknown });
}

/** What the store tells of a node. @param full with ACL and properties */
export function entryOf(path: string, node: TreeNode, nowMs: number, full = false): Entry {
  const { attributes } = node;
  const entry: Entry = {
    path,
    type: node.type,
    lengthBytes: node.type === 'file' ? node.lengthBytes : 0,
    modifiedMs: node.modifiedMs,
    accessedMs: node.accessedMs,
    createdMs: attributes.createdMs,
    permission: permissionOfAcl(attributes.acl, attributes.sticky ? 0o1000 : 0),
    owner: attributes.owner,
    group: attributes.group,
    etag: attributes.etag,
    fileId: node.fileId,
    extendedAcl: isExtendedAcl(attributes.acl),
    lease: leaseStatus(attributes.lease, nowMs),
  };
  if (attributes.expiresMs !== undefined) entry.expiresMs = attributes.expiresMs;
  if (attributes.replication !== undefined) entry.replication = attributes.replication;
  if (attributes.blockSizeBytes !== undefined) entry.blockSizeBytes = attributes.blockSizeBytes;
  if (attributes.content) entry.content = { ...attributes.content };
  if (full) {
    entry.acl = attributes.acl.map((each) => ({ ...each }));
    entry.properties = { ...attributes.properties };
  }
  return entry;
}
