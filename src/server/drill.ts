// Drills: says that one is on, and lets a server lose its answers as a real one does.
import { Readable } from 'node:stream';
import type { ChaosConfig } from '../config/chaos-schema.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { noAnswer, withChaos } from '../layers/chaos.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Face } from '../wire/http.ts';

/** A store under faults, and what its face is served through. */
interface Drill {
  store: Store;
  /** Where the store lost the answer, the client gets none: its connection breaks. */
  face(face: Face): Face;
}

/** Nobody should wonder why a store fails that was told to. */
export function warnOfDrill(logger: Logger, where: string, { seed, rules }: ChaosConfig): void {
  logger.warn(
    { where, seed, faults: rules.map(({ fault }) => fault) },
    'a drill is on: faults are made on purpose',
  );
}

/** A server's store under the faults of its drill, if there is one. */
export function startDrill(
  store: Store,
  chaos: ChaosConfig | undefined,
  where: string,
  logger: Logger,
): Drill {
  if (!chaos) return { store, face: (face) => face };
  warnOfDrill(logger, where, chaos);
  const faulty = withChaos(store, chaos);
  const unanswered = new WeakSet<AbortSignal>();
  const noting = async <T>(ctx: Ctx, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (error instanceof StoreError && error.code === noAnswer) unanswered.add(ctx.signal);
      throw error;
    }
  };
  return {
    store: {
      ...faulty,
      query: (query, ctx) => noting(ctx, () => faulty.query(query, ctx)),
      mutate: (mutation, ctx) => noting(ctx, () => faulty.mutate(mutation, ctx)),
    },
    face: (face) => async (request) => {
      const reply = await face(request);
      if (!unanswered.has(request.signal)) return reply;
      if (reply.body instanceof Readable) reply.body.destroy();
      // No answer is what no face gives; the listener breaks the connection of a request whose face fails.
      throw new StoreError('unavailable', 'the answer is lost (drill)', { applied: 'unknown' });
    },
  };
}
