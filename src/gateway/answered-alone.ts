// Appends whose client has heard of the primary's ack while the other side is still at it: until it is known whether that side has them
// too, no other append may be acked by that side alone (semantics A4).
import type { Side } from '../core/store.ts';

/** Which sides the answers of a path rest on alone. */
export interface AnsweredAlone {
  begin(path: string, side: Side): void;
  end(path: string, side: Side): void;
  /** True if every append that was answered so far is on one of these sides for sure. */
  allows(path: string, acked: readonly Side[]): boolean;
}

/** In memory: after a crash the open intents say the same. */
export function createAnsweredAlone(): AnsweredAlone {
  const counts = new Map<string, number>();
  const key = (path: string, side: Side): string => `${side}:${path}`;
  const add = (name: string, step: 1 | -1): void => {
    const count = (counts.get(name) ?? 0) + step;
    if (count > 0) counts.set(name, count);
    else counts.delete(name);
  };
  return {
    begin: (path, side) => add(key(path, side), 1),
    end: (path, side) => add(key(path, side), -1),
    allows: (path, acked) =>
      (['source', 'target'] as const).every((side) => acked.includes(side) || !counts.has(key(path, side))),
  };
}
