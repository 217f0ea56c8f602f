// Renames: one rename(2) where the kernel can replace what stands there, two with a note of what was set aside where it cannot.
import { renameSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Disk, LocalNode } from './disk.ts';
import type { Trash } from './trash.ts';

/** @param replaced what stands at the destination: a file or an empty folder */
export async function moveNode(
  disk: Disk,
  trash: Trash,
  move: { from: string; node: LocalNode; to: string; replaced: LocalNode | undefined },
): Promise<void> {
  const { node, replaced } = move;
  const from = disk.absolute(move.from);
  const to = disk.absolute(move.to);
  if (!replaced || (replaced.type === 'file' && node.type === 'file')) {
    await rename(from, to);
  } else {
    // rename(2) does not replace a file by a folder, nor a folder that holds expired files.
    const aside = disk.freshName('trash');
    disk.sidecar.putDisplaced({ aside, path: move.to });
    await disk.sidecar.sync();
    // In one turn of the event loop: nobody who asks meanwhile finds nothing at the destination.
    renameSync(to, aside);
    try {
      renameSync(from, to);
    } catch (error) {
      renameSync(aside, to);
      throw error;
    } finally {
      disk.sidecar.removeDisplaced(aside);
    }
    trash.purge(aside);
  }
  await disk.syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await disk.syncFolder(dirname(from));
}

/** After a crash: puts back what was set aside for a rename that did not happen. */
export async function restoreDisplaced(disk: Disk): Promise<void> {
  for (const { aside, path } of disk.sidecar.displaced()) {
    if (!disk.find(path) && disk.isThere(aside)) await rename(aside, disk.absolute(path));
    disk.sidecar.removeDisplaced(aside);
  }
}
