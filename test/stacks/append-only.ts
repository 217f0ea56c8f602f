// A store that can do no more than append at the end, as HDFS.
import type { Ctx, Store } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts';

const verbsOfStaging = new Set(['stage', 'flush', 'stage-block', 'commit-blocks']);

/** A memory store that refuses what HDFS has not; `onAppend` may break an append after the bytes went in. */
export function appendOnly(
  onAppend: () => void = () => undefined,
  now: () => number = Date.now,
): Store & { appends: number } {
  const inner = createMemoryStore({ name: 'inner', now });
  const store = {
    ...inner,
    appends: 0,
    supports: { ...inner.supports, staging: false, atomicCreate: false },
    async mutate(mutation: Parameters<Store['mutate']>[0], ctx: Ctx) {
      if (verbsOfStaging.has(mutation.verb)) throw StoreError.unsupported(`no ${mutation.verb}`);
      const result = await inner.mutate(mutation, ctx);
      if (mutation.verb === 'append') {
        store.appends += 1;
        onAppend();
      }
      return result;
    },
  };
  return store;
}
