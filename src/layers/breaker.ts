// Stops asking a store that keeps failing, and asks again after a while (opossum). Only temporary errors count.
import CircuitBreaker from 'opossum';
import { bodyOf } from '../core/mutation.ts';
import type { Store } from '../core/store.ts';
import { ownLimit, StoreError } from '../core/store-error.ts';

/** Numbers of a breaker. */
export interface BreakerOptions {
  /** Fewer calls than this within the window never open it. */
  volumeThreshold: number;
  /** Share of failed calls that opens it, percent. */
  errorPercent: number;
  /** The window, milliseconds. */
  rollingMs: number;
  /** How long it stays open before one call is let through, milliseconds. */
  resetMs: number;
}

export type BreakerState = 'closed' | 'half-open' | 'open';

/** A store behind a breaker, and the breaker's state. */
export interface BrokenStore {
  store: Store;
  state(): BreakerState;
  /** Opens it by hand (drills, maintenance); `false` closes it. */
  force(open: boolean): void;
}

/** Only what the store is to blame for, and what may pass by itself. */
function isFailure(error: unknown): boolean {
  return error instanceof StoreError && error.temporary && error.code !== ownLimit;
}

/** A call that was given up because no answer came is the store's failure, whatever its driver calls the abort. */
function asGivenUp(error: unknown, signal: AbortSignal): unknown {
  const { reason } = signal as { reason?: unknown };
  if (!(reason instanceof StoreError) || reason.kind !== 'timeout' || !(error instanceof StoreError))
    return error;
  return new StoreError('timeout', error.message, { applied: error.applied, cause: error });
}

/** A layer: while open, every call fails at once with `unavailable` and nothing has been sent. */
export function withBreaker(
  store: Store,
  options: BreakerOptions,
  onState?: (state: BreakerState) => void,
): BrokenStore {
  const breaker = new CircuitBreaker((call: () => Promise<unknown>) => call(), {
    timeout: false,
    volumeThreshold: options.volumeThreshold,
    errorThresholdPercentage: options.errorPercent,
    rollingCountTimeout: options.rollingMs,
    resetTimeout: options.resetMs,
    errorFilter: (error: unknown) => !isFailure(error),
  });
  const state = (): BreakerState => (breaker.opened ? 'open' : breaker.halfOpen ? 'half-open' : 'closed');
  for (const event of ['open', 'halfOpen', 'close'] as const)
    breaker.on(event as 'open', () => onState?.(state()));

  const fire = async <T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return (await breaker.fire(() =>
        call().catch((error) => Promise.reject(asGivenUp(error, signal))),
      )) as T;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EOPENBREAKER') throw error;
      throw new StoreError('unavailable', `${store.name} is not asked: its breaker is open`, {
        code: 'breaker-open',
        retryAfterMs: options.resetMs,
      });
    }
  };
  return {
    store: {
      ...store,
      query: (query, ctx) => fire(() => store.query(query, ctx), ctx.signal),
      async mutate(mutation, ctx) {
        try {
          return await fire(() => store.mutate(mutation, ctx), ctx.signal);
        } finally {
          bodyOf(mutation)?.stream.destroy();
        }
      },
      async close() {
        breaker.shutdown();
        await store.close?.();
      },
    },
    state,
    force: (open) => (open ? breaker.open() : breaker.close()),
  };
}
