// Removing what a path names at once and its bytes later: a folder is renamed away atomically, then emptied in the background.
import { lstatSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk } from './disk.ts';

export interface Trash {
  /** Moves something of the tree out of sight. */
  take(absolute: string): Promise<void>;
  /** Removes something of the store's own folder. */
  purge(absolute: string): void;
  /** Resolves when nothing is left to remove. Removing goes on at the next start if it fails. */
  settled(): Promise<void>;
}

/** @param onGone called with the node key of each file that is removed */
export function createTrash(disk: Disk, onGone: (key: string) => Promise<void>): Trash {
  let work: Promise<void> = Promise.resolve();

  async function remove(absolute: string): Promise<void> {
    const stats = lstatSync(absolute, { throwIfNoEntry: false, bigint: true });
    if (!stats) return;
    if (stats.isDirectory()) {
      for (const name of await readdir(absolute)) await remove(join(absolute, name));
      await rmdir(absolute);
    } else {
      await rm(absolute, { force: true });
    }
    const key = disk.keyOf(stats);
    disk.sidecar.remove(key);
    await onGone(key);
  }

  function purge(absolute: string): void {
    // What cannot be removed now stays in the trash, out of sight, and is tried again at the next start.
    work = work.then(() => remove(absolute)).catch(() => undefined);
  }

  return {
    async take(absolute) {
      const aside = disk.freshName('trash');
      await rename(absolute, aside);
      purge(aside);
    },
    purge,
    settled: () => work,
  };
}
