// A tree of path segments that holds a row of each kind per path, and counts what lies below; empty branches are pruned.
import { segmentsOf } from '../core/path.ts';
import { otherSide, type Side } from '../core/store.ts';
import type { Below, Divergence, Intent, NamesBelow, Upload } from './journal.ts';
import { truthOfIntent, truthOfUpload } from './truth-of.ts';

/** What lies strictly below a path. */
export interface BelowCounts {
  /** Divergences, by truth. */
  rows: Record<Side, number>;
  /** Names directly in it at or below which something diverges, by truth. */
  names: Record<Side, number>;
  /** Intents and uploads. */
  rest: number;
  /** Of them, those that say where the newest state is, by that truth. */
  held: Record<Side, number>;
}

/** One path. Maps are made when they are needed: most paths hold one row and nothing else. */
export interface PathNode {
  children?: Map<string, PathNode>;
  divergence?: Divergence;
  upload?: Upload;
  /** With true where the intent reaches everything below. */
  intents?: Map<Intent, boolean>;
  counts?: BelowCounts;
}

const sides: readonly Side[] = ['source', 'target'];

/** The node of a path, if there is one. */
export function findNode(root: PathNode, path: string): PathNode | undefined {
  let node: PathNode | undefined = root;
  for (const segment of segmentsOf(path)) node = node?.children?.get(segment);
  return node;
}

/** Divergences at and below a node, by truth. */
export function rowsAt({ divergence, counts }: PathNode, truth: Side): number {
  return (divergence?.truth === truth ? 1 : 0) + (counts?.rows[truth] ?? 0);
}

function restAt({ upload, intents, counts }: PathNode): number {
  return (upload ? 1 : 0) + (intents?.size ?? 0) + (counts?.rest ?? 0);
}

/** Intents and uploads of the path itself that have this truth. */
function ownHeld({ upload, intents }: PathNode, truth: Side): number {
  let held = upload && truthOfUpload(upload) === truth ? 1 : 0;
  for (const intent of intents?.keys() ?? []) if (truthOfIntent(intent) === truth) held++;
  return held;
}

function bySide(count: (side: Side) => number): Record<Side, number> {
  return { source: count('source'), target: count('target') };
}

interface Weight {
  rows: Record<Side, number>;
  rest: number;
  held: Record<Side, number>;
}

function weightOf(node: PathNode): Weight {
  return {
    rows: bySide((side) => rowsAt(node, side)),
    rest: restAt(node),
    held: bySide((side) => ownHeld(node, side) + (node.counts?.held[side] ?? 0)),
  };
}

const noCounts = (): BelowCounts => ({
  rows: bySide(() => 0),
  names: bySide(() => 0),
  rest: 0,
  held: bySide(() => 0),
});

function isEmpty(node: PathNode): boolean {
  return !node.divergence && !node.upload && !node.intents && !node.children;
}

/** The nodes from the root to a path, made where missing. */
function trailTo(root: PathNode, segments: readonly string[]): PathNode[] {
  const trail = [root];
  let node = root;
  for (const segment of segments) {
    node.children ??= new Map();
    let child = node.children.get(segment);
    if (!child) {
      child = {};
      node.children.set(segment, child);
    }
    node = child;
    trail.push(node);
  }
  return trail;
}

/** Changes the node of a path, made if missing and pruned if it is empty afterwards; the counts above it follow. */
export function editNode(root: PathNode, path: string, change: (node: PathNode) => void): void {
  const segments = segmentsOf(path);
  const trail = trailTo(root, segments);
  let before = weightOf(trail.at(-1)!);
  change(trail.at(-1)!);
  for (let depth = segments.length - 1; depth >= 0; depth--) {
    const [parent, child] = [trail[depth]!, trail[depth + 1]!];
    const parentBefore = weightOf(parent);
    const after = weightOf(child);
    parent.counts ??= noCounts();
    parent.counts.rest += after.rest - before.rest;
    for (const side of sides) {
      parent.counts.rows[side] += after.rows[side] - before.rows[side];
      parent.counts.names[side] += Math.sign(after.rows[side]) - Math.sign(before.rows[side]);
      parent.counts.held[side] += after.held[side] - before.held[side];
    }
    if (isEmpty(child)) parent.children!.delete(segments[depth]!);
    if (parent.children!.size === 0) {
      delete parent.children;
      delete parent.counts;
    }
    before = parentBefore;
  }
}

/** Rows strictly below a folder; `direct` only its children; at most `limit` of each kind, and of each truth. */
export function collectBelow(root: PathNode, folder: string, direct: boolean, limit: number): Below {
  const found: Below = { divergences: [], intents: [], uploads: [] };
  const left: Record<Side, number> = { source: limit, target: limit };
  const seen = new Set<Intent>();
  const visit = (node: PathNode): void => {
    for (const child of node.children?.values() ?? []) {
      if (child.divergence && left[child.divergence.truth]-- > 0) found.divergences.push(child.divergence);
      if (child.upload && found.uploads.length < limit) found.uploads.push(child.upload);
      for (const intent of child.intents?.keys() ?? []) {
        if (!seen.has(intent) && seen.size < limit) found.intents.push(intent);
        seen.add(intent);
      }
      const { counts } = child;
      if (direct || !counts) continue;
      // Where nothing more is wanted nobody looks, however much there is.
      if (counts.rest > 0 || sides.some((side) => left[side] > 0 && counts.rows[side] > 0)) visit(child);
    }
  };
  const start = findNode(root, folder);
  if (start) visit(start);
  return found;
}

/** Names directly in a folder that something with this truth concerns; costs as much as the folder has nodes, however deep they go. */
export function namesBelow(root: PathNode, folder: string, truth: Side): NamesBelow {
  const found: NamesBelow = { here: new Set(), deeper: new Set() };
  for (const [name, node] of findNode(root, folder)?.children ?? []) {
    const { divergence, counts } = node;
    const isOwn = (side: Side): boolean => divergence?.truth === side || ownHeld(node, side) > 0;
    if (isOwn(truth)) found.here.add(name);
    else if (!isOwn(otherSide(truth)) && counts && counts.rows[truth] + counts.held[truth] > 0)
      found.deeper.add(name);
  }
  return found;
}
