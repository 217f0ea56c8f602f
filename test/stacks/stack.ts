// A store under test with everything it stands on.
import type { Store } from '../../src/core/store.ts';

/** `close` ends what was started for it, clients before servers. */
export interface Stack {
  store: Store;
  close(): Promise<void>;
}

/** A stack of a store alone. */
export function bare(store: Store): Stack {
  return { store, close: async () => store.close?.() };
}

/** `store` stands on `below`: closed first. */
export function on(below: { close(): Promise<void> }, store: Store): Stack {
  return {
    store,
    async close() {
      await store.close?.();
      await below.close();
    },
  };
}
