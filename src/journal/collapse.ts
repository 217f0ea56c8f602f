// Many rows of one folder become one for the whole folder (semantics D2), as a list of ordinary changes, pure.
import { joinPath, segmentsOf } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Change, Divergence } from './journal.ts';
import { findNode, type PathNode } from './path-tree.ts';

/** What is to be collapsed. */
export interface CollapseRequest {
  folder: string;
  truth: Side;
  /** Newer than every row's: repairs under way are superseded. */
  generation: number;
}

/** Rows with something of their own to be remembered stay as they are. */
function isOrdinary({ keepExtras, keepReplaced, pinned }: Divergence): boolean {
  return !keepExtras && !keepReplaced && pinned === undefined;
}

/** The row that decides about a folder. */
function governing(root: PathNode, folder: string): Divergence | undefined {
  const segments = segmentsOf(folder);
  let found: Divergence | undefined;
  let node: PathNode | undefined = root;
  for (let depth = 0; node; depth++) {
    const self = depth === segments.length;
    if (node.divergence && (self || node.divergence.subtree)) found = node.divergence;
    node = self ? undefined : node.children?.get(segments[depth]!);
  }
  return found;
}

function isBeingMoved({ intents }: PathNode): boolean {
  return [...(intents?.keys() ?? [])].some(({ verb }) => verb === 'rename');
}

/**
 * Rows of the truth below a folder that a row for the whole folder can stand for. A subtree that stays by itself keeps what is below
 * it. Undefined if a single path has the other truth (it may be a folder, and what is below it would have another truth than itself), if
 * an upload stands below whose bytes the truth does not have, or if a rename is under way: what it leaves counts on the rows that were
 * there when it began.
 */
function swallowed(start: PathNode, truth: Side): Divergence[] | undefined {
  const rows: Divergence[] = [];
  const visit = (node: PathNode): boolean => {
    if (isBeingMoved(node)) return false;
    for (const child of node.children?.values() ?? []) {
      const { divergence, upload } = child;
      const stays = divergence && (divergence.truth !== truth || !isOrdinary(divergence));
      if (divergence && divergence.truth !== truth && !divergence.subtree) return false;
      if (divergence && !stays) rows.push(divergence);
      if (upload && !stays && !upload.sides.includes(truth)) return false;
      if (stays && divergence.subtree) continue;
      if (!visit(child)) return false;
    }
    return true;
  };
  return visit(start) ? rows : undefined;
}

/**
 * The changes that make one subtree divergence of a folder's rows of one truth; none where that would give a path another truth, or
 * where what stands only on the other side is to be kept.
 */
export function collapse(root: PathNode, { folder, truth, generation }: CollapseRequest): Change[] {
  const over = governing(root, folder);
  if (over && (over.truth !== truth || !isOrdinary(over))) return [];
  const start = findNode(root, folder);
  const rows = start && swallowed(start, truth);
  if (!start || !rows || rows.length < 2) return [];
  const own = start.divergence;
  const all = own ? [...rows, own] : rows;
  const row: Divergence = {
    path: folder,
    subtree: true,
    truth,
    generation,
    reason: `${all.length} paths below it diverge`,
    sinceMs: all.reduce((oldest, { sinceMs }) => Math.min(oldest, sinceMs), Number.POSITIVE_INFINITY),
  };
  const tailUntilMs = all.reduce((latest, other) => Math.max(latest, other.tailUntilMs ?? 0), 0);
  if (tailUntilMs > 0) row.tailUntilMs = tailUntilMs;
  if (all.some(({ owners }) => owners)) row.owners = true;
  return [
    { do: 'put', divergence: row },
    ...rows.map(({ path, generation: former }): Change => ({ do: 'clear', path, generation: former })),
  ];
}

/** Folders with more than `most` names of a truth, deepest first. */
export function crowdedFolders(root: PathNode, most: number): { folder: string; truth: Side }[] {
  const found: { folder: string; truth: Side }[] = [];
  const visit = (node: PathNode, folder: string): void => {
    const { counts } = node;
    if (!counts || counts.rows.source + counts.rows.target <= most) return;
    for (const [name, child] of node.children ?? []) visit(child, joinPath(folder, name));
    for (const truth of ['source', 'target'] as const)
      if (counts.names[truth] > most) found.push({ folder, truth });
  };
  visit(root, '/');
  return found;
}
