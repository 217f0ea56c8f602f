// A store in memory: for tests, and as the plainest reading of the contract.
import type { Store, Supports } from '../../core/store.ts';
import { createTreeStore } from '../tree/tree-store.ts';
import { createMemoryTree } from './memory-tree.ts';

export interface MemoryStoreOptions {
  name: string;
  /** Default `any`. */
  rootFolders?: Supports['rootFolders'];
  /** Epoch milliseconds; default the system's clock. */
  now?: () => number;
}

/** An empty store that forgets everything with the process. */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const now = options.now ?? Date.now;
  return createTreeStore({
    name: options.name,
    tree: createMemoryTree(now),
    rootFolders: options.rootFolders ?? 'any',
    now,
  });
}
