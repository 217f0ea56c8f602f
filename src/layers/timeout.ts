// Gives up on a store that does not answer in time. Time spent on the client's body or waiting for the other side does not count.
import { bodyOf, type Mutation } from '../core/mutation.ts';
import type { QueryResult } from '../core/query.ts';
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
  /** While this is true the time does not run out. */
  excuse(reason: () => boolean): void;
  stop(): void;
}

function startWatchdog(timeoutMs: number, outer: AbortSignal, error: () => StoreError): Watchdog {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let fired = false;
  let stopped = false;
  let held = 0;
  let isExcused = (): boolean => false;
  let reject: (reason: StoreError) => void;
  const expired = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  expired.catch(() => undefined);
  const fire = (): void => {
    if (isExcused()) {
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
    if (fired || stopped || held > 0) return;
    timer = setTimeout(fire, timeoutMs);
  };
  touch();
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    fired: () => fired,
    expired,
    touch,
    async hold(work) {
      held++;
      clearTimeout(timer);
      try {
        return await work();
      } finally {
        held--;
        touch();
      }
    },
    excuse(reason) {
      isExcused = reason;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** The context of a mutation under a watchdog: its signal, and a `beforeCommit` whose waiting does not count. */
function watchedCtx(ctx: Ctx, dog: Watchdog): Ctx {
  const { beforeCommit } = ctx;
  const watched = { ...ctx, signal: dog.signal };
  return beforeCommit ? { ...watched, beforeCommit: () => dog.hold(beforeCommit) } : watched;
}

/** Puts the watchdog back at each chunk of a body. @returns true while the store waits for the client's next one */
function watchBody(mutation: Mutation, touch: () => void): () => boolean {
  const stream = bodyOf(mutation)?.stream;
  if (!stream) return () => false;
  let asked = stream.readableLength > 0;
  // Listening on `data` would start the flow; wrapping `read` and `push` shows demand and progress without touching the mode.
  const read = stream.read.bind(stream);
  stream.read = (size) => {
    asked = true;
    return read(size);
  };
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => {
    touch();
    return push(chunk, encoding);
  };
  return () => asked && !stream.readableEnded && !stream.destroyed && stream.readableLength === 0;
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
      const dog = startWatchdog(timeoutMs, ctx.signal, late(query.verb, 'no'));
      const asked = store.query(query, { ...ctx, signal: dog.signal });
      try {
        return await Promise.race([asked, dog.expired]);
      } finally {
        dog.stop();
        if (dog.fired()) asked.then(discard, () => undefined);
      }
    },
    async mutate(mutation, ctx) {
      const dog = startWatchdog(timeoutMs, ctx.signal, late(mutation.verb, 'unknown'));
      dog.excuse(watchBody(mutation, dog.touch));
      try {
        return await Promise.race([store.mutate(mutation, watchedCtx(ctx, dog)), dog.expired]);
      } finally {
        dog.stop();
        bodyOf(mutation)?.stream.destroy();
      }
    },
  };
}

/** An answer that came too late holds a connection until its body is gone. */
function discard(answer: QueryResult): void {
  if ('body' in answer) answer.body.destroy();
}
