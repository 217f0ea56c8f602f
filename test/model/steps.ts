// What can happen next in the model: stores, clients, repair and crashes, one step at a time, decided by the real functions.
import type { Mutation } from '../../src/core/mutation.ts';
import type { Route } from '../../src/core/route.ts';
import { otherSide, type Side } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';
import { reachesOf } from '../../src/gateway/aftermath.ts';
import { mayTakeOver } from '../../src/gateway/fan-out.ts';
import type { Plan } from '../../src/gateway/plan.ts';
import { refusedOnState } from '../../src/gateway/settle.ts';
import type { Intent } from '../../src/journal/journal.ts';
import * as monitor from './monitor.ts';
import type { Rules } from './rules.ts';
import {
  lateMs,
  later,
  type ModelRead,
  type ModelWrite,
  now,
  nowMs,
  path,
  pathState,
  rowAfter,
  type State,
  withLate,
  without,
  zombieMs,
} from './state.ts';

/** How often each thing happens at most. */
export interface Bounds {
  writes: number;
  reads: number;
  crashes: number;
  flips: number;
  outages: number;
}

/** What is searched. */
export interface World {
  bounds: Bounds;
  rules: Rules;
  mutation: Mutation;
  /** The first one's reads are flipped; the others' stay. */
  apps: readonly Route[];
}

/** Takes a step. */
export type Take = (name: string, after: State) => void;

const sides: readonly Side[] = ['source', 'target'];

function routeOf(world: World, state: State, app: number): Route {
  const route = world.apps[app]!;
  return app === 0 ? { ...route, reads: state.reads } : route;
}

/** Sides whose breaker may be open now: one that is down may have been noticed or not. */
function noticed({ isDown }: State): ReadonlySet<Side>[] {
  return isDown ? [new Set(), new Set([isDown])] : [new Set()];
}

const isPlacing = ({ repair }: State): boolean => repair?.placed ?? false;

/** Flips, outages and requests that land late. */
export function environment({ bounds }: World, state: State, take: Take): void {
  if (state.flips < bounds.flips)
    take('flip', { ...state, reads: otherSide(state.reads), flips: state.flips + 1 });
  if (state.isDown) take(`${state.isDown} is back`, without(state, 'isDown'));
  else if (state.outages < bounds.outages) {
    for (const side of sides)
      take(`${side} goes down`, { ...state, isDown: side, outages: state.outages + 1 });
  }
  for (const one of state.late) {
    const [side, value] = one.split(' ') as [Side, string];
    const gone = { ...state, late: state.late.filter((other) => other !== one) };
    if (state.isDown !== side) take(`late: ${value} lands on ${side}`, { ...gone, [side]: Number(value) });
    take(`late: ${value} never lands on ${side}`, gone);
  }
}

/** The process ends, with any prefix of the journal's queue on disk, and starts again. */
export function crashing({ bounds, rules }: World, state: State, take: Take): void {
  if (state.crashes >= bounds.crashes) return;
  let ended = without(state, 'write', 'read', 'repair');
  const { write } = state;
  if (write) {
    const asked: [Side, ModelWrite['first']][] = [
      [write.primary, write.first],
      [otherSide(write.primary), write.second],
    ];
    for (const [side, got] of asked) if (got === undefined) ended = withLate(ended, `${side} ${write.value}`);
  }
  for (const { intent, row } of [state.disk, ...state.queue]) {
    const left = { intents: intent ? [intent] : [], divergences: row ? [row] : [], uploads: [] };
    const recovered = rowAfter(row, rules.recover(left, nowMs, lateMs));
    const crashed = { ...ended, crashes: state.crashes + 1, seen: monitor.readFailed(state.seen) };
    take('crash and restart', now(crashed, undefined, recovered));
  }
}

function planOf(world: World, state: State, route: Route, down: ReadonlySet<Side>): Plan | undefined {
  const { row } = state.rows;
  const twoSided = world.apps.some(({ writes }) => writes === 'both');
  try {
    const divergences = row ? [row] : [];
    const plan = world.rules.plan({
      route,
      mutation: world.mutation,
      divergences,
      below: [],
      uploads: [],
      twoSided,
      down,
    });
    return plan.do === 'ask' ? plan : undefined;
  } catch {
    return undefined; // refused before anything was sent
  }
}

function markedBy({ rules }: World, read: ModelRead, mutation: Mutation, side: Side): boolean {
  const marks = rules.createReadMarks();
  const mark = marks.begin(path, false);
  marks.mark(reachesOf(mutation), side);
  return read.marked || mark.isMarked(read.side);
}

function beginning(world: World, state: State, take: Take): void {
  if (state.write || isPlacing(state) || state.writes >= world.bounds.writes) return;
  const seenPlans = new Set<string>();
  for (const app of world.apps.keys()) {
    for (const down of noticed(state)) {
      const plan = planOf(world, state, routeOf(world, state, app), down);
      if (!plan || seenPlans.has(JSON.stringify(plan))) continue;
      seenPlans.add(JSON.stringify(plan));
      const { primary, secondary, skipped, order, mayFailOver } = plan;
      const value = state.writes + 1;
      const intent: Intent = {
        id: Math.max(state.rows.row?.generation ?? 0, state.repair?.row.generation ?? 0) + 1,
        openedMs: nowMs,
        app: '',
        verb: world.mutation.verb,
        reaches: reachesOf(world.mutation),
        primary,
        secondary: otherSide(primary),
        staged: false,
      };
      const write: ModelWrite = {
        value,
        primary,
        asksBoth: secondary !== undefined,
        skips: skipped !== undefined,
        order,
        mayFailOver,
        first: undefined,
        second: secondary ? undefined : 'skipped',
        answered: false,
        settling: false,
      };
      let next: State = { ...state, write, writes: value, seen: monitor.begun(state.seen, value) };
      if (next.read)
        next.read = { ...next.read, marked: markedBy(world, next.read, world.mutation, otherSide(primary)) };
      next = now(next, intent, state.rows.row);
      take(`write ${value} at ${primary}${skipped ? `, other side skipped: ${skipped}` : ''}`, next);
    }
  }
}

const errorOf = (got: ModelWrite['first']): StoreError | undefined =>
  got === 'down'
    ? new StoreError('unavailable', 'down')
    : got === 'refused'
      ? new StoreError('denied', 'refused')
      : got === 'there'
        ? new StoreError('condition-failed', 'refused because of what is there')
        : undefined;

function outcomeOf(got: ModelWrite['first']) {
  if (got === 'there-lost') return 'unknown';
  return got === 'down' || got === 'there' ? 'refused' : got!;
}

/** The other side has not applied it, nor will it: where the path is clean, it refuses what this one refuses because of what is there. */
const mayRefuseOnState = (other: ModelWrite['first']): boolean =>
  other === undefined || other === 'down' || other === 'there' || other === 'there-lost';

function takesOver(write: ModelWrite): boolean {
  const error = errorOf(write.first);
  const plan = { mayFailOver: write.mayFailOver } as Plan;
  return mayTakeOver(plan, { outcome: outcomeOf(write.first), ...(error ? { error } : {}) });
}

function asking(state: State, write: ModelWrite, take: Take): void {
  const { value, primary, order } = write;
  for (const [role, side] of [
    ['first', primary],
    ['second', otherSide(primary)],
  ] as const) {
    if (write[role] !== undefined) continue;
    const withGot = (got: ModelWrite['first']): State => ({ ...state, write: { ...write, [role]: got } });
    if (role === 'second' && order === 'primary-first') {
      if (write.first === undefined) continue;
      if (write.first !== 'acked' && !takesOver(write)) {
        take(`${side} is not asked for ${value}`, withGot('skipped'));
        continue;
      }
    }
    if (state.isDown === side) {
      take(`${side} cannot be reached for ${value}`, withGot('down'));
      continue;
    }
    const other = write[role === 'first' ? 'second' : 'first'];
    if (role === 'second' || other !== 'there') {
      take(`${side} acks ${value}`, { ...withGot('acked'), [side]: value });
      take(`${side} applies ${value}, answer lost`, { ...withGot('unknown'), [side]: value });
      take(`${side} does not answer ${value}`, withLate(withGot('unknown'), `${side} ${value}`));
    }
    take(`${side} refuses ${value}`, withGot('refused'));
    if (mayRefuseOnState(other)) {
      take(`${side} refuses ${value} on state`, withGot('there'));
      take(`${side} refuses ${value} on state, answer lost`, withGot('there-lost'));
    }
  }
}

/** As `finish` and `answerOf` of gateway/mutate.ts do it. */
function settling({ rules, mutation }: World, state: State, write: ModelWrite, take: Take): void {
  const { value, primary } = write;
  const first = outcomeOf(write.first) as 'acked' | 'refused' | 'unknown';
  const second = outcomeOf(write.second);
  const settlement = rules.settle({
    primary,
    first,
    firstTemporary: errorOf(write.first)?.temporary ?? false,
    second,
    secondOnState: refusedOnState(errorOf(write.second)),
    secondMisses: write.skips || (write.asksBoth && first !== 'refused'),
    mayFailOver: write.mayFailOver,
  });
  const answer = settlement.answer === 'primary' ? first : second;
  const { row, intent } = state.rows;
  const changes = rules.aftermath({
    mutation,
    reaches: intent!.reaches,
    settlement,
    acked: answer === 'acked',
    primary,
    generation: intent!.id,
    nowMs,
    zombieMs,
    earlier: new Map(row ? [[path, row]] : []),
    below: [],
  });
  const kept = rowAfter(row, changes);
  const name = `settle ${value}: ${answer}, ${kept ? `truth ${kept.truth}` : 'clean'}`;
  if (settlement.durableFirst) {
    const waits = { ...state, write: { ...write, settling: true } };
    take(`${name}, once on disk`, later(waits, kept, rules.showsWhenDurable));
    return;
  }
  let { seen } = state;
  if (answer === 'acked' && !write.answered) seen = monitor.acknowledged(seen, value);
  else if (answer === 'refused') seen = monitor.denied(seen, value);
  take(name, later({ ...without(state, 'write'), seen }, kept));
}

/** One write at a time: its path's lock is held until it has settled. */
export function writing(world: World, state: State, take: Take): void {
  beginning(world, state, take);
  const { write } = state;
  if (!write) return;
  if (write.settling) {
    const answer = write.second === 'acked' ? monitor.acknowledged : monitor.denied;
    const seen = answer(state.seen, write.value);
    take(
      `${write.value} is on disk and answered`,
      now({ ...without(state, 'write'), seen }, undefined, state.rows.row),
    );
    return;
  }
  if (write.first === 'acked' && !write.answered && world.apps[0]!.ack === 'primary') {
    const seen = monitor.acknowledged(state.seen, write.value);
    take(`answer ${write.value}`, { ...state, write: { ...write, answered: true }, seen });
  }
  asking(state, write, take);
  if (write.first !== undefined && write.second !== undefined) settling(world, state, write, take);
}

/** One turn of the loop of gateway/ask.ts: mark, look up the truth, plan. */
function planning(world: World, state: State, app: number, failed: Side | undefined, take: Take): void {
  const route = routeOf(world, state, app);
  const truth = world.rules.truthOf(pathState(state.rows));
  const seenPlans = new Set<Side>();
  for (const down of failed ? [new Set([failed])] : noticed(state)) {
    const { side, clean } = world.rules.planRead(route, truth, down);
    if (seenPlans.has(side)) continue;
    seenPlans.add(side);
    const read: ModelRead = { app, side, clean, marked: false, ...(failed ? { failed } : {}) };
    take(`read of app ${app} planned on ${side}`, { ...state, read });
  }
}

/** One read at a time. */
export function reading(world: World, state: State, take: Take): void {
  const { read } = state;
  if (!read) {
    if (state.readCount >= world.bounds.reads) return;
    const begun = { ...state, readCount: state.readCount + 1, seen: monitor.readBegun(state.seen) };
    for (const app of world.apps.keys()) planning(world, begun, app, undefined, take);
    return;
  }
  const { app, side, got, clean, marked, failed } = read;
  const again = (because: Side | undefined): void =>
    planning(world, state, app, because, (name, next) => take(`again: ${name}`, next));
  if (got === undefined && state.isDown !== side) {
    take(`read finds ${state[side]} on ${side}`, { ...state, read: { ...read, got: state[side] } });
  } else if (marked) {
    again(failed);
  } else if (got !== undefined) {
    take(`read returns ${got}`, { ...without(state, 'read'), seen: monitor.readReturned(state.seen, got) });
  } else if (!failed && clean) {
    again(side);
  } else {
    take('read fails', { ...without(state, 'read'), seen: monitor.readFailed(state.seen) });
  }
}

/** As sync/repair-row.ts does it: copy to a hidden name, then under the path's lock place, prove, clear. */
export function repairing({ rules }: World, state: State, take: Take): void {
  const { repair, rows, isDown } = state;
  // The clock has passed every tail once nothing can land any more.
  const clockMs = state.late.length > 0 ? nowMs : lateMs;
  if (!repair) {
    const { row } = rows;
    if (!row || isDown || rules.verdictOf(row, pathState(rows), clockMs) !== 'clear') return;
    take('repair copies', { ...state, repair: { row, value: state[row.truth], placed: false } });
    return;
  }
  const { row, value, placed } = repair;
  const there = otherSide(row.truth);
  const ended = without(state, 'repair');
  if (placed) {
    // Its proof is of what stands there now, and of nothing that comes later.
    if (!isDown && state.source === state.target) {
      const cleared = rowAfter(rows.row, [{ do: 'clear', path, generation: row.generation }]);
      take('repair proves and clears', later(ended, cleared));
    }
    take('repair will try again', ended);
    return;
  }
  if (state.write) return;
  if (isDown || rules.verdictOf(row, pathState(rows), clockMs) !== 'clear') {
    take('repair gives up', ended);
    return;
  }
  take('repair places its copy', { ...state, [there]: value, repair: { ...repair, placed: true } });
  const lost = withLate(ended, `${there} ${value}`);
  take("repair's copy is not answered", later(lost, rules.withTail(rows.row!, nowMs, zombieMs)));
}
