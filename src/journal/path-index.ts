// The journal's state in memory, as a tree of path segments: what reaches a path, and what lies below it.
import { segmentsOf } from '../core/path.ts';
import type { Below, Change, Divergence, Intent, PathState, Upload } from './journal.ts';

interface Node {
  children: Map<string, Node>;
  divergence?: Divergence;
  upload?: Upload;
  /** With true where the intent reaches everything below. */
  intents: Map<Intent, boolean>;
}

/** Synchronous index over divergences, open intents and uploads. */
export interface PathIndex {
  state(path: string): PathState;
  below(folder: string, options: { direct: boolean; limit: number }): Below;
  addIntent(intent: Intent): void;
  removeIntent(intent: Intent): void;
  apply(change: Change): void;
  divergences(): Iterable<Divergence>;
  uploads(): Iterable<Upload>;
  counts(): { intents: number; divergences: number; uploads: number; oldestSinceMs?: number };
}

const newNode = (): Node => ({ children: new Map(), intents: new Map() });
const isEmpty = (node: Node): boolean =>
  !node.divergence && !node.upload && node.intents.size === 0 && node.children.size === 0;

/** An empty index. */
export function createPathIndex(): PathIndex {
  const root = newNode();
  const intents = new Set<Intent>();
  const divergences = new Map<string, Divergence>();
  const uploads = new Map<string, Upload>();

  const find = (path: string): Node | undefined => {
    let node: Node | undefined = root;
    for (const segment of segmentsOf(path)) node = node?.children.get(segment);
    return node;
  };
  const edit = (path: string, change: (node: Node) => void): void => {
    const trail: [Node, string][] = [];
    let node = root;
    for (const segment of segmentsOf(path)) {
      trail.push([node, segment]);
      let child = node.children.get(segment);
      if (!child) {
        child = newNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    change(node);
    for (let i = trail.length - 1; i >= 0; i--) {
      const [parent, segment] = trail[i]!;
      if (!isEmpty(parent.children.get(segment)!)) break;
      parent.children.delete(segment);
    }
  };
  const putDivergence = (divergence: Divergence): void => {
    divergences.set(divergence.path, divergence);
    edit(divergence.path, (node) => {
      node.divergence = divergence;
    });
  };
  const dropDivergence = (path: string): void => {
    if (divergences.delete(path)) edit(path, (node) => delete node.divergence);
  };
  const putUpload = (upload: Upload): void => {
    uploads.set(upload.path, upload);
    edit(upload.path, (node) => {
      node.upload = upload;
    });
  };
  const dropUpload = (path: string): void => {
    if (uploads.delete(path)) edit(path, (node) => delete node.upload);
  };
  const collect = (folder: string, direct: boolean, limit: number): Below => {
    const found: Below = { divergences: [], intents: [], uploads: [] };
    const seen = new Set<Intent>();
    const visit = (node: Node): void => {
      for (const child of node.children.values()) {
        if (child.divergence && found.divergences.length < limit) found.divergences.push(child.divergence);
        if (child.upload && found.uploads.length < limit) found.uploads.push(child.upload);
        for (const intent of child.intents.keys()) {
          if (!seen.has(intent) && seen.size < limit) found.intents.push(intent);
          seen.add(intent);
        }
        if (!direct) visit(child);
      }
    };
    const start = find(folder);
    if (start) visit(start);
    return found;
  };
  const move = (from: string, to: string): void => {
    const rows = collect(from, false, Number.POSITIVE_INFINITY);
    const node = find(from);
    if (node?.divergence) rows.divergences.push(node.divergence);
    if (node?.upload) rows.uploads.push(node.upload);
    const renamed = (path: string): string => to + path.slice(from.length);
    for (const row of rows.divergences) dropDivergence(row.path);
    for (const row of rows.uploads) dropUpload(row.path);
    for (const row of rows.divergences) putDivergence({ ...row, path: renamed(row.path) });
    for (const row of rows.uploads) putUpload({ ...row, path: renamed(row.path) });
  };

  return {
    state(path) {
      const state: PathState = { intents: [] };
      const segments = segmentsOf(path);
      let node: Node | undefined = root;
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
    },
    below: (folder, { direct, limit }) => collect(folder, direct, limit),
    addIntent(intent) {
      intents.add(intent);
      for (const reach of intent.reaches) edit(reach.path, (node) => node.intents.set(intent, reach.subtree));
    },
    removeIntent(intent) {
      intents.delete(intent);
      for (const reach of intent.reaches) edit(reach.path, (node) => node.intents.delete(intent));
    },
    apply(change) {
      if (change.do === 'put') putDivergence(change.divergence);
      else if (change.do === 'clear') {
        if (divergences.get(change.path)?.generation === change.generation) dropDivergence(change.path);
      } else if (change.do === 'clear-below') {
        const rows = collect(change.path, false, Number.POSITIVE_INFINITY);
        for (const row of rows.divergences) dropDivergence(row.path);
        for (const row of rows.uploads) dropUpload(row.path);
      } else if (change.do === 'move') move(change.from, change.to);
      else if (change.do === 'put-upload') putUpload(change.upload);
      else if (change.do === 'end-upload') dropUpload(change.path);
    },
    divergences: () => divergences.values(),
    uploads: () => uploads.values(),
    counts() {
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
