// Changes that a store makes in several requests are kept in the journal until they are at their end (semantics A8).
import type { Side } from '../core/store.ts';
import type { Journal } from '../journal/journal.ts';
import type { SagaTable } from '../layers/sagas/saga.ts';

/** A saga table over rows of the journal, in the paths of the side. */
export function sagaTableIn(journal: () => Journal, side: Side): SagaTable {
  const prefix = `saga:${side}:`;
  return {
    current: journal,
    all: async () => (await journal().metas(prefix)).map((text) => JSON.parse(text)),
    set: (id, saga) =>
      journal().apply([{ do: 'meta', key: prefix + id, value: saga ? JSON.stringify(saga) : '' }]),
  };
}
