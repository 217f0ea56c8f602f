// The journal's state in memory: what reaches a path, and what lies below it.
import { segmentsOf } from '../core/path.ts';
import type { Below, Change, Divergence, Intent, PathState, Upload } from './journal.ts';
import { collectBelow, editNode, newPathNode, type PathNode } from './path-tree.ts';

/** Synchronous index over divergences, open intents and uploads. */
export interface PathIndex {
  state(path: string): PathState;
  below(folder: string, options: { direct: boolean; limit: number }): Below;
  addIntent(intent: Intent): void;
  removeIntent(intent: Intent): void;
  apply(change: Change): void;
  divergences(): Iterable<Divergence>;
  moves(): Iterable<Divergence>;
  uploads(): Iterable<Upload>;
  counts(): { intents: number; divergences: number; uploads: number; oldestSinceMs?: number };
}

/** Divergences and uploads by path, beside the tree. */
interface Rows {
  root: PathNode;
  divergences: Map<string, Divergence>;
  /** Those of the divergences that a rename is missing of. */
  moves: Map<string, Divergence>;
  uploads: Map<string, Upload>;
}

function putDivergence({ root, divergences, moves }: Rows, divergence: Divergence): void {
  divergences.set(divergence.path, divergence);
  if (divergence.moved) moves.set(divergence.path, divergence);
  else moves.delete(divergence.path);
  editNode(root, divergence.path, (node) => {
    node.divergence = divergence;
  });
}

function dropDivergence({ root, divergences, moves }: Rows, path: string): void {
  moves.delete(path);
  if (divergences.delete(path)) editNode(root, path, (node) => delete node.divergence);
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
  const [own, ownUpload] = [rows.divergences.get(from), rows.uploads.get(from)];
  if (own) divergences.push(own);
  if (ownUpload) uploads.push(ownUpload);
  dropDivergence(rows, from);
  dropUpload(rows, from);
  const renamed = (path: string): string => to + path.slice(from.length);
  // What was true of the old path alone does not go with it.
  for (const { entry, frozen, pinned, ...row } of divergences)
    putDivergence(rows, { ...row, path: renamed(row.path) });
  for (const row of uploads) putUpload(rows, { ...row, path: renamed(row.path) });
}

function applyTo(rows: Rows, change: Change): void {
  switch (change.do) {
    case 'put':
      putDivergence(rows, change.divergence);
      return;
    case 'clear':
      if (rows.divergences.get(change.path)?.generation === change.generation)
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
    for (const [intent, subtree] of node.intents) {
      if ((self || subtree) && !state.intents.includes(intent)) state.intents.push(intent);
    }
    if (node.divergence && (self || node.divergence.subtree)) state.divergence = node.divergence;
    if (self) {
      if (node.upload) state.upload = node.upload;
      break;
    }
    node = node.children.get(segments[depth]!);
  }
  return state;
}

/** An empty index. */
export function createPathIndex(): PathIndex {
  const root = newPathNode();
  const intents = new Set<Intent>();
  const rows: Rows = { root, divergences: new Map(), moves: new Map(), uploads: new Map() };
  return {
    state: (path) => stateOf(root, path),
    below: (folder, { direct, limit }) => collectBelow(root, folder, direct, limit),
    addIntent(intent) {
      intents.add(intent);
      for (const { path, subtree } of intent.reaches)
        editNode(root, path, (node) => node.intents.set(intent, subtree));
    },
    removeIntent(intent) {
      intents.delete(intent);
      for (const { path } of intent.reaches) editNode(root, path, (node) => node.intents.delete(intent));
    },
    apply: (change) => applyTo(rows, change),
    divergences: () => rows.divergences.values(),
    moves: () => rows.moves.values(),
    uploads: () => rows.uploads.values(),
    counts() {
      const { divergences, uploads } = rows;
      const counts: ReturnType<PathIndex['counts']> = {
        intents: intents.size,
        divergences: divergences.size,
        uploads: uploads.size,
      };
      for (const { sinceMs } of divergences.values()) {
        counts.oldestSinceMs = Math.min(counts.oldestSinceMs ?? sinceMs, sinceMs);
      }
      return counts;
    },
  };
}
