// Rule 4, by a clock that stands still: the secondary never fails or slows a request beyond the configured lag.
import { PassThrough } from 'node:stream';
import t from 'tap';
import type { Fault } from '../src/config/chaos-schema.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Ctx, Side, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { type LagBudget, type LagLimits, tee } from '../src/gateway/tee.ts';
import { bodyOfBytes, patternBytes } from './contract/fixture.ts';
import { clientCtx, put, stage } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';
import { idle, settledAndEqual, stopClock, switchablePair, until, watch } from './gateway/switchable.ts';

const lagMs = 700;
const text = 'some bytes that drip one by one';

/** A mutation, and one that meets its lock. Paths are below a folder of its own. */
interface Case {
  name: string;
  hasBody: boolean;
  mutation(folder: string): Mutation;
  next?(folder: string): Mutation;
}

const create = (path: string): Mutation => ({
  verb: 'create',
  path,
  parents: 'all',
  body: bodyOfBytes('next'),
});
const chmod = (path: string): Mutation => ({ verb: 'set-attributes', path, permission: 0o600 });
const rename = { verb: 'rename', replace: 'any', intoDirectory: false } as const;

/** In each folder: `file`, `second`, `third`, `full/file`, and `upload` with staged bytes. */
const cases: readonly Case[] = [
  {
    name: 'mkdir',
    hasBody: false,
    mutation: (f) => ({ verb: 'mkdir', path: `${f}/new`, parents: 'none' }),
    next: (f) => chmod(`${f}/new`),
  },
  {
    name: 'create',
    hasBody: true,
    mutation: (f) => ({ verb: 'create', path: `${f}/file`, parents: 'none', body: bodyOfBytes(text) }),
  },
  {
    name: 'create with a condition',
    hasBody: true,
    mutation: (f) => ({
      verb: 'create',
      path: `${f}/file`,
      parents: 'none',
      body: bodyOfBytes(text),
      condition: { ifMatch: '*' },
    }),
  },
  {
    name: 'create without a body',
    hasBody: false,
    mutation: (f) => ({ verb: 'create', path: `${f}/file`, parents: 'none' }),
  },
  {
    name: 'append',
    hasBody: true,
    mutation: (f) => ({ verb: 'append', path: `${f}/file`, body: bodyOfBytes(text) }),
  },
  {
    name: 'append at a position',
    hasBody: true,
    mutation: (f) => ({ verb: 'append', path: `${f}/file`, position: 6, body: bodyOfBytes(text) }),
  },
  {
    name: 'stage',
    hasBody: true,
    mutation: (f) => ({ verb: 'stage', path: `${f}/upload`, position: 3, body: bodyOfBytes(text) }),
    next: (f) => chmod(`${f}/upload`),
  },
  {
    name: 'flush',
    hasBody: false,
    mutation: (f) => ({ verb: 'flush', path: `${f}/upload`, position: 3, retain: false, close: true }),
    next: (f) => chmod(`${f}/upload`),
  },
  {
    name: 'stage-block',
    hasBody: true,
    mutation: (f) => ({ verb: 'stage-block', path: `${f}/file`, blockId: 'AAAA', body: bodyOfBytes(text) }),
  },
  {
    name: 'commit-blocks',
    hasBody: false,
    mutation: (f) => ({ verb: 'commit-blocks', path: `${f}/file`, parents: 'none', blockIds: [] }),
  },
  {
    name: 'rename',
    hasBody: false,
    mutation: (f) => ({ ...rename, path: `${f}/file`, destination: `${f}/moved` }),
    next: (f) => chmod(`${f}/moved`),
  },
  {
    name: 'rename of a folder',
    hasBody: false,
    mutation: (f) => ({ ...rename, path: `${f}/full`, destination: `${f}/moved` }),
    next: (f) => chmod(`${f}/moved/file`),
  },
  {
    name: 'delete',
    hasBody: false,
    mutation: (f) => ({ verb: 'delete', path: `${f}/file`, recursive: false }),
    next: (f) => create(`${f}/file`),
  },
  {
    name: 'recursive delete',
    hasBody: false,
    mutation: (f) => ({ verb: 'delete', path: `${f}/full`, recursive: true }),
    next: (f) => create(`${f}/full/again`),
  },
  {
    name: 'concat',
    hasBody: false,
    mutation: (f) => ({
      verb: 'concat',
      path: `${f}/file`,
      sources: [`${f}/second`, `${f}/third`],
      create: false,
      deleteSourceDirectory: false,
    }),
  },
  { name: 'set-attributes', hasBody: false, mutation: (f) => chmod(`${f}/file`) },
];

async function furnish(store: Store, folder: string): Promise<void> {
  for (const name of ['file', 'second', 'third', 'full/file'])
    await put(store, `${folder}/${name}`, 'before');
  await store.mutate(
    { verb: 'create', path: `${folder}/upload`, parents: 'all', upload: true },
    clientCtx('dfs'),
  );
  await stage(store, `${folder}/upload`, 0, 'abc');
}

/** Requests that a lock would let through have come through when this has. */
async function barrier(gateway: Store, count: number): Promise<void> {
  await put(gateway, `/barrier/${count}`, 'x');
}

for (const fault of ['hang', 'refuse', 'drip', 'apply-late'] as const satisfies Fault[]) {
  t.test(`every verb beside a secondary with the fault ${fault}`, async (t) => {
    const pair = switchablePair();
    const rig = await createRig(t, { wrap: pair.wrap, lagMs });
    const { gateway } = rig;
    for (const [i] of cases.entries()) await furnish(gateway, `/case-${i}`);
    await put(gateway, '/barrier/first', 'x');
    await until(() => rig.journal.gauges().openIntents === 0);
    pair.fall('target', fault);
    const clock = stopClock();
    t.teardown(() => clock.goOn());
    for (const [i, { name, hasBody, mutation, next }] of cases.entries()) {
      if (fault === 'drip' && !hasBody) continue;
      const folder = `/case-${i}`;
      const ctx = clientCtx();
      await gateway.mutate(mutation(folder), ctx);
      t.strictSame(ctx.trail.acked, ['source'], `${name}: answered while the clock stands still`);

      const follower = next?.(folder) ?? chmod(`${folder}/file`);
      const nextCtx = clientCtx();
      const isHeld = fault === 'hang' || fault === 'drip';
      if (!isHeld) await until(() => rig.journal.gauges().openIntents === 0);
      const before = pair.asked.target.length;
      const waiting = watch(gateway.mutate(follower, nextCtx));
      if (isHeld) {
        await until(() => rig.locks.waiters() === 1);
        clock.pass(lagMs - 1);
        await barrier(gateway, i);
        t.equal(waiting.state, 'pending', `${name}: the path is held for the secondary`);
        clock.pass(1);
      }
      await until(() => waiting.state !== 'pending');
      t.match(waiting, { state: 'done' }, `${name}: for ${lagMs} ms and no longer`);
      t.strictSame(nextCtx.trail.acked, ['source'], `${name}: the next one asks only the truth`);
      const asked = pair.asked.target.slice(before);
      t.notOk(asked.includes(`${follower.verb} ${follower.path}`), `${name}: ${asked}`);
      clock.pass(lagMs);
      await until(() => rig.journal.gauges().openIntents === 0);
    }
    clock.goOn();
    pair.heal('target');
    // The uploads are ended, so that nothing is kept out of repair.
    for (const [i] of cases.entries())
      for (const name of ['upload', 'file']) await put(gateway, `/case-${i}/${name}`, 'done');
    await settledAndEqual(t, rig);
  });
}

t.test('a long body waits for its secondary for the lag and goes on without it', async (t) => {
  const pair = switchablePair();
  const reasons: string[] = [];
  const events = { onLetGo: (_: string, reason: string) => reasons.push(reason) };
  const rig = await createRig(t, { wrap: pair.wrap, lagMs, events });
  pair.fall('target', 'drip');
  const clock = stopClock();
  t.teardown(() => clock.goOn());
  rig.lag.limits = { ...rig.lag.limits, lagTotalBytes: 1 << 28 };
  const { lagBytes } = rig.lag.limits;
  await put(rig.gateway, '/brief', 'x'.repeat(lagBytes / 2));
  t.pass('less than `lagBytes` waits for nothing');
  const bytes = patternBytes(lagBytes * 3);
  const long = watch(
    rig.gateway.mutate({ ...create('/long'), body: bodyOfBytes(bytes) } as Mutation, clientCtx()),
  );
  await until(() => rig.lag.heldBytes > lagBytes);
  clock.pass(lagMs - 1);
  await barrier(rig.gateway, 1);
  t.equal(long.state, 'pending');
  t.ok(rig.lag.heldBytes < lagBytes * 2, `${rig.lag.heldBytes} bytes are held, not all of them`);
  clock.pass(1);
  await until(() => long.state !== 'pending');
  t.equal(long.state, 'done');
  t.ok(reasons.includes('lag'));
  clock.pass(lagMs);
  await until(() => rig.journal.gauges().openIntents === 0);
  clock.goOn();
  pair.heal('target');
  await settledAndEqual(t, rig);
});

t.test('no more writes wait for a secondary than may: the next ones go without it', async (t) => {
  const pair = switchablePair();
  const reasons: string[] = [];
  const events = { onLetGo: (_: string, reason: string) => reasons.push(reason) };
  const rig = await createRig(t, { wrap: pair.wrap, lagMs, events });
  await put(rig.gateway, '/first', 'x');
  await until(() => rig.journal.gauges().openIntents === 0);
  rig.lag.limits = { ...rig.lag.limits, lagRequests: 2 };
  pair.fall('target', 'hang');
  const clock = stopClock();
  t.teardown(() => clock.goOn());
  for (const name of ['a', 'b']) await put(rig.gateway, `/${name}`, name);
  await until(() => rig.lag.waiting.target === 2);
  const before = pair.asked.target.length;
  await put(rig.gateway, '/c', 'c');
  await rig.gateway.mutate({ verb: 'delete', path: '/first', recursive: false }, clientCtx());
  await until(() => rig.journal.gauges().openIntents === 2);
  t.equal(pair.asked.target.length, before, 'not even asked');
  t.strictSame(reasons, ['lag-requests', 'lag-requests']);
  t.strictSame(rig.lag.waiting, { source: 0, target: 2 });
  t.ok((await rig.journal.state('/c')).divergence, 'what it missed is written down');
  clock.pass(lagMs);
  await until(() => rig.journal.gauges().openIntents === 0);
  clock.goOn();
  pair.heal('target');
  await settledAndEqual(t, rig);
});

t.test(
  'repair at a store that stops answering keeps a path from its clients no longer than a lagging secondary',
  async (t) => {
    let isAway = false;
    let hangsAt: string | undefined;
    const wrap = (side: Side, store: Store): Store => {
      if (side === 'source') return store;
      const answer = async <T>(verb: string, ctx: Ctx, call: () => Promise<T>): Promise<T> => {
        if (isAway) throw new StoreError('unavailable', 'away');
        if (ctx.requestId !== 'repair' || verb !== 'rename') return call();
        hangsAt = verb;
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }));
        throw new StoreError('aborted', 'given up', { applied: 'unknown' });
      };
      return {
        ...store,
        query: (query, ctx) => answer(query.verb, ctx, () => store.query(query, ctx)),
        mutate: (mutation, ctx) => answer(mutation.verb, ctx, () => store.mutate(mutation, ctx)),
      };
    };
    const rig = await createRig(t, { wrap, lagMs, zombieMs: 60_000 });
    await put(rig.gateway, '/f', 'before');
    isAway = true;
    await put(rig.gateway, '/f', 'newer');
    await until(() => rig.journal.gauges().openIntents === 0);
    isAway = false;
    rig.repair.wake();
    await until(() => hangsAt !== undefined);
    const clock = stopClock();
    t.teardown(() => clock.goOn());
    const ctx = clientCtx();
    clock.pass(60_000);
    const waiting = watch(put(rig.gateway, '/f', 'newest', ctx));
    await until(() => rig.locks.waiters() === 1);
    clock.pass(lagMs - 1);
    await barrier(rig.gateway, 1);
    t.equal(waiting.state, 'pending', 'it may still finish');
    clock.pass(1);
    await until(() => waiting.state !== 'pending');
    t.equal(waiting.state, 'done');
    t.strictSame(ctx.trail.acked, ['source']);
    const { divergence } = await rig.journal.state('/f');
    t.ok(divergence?.tailUntilMs, 'what repair had asked for may land late: the row says so');
  },
);

/** A body split in two: the primary takes everything, the secondary what the test takes from it. */
function splitBody(limits: Partial<LagLimits> = {}) {
  const body = new PassThrough({ highWaterMark: 1 << 24 });
  const budget: LagBudget = {
    limits: { lagMs, lagBytes: 300_000, lagTotalBytes: 1 << 24, lagRequests: 9, ...limits },
    heldBytes: 0,
    waiting: { source: 0, target: 0 },
  };
  const reasons: string[] = [];
  const split = tee(body, budget, (reason) => reasons.push(reason));
  let taken = 0;
  split.primary.on('data', (chunk: Buffer) => {
    taken += chunk.length;
  });
  return { body, budget, reasons, split, taken: () => taken };
}

t.test('the lag is the sum of all waits of a request', async (t) => {
  const clock = stopClock();
  t.teardown(() => clock.goOn());
  const { body, budget, reasons, split, taken } = splitBody();
  const chunk = Buffer.alloc(400_000);
  body.write(chunk);
  await until(() => taken() === 400_000);
  body.write(chunk);
  await idle();
  clock.pass(lagMs - 1);
  await idle();
  t.equal(taken(), 400_000, 'the primary waits');
  split.secondary.read();
  await until(() => taken() === 800_000);
  // The secondary gets its part after the primary: only then the wait begins.
  await idle();
  clock.pass(1);
  await idle();
  t.strictSame(reasons, ['lag'], 'what was waited before counts: there was 1 ms left');
  t.equal(split.secondary.destroyed, true);
  t.equal(budget.heldBytes, 0);
  body.end(chunk);
  await split.done;
  await until(() => taken() === 1_200_000);
});

t.test('all secondaries together hold no more than they may', async (t) => {
  const clock = stopClock();
  t.teardown(() => clock.goOn());
  const { body, budget, reasons, split, taken } = splitBody({ lagBytes: 1 << 22, lagTotalBytes: 1 << 22 });
  budget.heldBytes = (1 << 22) - 100_000;
  body.write(Buffer.alloc(100_001));
  body.end(Buffer.alloc(100_000));
  await split.done;
  await until(() => taken() === 200_001);
  t.strictSame(reasons, ['lag-total-bytes'], 'the one that is one too many is let go at once');
  t.equal(budget.heldBytes, (1 << 22) - 100_000, 'and gives back what it held');
});
