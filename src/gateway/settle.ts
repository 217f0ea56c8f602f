// The decision after I/O, pure: what the client hears and what the journal keeps (design §4, semantics A2).
import { otherSide, type Side } from '../core/store.ts';
import type { ErrorKind, StoreError } from '../core/store-error.ts';

/** What became of a mutation on one side. */
export type Outcome = 'acked' | 'refused' | 'unknown' | 'skipped';

/** Outcome of a rejected mutation: refused if surely nothing changed, else unknown. */
export function outcomeOf(error: StoreError): Outcome {
  return error.applied === 'no' ? 'refused' : 'unknown';
}

const stateKinds: ReadonlySet<ErrorKind> = new Set([
  'not-found',
  'parent-not-found',
  'exists',
  'not-empty',
  'is-directory',
  'not-directory',
  'condition-failed',
  'source-condition-failed',
  'bad-offset',
  'invalid-flush',
]);

/** True if a store refused because of what is there: where the path is clean, the other would have refused as well. */
export function refusedOnState(error: StoreError | undefined): boolean {
  return error !== undefined && stateKinds.has(error.kind);
}

/** What `settle` looks at. */
export interface Outcomes {
  primary: Side;
  first: Exclude<Outcome, 'skipped'>;
  /** True if the primary's failure may pass by itself. */
  firstTemporary: boolean;
  second: Outcome;
  /** The other side's refusal says what is there. */
  secondOnState: boolean;
  /** `skipped` means that the other side misses the change (false: it is not part of the route). */
  secondMisses: boolean;
  /** The clean path may be written by the other side alone. */
  mayFailOver: boolean;
}

/** What is to be told and kept. */
export interface Settlement {
  /** Which side's answer the client gets: its result or its error. */
  answer: 'primary' | 'secondary';
  /** Present if the sides may differ now. */
  divergence?: { truth: Side; tail: boolean; reason: string };
  /** The client must not hear of it before this is on disk: recovery would assume something else. */
  durableFirst: boolean;
}

/** The whole table {acked, refused, unknown} × {acked, refused, unknown, skipped}. */
export function settle(outcomes: Outcomes): Settlement {
  const { primary, first, second, secondOnState, secondMisses, mayFailOver, firstTemporary } = outcomes;
  const tail = first === 'unknown' || second === 'unknown';
  const left = (truth: Side, reason: string) => ({ truth, tail, reason });
  if (first === 'acked') {
    if (second === 'acked' || (second === 'skipped' && !secondMisses))
      return { answer: 'primary', durableFirst: false };
    const reason = second === 'skipped' ? 'the other side was not asked' : `the other side: ${second}`;
    return { answer: 'primary', divergence: left(primary, reason), durableFirst: false };
  }
  const temporary = firstTemporary || first === 'unknown';
  if (mayFailOver && temporary && (second === 'acked' || (second === 'refused' && secondOnState))) {
    // Refused here, it would have been refused there: nothing was changed, unless that side's request has yet to land.
    if (second === 'refused' && first === 'refused') return { answer: 'secondary', durableFirst: false };
    const divergence = left(otherSide(primary), `the primary: ${first}`);
    return { answer: 'secondary', divergence, durableFirst: true };
  }
  if (first === 'refused' && (second === 'refused' || second === 'skipped'))
    return { answer: 'primary', durableFirst: false };
  if (second === 'skipped' && !secondMisses) return { answer: 'primary', durableFirst: false };
  return {
    answer: 'primary',
    divergence: left(primary, `primary: ${first}, other side: ${second}`),
    durableFirst: false,
  };
}
