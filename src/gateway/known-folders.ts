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
  /** It is being made: `until` ends when both sides have it, or it is known that one has not. */
  making(path: string, until: Promise<unknown>): void;
  /** Resolves when a folder that is being made is made, or at once. */
  made(path: string): Promise<void>;
}

/** Knows nothing yet. */
export function createKnownFolders(): KnownFolders {
  const folders = new LRUCache<string, true>({ max: maxFolders });
  const underWay = new Map<string, Promise<unknown>>();
  let age = 0;
  return {
    making(path, until) {
      underWay.set(path, until);
      const end = (): void => {
        if (underWay.get(path) === until) underWay.delete(path);
      };
      until.then(end, end);
    },
    async made(path) {
      await underWay.get(path)?.catch(() => undefined);
    },
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
