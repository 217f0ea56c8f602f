// Keeps the journal bounded: crowded folders become one divergence each, and at the size limit smaller ones too (semantics D2).
import { ancestorsOf } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import { collapse, crowdedFolders } from './collapse.ts';
import type { Change } from './journal.ts';
import type { PathIndex } from './path-index.ts';
import { findNode } from './path-tree.ts';

/** The limits, and who is told. */
export interface SizeLimitsOptions {
  /** Most names in a folder that may diverge with one truth, each by itself or below it. */
  maxDivergencesPerFolder: number;
  /** Most bytes of the file in use. */
  maxBytes: number;
  /** False where a row for the whole folder could not be settled: outside every mount. */
  mayCollapse(folder: string): boolean;
  /** True while a mutation of the folder itself is under way: it has read the folder's row and will write another one. */
  isBusy(folder: string): boolean;
  nextId(): number;
  onCollapse(rows: number): void;
}

/** What the journal asks after each change and each commit. Changes that come back are in the index already. */
export interface SizeLimits {
  /** What has to follow these changes in the same commit. */
  after(changes: readonly Change[]): Change[];
  /** What has to be committed, now that the file uses so many bytes; only called when nothing of that kind is under way. */
  atBytes(bytes: number): Change[];
  /** One row for a folder that the caller is about to move or remove, as far as that is possible. */
  collapseBelow(folder: string): Change[];
  /** True if nothing more can be collapsed and the limit is reached: no write may be begun. */
  isFull(): boolean;
}

/** A folder that could not be collapsed is tried again when its names have grown by this share of the limit. */
const patience = 8;

/** Limits over an index. */
export function createSizeLimits(index: PathIndex, options: SizeLimitsOptions): SizeLimits {
  let most = options.maxDivergencesPerFolder;
  let full = false;
  /** Names that a crowded folder had when it could not be collapsed. */
  const tried = new Map<string, number>();

  const tryCollapse = (folder: string, truth: Side): Change[] => {
    if (!options.mayCollapse(folder)) return [];
    const changes = collapse(index.root, { folder, truth, generation: options.nextId() });
    for (const change of changes) index.apply(change);
    if (changes.length > 0) options.onCollapse(changes.length - 1);
    return changes;
  };
  const relieve = (folder: string, truth: Side): Change[] => {
    const key = `${truth}${folder}`;
    const names = findNode(index.root, folder)?.counts?.names[truth] ?? 0;
    if (names <= most) {
      tried.delete(key);
      return [];
    }
    const former = tried.get(key);
    if (options.isBusy(folder) || (former !== undefined && names < former + most / patience)) return [];
    tried.set(key, names);
    const changes = tryCollapse(folder, truth);
    if (changes.length > 0) tried.delete(key);
    return changes;
  };
  return {
    after(changes) {
      const more: Change[] = [];
      for (const change of changes) {
        if (change.do !== 'put') continue;
        const { path, truth } = change.divergence;
        for (const folder of ancestorsOf(path).reverse()) more.push(...relieve(folder, truth));
      }
      return more;
    },
    atBytes(bytes) {
      if (bytes <= options.maxBytes) {
        full = false;
        if (bytes <= options.maxBytes / 2) most = options.maxDivergencesPerFolder;
        return [];
      }
      while (most > 1) {
        most = Math.floor(most / 2);
        const crowded = crowdedFolders(index.root, most);
        const idle = crowded.filter(({ folder }) => !options.isBusy(folder));
        const changes = idle.flatMap(({ folder, truth }) => tryCollapse(folder, truth));
        if (changes.length > 0) return changes;
      }
      full = true;
      return [];
    },
    collapseBelow: (folder) => [...tryCollapse(folder, 'source'), ...tryCollapse(folder, 'target')],
    isFull: () => full,
  };
}
