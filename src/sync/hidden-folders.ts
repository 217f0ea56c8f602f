// The folders that repair's copies were put in: removed once nothing is in them, so that a settled tree is the client's alone.
import { parentOf } from '../core/path.ts';
import type { Ctx, Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { SyncParts } from './sync-parts.ts';

/** Folders in use or left behind. */
export interface HiddenFolders {
  /** A copy is going to be put there. */
  used(side: Side, folder: string): void;
  /** Removes them, and the hidden folders above them, where they are empty. */
  removeEmpty(parts: Pick<SyncParts, 'stores' | 'ctx'>): Promise<void>;
}

/** Knows no folder yet. */
export function createHiddenFolders(): HiddenFolders {
  const folders = new Map<string, { side: Side; folder: string }>();
  return {
    used: (side, folder) => void folders.set(`${side} ${folder}`, { side, folder }),
    async removeEmpty({ stores, ctx }) {
      for (const [key, { side, folder }] of folders) {
        folders.delete(key);
        if (await isGone(stores[side], folder, ctx())) await isGone(stores[side], parentOf(folder), ctx());
      }
    },
  };
}

/** False if something is in it. */
async function isGone(store: Store, path: string, ctx: Ctx): Promise<boolean> {
  try {
    await store.mutate({ verb: 'delete', path, recursive: false }, ctx);
    return true;
  } catch (error) {
    const { kind } = StoreError.from(error);
    if (kind !== 'not-found' && kind !== 'not-empty') throw error;
    return kind === 'not-found';
  }
}
