// What can happen to an upload: appends and a flush with each of their moments, crashes, flips, outages, repair; decided by the functions of src.
import type { Mutation } from '../../src/core/mutation.ts';
import type { Route } from '../../src/core/route.ts';
import { otherSide, type Side } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';
import { aftermath, reachesOf } from '../../src/gateway/aftermath.ts';
import { createAnsweredAlone } from '../../src/gateway/answered-alone.ts';
import { planRead } from '../../src/gateway/ask.ts';
import { type Attempt, mayTakeOver } from '../../src/gateway/fan-out.ts';
import { closeUpload } from '../../src/gateway/idle-uploads.ts';
import { type Plan, plan } from '../../src/gateway/plan.ts';
import {
  mayAnswerEarly,
  planStage,
  settleStage,
  sidesForUpload,
  sidesOf,
} from '../../src/gateway/plan-stage.ts';
import { refusedOnState, settle } from '../../src/gateway/settle.ts';
import type { Intent, Upload } from '../../src/journal/journal.ts';
import { recover } from '../../src/journal/recover.ts';
import { truthOf } from '../../src/journal/truth-of.ts';
import { recordBeforeCopy, verdictOf } from '../../src/sync/fence.ts';
import {
  applied,
  durable,
  later,
  path,
  type Records,
  type Sent,
  stateOf,
  type Uploading,
  withBytes,
} from './upload-state.ts';

/** The decisions that may be left out. */
export interface UploadRules {
  settleStage: typeof settleStage;
  mayAnswerEarly: typeof mayAnswerEarly;
  planStage: typeof planStage;
  recover: typeof recover;
  recordBeforeCopy: typeof recordBeforeCopy;
  verdictOf: typeof verdictOf;
  truthOf: typeof truthOf;
}

/** As in `src`. */
export const uploadRules: UploadRules = {
  settleStage,
  mayAnswerEarly,
  planStage,
  recover,
  recordBeforeCopy,
  verdictOf,
  truthOf,
};

/** What is searched, and how far. */
export interface UploadWorld {
  route: Pick<Route, 'failover' | 'ack'>;
  bounds: { appends: number; crashes: number; flips: number; faults: number };
  rules: UploadRules;
}

type Take = (name: string, next: Uploading) => void;

const nowMs = 1000;
const sides: readonly Side[] = ['source', 'target'];
const flushing: Mutation = { verb: 'flush', path, position: 0, close: true, retain: false };

function routeOf({ route }: UploadWorld, { reads }: Uploading): Route {
  const mounts = [{ source: '/', target: '/' }];
  return { ...{ app: 'a', reads, writes: 'both', ackFallback: 'degrade', mounts }, ...route };
}

/** A breaker may or may not have noticed. */
const noticed = ({ isDown }: Uploading): ReadonlySet<Side>[] => [
  new Set(),
  ...(isDown ? [new Set([isDown])] : []),
];

function answeredAloneOf({ sent }: Uploading) {
  const alone = createAnsweredAlone();
  for (const { bit, answered, plan } of sent) if (bit > 0 && answered) alone.begin(path, plan.primary);
  return alone;
}

/** Opens an intent, durable before anything is sent. */
function opened(
  state: Uploading,
  records: Records,
  sent: Omit<Sent, 'intent' | 'answered'>,
  staged: boolean,
): Uploading {
  const { primary } = sent.plan;
  const id = state.lastId + 1;
  const intent: Intent = {
    ...{ id, openedMs: nowMs, app: 'a', verb: staged ? 'stage' : 'flush', reaches: reachesOf(flushing) },
    ...{ primary, secondary: otherSide(primary), staged },
  };
  const open = durable(state, { ...records, intents: [...records.intents, intent] });
  return { ...open, lastId: id, sent: [...open.sent, { ...sent, intent, answered: false }] };
}

function beginning(world: UploadWorld, state: Uploading, take: Take): void {
  const { rules, bounds } = world;
  const route = routeOf(world, state);
  const isFlushing = state.sent.some(({ bit }) => bit === 0);
  if (isFlushing || state.flush.acked) return;
  for (const down of noticed(state)) {
    if (state.begun < bounds.appends && state.flush.tries === 0) {
      const now = stateOf(state.records);
      const known = now.upload && (now.upload.unflushed || sidesOf(now.upload, now).length > 0);
      const upload: Upload = known
        ? now.upload!
        : {
            path,
            generation: 0,
            unflushed: false,
            app: 'a',
            touchedMs: 1,
            sides: sidesForUpload(route, now, down),
          };
      const records = applied(state.records, [{ do: 'put-upload', upload }]);
      const bit = 1 << state.begun;
      try {
        const plan = rules.planStage({ route, twoSided: true, upload, state: stateOf(records), down });
        take(
          `append ${bit} begins at ${plan.primary}`,
          opened({ ...state, begun: state.begun + 1 }, records, { bit, plan }, true),
        );
      } catch {
        // refused before anything was sent
      }
    }
    if (state.sent.length > 0 || state.acked === 0 || state.flush.tries > 0) continue;
    const decided = flushPlan(state, route, down);
    if (!decided) continue;
    const flush = { covers: state.acked, tries: state.flush.tries + 1, acked: false };
    take(
      `flush begins at ${decided.primary}`,
      opened({ ...state, flush }, state.records, { bit: 0, plan: decided }, false),
    );
  }
}

/** As gateway/mutate.ts plans it; undefined if it is refused before anything is sent. */
export function flushPlan({ records }: Uploading, route: Route, down: ReadonlySet<Side>): Plan | undefined {
  const { row, upload } = records;
  const [divergences, uploads] = [row ? [row] : [], upload ? [upload] : []];
  const decided = plan({ route, mutation: flushing, divergences, below: [], uploads, twoSided: true, down });
  return decided.do === 'ask' ? decided : undefined;
}

const failure = new StoreError('unavailable', 'away');
const lost = new StoreError('unavailable', 'no answer', { applied: 'unknown' });
const incomplete = new StoreError('invalid-flush', 'not all of it is staged');

/** What one side may answer, and what it then has. */
function* answersOf(
  { bounds }: UploadWorld,
  state: Uploading,
  side: Side,
  bit: number,
): Generator<[Attempt, Uploading]> {
  if (state.isDown === side) {
    yield [{ outcome: 'refused', error: failure }, state];
    return;
  }
  const { staged, shown } = state.stores[side];
  const { covers } = state.flush;
  if (bit === 0 && (staged & covers) !== covers) {
    yield [{ outcome: 'refused', error: incomplete }, state];
    return;
  }
  const done = withBytes(
    state,
    side,
    bit === 0 ? { staged: 0, shown: covers } : { staged: staged | bit, shown },
  );
  yield [{ outcome: 'acked', result: {} }, done];
  if (state.faults >= bounds.faults) return;
  yield [
    { outcome: 'unknown', error: lost },
    { ...done, faults: state.faults + 1 },
  ];
  yield [
    { outcome: 'unknown', error: lost },
    { ...state, faults: state.faults + 1 },
  ];
}

function answering(world: UploadWorld, state: Uploading, take: Take): void {
  for (const [at, one] of state.sent.entries()) {
    const put = (from: Uploading, next: Sent | undefined): Uploading => ({
      ...from,
      sent: next ? from.sent.with(at, next) : from.sent.toSpliced(at, 1),
    });
    const name = one.bit === 0 ? 'flush' : `append ${one.bit}`;
    if (one.waitsFor !== undefined) {
      if (one.waitsFor === 0)
        take(`${name} is answered: durable`, acknowledged(put(state, undefined), one.bit));
      continue;
    }
    const { primary, secondary } = one.plan;
    if (!one.first)
      for (const [first, after] of answersOf(world, state, primary, one.bit)) {
        const next = put(after, { ...one, first });
        take(`${name}: ${primary} ${first.outcome}`, early(world, next, { ...one, first }, at));
      }
    if (!one.second && secondary)
      for (const [second, after] of answersOf(world, state, secondary, one.bit))
        take(`${name}: ${secondary} ${second.outcome}`, put(after, { ...one, second }));
    if (one.first && (one.second || !secondary)) settling(world, put(state, undefined), one, take);
  }
}

function acknowledged(state: Uploading, bit: number): Uploading {
  if (bit === 0) return { ...state, flush: { ...state.flush, acked: true } };
  return { ...state, acked: state.acked | bit };
}

/** The client's answer at the primary's ack, where it may be. */
function early(world: UploadWorld, state: Uploading, one: Sent, at: number): Uploading {
  const route = routeOf(world, state);
  const { plan: decided, bit } = one;
  const first = one.first!;
  const now = state.records.upload;
  const answeredAlone = answeredAloneOf(state);
  const may =
    bit === 0
      ? first.outcome === 'acked' && (route.ack === 'primary' || !decided.secondary)
      : now && world.rules.mayAnswerEarly({ route, plan: decided, first, now, answeredAlone });
  if (!may) return state;
  return acknowledged({ ...state, sent: state.sent.with(at, { ...one, answered: true }) }, bit);
}

/** Both outcomes are known: the intent is closed, with what it leaves. */
function settling(world: UploadWorld, state: Uploading, one: Sent, take: Take): void {
  const first = one.first!;
  const second: Attempt = one.second ?? { outcome: 'skipped' };
  const intents = state.records.intents.filter(({ id }) => id !== one.intent.id);
  if (one.bit === 0) {
    settlingFlush(state, one, first, second, take);
    return;
  }
  const { plan: decided, answered, bit } = one;
  // Without a record by now, nothing is known of the bytes: the gateway goes on with the one that it began with.
  const now = state.records.upload ?? {
    path,
    generation: 0,
    unflushed: false,
    app: 'a',
    touchedMs: 1,
    sides: [...sides],
  };
  const answeredAlone = answeredAloneOf({ ...state, sent: answered ? [...state.sent, one] : state.sent });
  const settled = world.rules.settleStage({
    plan: decided,
    first,
    second,
    now,
    answeredAlone,
    nowMs,
    touchEveryMs: Number.POSITIVE_INFINITY,
  });
  const after = later(state, applied({ ...state.records, intents }, settled.changes));
  const isTaken = first.outcome === 'acked' || (mayTakeOver(decided, first) && second.outcome === 'acked');
  if (answered || !isTaken || !settled.held) take(`append ${bit} is settled`, after);
  else if (!settled.durableFirst) take(`append ${bit} is settled and answered`, acknowledged(after, bit));
  else
    take(`append ${bit} is settled, its answer waits`, {
      ...after,
      sent: [...after.sent, { ...one, waitsFor: after.queue.length }],
    });
}

function settlingFlush(state: Uploading, one: Sent, first: Attempt, second: Attempt, take: Take): void {
  const { primary, secondary, skipped, mayFailOver } = one.plan;
  const settlement = settle({
    primary,
    mayFailOver,
    first: first.outcome as 'acked' | 'refused' | 'unknown',
    second: second.outcome,
    firstTemporary: first.error?.temporary ?? false,
    secondOnState: refusedOnState(second.error),
    secondMisses: skipped !== undefined || (secondary !== undefined && first.outcome !== 'refused'),
  });
  const acked = (settlement.answer === 'primary' ? first : second).outcome === 'acked';
  const { row, intents } = state.records;
  const changes = aftermath({
    ...{
      mutation: flushing,
      reaches: reachesOf(flushing),
      settlement,
      acked,
      primary,
      generation: one.intent.id,
    },
    ...{ nowMs, zombieMs: 0, below: [], earlier: new Map(row ? [[path, row]] : []) },
  });
  const records = applied(
    { ...state.records, intents: intents.filter(({ id }) => id !== one.intent.id) },
    changes,
  );
  const after = settlement.durableFirst ? durable(state, records) : later(state, records);
  take(`flush is settled${acked ? ', acked' : ''}`, acked ? acknowledged(after, 0) : after);
}

function surroundings(world: UploadWorld, state: Uploading, take: Take): void {
  const { bounds, rules } = world;
  if (state.flips < bounds.flips)
    take('flip', { ...state, reads: otherSide(state.reads), flips: state.flips + 1 });
  const { isDown, ...up } = state;
  if (isDown) take(`${isDown} is back`, up);
  else if (state.faults < bounds.faults)
    for (const side of sides) take(`${side} goes down`, { ...state, isDown: side, faults: state.faults + 1 });
  const [disk, ...queue] = state.queue;
  if (disk) {
    const sent = state.sent.map((one) => (one.waitsFor ? { ...one, waitsFor: one.waitsFor - 1 } : one));
    take('the journal commits', { ...state, disk, queue, sent });
  }
  if (state.crashes < bounds.crashes)
    for (const left of [state.disk, ...state.queue]) {
      const { intents, row, upload } = left;
      const found = { intents, divergences: row ? [row] : [], uploads: upload ? [upload] : [] };
      const recovered = applied({ ...left, intents: [] }, rules.recover(found, nowMs, 0));
      take('crash and restart', { ...durable(state, recovered), sent: [], crashes: state.crashes + 1 });
    }
  const { row, upload } = state.records;
  if (upload && state.sent.length === 0 && (state.flush.acked || state.acked === 0))
    take('the idle upload is closed', later(state, applied(state.records, closeUpload(upload, nowMs))));
  if (!row || isDown || state.sent.length > 0) return;
  if (rules.verdictOf(row, stateOf(state.records), nowMs) !== 'clear') return;
  const { shown } = state.stores[row.truth];
  const copied = withBytes(state, otherSide(row.truth), { staged: 0, shown });
  const left = rules.recordBeforeCopy(stateOf(state.records), row, true);
  const narrowed = left.length > 0 ? later(copied, applied(state.records, left)) : copied;
  take('repair copies', narrowed);
  const cleared = applied(narrowed.records, [{ do: 'clear', path, generation: row.generation }]);
  take('repair copies and clears', later(narrowed, cleared));
}

/** What breaks the promise in this state; undefined if nothing does. */
export function broken(world: UploadWorld, state: Uploading): string | undefined {
  const route = routeOf(world, state);
  const { flush, acked, records } = state;
  for (const down of noticed(state))
    for (const reads of sides) {
      const { side } = planRead({ ...route, reads }, world.rules.truthOf(stateOf(records)), down);
      const { shown } = state.stores[side];
      if (flush.acked ? shown !== flush.covers : shown !== 0 && shown !== flush.covers)
        return `${side} shows ${shown} of ${flush.covers}`;
      if (flush.tries > 0 || acked === 0 || state.sent.length > 0) continue;
      const primary = flushPlan(state, { ...route, reads }, down)?.primary;
      if (!primary) return 'no side can take the flush';
      if ((state.stores[primary].staged & acked) !== acked)
        return `${primary} takes the flush, with ${state.stores[primary].staged} of ${acked}`;
    }
  return undefined;
}

/** Everything that may happen next. */
export function steps(world: UploadWorld, state: Uploading, take: Take): void {
  beginning(world, state, take);
  answering(world, state, take);
  surroundings(world, state, take);
}
