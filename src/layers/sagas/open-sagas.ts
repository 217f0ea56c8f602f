// The sagas that are open at one store: whoever wants what they change waits until they are at their end.
import { ownCtx } from '../../core/ctx.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { roll, type Saga, type SagaTable, touches } from './saga.ts';

/** When a client may ask again, milliseconds. */
const retryAfterMs = 1000;

/** One that is written down and not at its end. */
export interface OpenSaga {
  saga: Saga;
  /** Settles when whoever is at it lets go; it may be open still. */
  running?: Promise<unknown> | undefined;
}

/** Those that a former process left, and those begun since. */
export interface OpenSagas {
  /** Written down when it resolves. @param running see `OpenSaga` */
  begin(saga: Saga, running?: Promise<unknown>): Promise<OpenSaga>;
  /** The step that cannot be taken back without a look begins when this resolves. */
  built(open: OpenSaga): Promise<void>;
  end(open: OpenSaga): Promise<void>;
  /** Carries it to its end. @returns see `roll` @throws StoreError; it is open still */
  advance(open: OpenSaga, ctx: Ctx): Promise<StoreError | undefined>;
  /** Resolves when no saga is at the path. @throws StoreError `unavailable` */
  pass(path: string, tree: boolean): Promise<void>;
}

/** Begins at once with what a former process left. */
export async function openSagas(store: Store, table: SagaTable): Promise<OpenSagas> {
  const all = new Map<string, OpenSaga>();
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
      const failure = await roll(store, open.saga, () => reach(open, 'building'), ctx);
      await end(open);
      return failure;
    };
    const running = run().finally(() => {
      open.running = undefined;
    });
    open.running = running;
    return running;
  };
  for (const saga of await table.all()) {
    const open: OpenSaga = { saga };
    all.set(saga.id, open);
    void advance(open, ownCtx('saga')).catch(() => undefined);
  }
  return {
    async begin(saga, running) {
      const open: OpenSaga = { saga, running };
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
  };
}
