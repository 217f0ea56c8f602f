// A table of sagas that outlives the layer, as the journal does.
import type { Saga, SagaTable } from '../../src/layers/sagas/saga.ts';

/** The table, and what is in it. */
export function sagasInMemory(): { rows: Map<string, Saga>; table: SagaTable } {
  const rows = new Map<string, Saga>();
  const table: SagaTable = {
    current: () => undefined,
    all: async () => [...rows.values()],
    async set(id, saga) {
      if (saga) rows.set(id, saga);
      else rows.delete(id);
    },
  };
  return { rows, table };
}
