// The journal's state in memory: what reaches a path, and what lies below it.
import { segmentsOf } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Below, Change, Divergence, Intent, NamesBelow, PathState, Upload } from './journal.ts';
import { collectBelow, editNode, findNode, namesBelow, type PathNode, rowsAt } from './path-tree.ts';
import { createSortedKeys, type SortedKeys } from './sorted-keys.ts';

/** Synchronous index over divergences, open intents and uploads. */
export interface PathIndex {
  /** Read only. */
  readonly root: PathNode;
  state(path: string): PathState;
  below(folder: string, options: { direct: boolean; limit: number }): Below;
  names(folder: string, truth: Side): NamesBelow;
  addIntent(intent: Intent): void;
  removeIntent(intent: Intent): void;
  apply(change: Change): void;
  /** In order of path. */
  divergences(after: string | undefined, limit: number): Divergence[];
  moves(): Iterable<Divergence>;
  uploads(): Iterable<Upload>;
  counts(): { intents: number; divergences: number; pinned: number; uploads: number; oldestSinceMs?: number };
}

/** Beside the tree: what is asked for in order. */
interface Rows {
  root: PathNode;
  paths: SortedKeys<string>;
  ages: Ages;
  /** Those of the divergences that a rename is missing of. */
  moves: Map<string, Divergence>;
  /** Paths of those that one side refuses for good. */
  pinned: Set<string>;
  uploads: Map<string, Upload>;
}

/** How many rows are how old, to the second. */
interface Ages {
  seconds: SortedKeys<number>;
  counts: Map<number, number>;
}

function countAge({ seconds, counts }: Ages, { sinceMs, pinned }: Divergence, by: 1 | -1): void {
  // That one waits for a person, and has an alert of its own.
  if (pinned !== undefined) return;
  const second = Math.floor(sinceMs / 1000);
  const count = (counts.get(second) ?? 0) + by;
  if (count > 0) counts.set(second, count);
  else counts.delete(second);
  if (count === 0) seconds.delete(second);
  else if (count === 1 && by === 1) seconds.add(second);
}

function setDivergence(rows: Rows, path: string, next: Divergence | undefined): void {
  const { root, paths, ages, moves, pinned } = rows;
  if (next?.moved) moves.set(path, next);
  else moves.delete(path);
  if (next?.pinned === undefined) pinned.delete(path);
  else pinned.add(path);
  editNode(root, path, (node) => {
    if (node.divergence) countAge(ages, node.divergence, -1);
    else if (next) paths.add(path);
    if (next) {
      node.divergence = next;
      countAge(ages, next, 1);
    } else if (node.divergence) {
      delete node.divergence;
      paths.delete(path);
    }
  });
}

const putDivergence = (rows: Rows, divergence: Divergence): void =>
  setDivergence(rows, divergence.path, divergence);

function dropDivergence(rows: Rows, path: string): void {
  if (findNode(rows.root, path)?.divergence) setDivergence(rows, path, undefined);
}

function putUpload({ root, uploads }: Rows, upload: Upload): void {
  uploads.set(upload.path, upload);
  editNode(root, upload.path, (node) => {
    node.upload = upload;
  });
}

function dropUpload({ root, uploads }: Rows, path: string): void {
  if (uploads.delete(path)) editNode(root, path, (node) => delete node.upload);
}

/** Takes all rows strictly below a path out and gives them back. */
function takeBelow(rows: Rows, path: string): Below {
  const below = collectBelow(rows.root, path, false, Number.POSITIVE_INFINITY);
  for (const row of below.divergences) dropDivergence(rows, row.path);
  for (const row of below.uploads) dropUpload(rows, row.path);
  return below;
}

function move(rows: Rows, from: string, to: string): void {
  const { divergences, uploads } = takeBelow(rows, from);
  const own = findNode(rows.root, from)?.divergence;
  const ownUpload = rows.uploads.get(from);
  if (own) divergences.push(own);
  if (ownUpload) uploads.push(ownUpload);
  dropDivergence(rows, from);
  dropUpload(rows, from);
  const renamed = (path: string): string => to + path.slice(from.length);
  // What was true of the old path alone does not go with it.
  for (const { absent, frozen, pinned, grownSince, ...row } of divergences)
    putDivergence(rows, { ...row, path: renamed(row.path) });
  for (const row of uploads) putUpload(rows, { ...row, path: renamed(row.path) });
}

function applyTo(rows: Rows, change: Change): void {
  switch (change.do) {
    case 'put':
      putDivergence(rows, change.divergence);
      return;
    case 'clear':
      if (findNode(rows.root, change.path)?.divergence?.generation === change.generation)
        dropDivergence(rows, change.path);
      return;
    case 'clear-below':
      takeBelow(rows, change.path);
      return;
    case 'move':
      move(rows, change.from, change.to);
      return;
    case 'put-upload':
      putUpload(rows, change.upload);
      return;
    case 'end-upload':
      dropUpload(rows, change.path);
  }
}

function stateOf(root: PathNode, path: string): PathState {
  const state: PathState = { intents: [] };
  const segments = segmentsOf(path);
  let node: PathNode | undefined = root;
  for (let depth = 0; node; depth++) {
    const self = depth === segments.length;
    for (const [intent, subtree] of node.intents ?? []) {
      if ((self || subtree) && !state.intents.includes(intent)) state.intents.push(intent);
    }
    if (node.divergence && (self || node.divergence.subtree)) state.divergence = node.divergence;
    if (self) {
      if (node.upload) state.upload = node.upload;
      break;
    }
    node = node.children?.get(segments[depth]!);
  }
  return state;
}

function setIntent(node: PathNode, intent: Intent, subtree: boolean): void {
  node.intents ??= new Map();
  node.intents.set(intent, subtree);
}

function dropIntent(node: PathNode, intent: Intent): void {
  node.intents?.delete(intent);
  if (node.intents?.size === 0) delete node.intents;
}

function countsOf({ root, ages, uploads, pinned }: Rows, intents: number): ReturnType<PathIndex['counts']> {
  const divergences = rowsAt(root, 'source') + rowsAt(root, 'target');
  const oldest = ages.seconds.first();
  const counts = { intents, divergences, pinned: pinned.size, uploads: uploads.size };
  return oldest === undefined ? counts : { ...counts, oldestSinceMs: oldest * 1000 };
}

/** An empty index. */
export function createPathIndex(): PathIndex {
  const root: PathNode = {};
  const intents = new Set<Intent>();
  const ages: Ages = { seconds: createSortedKeys(), counts: new Map() };
  const rows: Rows = {
    root,
    paths: createSortedKeys(),
    ages,
    moves: new Map(),
    pinned: new Set(),
    uploads: new Map(),
  };
  return {
    root,
    state: (path) => stateOf(root, path),
    below: (folder, { direct, limit }) => collectBelow(root, folder, direct, limit),
    names: (folder, truth) => namesBelow(root, folder, truth),
    addIntent(intent) {
      intents.add(intent);
      for (const { path, subtree } of intent.reaches)
        editNode(root, path, (node) => setIntent(node, intent, subtree));
    },
    removeIntent(intent) {
      intents.delete(intent);
      for (const { path } of intent.reaches) editNode(root, path, (node) => dropIntent(node, intent));
    },
    apply: (change) => applyTo(rows, change),
    divergences: (after, limit) =>
      rows.paths.page(after, limit).map((path) => findNode(root, path)!.divergence!),
    moves: () => rows.moves.values(),
    uploads: () => rows.uploads.values(),
    counts: () => countsOf(rows, intents.size),
  };
}
