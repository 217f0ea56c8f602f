// The real decisions that the model drives, and the ways to leave one of them out.
import { aftermath, type Settled } from '../../src/gateway/aftermath.ts';
import { planRead } from '../../src/gateway/ask.ts';
import { plan } from '../../src/gateway/plan.ts';
import { createReadMarks } from '../../src/gateway/read-marks.ts';
import { settle } from '../../src/gateway/settle.ts';
import { recover } from '../../src/journal/recover.ts';
import { truthOf } from '../../src/journal/truth-of.ts';
import { verdictOf, withTail } from '../../src/sync/fence.ts';

/** What decides. */
export interface Rules {
  plan: typeof plan;
  settle: typeof settle;
  aftermath: typeof aftermath;
  planRead: typeof planRead;
  truthOf: typeof truthOf;
  createReadMarks: typeof createReadMarks;
  recover: typeof recover;
  verdictOf: typeof verdictOf;
  withTail: typeof withTail;
  /** What the journal does with `durableFirst`: the old truth is in force until the new one is on disk. */
  showsWhenDurable: boolean;
}

/** As in `src`. */
export const rules: Rules = {
  plan,
  settle,
  aftermath,
  planRead,
  truthOf,
  createReadMarks,
  recover,
  verdictOf,
  withTail,
  showsWhenDurable: true,
};

/** Each leaves one rule of the design out (design §4). */
export const flaws: Readonly<Record<string, Partial<Rules>>> = {
  /** A read under way when truth moves is not asked again. */
  nomark: { createReadMarks: () => ({ ...createReadMarks(), mark: () => undefined }) },
  /** Repair clears while requests with unknown outcome may still land. */
  notail: { verdictOf: (row, state) => verdictOf(row, state, Number.POSITIVE_INFINITY) },
  /** After a restart, divergences forget that the former process's requests may still land. */
  shortmemory: {
    recover: (left, nowMs, tailUntilMs) =>
      recover(left, nowMs, tailUntilMs).map((change) => {
        if (change.do !== 'put') return change;
        return left.divergences.find(({ generation }) => generation === change.divergence.generation)
          ? { ...change, divergence: left.divergences[0]! }
          : change;
      }),
  },
  /** A write acked by the other side alone is answered before its truth is on disk. */
  lazyack: { settle: (outcomes) => ({ ...settle(outcomes), durableFirst: false }) },
  /** Reads follow the route instead of the truth. */
  routeread: { planRead: (route, _, down) => planRead(route, undefined, down) },
  /** Reads follow a new truth that is not on disk yet. */
  earlyview: { showsWhenDurable: false },
  /** A row forgets the tail that an earlier write left. */
  lasttail: { aftermath: (settled: Settled) => aftermath({ ...settled, earlier: new Map() }) },
};
