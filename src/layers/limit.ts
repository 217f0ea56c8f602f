// Bounds how many calls a store sees at a time, and how many wait (p-limit).
import pLimit from 'p-limit';
import { bodyOf } from '../core/mutation.ts';
import type { Store } from '../core/store.ts';
import { ownLimit, StoreError } from '../core/store-error.ts';

/** A layer: at most `concurrency` calls at a time, at most `queueDepth` waiting; beyond that `throttled`, nothing sent. */
export function withLimit(store: Store, options: { concurrency: number; queueDepth: number }): Store {
  const limit = pLimit(options.concurrency);
  const run = <T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    if (limit.pendingCount >= options.queueDepth) {
      const message = `${store.name}: more than ${options.queueDepth} requests wait`;
      return Promise.reject(new StoreError('throttled', message, { retryAfterMs: 1000, code: ownLimit }));
    }
    return limit(() => {
      if (signal.aborted) throw new StoreError('aborted', 'the caller went away before its turn came');
      return call();
    });
  };
  return {
    ...store,
    query: (query, ctx) => run(() => store.query(query, ctx), ctx.signal),
    async mutate(mutation, ctx) {
      try {
        return await run(() => store.mutate(mutation, ctx), ctx.signal);
      } finally {
        bodyOf(mutation)?.stream.destroy();
      }
    },
  };
}
