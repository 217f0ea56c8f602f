// Leases of stores that have none live in the journal (semantics B3).
import type { Journal } from '../journal/journal.ts';
import type { LeaseTable } from '../layers/leases.ts';

/** A lease table over rows of the journal. */
export function leaseTableIn(journal: Journal): LeaseTable {
  return {
    async get(path) {
      const text = await journal.meta(`lease:${path}`);
      return text ? JSON.parse(text) : undefined;
    },
    set: (path, state) =>
      journal.apply([{ do: 'meta', key: `lease:${path}`, value: state ? JSON.stringify(state) : '' }]),
  };
}
