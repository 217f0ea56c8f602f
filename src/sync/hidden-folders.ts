// The folders that repair's copies wait in: emptied of what a killed process or a late request left, and removed once nothing is in them,
// so that a settled tree is the client's alone.
import { joinPath, nameOf, parentOf } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { entriesOf } from './march.ts';
import type { HiddenNames, SyncParts } from './sync-parts.ts';

/** Folders in use or left behind. */
export interface HiddenFolders extends HiddenNames {
  /** Removes what nobody uses, and the folders where nothing else is in them. */
  tidy(): Promise<void>;
}

/** A folder to be looked at from `nextMs` on, and once more at `lateMs`, for what lands late. */
interface Known {
  side: Side;
  /** `…/.twinlake` */
  root: string;
  nextMs: number;
  lateMs?: number;
}

/** How long a folder that cannot be removed now is left alone, milliseconds. */
const retryMs = 5000;

const hiddenName = '.twinlake';

/** Where hidden folders may stand: of a mount of everything below `/`, in each root folder. */
async function* rootsOf(parts: SyncParts, side: Side, root: string): AsyncGenerator<string> {
  if (root !== '/') return yield joinPath(root, hiddenName);
  for await (const { path, type } of entriesOf(parts.stores[side], '/', parts.ctx()))
    if (type === 'directory') yield nameOf(path) === hiddenName ? path : joinPath(path, hiddenName);
}

/** False if something is in it. */
async function isGone({ stores, ctx }: SyncParts, side: Side, path: string): Promise<boolean> {
  try {
    await stores[side].mutate({ verb: 'delete', path, recursive: false }, ctx());
    return true;
  } catch (error) {
    const { kind } = StoreError.from(error);
    if (kind !== 'not-found' && kind !== 'not-empty') throw error;
    return kind === 'not-found';
  }
}

/** Knows no folder yet: those of the mounts are looked for when it is tidied the first time. */
export function createHiddenFolders(parts: SyncParts): HiddenFolders {
  const known = new Map<string, Known>();
  const inUse = new Set<string>();
  let looked = false;
  const know = (side: Side, root: string): void => {
    const lateMs = parts.now() + parts.zombieMs;
    known.set(`${side} ${root}`, { side, root, nextMs: 0, lateMs });
  };
  const lookForAll = async (): Promise<void> => {
    for (const side of ['source', 'target'] as const) {
      const mounts = parts.writtenRoots?.(side) ?? parts.mounts().map((mount) => mount[side]);
      for (const mount of mounts) for await (const root of rootsOf(parts, side, mount)) know(side, root);
    }
    looked = true;
  };
  const removeUnused = async ({ side, root }: Known): Promise<boolean> => {
    const folder = joinPath(root, 'repair');
    for await (const { path } of entriesOf(parts.stores[side], folder, parts.ctx())) {
      if (inUse.has(`${side} ${path}`)) return false;
      await parts.stores[side].mutate({ verb: 'delete', path, recursive: true }, parts.ctx());
    }
    const gone = await isGone(parts, side, folder);
    return (await removeStale(side, root)) && gone;
  };
  /** What a rename took away and nothing in the journal waits for any more. */
  const removeStale = async (side: Side, root: string): Promise<boolean> => {
    const folder = joinPath(root, 'moved');
    const ours = `${parts.journal.id.slice(0, 8)}-`;
    for await (const { path } of entriesOf(parts.stores[side], folder, parts.ctx())) {
      const waiting = (await parts.journal.moves()).map(({ moved }) => `${ours}${moved?.generation}`);
      if (waiting.includes(nameOf(path)) || !nameOf(path).startsWith(ours)) return false;
      await parts.stores[side].mutate({ verb: 'delete', path, recursive: true }, parts.ctx());
    }
    return isGone(parts, side, folder);
  };
  return {
    begin(side, path) {
      know(side, parentOf(parentOf(path)));
      inUse.add(`${side} ${path}`);
    },
    end: (side, path) => inUse.delete(`${side} ${path}`),
    async tidy() {
      if (!looked) await lookForAll();
      for (const [key, folder] of [...known]) {
        const { side, root, nextMs, lateMs } = folder;
        if (nextMs > parts.now()) continue;
        const removed = await removeUnused(folder);
        if (removed) await isGone(parts, side, root);
        if (known.get(key) !== folder) continue;
        if (!removed) folder.nextMs = parts.now() + retryMs;
        else if (lateMs !== undefined) known.set(key, { side, root, nextMs: lateMs });
        else known.delete(key);
      }
    },
  };
}
