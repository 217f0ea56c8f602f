// The decision before I/O, pure: who is primary, who is asked, in which order (design §4).

import { hasCondition } from '../core/condition.ts';
import { bodyOf, type Mutation } from '../core/mutation.ts';
import { parentOf } from '../core/path.ts';
import type { Route } from '../core/route.ts';
import { otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Divergence, Upload } from '../journal/journal.ts';

/** What `plan` looks at, all read under the path's lock. */
export interface Situation {
  route: Route;
  mutation: Mutation;
  /** Divergences at or above the paths of the mutation, and of the folder that something new inherits from (semantics A7). */
  divergences: readonly Divergence[];
  /** Divergences below a path that the mutation moves or removes with all its content. */
  below: readonly Divergence[];
  /** Uploads at (or below, for subtree verbs) its paths. */
  uploads: readonly Upload[];
  /** True if any app of the mount writes both sides: a side that is not asked then misses the change. */
  twoSided: boolean;
  /** Sides whose breaker is open. */
  down: ReadonlySet<Side>;
}

/** Why the other side is not asked although it should have the change. */
export type Skipped = 'diverges' | 'breaker' | 'one-sided';

/** How a mutation will be carried out. */
export interface Plan {
  do: 'ask';
  primary: Side;
  /** Absent: only the primary is asked. */
  secondary?: Side;
  /** Present if the other side misses this mutation: a divergence is left. */
  skipped?: Skipped;
  /** `primary-first`: the secondary starts at the primary's ack. */
  order: 'together' | 'primary-first';
  /** A condition is judged by a query before the body is read (semantics A3). */
  checkFirst: boolean;
  /** The secondary may take over if the primary fails temporarily or unknown. */
  mayFailOver: boolean;
}

/** Paths with different truths: the named divergences must be settled before this mutation can be planned. */
export interface SettleFirst {
  do: 'settle-first';
  divergences: readonly Divergence[];
}

const refusable: ReadonlySet<Mutation['verb']> = new Set(['rename', 'concat', 'truncate', 'lease']);

/** True if the primary may refuse the mutation because of what is there. */
export function mayRefuseOnState(mutation: Mutation): boolean {
  if (
    'condition' in mutation &&
    (hasCondition(mutation.condition) || mutation.condition?.leaseId !== undefined)
  )
    return true;
  if (refusable.has(mutation.verb)) return true;
  if (mutation.verb === 'delete') return !mutation.recursive;
  return mutation.verb === 'append' && mutation.position !== undefined;
}

/** The folder whose default ACL and mode decide about what a mutation makes; undefined if it makes nothing. */
export function inheritsFrom({ verb, path }: Mutation): string | undefined {
  return verb === 'create' || verb === 'mkdir' || verb === 'commit-blocks' ? parentOf(path) : undefined;
}

/** The one side that the truths of a mutation's paths agree on; undefined if they are clean; `mixed` if they disagree. */
function commonTruth(sides: readonly Side[]): Side | 'mixed' | undefined {
  const [first] = sides;
  return sides.every((side) => side === first) ? first : 'mixed';
}

function truthOfUploads(uploads: readonly Upload[]): Side[] {
  return uploads
    .filter((upload) => upload.unflushed && upload.sides.length === 1)
    .map((upload) => upload.sides[0]!);
}

/** @throws StoreError `unavailable` if the only side that may be written is not the app's to write */
export function plan(situation: Situation): Plan | SettleFirst {
  const { route, mutation, divergences, below, uploads, twoSided, down } = situation;
  const truth = commonTruth([...divergences.map((row) => row.truth), ...truthOfUploads(uploads)]);
  const truthBelow = commonTruth(below.map((row) => row.truth));
  const clash = truth === 'mixed' || truthBelow === 'mixed' || (truth && truthBelow && truth !== truthBelow);
  if (clash) return { do: 'settle-first', divergences: [...below, ...divergences] };

  const conditional = mayRefuseOnState(mutation);
  const withBody = bodyOf(mutation) !== undefined;
  const ask = {
    do: 'ask',
    order: conditional && !withBody ? 'primary-first' : 'together',
    checkFirst: conditional && withBody,
    mayFailOver: false,
  } as const;
  if (truth) {
    refuseForeignSide(route, truth);
    return { ...ask, primary: truth, skipped: 'diverges' };
  }
  const primary = truthBelow ?? route.reads;
  const secondary = otherSide(primary);
  refuseForeignSide(route, primary);
  if (route.writes !== 'both')
    return twoSided ? { ...ask, primary, skipped: 'one-sided' } : { ...ask, primary };
  const failsOver = route.failover === 'full' && !truthBelow;
  if (down.has(primary) && !down.has(secondary) && failsOver)
    return { ...ask, primary: secondary, skipped: 'breaker' };
  if (down.has(secondary)) return { ...ask, primary, skipped: 'breaker' };
  return { ...ask, primary, secondary, mayFailOver: failsOver };
}

function refuseForeignSide(route: Route, side: Side): void {
  if (route.writes === 'both' || route.writes === side) return;
  throw new StoreError('unavailable', `the newest state is on the ${side}, which this app does not write`, {
    retryAfterMs: 1000,
  });
}
