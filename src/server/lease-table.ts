// Leases of stores that have none live in the journal (semantics B3).
import type { Side } from '../core/store.ts';
import type { Journal } from '../journal/journal.ts';
import type { LeaseTable } from '../layers/leases.ts';

/** A lease table over rows of the journal; each side has its own, for the other side never hears of a lease (semantics A3). */
export function leaseTableIn(journal: () => Journal, side: Side): LeaseTable {
  const key = (path: string): string => `lease:${side}:${path}`;
  return {
    async get(path) {
      const text = await journal().meta(key(path));
      return text ? JSON.parse(text) : undefined;
    },
    set: (path, state) =>
      journal().apply([{ do: 'meta', key: key(path), value: state ? JSON.stringify(state) : '' }]),
  };
}
