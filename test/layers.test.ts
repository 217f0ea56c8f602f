// The layers around a driver, each alone: timeout, breaker, limit, observe.
import { PassThrough, type Readable } from 'node:stream';
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Query } from '../src/core/query.ts';
import type { Ctx, Store } from '../src/core/store.ts';
import { ownLimit, StoreError } from '../src/core/store-error.ts';
import { type BreakerState, withBreaker } from '../src/layers/breaker.ts';
import { withLimit } from '../src/layers/limit.ts';
import { withObserver } from '../src/layers/observe.ts';
import { withTimeout } from '../src/layers/timeout.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { bodyOfBytes, createFixture } from './contract/fixture.ts';
import { watch } from './gateway/switchable.ts';

const memory = createMemoryStore({ name: 'memory' });

/** A store whose calls all go to `answer`. */
function driver(answer: (operation: Query | Mutation, ctx: Ctx) => Promise<unknown>): Store {
  return { ...memory, name: 'driver', query: answer as Store['query'], mutate: answer as Store['mutate'] };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** A promise and its switches. */
function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, open: () => resolve(), break: (error: Error) => reject(error) };
}

/** As many turns of the event loop as any chain of promises here has links. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

/** Timers that run when told to. */
function useClock(t: { teardown(end: () => void): void }) {
  const clock = { nowMs: 0, timers: new Map<object, { atMs: number; run: () => void }>() };
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  globalThis.setTimeout = ((run: () => void, ms = 0) => {
    const handle = {
      unref: () => handle,
      ref: () => handle,
      hasRef: () => true,
      [Symbol.toPrimitive]: () => 0,
    };
    clock.timers.set(handle, { atMs: clock.nowMs + ms, run });
    return handle;
  }) as never;
  globalThis.clearTimeout = ((handle: object) => void clock.timers.delete(handle)) as never;
  t.teardown(() => Object.assign(globalThis, real));
  return {
    pending: () => clock.timers.size,
    async pass(ms: number): Promise<void> {
      clock.nowMs += ms;
      for (const [handle, { atMs, run }] of [...clock.timers]) {
        if (atMs > clock.nowMs) continue;
        clock.timers.delete(handle);
        run();
      }
      await idle();
    },
  };
}

const fixtureOver = (store: Store) => createFixture(store, '/lake');
const stat = { verb: 'stat', path: '/lake/f' } as const;

t.test('timeout: a query without an answer is given up', async (t) => {
  const clock = useClock(t);
  let signal: AbortSignal | undefined;
  const { query } = fixtureOver(
    withTimeout(
      driver((_, ctx) => {
        signal = ctx.signal;
        return never();
      }),
      { timeoutMs: 100 },
    ),
  );
  const asked = watch(query(stat));
  await clock.pass(99);
  t.equal(asked.state, 'pending');
  await clock.pass(1);
  t.match(asked, { state: 'failed', error: { kind: 'timeout', temporary: true, applied: 'no' } });
  t.equal(signal?.aborted, true, 'the driver is told');
});

t.test('timeout: an answer in time leaves no timer behind', async (t) => {
  const clock = useClock(t);
  const { write, mkdir, read } = fixtureOver(
    withTimeout(createMemoryStore({ name: 'm' }), { timeoutMs: 100 }),
  );
  await mkdir('/lake');
  await write('/lake/f', 'abc');
  t.equal((await read('/lake/f')).toString(), 'abc');
  t.equal(clock.pending(), 0);
});

t.test('timeout: a read that answers too late is let go', async (t) => {
  const clock = useClock(t);
  const late = gate();
  const body = new PassThrough();
  const { query } = fixtureOver(
    withTimeout(
      driver(async () => {
        await late.promise;
        return { entry: {}, offset: 0, lengthBytes: 1, body };
      }),
      { timeoutMs: 100 },
    ),
  );
  const asked = watch(query({ verb: 'read', path: '/lake/f', offset: 0 }));
  await clock.pass(100);
  t.equal(asked.state, 'failed');
  late.open();
  await idle();
  t.equal(body.destroyed, true, 'its connection is free');
});

t.test(
  'timeout: a mutation that hangs is given up with an unknown outcome and releases its body',
  async (t) => {
    const clock = useClock(t);
    const { mutate } = fixtureOver(withTimeout(driver(never), { timeoutMs: 100 }));
    for (const body of [bodyOfBytes('x'), { stream: new PassThrough() }]) {
      const work = watch(mutate({ verb: 'create', path: '/lake/f', parents: 'all', body }));
      await clock.pass(100);
      t.match(work, { state: 'failed', error: { kind: 'timeout', applied: 'unknown' } });
      t.equal(body.stream.destroyed, true);
    }
  },
);

t.test(
  'timeout: progress of the body keeps it away, and a slow client is not the store’s fault',
  async (t) => {
    const clock = useClock(t);
    const { mutate, mkdir, read } = fixtureOver(
      withTimeout(createMemoryStore({ name: 'm' }), { timeoutMs: 100 }),
    );
    await mkdir('/lake');
    const stream = new PassThrough();
    const work = watch(mutate({ verb: 'create', path: '/lake/f', parents: 'all', body: { stream } }));
    for (let chunk = 0; chunk < 5; chunk++) {
      await clock.pass(80);
      stream.write('x');
      await idle();
    }
    await clock.pass(1000);
    t.equal(work.state, 'pending', 'the store waits for the client');
    stream.end('y');
    await idle();
    t.equal(work.state, 'done');
    t.equal((await read('/lake/f')).toString(), 'xxxxxy');
  },
);

t.test('timeout: a store that stops taking the body is given up', async (t) => {
  const clock = useClock(t);
  const { mutate } = fixtureOver(
    withTimeout(
      driver(async (operation) => {
        const { stream } = (operation as { body: { stream: Readable } }).body;
        stream.once('readable', () => stream.read(1));
        return never();
      }),
      { timeoutMs: 100 },
    ),
  );
  const stream = new PassThrough();
  stream.write('abc');
  const work = watch(mutate({ verb: 'create', path: '/lake/f', parents: 'all', body: { stream } }));
  await idle();
  await clock.pass(100);
  t.match(work, { state: 'failed', error: { kind: 'timeout' } });
});

t.test('timeout: waiting for the other side does not count', async (t) => {
  const clock = useClock(t);
  const word = gate();
  const { mutate, mkdir } = fixtureOver(withTimeout(createMemoryStore({ name: 'm' }), { timeoutMs: 100 }));
  await mkdir('/lake');
  const body = bodyOfBytes('x');
  const asked = { verb: 'create', path: '/lake/f', parents: 'all', body } as const;
  const work = watch(mutate(asked, { beforeCommit: () => word.promise }));
  await idle();
  await clock.pass(10_000);
  t.equal(work.state, 'pending');
  word.open();
  await idle();
  t.equal(work.state, 'done');
  t.equal(clock.pending(), 0);
});

const breakerOptions = { volumeThreshold: 4, errorPercent: 50, rollingMs: 1000, resetMs: 100 };

/** A breaker over a store that answers as it is told. */
function breakerRig(t: { teardown(end: () => unknown): void }) {
  const states: BreakerState[] = [];
  const rig = { answer: (): Promise<unknown> => Promise.resolve({}), calls: 0, states };
  const inner = driver(() => {
    rig.calls++;
    return rig.answer();
  });
  const broken = withBreaker(inner, breakerOptions, (state) => states.push(state));
  t.teardown(() => broken.store.close?.());
  const { query, mutate, failure } = fixtureOver(broken.store);
  const failWith = async (error: StoreError, times: number): Promise<void> => {
    rig.answer = () => Promise.reject(error);
    for (let call = 0; call < times; call++) await failure(query(stat));
  };
  return Object.assign(rig, { ...broken, query, mutate, failure, failWith });
}

t.test('breaker: only what the store is to blame for opens it', async (t) => {
  const rig = breakerRig(t);
  await rig.failWith(StoreError.notFound('/lake/f'), 20);
  await rig.failWith(new StoreError('aborted', 'the client went away', { applied: 'unknown' }), 20);
  await rig.failWith(new StoreError('throttled', 'our own limit', { code: ownLimit }), 20);
  t.equal(rig.state(), 'closed');
  t.equal(rig.calls, 60, 'each was asked');
});

t.test('breaker: temporary errors open it, then nothing is sent', async (t) => {
  const clock = useClock(t);
  const rig = breakerRig(t);
  await rig.failWith(new StoreError('unavailable', 'down'), 3);
  t.equal(rig.state(), 'closed', 'too few to say');
  await rig.failWith(new StoreError('unavailable', 'down'), 1);
  t.equal(rig.state(), 'open');
  const body = bodyOfBytes('x');
  const refused = await rig.failure(rig.mutate({ verb: 'create', path: '/lake/f', parents: 'all', body }));
  t.match(refused, { kind: 'unavailable', temporary: true, applied: 'no', code: 'breaker-open' });
  t.equal(body.stream.destroyed, true, 'the body is released');
  t.equal(rig.calls, 4, 'the store was not asked');

  await clock.pass(100);
  t.equal(rig.state(), 'half-open');
  await rig.failWith(new StoreError('unavailable', 'still down'), 1);
  t.equal(rig.state(), 'open', 'one try, and back');
  await clock.pass(100);
  rig.answer = () => Promise.resolve({});
  await rig.query(stat);
  t.equal(rig.state(), 'closed');
  t.same(rig.states, ['open', 'half-open', 'open', 'half-open', 'closed']);
});

t.test('breaker: a refusal by a store that answers closes it again', async (t) => {
  const clock = useClock(t);
  const rig = breakerRig(t);
  await rig.failWith(new StoreError('timeout', 'no answer'), 4);
  await clock.pass(100);
  await rig.failWith(StoreError.notFound('/lake/f'), 1);
  t.equal(rig.state(), 'closed', 'a 404 is an answer');
});

t.test('breaker: a call that was given up for lateness counts, whatever the driver calls it', async (t) => {
  const rig = breakerRig(t);
  rig.answer = () => Promise.reject(new StoreError('aborted', 'aborted', { applied: 'unknown' }));
  const signal = AbortSignal.abort(new StoreError('timeout', 'the secondary was let go: late'));
  for (let call = 0; call < 4; call++) {
    const error = await rig.failure(
      rig.mutate({ verb: 'delete', path: '/lake/f', recursive: false }, { signal }),
    );
    t.match(error, { kind: 'timeout', applied: 'unknown' });
  }
  t.equal(rig.state(), 'open');
});

t.test('breaker: by hand', async (t) => {
  const rig = breakerRig(t);
  rig.force(true);
  t.equal(rig.state(), 'open');
  await rig.failure(rig.query(stat));
  rig.force(false);
  await rig.query(stat);
  t.equal(rig.calls, 1);
});

t.test('limit: so many at a time, so many waiting, the rest is refused at once', async (t) => {
  const door = gate();
  let running = 0;
  let most = 0;
  const slow = driver(async () => {
    most = Math.max(most, ++running);
    await door.promise;
    running--;
    return {};
  });
  const { query, mutate, failure } = fixtureOver(withLimit(slow, { concurrency: 2, queueDepth: 3 }));
  const asked = Array.from({ length: 5 }, () => query(stat));
  await idle();
  const body = bodyOfBytes('x');
  const refused = await failure(mutate({ verb: 'create', path: '/lake/f', parents: 'all', body }));
  t.match(refused, { kind: 'throttled', temporary: true, applied: 'no', code: ownLimit, retryAfterMs: 1000 });
  t.equal(body.stream.destroyed, true, 'the body is released');
  door.open();
  await Promise.all(asked);
  t.equal(most, 2);
  await query(stat);
});

t.test('limit: who has gone while waiting is not sent', async (t) => {
  const door = gate();
  const sent: string[] = [];
  const slow = driver(async ({ path }) => {
    sent.push(path);
    await door.promise;
    return {};
  });
  const { query, mutate, failure } = fixtureOver(withLimit(slow, { concurrency: 1, queueDepth: 10 }));
  const first = query(stat);
  const caller = new AbortController();
  const body = bodyOfBytes('x');
  const waiting = mutate(
    { verb: 'create', path: '/lake/g', parents: 'all', body },
    { signal: caller.signal },
  );
  caller.abort();
  door.open();
  t.match(await failure(waiting), { kind: 'aborted', applied: 'no' });
  t.equal(body.stream.destroyed, true);
  await first;
  t.same(sent, ['/lake/f']);
});

t.test('observe: tells verb, seconds and error, and changes neither answer nor error', async (t) => {
  const told: unknown[] = [];
  const inner = driver(async (operation) => {
    if (operation.verb === 'delete') throw new Error('broken');
    return { entry: { path: operation.path } };
  });
  const store = withObserver(inner, (verb, seconds, error) => told.push([verb, seconds >= 0, error?.kind]));
  const { query, mutate } = fixtureOver(store);
  t.same(await query(stat), { entry: { path: '/lake/f' } });
  await t.rejects(mutate({ verb: 'delete', path: '/lake/f', recursive: false }), { message: 'broken' });
  t.same(told, [
    ['stat', true, undefined],
    ['delete', true, 'internal'],
  ]);
  t.equal(store.name, 'driver');
});
