// A store whose calls a test can fail, hold or forget.
import type { Mutation, MutationResult } from '../../src/core/mutation.ts';
import type { Query } from '../../src/core/query.ts';
import type { Ctx, Side, Store } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';

/** What happens to a call instead of, or after, reaching the store. */
export type Fault =
  /** Refused before anything happens. */
  | 'down'
  /** Applied, but nobody hears of it. */
  | 'lost-answer'
  /** Never answers; ends when its signal aborts. */
  | 'hang';

/** Switches of a breakable store. */
export interface Breakable {
  store: Store;
  /** Decides per call; undefined: as usual. */
  fault(decide: (op: Query | Mutation) => Fault | undefined): void;
}

const gone = (ctx: Ctx): Promise<never> =>
  new Promise((_, reject) => {
    const fail = (): void => reject(new StoreError('timeout', 'no answer', { applied: 'unknown' }));
    if (ctx.signal.aborted) fail();
    else ctx.signal.addEventListener('abort', fail, { once: true });
  });

/** Wraps a store. */
export function breakable(store: Store): Breakable {
  let decide: (op: Query | Mutation) => Fault | undefined = () => undefined;
  const refuse = (): StoreError => new StoreError('unavailable', `${store.name} is down`);
  return {
    fault(next) {
      decide = next;
    },
    store: {
      ...store,
      async query(query, ctx) {
        const fault = decide(query);
        if (fault === 'down') throw refuse();
        if (fault === 'hang') return gone(ctx);
        return store.query(query, ctx);
      },
      async mutate(mutation, ctx): Promise<MutationResult> {
        const fault = decide(mutation);
        if (fault === 'down') throw refuse();
        if (fault === 'hang') return gone(ctx);
        const result = await store.mutate(mutation, ctx);
        if (fault === 'lost-answer')
          throw new StoreError('timeout', 'the answer was lost', { applied: 'unknown' });
        return result;
      },
    },
  };
}

/** A pair of breakable stores for `createRig({ wrap })`. */
export function breakablePair() {
  const pair = new Map<Side, Breakable>();
  return {
    wrap: (side: Side, store: Store): Store => {
      const made = breakable(store);
      pair.set(side, made);
      return made.store;
    },
    fault: (side: Side, decide: (op: Query | Mutation) => Fault | undefined) => pair.get(side)!.fault(decide),
    heal: (side: Side) => pair.get(side)!.fault(() => undefined),
  };
}
