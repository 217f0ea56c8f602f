// A file tree in a directory: plain files under their own names, the rest beside them.
import { mkdir, readdir, rename, unlink, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreError } from '../../core/store-error.ts';
import type { NodeAttributes, Tree } from '../tree/tree.ts';
import { openBlocks } from './block-area.ts';
import { type Disk, homeName, type LocalNode } from './disk.ts';
import { withFsErrors } from './fs-errors.ts';
import { growFile, toSeconds, undoTornGrowth } from './grow-file.ts';
import { moveNode, restoreDisplaced } from './move-node.ts';
import { openLocalFile } from './open-file.ts';
import { contentChunks, gather, type LocalContent, receive, writeContent } from './spool.ts';
import { openStaging } from './staging-area.ts';
import { createTrash } from './trash.ts';

/** The tree of a directory; what a killed process left half done is put right first. */
export async function openLocalTree(disk: Disk): Promise<Tree<LocalNode, LocalContent>> {
  await restoreDisplaced(disk);
  await undoTornGrowth(disk);
  const staging = await openStaging(disk);
  const blocks = await openBlocks(disk);
  const trash = createTrash(disk, (key) => staging.drop(key));
  let closed: Promise<void> | undefined;
  for (const kind of ['incoming', 'trash'] as const) {
    for (const name of await readdir(disk.homeFolder(kind))) trash.purge(`${disk.homeFolder(kind)}/${name}`);
  }
  await trash.settled();

  /** Gives what was prepared in the store's own folder its row, then its name. */
  async function place(
    prepared: string,
    path: string,
    fileId: number,
    attributes: NodeAttributes,
  ): Promise<LocalNode> {
    const target = disk.absolute(path);
    const node = disk.record(prepared, fileId, attributes);
    try {
      await disk.sidecar.sync();
      await rename(prepared, target);
    } catch (error) {
      disk.sidecar.remove(node.key);
      throw error;
    }
    await disk.syncFolder(dirname(target));
    return node;
  }

  async function stamp(absolute: string): Promise<void> {
    if (disk.now) await utimes(absolute, toSeconds(disk.now()), toSeconds(disk.now()));
  }

  return withFsErrors<Tree<LocalNode, LocalContent>>({
    find: async (path) => disk.find(path),
    async childNames(path) {
      const names = await readdir(disk.absolute(path));
      return path === '/' ? names.filter((name) => name !== homeName) : names;
    },
    async findChildren(path, names) {
      await nextTurn(); // a long listing must not hold up everybody else
      return disk.findChildren(path, names);
    },
    async addFolder(path, attributes) {
      const prepared = disk.freshName('incoming');
      await mkdir(prepared);
      await stamp(prepared);
      if (disk.isThere(disk.absolute(path)))
        throw new StoreError('exists', `something stands there: ${path}`);
      return place(prepared, path, disk.sidecar.nextFileId(), attributes);
    },
    receive: (body, signal) => receive(disk, body, signal),
    gather: (paths) =>
      gather(
        disk,
        paths.map((path) => ({ file: disk.absolute(path), lengthBytes: disk.find(path)?.lengthBytes ?? 0 })),
      ),
    async addFile(path, content, attributes, replaced) {
      const prepared = await writeContent(disk, content);
      await stamp(prepared);
      const node = await place(prepared, path, disk.sidecar.nextFileId(), attributes);
      content?.handOver();
      if (replaced) {
        disk.sidecar.remove(replaced.key);
        await staging.drop(replaced.key);
      }
      return node;
    },
    extend: (path, node, content, attributes) =>
      growFile(disk, path, node, contentChunks(content), attributes),
    async change(path, node, { attributes, modifiedMs, accessedMs }) {
      const target = disk.absolute(path);
      if (modifiedMs !== undefined || accessedMs !== undefined) {
        await utimes(
          target,
          toSeconds(accessedMs ?? node.accessedMs),
          toSeconds(modifiedMs ?? node.modifiedMs),
        );
      }
      const changed = disk.record(target, node.fileId, attributes ?? node.attributes);
      await disk.sidecar.sync();
      return changed;
    },
    async move(from, node, to, replaced) {
      await moveNode(disk, trash, { from, node, to, replaced });
      if (replaced && replaced.key !== node.key) {
        disk.sidecar.remove(replaced.key);
        await staging.drop(replaced.key);
      }
    },
    async remove(path, node) {
      const target = disk.absolute(path);
      if (node.type === 'file') {
        await unlink(target);
        disk.sidecar.remove(node.key);
        await staging.drop(node.key);
      } else {
        await trash.take(target);
      }
      await disk.syncFolder(dirname(target));
    },
    open: (path) => openLocalFile(disk, path),
    receiveStaged: (_path, node, position, body, signal) => staging.receive(node, position, body, signal),
    flush: (path, node, position, retain, attributes) =>
      staging.flush(path, node, { position, retain, attributes }),
    addBlock: (path, blockId, content) => blocks.add(path, blockId, content),
    joinBlocks: (path, blockIds) => blocks.join(path, blockIds),
    dropBlocks: (path) => blocks.drop(path),
    close() {
      closed ??= trash.settled().then(() => disk.close());
      return closed;
    },
  });
}
