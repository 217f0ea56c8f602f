// A tree of path segments that holds a row of each kind per path; empty branches are pruned.
import { segmentsOf } from '../core/path.ts';
import type { Below, Divergence, Intent, Upload } from './journal.ts';

/** One path. */
export interface PathNode {
  children: Map<string, PathNode>;
  divergence?: Divergence;
  upload?: Upload;
  /** With true where the intent reaches everything below. */
  intents: Map<Intent, boolean>;
}

/** A node without anything. */
export function newPathNode(): PathNode {
  return { children: new Map(), intents: new Map() };
}

function isEmpty(node: PathNode): boolean {
  return !node.divergence && !node.upload && node.intents.size === 0 && node.children.size === 0;
}

/** The node of a path, if there is one. */
export function findNode(root: PathNode, path: string): PathNode | undefined {
  let node: PathNode | undefined = root;
  for (const segment of segmentsOf(path)) node = node?.children.get(segment);
  return node;
}

/** Changes the node of a path, made if missing and pruned if it is empty afterwards. */
export function editNode(root: PathNode, path: string, change: (node: PathNode) => void): void {
  const trail: [PathNode, string][] = [];
  let node = root;
  for (const segment of segmentsOf(path)) {
    trail.push([node, segment]);
    let child = node.children.get(segment);
    if (!child) {
      child = newPathNode();
      node.children.set(segment, child);
    }
    node = child;
  }
  change(node);
  for (const [parent, segment] of trail.reverse()) {
    if (!isEmpty(parent.children.get(segment)!)) break;
    parent.children.delete(segment);
  }
}

/** Rows strictly below a folder; `direct` only its children; at most `limit` of each kind. */
export function collectBelow(root: PathNode, folder: string, direct: boolean, limit: number): Below {
  const found: Below = { divergences: [], intents: [], uploads: [] };
  const seen = new Set<Intent>();
  const visit = (node: PathNode): void => {
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
  const start = findNode(root, folder);
  if (start) visit(start);
  return found;
}
