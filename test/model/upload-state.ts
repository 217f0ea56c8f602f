// The state of the upload model: one path, its appends and flush, two stores, a journal and what the client was told.
import { otherSide, type Side } from '../../src/core/store.ts';
import type { Attempt } from '../../src/gateway/fan-out.ts';
import type { Plan } from '../../src/gateway/plan.ts';
import type { Change, Divergence, Intent, PathState, Upload } from '../../src/journal/journal.ts';
import { createPathIndex } from '../../src/journal/path-index.ts';

/** The one path. */
export const path = '/d/x';

/** What the journal knows of the path. */
export interface Records {
  intents: readonly Intent[];
  row?: Divergence;
  upload?: Upload;
}

/** What a store has: bit masks of appends. */
export interface Bytes {
  staged: number;
  shown: number;
}

/** An append or the flush under way. */
export interface Sent {
  /** Its bit; 0 for the flush. */
  bit: number;
  intent: Intent;
  plan: Plan;
  first?: Attempt;
  second?: Attempt;
  answered: boolean;
  /** Settled; its answer waits until this many commits are on disk. */
  waitsFor?: number;
}

/** Everything. */
export interface Uploading {
  stores: Record<Side, Bytes>;
  isDown?: Side;
  reads: Side;
  records: Records;
  disk: Records;
  queue: readonly Records[];
  sent: readonly Sent[];
  /** Appends begun, and acknowledged. */
  begun: number;
  acked: number;
  /** The flush: what it covers, whether one was ever sent, whether one was acknowledged. */
  flush: { covers: number; tries: number; acked: boolean };
  lastId: number;
  crashes: number;
  flips: number;
  faults: number;
}

/** A created, empty file on both sides. */
export const start: Uploading = {
  stores: { source: { staged: 0, shown: 0 }, target: { staged: 0, shown: 0 } },
  reads: 'source',
  records: { intents: [] },
  disk: { intents: [] },
  queue: [],
  sent: [],
  begun: 0,
  acked: 0,
  flush: { covers: 0, tries: 0, acked: false },
  lastId: 0,
  crashes: 0,
  flips: 0,
  faults: 0,
};

/** What the journal answers about the path. */
export function stateOf({ intents, row, upload }: Records): PathState {
  return { intents: [...intents], ...(row ? { divergence: row } : {}), ...(upload ? { upload } : {}) };
}

/** Changes as the journal's own index applies them. */
export function applied({ intents, row, upload }: Records, changes: readonly Change[]): Records {
  const index = createPathIndex();
  if (row) index.apply({ do: 'put', divergence: row });
  if (upload) index.apply({ do: 'put-upload', upload });
  for (const change of changes) index.apply(change);
  const after = index.state(path);
  return {
    intents,
    ...(after.divergence ? { row: after.divergence } : {}),
    ...(after.upload ? { upload: after.upload } : {}),
  };
}

/** Visible at once, durable later. */
export function later(state: Uploading, records: Records): Uploading {
  return { ...state, records, queue: [...state.queue, records] };
}

/** Durable with everything that was asked for before. */
export function durable(state: Uploading, records: Records): Uploading {
  const sent = state.sent.map((one) => (one.waitsFor === undefined ? one : { ...one, waitsFor: 0 }));
  return { ...state, records, disk: records, queue: [], sent };
}

const attempt = (one: Attempt | undefined): string =>
  one ? `${one.outcome[0]}${one.error?.temporary ? 't' : ''}` : '-';

function recordsKey({ intents, row, upload }: Records): string {
  const open = intents.map((one) => `${one.staged ? 's' : 'w'}${one.primary[0]}`).sort();
  return [
    open,
    row ? `${row.truth}${row.tailUntilMs ? 't' : ''}` : '-',
    upload ? `${upload.sides}${upload.unflushed}` : '-',
  ].join(',');
}

/** Equal for states that nothing can tell apart. */
export function keyOf(state: Uploading): string {
  const { stores, flush } = state;
  const bytes = (side: Side): string => `${stores[side].staged}.${stores[side].shown}`;
  const sent = state.sent.map(({ bit, plan, first, second, answered, waitsFor }) =>
    [
      bit,
      plan.primary[0],
      plan.secondary ?? plan.skipped,
      plan.mayFailOver,
      attempt(first),
      attempt(second),
      answered,
      waitsFor,
    ].join(),
  );
  return [
    bytes('source'),
    bytes('target'),
    state.isDown,
    state.reads,
    recordsKey(state.records),
    recordsKey(state.disk),
    state.queue.map(recordsKey).join('>'),
    sent.sort().join('&'),
    `${state.begun}.${state.acked}.${flush.covers}.${flush.tries}${flush.acked}`,
    `${state.crashes}${state.flips}${state.faults}`,
  ].join('|');
}

/** The state with a side's bytes changed. */
export function withBytes(state: Uploading, side: Side, bytes: Bytes): Uploading {
  const other = otherSide(side);
  return { ...state, stores: { [side]: bytes, [other]: state.stores[other] } as Record<Side, Bytes> };
}
