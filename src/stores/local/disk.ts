// One directory as a local store sees it: where things are, what is durable when, which inode is which node.
import { type BigIntStats, constants, lstatSync } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aclOfPermission } from '../../core/acl.ts';
import { segmentsOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import { etagOfTicks, ticksOfNs } from '../tree/etags.ts';
import type { NodeAttributes, TreeNode } from '../tree/tree.ts';
import { coalesced } from './coalesced.ts';
import { openSidecar, type Sidecar } from './sidecar.ts';

/**
 * The store's own folder inside the directory, never shown. Not `.twinlake`: the gateway keeps blocks under that name
 * on stores without staging, and such a store may be an emulator over this one.
 */
export const homeName = '.twinlake-store';

/** A node and the inode behind it. */
export interface LocalNode extends TreeNode {
  /** Inode number and birth time: an inode that was reused is another node. */
  key: string;
}

export interface Disk {
  readonly dir: string;
  readonly sidecar: Sidecar;
  /** Lengths of files that are just growing: what lies beyond is not there yet. */
  readonly growing: Map<string, number>;
  readonly now: (() => number) | undefined;
  absolute(path: string): string;
  /** A name in the store's own folder that nothing has. */
  freshName(kind: 'incoming' | 'trash'): string;
  homeFolder(kind: 'incoming' | 'trash' | 'staged' | 'blocks'): string;
  keyOf(stats: BigIntStats): string;
  isThere(absolute: string): boolean;
  find(path: string): LocalNode | undefined;
  findChildren(path: string, names: readonly string[]): (LocalNode | undefined)[];
  nodeOf(stats: BigIntStats): LocalNode;
  /** Writes the row of a file or folder as it is now on disk. */
  record(absolute: string, fileId: number, attributes: NodeAttributes): LocalNode;
  syncFile(handle: FileHandle): Promise<void>;
  /** @throws StoreError with outcome unknown: what the folder names has changed already */
  syncFolder(absolute: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens or makes the directory and the store's own folder in it. */
export async function openDisk(
  directory: string,
  fsync: boolean,
  now: (() => number) | undefined,
): Promise<Disk> {
  await mkdir(directory, { recursive: true });
  const dir = await realpath(directory);
  const home = join(dir, homeName);
  for (const kind of ['incoming', 'trash', 'staged', 'blocks'])
    await mkdir(join(home, kind), { recursive: true });
  const sidecar = await openSidecar(join(home, 'attributes.db'), fsync);
  const growing = new Map(sidecar.growing().map(({ key, lengthBytes }) => [key, lengthBytes]));
  const keyOf = (await hasBirthTime(home))
    ? (stats: BigIntStats) => `${stats.ino}.${stats.birthtimeNs}`
    : (stats: BigIntStats) => `${stats.ino}.0`;
  const folderSyncs = new Map<string, () => Promise<void>>();
  let lastName = 0;

  function nodeOf(stats: BigIntStats): LocalNode {
    const key = keyOf(stats);
    const type = stats.isDirectory() ? 'directory' : 'file';
    const row = sidecar.get(key);
    const grows = growing.get(key);
    const own =
      row !== undefined &&
      (type === 'directory' ||
        grows !== undefined ||
        (BigInt(row.lengthBytes) === stats.size && row.mtimeNs === String(stats.mtimeNs)));
    const etag = own ? row.attributes.etag : etagOfTicks(ticksOfNs(stats.mtimeNs));
    return {
      key,
      type,
      fileId: row?.fileId ?? Number(stats.ino),
      lengthBytes: grows ?? (type === 'file' ? Number(stats.size) : 0),
      modifiedMs: Number(stats.mtimeNs / 1_000_000n),
      accessedMs: Number(stats.atimeNs / 1_000_000n),
      attributes: row ? { ...row.attributes, etag } : foreignAttributes(stats, etag),
    };
  }

  function isOwnFolder(path: string): boolean {
    return path === `/${homeName}` || path.startsWith(`/${homeName}/`);
  }

  // Synchronous on purpose: names of a local disk are in the kernel's cache, and a thread-pool hop costs ten times the call.
  // Every folder on the way is looked at, so no symbolic link is ever followed.
  function isRealFolder(path: string): boolean {
    let at = dir;
    for (const segment of segmentsOf(path)) {
      at = join(at, segment);
      if (!lstatSync(at, { throwIfNoEntry: false })?.isDirectory()) return false;
    }
    return !isOwnFolder(path);
  }

  function findIn(folder: string, name: string): LocalNode | undefined {
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false, bigint: true });
    return stats && (stats.isFile() || stats.isDirectory()) ? nodeOf(stats) : undefined;
  }

  const disk: Disk = {
    dir,
    sidecar,
    growing,
    now,
    keyOf,
    nodeOf,
    isThere: (absolute) => lstatSync(absolute, { throwIfNoEntry: false }) !== undefined,
    absolute(path) {
      if (isOwnFolder(path)) throw StoreError.invalid(`this name is taken by the store itself: ${path}`);
      return join(dir, path);
    },
    freshName(kind) {
      lastName += 1;
      return join(home, kind, `${process.pid}-${lastName}`);
    },
    homeFolder: (kind) => join(home, kind),
    find(path) {
      if (isOwnFolder(path)) return undefined;
      const slash = path.lastIndexOf('/');
      const folder = path.slice(0, slash);
      return isRealFolder(folder === '' ? '/' : folder)
        ? findIn(join(dir, folder), path.slice(slash + 1))
        : undefined;
    },
    findChildren(path, names) {
      if (!isRealFolder(path)) return names.map(() => undefined);
      const folder = join(dir, path);
      return names.map((name) => (path === '/' && name === homeName ? undefined : findIn(folder, name)));
    },
    record(absolute, fileId, attributes) {
      const stats = lstatSync(absolute, { bigint: true });
      sidecar.put(keyOf(stats), {
        attributes,
        fileId,
        lengthBytes: Number(stats.size),
        mtimeNs: String(stats.mtimeNs),
      });
      return nodeOf(stats);
    },
    syncFile: (handle) => (fsync ? handle.datasync() : Promise.resolve()),
    async syncFolder(absolute) {
      if (!fsync) return;
      const sync = folderSyncs.get(absolute) ?? coalesced(() => syncFolderNow(absolute));
      folderSyncs.set(absolute, sync);
      try {
        await sync();
      } finally {
        folderSyncs.delete(absolute);
      }
    },
    close: () => sidecar.close(),
  };
  return disk;
}

async function syncFolderNow(absolute: string): Promise<void> {
  try {
    const handle = await open(absolute, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new StoreError('unavailable', 'the change may not be durable', {
      applied: 'unknown',
      cause: error,
    });
  }
}

/** A file that this store has no row of: somebody put it there. */
function foreignAttributes(stats: BigIntStats, etag: string): NodeAttributes {
  return {
    acl: aclOfPermission(Number(stats.mode) & 0o777),
    sticky: (Number(stats.mode) & 0o1000) !== 0,
    owner: '$superuser',
    group: '$superuser',
    etag,
    createdMs: Number(stats.birthtimeNs / 1_000_000n),
  };
}

/** Some file systems have no birth time, and what stands in for it (the change time) moves with every change. */
async function hasBirthTime(home: string): Promise<boolean> {
  const probe = join(home, 'incoming', 'probe');
  await writeFile(probe, '');
  const before = lstatSync(probe, { bigint: true });
  let after = before;
  // The kernel's clock ticks every few milliseconds; a change within one tick shows nothing.
  while (after.ctimeNs === before.ctimeNs) {
    await writeFile(probe, 'changed');
    after = lstatSync(probe, { bigint: true });
  }
  await rm(probe);
  return before.birthtimeNs === after.birthtimeNs && before.birthtimeNs !== 0n;
}
