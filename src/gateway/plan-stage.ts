// The decisions of an append, pure: who is asked, and what its upload's record is after it (semantics A4).
import type { Route } from '../core/route.ts';
import { otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Change, PathState, Upload } from '../journal/journal.ts';
import type { AnsweredAlone } from './answered-alone.ts';
import { type Attempt, mayTakeOver } from './fan-out.ts';
import type { Plan } from './plan.ts';

/** The sides that hold the upload and the newest state of its path. */
export function sidesOf({ sides }: Upload, { divergence }: PathState): Side[] {
  return divergence ? sides.filter((side) => side === divergence.truth) : sides;
}

/** The sides that may hold an upload begun now. */
export function sidesForUpload(route: Route, { divergence }: PathState, down: ReadonlySet<Side>): Side[] {
  if (divergence) return [divergence.truth];
  if (route.writes !== 'both') return [route.reads];
  const [primary, other] = [route.reads, otherSide(route.reads)];
  if (down.has(other)) return [primary];
  return down.has(primary) && route.failover === 'full' ? [other] : [primary, other];
}

/** What decides about an append. */
export interface StageSituation {
  route: Route;
  /** True if any app of the mount writes both sides. */
  twoSided: boolean;
  upload: Upload;
  state: PathState;
  /** Sides whose breaker is open. */
  down: ReadonlySet<Side>;
}

/**
 * Appends that are open at the same time have the same primary, whatever the route says by now: after a crash an open one takes its
 * secondary out of the upload, and two of them must not take out both.
 * @throws StoreError `unavailable` if no side has both the upload and the newest state of the path
 */
export function planStage({ route, twoSided, upload, state, down }: StageSituation): Plan {
  const sides = sidesOf(upload, state);
  const open = state.intents.find((intent) => intent.staged && sides.includes(intent.primary));
  const wanted = open?.primary ?? route.reads;
  const primary = sides.includes(wanted) ? wanted : sides[0];
  if (!primary) throw new StoreError('unavailable', 'the path is being settled', { retryAfterMs: 1000 });
  const ask = { do: 'ask', primary, order: 'together', checkFirst: false, mayFailOver: false } as const;
  const other = otherSide(primary);
  if (!sides.includes(other)) return twoSided ? { ...ask, skipped: 'diverges' } : ask;
  if (down.has(other)) return { ...ask, skipped: 'breaker' };
  return { ...ask, secondary: other, mayFailOver: route.failover === 'full' };
}

/**
 * The record after an append, judged against the record as it is now; undefined if no side would hold every acked byte: the
 * loser of a race gets 503.
 */
export function afterStage(now: Upload, acked: readonly Side[], nowMs: number): Upload | undefined {
  const sides = now.sides.filter((side) => acked.includes(side));
  return sides.length === 0 ? undefined : { ...now, sides, unflushed: true, touchedMs: nowMs };
}

/** What decides about an answer at the primary's ack. */
export interface EarlyAnswer {
  route: Route;
  plan: Plan;
  first: Attempt;
  /** The record as it is now. */
  now: Upload;
  answeredAlone: Pick<AnsweredAlone, 'allows'>;
}

/** True if the client may be answered at the primary's ack: as things are now, that side has every byte acked so far. */
export function mayAnswerEarly({ route, plan, first, now, answeredAlone }: EarlyAnswer): boolean {
  if (first.outcome !== 'acked' || (route.ack !== 'primary' && plan.secondary)) return false;
  return now.sides.includes(plan.primary) && answeredAlone.allows(now.path, [plan.primary]);
}

/** What `settleStage` looks at. */
export interface StageOutcomes {
  plan: Plan;
  first: Attempt;
  second: Attempt;
  /** The record as it is now. */
  now: Upload;
  answeredAlone: Pick<AnsweredAlone, 'allows'>;
  nowMs: number;
  /** The record is written anew once it is as old as this, milliseconds: an upload that goes on is not idle. */
  touchEveryMs: number;
}

/** What is to be kept of an append. */
export interface StageSettlement {
  changes: Change[];
  /** Some side has every acked byte with this append. */
  held: boolean;
  /** Recovery would take the side that has it out of the upload: the client must not hear of it before this is on disk. */
  durableFirst: boolean;
}

/** The whole table of an append. */
export function settleStage(outcomes: StageOutcomes): StageSettlement {
  const { plan, first, second, now, answeredAlone, nowMs, touchEveryMs } = outcomes;
  const { path } = now;
  const acked: Side[] = first.outcome === 'acked' ? [plan.primary] : [];
  if (second.outcome === 'acked' && (first.outcome === 'acked' || mayTakeOver(plan, first)))
    acked.push(otherSide(plan.primary));
  const next = answeredAlone.allows(path, acked) ? afterStage(now, acked, nowMs) : undefined;
  const isOld = nowMs - now.touchedMs >= touchEveryMs;
  const isChanged = next && (next.sides.length !== now.sides.length || !now.unflushed || isOld);
  return {
    changes: isChanged ? [{ do: 'put-upload', upload: next }] : [],
    held: next !== undefined,
    durableFirst: first.outcome !== 'acked',
  };
}
