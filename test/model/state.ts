// The state of the model: one path, two stores, a gateway with its journal, and what the clients have seen.
import type { Side } from '../../src/core/store.ts';
import type { Outcome } from '../../src/gateway/settle.ts';
import type { Change, Divergence, Intent, PathState } from '../../src/journal/journal.ts';
import { createPathIndex } from '../../src/journal/path-index.ts';
import { nothingSeen, type Seen } from './monitor.ts';

/** The one path. */
export const path = '/d/x';
/** Time is "the tail is over" or not: the clock stands at `nowMs`, and at `lateMs` once nothing can land late any more. */
export const nowMs = 1000;
export const zombieMs = 1000;
export const lateMs = nowMs + zombieMs;

/** What the journal knows of the path. */
export interface Rows {
  intent?: Intent;
  row?: Divergence;
}

/** An outcome on one side: refused for good, because of what is `there` (heard, or the answer `there-lost`), or `down` for now. */
export type Got = Outcome | 'there' | 'there-lost' | 'down' | undefined;

/** The write under way. */
export interface ModelWrite {
  value: number;
  primary: Side;
  asksBoth: boolean;
  skips: boolean;
  order: 'together' | 'primary-first';
  mayFailOver: boolean;
  first: Got;
  second: Got;
  answered: boolean;
  /** Settled, and waiting for its truth to be on disk. */
  settling: boolean;
}

/** The read under way. */
export interface ModelRead {
  app: number;
  side: Side;
  clean: boolean;
  got?: number;
  marked: boolean;
  failed?: Side;
}

/** Everything. */
export interface State {
  source: number;
  target: number;
  isDown?: Side;
  /** Where the first app's reads go. */
  reads: Side;
  rows: Rows;
  /** What a crash is sure to find. */
  disk: Rows;
  /** What was written after it and is not awaited: a crash keeps any prefix. */
  queue: Rows[];
  write?: ModelWrite;
  read?: ModelRead;
  /** `value`: what was read from the truth; `placed`: it stands on the other side, under the path's lock. */
  repair?: { row: Divergence; value: number; placed: boolean };
  /** Requests without an answer that may still be applied: side and value. */
  late: string[];
  writes: number;
  readCount: number;
  crashes: number;
  flips: number;
  outages: number;
  seen: Seen;
}

/** Both stores up, empty and equal. */
export const start: State = {
  source: 0,
  target: 0,
  reads: 'source',
  rows: {},
  disk: {},
  queue: [],
  late: [],
  writes: 0,
  readCount: 0,
  crashes: 0,
  flips: 0,
  outages: 0,
  seen: nothingSeen,
};

const letter = (side: Side | undefined): string => side?.[0] ?? '-';

function rowKey(row: Divergence | undefined, generation: number): string {
  if (!row) return '-';
  return (
    letter(row.truth) +
    ((row.tailUntilMs ?? 0) > nowMs ? 't' : '') +
    (generation === row.generation ? '=' : '')
  );
}

function rowsKey({ intent, row }: Rows, generation: number): string {
  return letter(intent?.primary) + (intent?.secondary ? '2' : '') + rowKey(row, generation);
}

/** Equal for states that nothing can tell apart. */
export function keyOf(state: State): string {
  const { write, read, repair, rows } = state;
  const bits = (...flags: (boolean | undefined)[]) => flags.map((flag) => (flag ? 1 : 0)).join('');
  return [
    state.source,
    state.target,
    letter(state.isDown) + letter(state.reads),
    rowsKey(rows, repair?.row.generation ?? -1),
    // A crash finds one of them; in which order they wait makes no difference.
    [...new Set([state.disk, ...state.queue].map((one) => rowsKey(one, -1)))].sort().join('>'),
    write
      ? write.value +
        letter(write.primary) +
        (write.first?.[0] ?? '-') +
        (write.second?.[0] ?? '-') +
        bits(
          write.asksBoth,
          write.skips,
          write.order === 'together',
          write.mayFailOver,
          write.answered,
          write.settling,
        )
      : '',
    read
      ? read.app + letter(read.side) + (read.got ?? '-') + letter(read.failed) + bits(read.clean, read.marked)
      : '',
    repair ? letter(repair.row.truth) + repair.value + bits(repair.placed) : '',
    state.late.join(''),
    `${state.writes}${state.readCount}${state.crashes}${state.flips}${state.outages}`,
    state.seen,
  ].join('|');
}

/** What the journal answers about the path. */
export function pathState({ intent, row }: Rows): PathState {
  return row ? { intents: intent ? [intent] : [], divergence: row } : { intents: intent ? [intent] : [] };
}

/** A row after changes, as the journal's own index applies them. */
export function rowAfter(row: Divergence | undefined, changes: readonly Change[]): Divergence | undefined {
  const index = createPathIndex();
  if (row) index.apply({ do: 'put', divergence: row });
  for (const change of changes) index.apply(change);
  return index.state(path).divergence;
}

const rowsOf = (intent: Intent | undefined, row: Divergence | undefined): Rows => ({
  ...(intent ? { intent } : {}),
  ...(row ? { row } : {}),
});

/** A commit that is ordered but not awaited; `keeps`: the old truth is in force until it is on disk. */
export function later(state: State, row: Divergence | undefined, keeps = false): State {
  const rows = rowsOf(undefined, row);
  const queue = state.queue.filter((one) => rowsKey(one, -1) !== rowsKey(rows, -1));
  return { ...state, rows: keeps ? rowsOf(state.rows.intent, row) : rows, queue: [...queue, rows] };
}

/** A commit that is awaited: all earlier ones are then on disk too. */
export function now(state: State, intent: Intent | undefined, row: Divergence | undefined): State {
  const rows = rowsOf(intent, row);
  return { ...state, rows, disk: rows, queue: [] };
}

/** A state without what is optional there. */
export function without<K extends 'write' | 'read' | 'repair' | 'isDown'>(state: State, ...keys: K[]): State {
  const rest = { ...state };
  for (const key of keys) delete rest[key];
  return rest;
}

/** A request that was given up. */
export function withLate(state: State, ...more: string[]): State {
  return { ...state, late: [...new Set([...state.late, ...more])].sort() };
}
