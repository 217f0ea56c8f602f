// Appending in place: the file's length before is noted durably first, so that a torn append is never seen.
import { lstatSync } from 'node:fs';
import { open, truncate } from 'node:fs/promises';
import type { NodeAttributes } from '../tree/tree.ts';
import type { Disk, LocalNode } from './disk.ts';
import { createBlockWriter } from './spool.ts';

/**
 * Adds chunks behind the file's content; readers see all of them or none.
 * @throws if they cannot be written, and then the file is as it was
 */
export async function growFile(
  disk: Disk,
  path: string,
  node: LocalNode,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  attributes: NodeAttributes,
): Promise<LocalNode> {
  const { key, lengthBytes } = node;
  const file = disk.absolute(path);
  disk.growing.set(key, lengthBytes);
  disk.sidecar.putGrowing(key, path, lengthBytes);
  disk.sidecar.put(key, rowOf(file, node));
  await disk.sidecar.sync();
  try {
    const handle = await open(file, 'r+');
    try {
      // A former append that was torn may have left bytes here.
      await handle.truncate(lengthBytes);
      const writer = createBlockWriter(handle, lengthBytes);
      for await (const chunk of chunks) await writer.write(chunk);
      await writer.flush();
      if (disk.now) {
        const seconds = toSeconds(disk.now());
        await handle.utimes(seconds, seconds);
      }
      await disk.syncFile(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await truncate(file, lengthBytes);
    settle(disk, key);
    disk.record(file, node.fileId, node.attributes);
    throw error;
  }
  settle(disk, key);
  const grown = disk.record(file, node.fileId, attributes);
  await disk.sidecar.sync();
  return grown;
}

/** Seconds for `utimes` that read back as the same millisecond: half a microsecond more outweighs the rounding of a double. */
export function toSeconds(epochMs: number): number {
  return (epochMs + 0.0005) / 1000;
}

/** After a crash: takes back appends that had not ended, where their file still stands. */
export async function undoTornGrowth(disk: Disk): Promise<void> {
  for (const { key, path, lengthBytes } of disk.sidecar.growing()) {
    const node = disk.find(path);
    if (node?.key === key) {
      const file = disk.absolute(path);
      await truncate(file, lengthBytes);
      settle(disk, key);
      disk.record(file, node.fileId, node.attributes);
    } else {
      settle(disk, key);
    }
  }
}

function settle(disk: Disk, key: string): void {
  disk.growing.delete(key);
  disk.sidecar.removeGrowing(key);
}

function rowOf(file: string, node: LocalNode): Parameters<Disk['sidecar']['put']>[1] {
  const { mtimeNs } = lstatSync(file, { bigint: true });
  const { attributes, fileId, lengthBytes } = node;
  return { attributes, fileId, lengthBytes, mtimeNs: String(mtimeNs) };
}
