// Pieces of uploads that nobody goes on with: removed by age, and never from under somebody who goes on.
import { PassThrough } from 'node:stream';
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Route } from '../src/core/route.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { writtenRoots } from '../src/gateway/places.ts';
import { withStaging } from '../src/layers/staging.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { bodyOfBytes, createFixture, kindOf } from './contract/fixture.ts';
import { clientCtx, get, names } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

const path = '/fs/d/f';

/** A store that only appends with a clock; `onDelete` stands before each removal. */
async function createWorld(
  onDelete: (remove: () => Promise<unknown>) => Promise<unknown> = (remove) => remove(),
) {
  const clock = { nowMs: 1000 };
  const plain = appendOnly(undefined, () => clock.nowMs);
  const inner: Store = {
    ...plain,
    async mutate(mutation, ctx) {
      const isFolder = mutation.verb === 'delete' && mutation.recursive;
      if (isFolder) await onDelete(() => plain.mutate(mutation, ctx));
      else return plain.mutate(mutation, ctx);
      return {};
    },
  };
  const store = withStaging(inner, { zombieMs: 100, now: () => clock.nowMs });
  const client = createFixture(store, '/fs');
  await client.mkdir('/fs/d');
  return {
    ...client,
    clock,
    block: (id: string, content: string) =>
      client.mutate({ verb: 'stage-block', path, blockId: btoa(id), body: bodyOfBytes(content) }),
    commit: (...ids: string[]) =>
      client.mutate({ verb: 'commit-blocks', path, parents: 'all', blockIds: ids.map(btoa) }),
    /** What nothing was put into for 10 ms goes. */
    sweep: (below = ['/fs']) => store.sweepPieces!(below, clock.nowMs - 10, ownCtx('sweep')),
    stored: () => names(plain, '/', true),
  };
}

t.test('blocks go once nobody has gone on with them for long, and their folders too', async (t) => {
  for (const below of [['/fs'], ['/fs/d/deep'], ['/'], ['/other', '/fs']]) {
    const { block, commit, sweep, failure, stored, clock } = await createWorld();
    await block('a', 'first');
    clock.nowMs += 10;
    t.equal(await sweep(below), 0, 'not yet');
    clock.nowMs += 1;
    t.equal(await sweep(below), 1, `below ${below}`);
    t.same(await stored(), ['/fs', '/fs/d']);
    const error = await failure(commit('a'));
    t.equal(error.code, 'InvalidBlockList', 'as on Gen2');
  }
});

t.test('blocks of an upload that goes on stay, the oldest too', async (t) => {
  const { block, commit, sweep, read, clock } = await createWorld();
  for (const id of ['a', 'b', 'c', 'd']) {
    await block(id, id);
    clock.nowMs += 8;
    t.equal(await sweep(), 0);
  }
  await commit('a', 'b', 'c', 'd');
  clock.nowMs += 100;
  t.equal(await sweep(), 0);
  t.equal((await read(path)).toString(), 'abcd');
});

t.test('a block on its way keeps its folder', async (t) => {
  const { mutate, block, commit, sweep, read, clock } = await createWorld();
  await block('a', 'first');
  const stream = new PassThrough();
  const onWay = mutate({ verb: 'stage-block', path, blockId: btoa('b'), body: { stream, lengthBytes: 6 } });
  clock.nowMs += 11;
  t.equal(await sweep(), 0);
  stream.end('second');
  await onWay;
  await commit('a', 'b');
  t.equal((await read(path)).toString(), 'firstsecond');
});

t.test('a block that comes while its folder is removed waits, and is there afterwards', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const { block, commit, sweep, read, clock } = await createWorld(async (remove) => {
    arrived.resolve();
    await go.promise;
    return remove();
  });
  await block('a', 'old');
  clock.nowMs += 11;
  const swept = sweep();
  await arrived.promise;
  const fresh = block('a', 'new');
  go.resolve();
  t.equal(await swept, 1);
  await fresh;
  await commit('a');
  t.equal((await read(path)).toString(), 'new');
});

t.test('while a removal without an answer may still happen no block is taken', async (t) => {
  let land: (() => Promise<unknown>) | undefined;
  const { block, commit, sweep, read, failure, clock } = await createWorld(async (remove) => {
    if (land) return remove();
    land = remove;
    throw new StoreError('timeout', 'no answer', { applied: 'unknown' });
  });
  await block('a', 'old');
  clock.nowMs += 11;
  kindOf(await failure(sweep()), 'timeout');
  const error = await failure(block('a', 'new'));
  t.equal(kindOf(error, 'unavailable'), 'unavailable');
  t.equal(error.applied, 'no');
  t.equal(error.retryAfterMs, 100);
  await land!();
  clock.nowMs += 100;
  await block('a', 'new');
  await commit('a');
  t.equal((await read(path)).toString(), 'new');
});

t.test('a store that stages forgets by itself', async (t) => {
  t.equal(withStaging(createMemoryStore({ name: 'm' })).sweepPieces, undefined);
});

t.test('what a side keeps that missed the commit goes', async (t) => {
  const inner = appendOnly();
  const staged = withStaging(inner);
  const rig = await createRig(t, {
    route: { reads: 'target' },
    wrap: (side, store) => (side === 'source' ? staged : store),
  });
  const file = '/lake/f';
  const ctx = () => clientCtx('dfs');
  await rig.gateway.mutate({ verb: 'mkdir', path: '/lake', parents: 'all' }, ctx());
  const body = bodyOfBytes('block');
  await rig.gateway.mutate({ verb: 'stage-block', path: file, blockId: btoa('a'), body }, ctx());
  await rig.settled();
  rig.down.add('source');
  await rig.gateway.mutate(
    { verb: 'commit-blocks', path: file, parents: 'all', blockIds: [btoa('a')] },
    ctx(),
  );
  rig.down.clear();
  await rig.settled();
  t.equal(await get(inner, file), 'block', 'repair has copied the file');
  t.ok((await names(inner, '/lake', true)).some((each) => each.startsWith('/lake/.twinlake/uploads/')));
  t.equal(await staged.sweepPieces!(['/lake'], Date.now() + 1, ownCtx('sweep')), 1);
  t.notOk((await names(inner, '/lake', true)).some((each) => each.startsWith('/lake/.twinlake/uploads')));
});

t.test('only what some app writes is swept', async (t) => {
  const mounts = [{ source: '/clusters/billing', target: '/billing' }];
  const evaluation = [{ source: '/clusters/billing', target: '/billing-eval' }];
  const other = [{ source: '/clusters/other', target: '/other' }];
  const route = (more: Partial<Route>): Route => ({
    ...{
      app: 'a',
      reads: 'source',
      writes: 'both',
      ack: 'primary',
      ackFallback: 'degrade',
      failover: 'none',
    },
    mounts,
    ...more,
  });
  const table: [string, Route[], string[], string[]][] = [
    ['no app', [], [], []],
    ['both sides', [route({})], ['/clusters/billing'], ['/billing']],
    ['an evaluation', [route({ writes: 'target', mounts: evaluation })], [], ['/billing-eval']],
    ['before a migration', [route({ writes: 'source', mounts: other })], ['/clusters/other'], []],
    [
      'an evaluation beside it',
      [route({}), route({ writes: 'target', mounts: evaluation })],
      ['/clusters/billing'],
      ['/billing', '/billing-eval'],
    ],
  ];
  for (const [what, routes, source, target] of table) {
    t.same(writtenRoots(routes, 'source'), source, what);
    t.same(writtenRoots(routes, 'target'), target, what);
  }
  const both = [route({}), route({ mounts: other })];
  const isHeld = (path: string) => path === '/billing';
  t.same(writtenRoots(both, 'target', isHeld), ['/other'], 'nothing where a journal was lost');
});
