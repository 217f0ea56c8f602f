// A store in a directory: files are plain files that a person can read; crash-safe; for emulators and as a real side.
import type { Store, Supports } from '../../core/store.ts';
import { createTreeStore } from '../tree/tree-store.ts';
import { openDisk } from './disk.ts';
import { openLocalTree } from './local-tree.ts';

export interface LocalStoreOptions {
  name: string;
  /** Made if it is missing. One process at a time may have it open. */
  dir: string;
  /** Default `any`. */
  rootFolders?: Supports['rootFolders'];
  /** Default true: what was acked survives a power cut. With false it survives a killed process only. */
  fsync?: boolean;
  /** Epoch milliseconds; default the system's clock. Then files get these times, not the kernel's. */
  now?: () => number;
}

/**
 * Opens the store and puts right what a killed process left half done.
 * @throws StoreError `unavailable` if another process has the directory open
 */
export async function createLocalStore(options: LocalStoreOptions): Promise<Store> {
  const { name, dir, rootFolders = 'any', fsync = true, now } = options;
  const disk = await openDisk(dir, fsync, now);
  try {
    const tree = await openLocalTree(disk);
    return createTreeStore({ name, tree, rootFolders, now: now ?? Date.now });
  } catch (error) {
    await disk.close();
    throw error;
  }
}
