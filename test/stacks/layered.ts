// A store behind all layers, in the order of `src/server/side.ts`.
import type { LeaseState } from '../../src/core/lease.ts';
import type { Store } from '../../src/core/store.ts';
import { withBreaker } from '../../src/layers/breaker.ts';
import { type LeaseTable, withLeases } from '../../src/layers/leases.ts';
import { withLimit } from '../../src/layers/limit.ts';
import { withObserver } from '../../src/layers/observe.ts';
import { withSagas } from '../../src/layers/sagas.ts';
import { withStaging } from '../../src/layers/staging.ts';
import { withTimeout } from '../../src/layers/timeout.ts';

/** Leases that are forgotten with the process. */
export function leasesInMemory(): LeaseTable {
  const leases = new Map<string, LeaseState>();
  return {
    get: async (path) => leases.get(path),
    async set(path, state) {
      if (state) leases.set(path, state);
      else leases.delete(path);
    },
  };
}

/** Observe · breaker · limit · timeout · leases · staging · sagas; leases and staging where the store lacks them. */
export function layered(driver: Store): Store {
  const staged = withStaging(withSagas(driver));
  const leased = staged.supports.leases ? staged : withLeases(staged, leasesInMemory());
  const limited = withLimit(withTimeout(leased, { timeoutMs: 30_000 }), {
    concurrency: 256,
    queueDepth: 1024,
  });
  const breaker = { volumeThreshold: 10, errorPercent: 50, rollingMs: 10_000, resetMs: 5000 };
  return withObserver(withBreaker(limited, breaker).store, () => undefined);
}
