// Stores that fall ill in the middle of a test, a clock that stands still, and what became of a promise meanwhile.
import { mock } from 'node:test';
import type { Test } from 'tap';
import type { ChaosRule, Fault } from '../../src/config/chaos-schema.ts';
import type { Side, Store } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';
import { withChaos } from '../../src/layers/chaos.ts';
import { look, names } from './actions.ts';
import type { Rig } from './rig.ts';

const rule = {
  probability: 1,
  afterMs: 0,
  delayMs: 1000,
  afterBytes: 0,
  bytesPerSecond: 1,
  pageEntries: 1,
  maxBodyBytes: 1_048_576,
};

/** A pair of stores for `createRig({ wrap })`. Repair is refused by a side that is ill, so that it is not in the way of the test. */
export function switchablePair() {
  const healthy = new Map<Side, Store>();
  const ill = new Map<Side, Store>();
  const asked: Record<Side, string[]> = { source: [], target: [] };
  return {
    /** Verb and path of each mutation that clients' requests brought to a side. */
    asked,
    wrap: (side: Side, store: Store): Store => {
      healthy.set(side, store);
      const now = (isRepair: boolean): Store => {
        if (isRepair && ill.has(side)) throw new StoreError('unavailable', 'ill');
        return ill.get(side) ?? store;
      };
      return {
        ...store,
        query: async (query, ctx) => now(ctx.requestId === 'repair').query(query, ctx),
        mutate: async (mutation, ctx) => {
          const isRepair = ctx.requestId === 'repair';
          if (!isRepair) asked[side].push(`${mutation.verb} ${mutation.path}`);
          return now(isRepair).mutate(mutation, ctx);
        },
      };
    },
    /** From now on every call meets this fault. */
    fall(side: Side, fault: Fault, more: Partial<ChaosRule> = {}): void {
      ill.set(side, withChaos(healthy.get(side)!, { seed: 1, rules: [{ ...rule, fault, ...more }] }));
    },
    heal(side: Side): void {
      ill.delete(side);
    },
  };
}

/** Timers and the time of the lag rule stand still until they are told to go on. */
export function stopClock() {
  let nowMs = performance.now();
  const { now } = performance;
  performance.now = () => nowMs;
  mock.timers.enable({ apis: ['setTimeout'] });
  return {
    pass(ms: number): void {
      nowMs += ms;
      mock.timers.tick(ms);
    },
    /** Real time again. */
    goOn(): void {
      mock.timers.reset();
      performance.now = now;
    },
  };
}

/** Turns of the event loop until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

/** What became of a promise by now. */
export function watch<T>(work: Promise<T>) {
  const seen: { state: 'pending' | 'done' | 'failed'; error?: StoreError; value?: T } = { state: 'pending' };
  work.then(
    (value) => Object.assign(seen, { state: 'done', value }),
    (error) => Object.assign(seen, { state: 'failed', error: StoreError.from(error) }),
  );
  return seen;
}

/** As many turns of the event loop as any chain of promises here has links. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}

/** Waits until nothing is open or diverges; then both sides must have the same. */
export async function settledAndEqual(t: Test, rig: Rig): Promise<void> {
  await rig.settled();
  t.equal(rig.locks.waiters(), 0);
  t.match(rig.lag, { heldBytes: 0, waiting: { source: 0, target: 0 } });
  const seen = async (side: Side): Promise<string[]> =>
    (await names(rig.stores[side], '/', true)).filter((path) => !path.includes('/.twinlake'));
  const paths = await seen('source');
  t.strictSame(await seen('target'), paths);
  for (const path of paths)
    t.equal(await look(rig.stores.target, path), await look(rig.stores.source, path), path);
}
