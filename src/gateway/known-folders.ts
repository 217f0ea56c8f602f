// Folders that are known to be there, so that a write into one asks nothing.
import { LRUCache } from 'lru-cache';
import { isWithin } from '../core/path.ts';

/** Folders remembered as being there, so that a write into one asks nothing. */
const maxFolders = 10_000;
/** Folders that are known to be there. */
export interface KnownFolders {
  has(path: string): boolean;
  /** Raised by `forget`: what was seen before does not count afterwards. */
  readonly age: number;
  /** @param seenAt `age` before the folder was looked for */
  add(path: string, seenAt: number): void;
  /** The folder and all below it are, or may be, gone. */
  forget(path: string): void;
}

/** Knows nothing yet. */
export function createKnownFolders(): KnownFolders {
  const folders = new LRUCache<string, true>({ max: maxFolders });
  let age = 0;
  return {
    has: (path) => folders.get(path) === true,
    get age() {
      return age;
    },
    add(path, seenAt) {
      if (seenAt === age) folders.set(path, true);
    },
    forget(path) {
      age++;
      for (const folder of [...folders.keys()]) if (isWithin(folder, path)) folders.delete(folder);
    },
  };
}
