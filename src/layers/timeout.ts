// Gives up on a store that does not answer in time. Time spent on the client's body or waiting for the other side does not count.
import { bodyOf, type Mutation } from '../core/mutation.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** A timer that is put back by progress and can be held. */
interface Watchdog {
  signal: AbortSignal;
  fired(): boolean;
  /** Rejects when the time is up. */
  expired: Promise<never>;
  touch(): void;
  hold<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
}

function startWatchdog(
  timeoutMs: number,
  outer: AbortSignal,
  isWaitingForClient: () => boolean,
  error: () => StoreError,
): Watchdog {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let fired = false;
  let reject: (reason: StoreError) => void;
  const expired = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  expired.catch(() => undefined);
  const fire = (): void => {
    if (isWaitingForClient()) {
      touch();
      return;
    }
    fired = true;
    const reason = error();
    controller.abort(reason);
    reject(reason);
  };
  const touch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(fire, timeoutMs);
  };
  touch();
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    fired: () => fired,
    expired,
    touch,
    async hold(work) {
      clearTimeout(timer);
      try {
        return await work();
      } finally {
        if (!fired) touch();
      }
    },
    stop: () => clearTimeout(timer),
  };
}

/** The context of a mutation under a watchdog: its signal, and a `beforeCommit` whose waiting does not count. */
function watchedCtx(ctx: Ctx, dog: Watchdog): Ctx {
  const { beforeCommit } = ctx;
  const watched = { ...ctx, signal: dog.signal };
  return beforeCommit ? { ...watched, beforeCommit: () => dog.hold(beforeCommit) } : watched;
}

/** True while the store has taken all there is of a body that has not ended: then the client is slow, not the store. */
function isUnfed(mutation: Mutation): boolean {
  const stream = bodyOf(mutation)?.stream;
  return stream !== undefined && !stream.readableEnded && !stream.destroyed && stream.readableLength === 0;
}

function watchBody(mutation: Mutation, dog: Watchdog): void {
  const body = bodyOf(mutation);
  if (!body) return;
  // Listening on `pause`/`data` would start the flow; wrapping `read` shows progress without touching the stream's mode.
  const { stream } = body;
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => {
    dog.touch();
    return push(chunk, encoding);
  };
}

/**
 * A layer: `timeout` errors after `timeoutMs` without an answer (queries) or without progress (mutations with a body).
 * A mutation that ran out of time has an unknown outcome.
 */
export function withTimeout(store: Store, { timeoutMs }: { timeoutMs: number }): Store {
  const late = (verb: string, applied: 'no' | 'unknown') => (): StoreError =>
    new StoreError('timeout', `${store.name} did not answer ${verb} within ${timeoutMs} ms`, { applied });
  return {
    ...store,
    async query(query, ctx) {
      const dog = startWatchdog(timeoutMs, ctx.signal, () => false, late(query.verb, 'no'));
      try {
        return await Promise.race([store.query(query, { ...ctx, signal: dog.signal }), dog.expired]);
      } finally {
        dog.stop();
      }
    },
    async mutate(mutation, ctx) {
      const dog = startWatchdog(
        timeoutMs,
        ctx.signal,
        () => isUnfed(mutation),
        late(mutation.verb, 'unknown'),
      );
      watchBody(mutation, dog);
      try {
        return await Promise.race([store.mutate(mutation, watchedCtx(ctx, dog)), dog.expired]);
      } finally {
        dog.stop();
      }
    },
  };
}
