// The sagas that are open at one store: whoever wants what they change waits until they are at their end.
import { ownCtx } from '../../core/ctx.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { isFenced, roll, type Saga, type SagaTable, touches } from './saga.ts';

/** When a client may ask again, milliseconds. */
const retryAfterMs = 1000;
/** How long one that nobody waits for rests after it failed: at first, and at most, milliseconds. */
const restMs = 1000;
const maxRestMs = 60_000;

/** One that is written down and not at its end. */
export interface OpenSaga {
  saga: Saga;
  /** Settles when whoever is at it lets go; it may be open still. */
  running?: Promise<unknown> | undefined;
  /** Attempts that failed, one after the other, and until when it rests. */
  failures: number;
  restsUntilMs: number;
  /** Until when a request of it without an answer may land, where that could undo what came after; it is not carried on before. */
  lateUntilMs: number;
}

/** How long a request without an answer may still land, and by which clock. */
export interface Tails {
  zombieMs: number;
  now(): number;
}

/** Those that a former process left, and those begun since. */
export interface OpenSagas {
  /** Written down when it resolves. @param running see `OpenSaga` */
  begin(saga: Saga, running: Promise<unknown>): Promise<OpenSaga>;
  /** The step that cannot be taken back without a look begins when this resolves. */
  built(open: OpenSaga): Promise<void>;
  end(open: OpenSaga): Promise<void>;
  /** A request of it got no answer. */
  unanswered(open: OpenSaga): void;
  /** Carries it to its end, or rejects at once while a former request may land. @returns see `roll` @throws StoreError; it is open still */
  advance(open: OpenSaga, ctx: Ctx): Promise<StoreError | undefined>;
  /** Resolves when no saga is at the path. @throws StoreError `unavailable` */
  pass(path: string, tree: boolean): Promise<void>;
  /** Carries on all that nobody is at and that have rested. Resolves when each has been tried; who is not at the end rests again. */
  carryOn(): Promise<void>;
  count(): number;
}

/** Begins at once with what a former process left. */
export async function openSagas(store: Store, table: SagaTable, tails: Tails): Promise<OpenSagas> {
  const all = new Map<string, OpenSaga>();
  const { zombieMs, now } = tails;
  const unanswered = (open: OpenSaga): void => {
    if (!isFenced(open.saga, store.supports.fences === true)) open.lateUntilMs = now() + zombieMs;
  };
  const end = async ({ saga }: OpenSaga): Promise<void> => {
    await table.set(saga.id, undefined);
    all.delete(saga.id);
  };
  const reach = async (open: OpenSaga, step: Saga['step']): Promise<void> => {
    const saga: Saga = { ...open.saga, step };
    await table.set(saga.id, saga);
    open.saga = saga;
  };
  const advance = (open: OpenSaga, ctx: Ctx): Promise<StoreError | undefined> => {
    const run = async (): Promise<StoreError | undefined> => {
      if (open.lateUntilMs > now())
        throw new StoreError('unavailable', 'a former request may still arrive', { retryAfterMs });
      try {
        const failure = await roll(store, open.saga, () => reach(open, 'building'), ctx);
        await end(open);
        return failure;
      } catch (error) {
        if (StoreError.from(error).applied === 'unknown') unanswered(open);
        throw error;
      }
    };
    const running = run().finally(() => {
      open.running = undefined;
    });
    open.running = running;
    return running;
  };
  for (const saga of await table.all()) {
    const open: OpenSaga = { saga, failures: 0, restsUntilMs: 0, lateUntilMs: 0 };
    all.set(saga.id, open);
    unanswered(open);
    void advance(open, ownCtx('saga')).catch(() => undefined);
  }
  return {
    async begin(saga, running) {
      const open: OpenSaga = { saga, running, failures: 0, restsUntilMs: 0, lateUntilMs: 0 };
      // Whoever began it may be gone before it is at its end: then it is anybody's.
      void running.then(() => {
        if (open.running === running) open.running = undefined;
      });
      all.set(saga.id, open);
      try {
        await table.set(saga.id, saga);
      } catch (error) {
        all.delete(saga.id);
        throw error;
      }
      return open;
    },
    built: (open) => reach(open, 'built'),
    end,
    unanswered,
    advance,
    async pass(path, tree) {
      for (const open of [...all.values()]) {
        if (open.saga.step === 'building' || !touches(open.saga, path, tree)) continue;
        await open.running?.catch(() => undefined);
        if (!all.has(open.saga.id)) continue;
        try {
          await (open.running ?? advance(open, ownCtx('saga')));
        } catch (cause) {
          const message = `a change of this path has not come to its end yet: ${path}`;
          throw new StoreError('unavailable', message, { retryAfterMs, cause });
        }
      }
    },
    async carryOn() {
      const nowMs = now();
      const idle = [...all.values()].filter(
        (open) => !open.running && Math.max(open.restsUntilMs, open.lateUntilMs) <= nowMs,
      );
      const attempts = idle.map(async (open) => {
        try {
          await advance(open, ownCtx('saga'));
        } catch {
          open.restsUntilMs = nowMs + Math.min(maxRestMs, restMs * 2 ** open.failures);
          open.failures++;
        }
      });
      await Promise.all(attempts);
    },
    count: () => all.size,
  };
}
