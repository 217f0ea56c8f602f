// What a settled mutation leaves in the journal, pure.
import type { Mutation } from '../core/mutation.ts';
import { isWithin } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Change, Divergence, Reach } from '../journal/journal.ts';
import type { Settlement } from './settle.ts';

/** The paths a mutation touches; `subtree` where it moves or removes all below. */
export function reachesOf(mutation: Mutation): Reach[] {
  if (mutation.verb === 'rename') {
    return [
      { path: mutation.path, subtree: true },
      { path: mutation.destination, subtree: true },
    ];
  }
  if (mutation.verb === 'concat') {
    return [mutation.path, ...mutation.sources].map((path) => ({ path, subtree: false }));
  }
  return [{ path: mutation.path, subtree: mutation.verb === 'delete' && mutation.recursive }];
}

/** What `aftermath` looks at. */
export interface Settled {
  mutation: Mutation;
  reaches: readonly Reach[];
  settlement: Settlement;
  /** True if the side that decides took it. */
  acked: boolean;
  /** The side that decided. */
  primary: Side;
  generation: number;
  nowMs: number;
  /** How long a request without an answer may still land, milliseconds. */
  zombieMs: number;
  /** The row that decided about each of its paths before the mutation: its own, or that of a folder above. */
  earlier: ReadonlyMap<string, Divergence>;
  /** Rows strictly below the paths that the mutation moves or removes with all below them. */
  below: readonly Divergence[];
}

const endsUploads: ReadonlySet<Mutation['verb']> = new Set([
  'create',
  'append',
  'delete',
  'commit-blocks',
  'concat',
  'truncate',
]);

/** The changes to be committed together with the end of the intent. */
export function aftermath(settled: Settled): Change[] {
  const { mutation, reaches, settlement, acked } = settled;
  const changes: Change[] = [];
  if (mutation.verb === 'rename' && acked) {
    // What was staged for the file that is replaced went with it.
    changes.push({ do: 'end-upload', path: mutation.destination });
    changes.push({ do: 'move', from: mutation.path, to: mutation.destination });
  }
  if (mutation.verb === 'delete' && acked && mutation.recursive)
    changes.push({ do: 'clear-below', path: mutation.path });
  if (endsUploads.has(mutation.verb) && acked) {
    for (const { path } of reaches) changes.push({ do: 'end-upload', path });
  }
  // A flush that retains bytes keeps its upload (semantics A4).
  if (mutation.verb === 'flush' && acked && !mutation.retain)
    changes.push({ do: 'end-upload', path: mutation.path });
  const divergence = settlement.divergence ?? lateBelow(settled);
  if (!divergence) return changes;
  const left = settlement.divergence ? reaches : reaches.slice(0, 1);
  const rows = left.map((reach) => rowFor(settled, reach, divergence));
  if (settlement.divergence && acked) rememberMove(settled, rows);
  for (const row of rows) changes.push({ do: 'put', divergence: row });
  return changes;
}

/**
 * What the other side still has under the old name is equal to what the truth has under the new one now, but for what has rows of its own:
 * those go with it. So repair moves it there (semantics A8). Under a row without `moved` nobody knows what the other side has.
 */
function rememberMove({ mutation, generation, earlier }: Settled, rows: Divergence[]): void {
  const [from, to] = rows;
  if (mutation.verb !== 'rename' || !from || !to || to.keepExtras || to.keepReplaced) return;
  const former = earlier.get(mutation.path);
  if (!former) {
    to.moved = { from: mutation.path, generation };
    from.frozen = generation;
  } else if (former.path === mutation.path && former.moved) {
    to.moved = former.moved;
    if (former.moved.from === mutation.path) from.frozen = former.moved.generation;
  }
  // Moved there and back: in its place again if nothing has touched that since.
  if (to.moved?.from === to.path && to.frozen !== to.moved.generation) delete to.moved;
}

/** Until when requests without an answer may land below a path that was moved or removed, epoch ms; 0 if there are none. */
function lateUntilMs({ mutation, below }: Settled): number {
  if (mutation.verb !== 'rename' && !(mutation.verb === 'delete' && mutation.recursive)) return 0;
  return below.reduce(
    (latest, row) => (isWithin(row.path, mutation.path) ? Math.max(latest, row.tailUntilMs ?? 0) : latest),
    0,
  );
}

/** Rows go with what they are about, but a late request knows the old name only: that name is looked at again. */
function lateBelow(settled: Settled): Settlement['divergence'] {
  if (!settled.acked || lateUntilMs(settled) <= settled.nowMs) return undefined;
  return { truth: settled.primary, tail: false, reason: 'a late request may still land below it' };
}

/** After these the path has the owner of something new. */
const makesAnew: ReadonlySet<Mutation['verb']> = new Set(['create', 'delete', 'commit-blocks', 'rename']);

function setsOwner(mutation: Mutation): boolean {
  return mutation.verb === 'set-attributes' && (mutation.owner !== undefined || mutation.group !== undefined);
}

function setsTimes(mutation: Mutation): boolean {
  return (
    mutation.verb === 'set-attributes' &&
    (mutation.modifiedMs !== undefined || mutation.accessedMs !== undefined)
  );
}

/** After these a folder still holds what it held. */
const keepsContent: ReadonlySet<Mutation['verb']> = new Set(['set-attributes', 'mkdir']);

/** These add to the end of a file and leave the rest of it, and its owner, as they are. */
const grows: ReadonlySet<Mutation['verb']> = new Set(['append', 'flush']);

/** True if nothing is at a path after the mutation. */
function takesAway(mutation: Mutation, path: string): boolean {
  if (mutation.verb === 'rename' || mutation.verb === 'concat') {
    const made = mutation.verb === 'rename' ? mutation.destination : mutation.path;
    return path !== made;
  }
  return mutation.verb === 'delete';
}

/** What was set before and still is: a renamed path takes its owner and times along. */
function setBefore(
  { mutation, acked, earlier: rows }: Settled,
  path: string,
  earlier: Divergence | undefined,
): Pick<Divergence, 'owners' | 'times'> | undefined {
  if (mutation.verb === 'rename' && acked && path === mutation.destination) {
    const former = rows.get(mutation.path);
    return former?.path === mutation.path ? former : undefined;
  }
  if (makesAnew.has(mutation.verb) || !earlier) return undefined;
  const times = keepsContent.has(mutation.verb) && earlier.times;
  return { ...(earlier.owners ? { owners: true } : {}), ...(times ? { times } : {}) };
}

function rowFor(settled: Settled, reach: Reach, left: NonNullable<Settlement['divergence']>): Divergence {
  const nearest = settled.earlier.get(reach.path);
  const earlier = nearest?.path === reach.path ? nearest : undefined;
  const row: Divergence = {
    path: reach.path,
    subtree: reach.subtree || (earlier?.subtree ?? false),
    truth: left.truth,
    generation: settled.generation,
    reason: `${settled.mutation.verb}: ${left.reason}`,
    sinceMs: earlier?.sinceMs ?? settled.nowMs,
  };
  const late = reach.path === settled.mutation.path ? lateUntilMs(settled) : 0;
  const tail = Math.max(earlier?.tailUntilMs ?? 0, late, left.tail ? settled.nowMs + settled.zombieMs : 0);
  if (tail > 0) row.tailUntilMs = tail;
  if (earlier?.keepExtras) row.keepExtras = true;
  if (earlier?.keepReplaced) row.keepReplaced = true;
  const set = setBefore(settled, reach.path, earlier);
  if (setsOwner(settled.mutation) || set?.owners) row.owners = true;
  if (setsTimes(settled.mutation) || set?.times) row.times = true;
  const mayLand = Math.max(earlier?.tailUntilMs ?? 0, late) > settled.nowMs;
  if (settled.acked && !mayLand && takesAway(settled.mutation, reach.path)) row.absent = true;
  // The other side is not asked while a row stands.
  if (earlier?.frozen !== undefined) row.frozen = earlier.frozen;
  if (earlier?.moved && keepsContent.has(settled.mutation.verb)) row.moved = earlier.moved;
  if (earlier?.truth === row.truth && grows.has(settled.mutation.verb))
    row.grownSince = earlier.grownSince ?? earlier.generation;
  return row;
}
