// What holds repair up, and what does not: hanging copies, paths that fail, folders whose newest content is on the other side, leftovers.
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import { otherSide, type Side, type Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import type { Divergence } from '../src/journal/journal.ts';
import { createLocks } from '../src/journal/locks.ts';
import { startRepair } from '../src/sync/repair.ts';
import { until } from './end-to-end/admin-view.ts';
import { clientCtx, flush, get, look, names, put, stage } from './gateway/actions.ts';
import { breakablePair } from './gateway/breakable.ts';
import { createRig, type Rig } from './gateway/rig.ts';

function rowAt(path: string, more: Partial<Divergence> = {}): Divergence {
  return { path, subtree: false, truth: 'source', generation: 0, reason: 'test', sinceMs: 0, ...more };
}

async function putRows(rig: Rig, ...rows: Divergence[]): Promise<void> {
  await rig.journal.apply(rows.map((divergence) => ({ do: 'put', divergence })));
}

const mkdir = (store: Store, path: string) =>
  store.mutate({ verb: 'mkdir', path, parents: 'all' }, clientCtx());

t.test('a copy that hangs holds up no other path, now or in the next pass', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  rig.down.add('target');
  await put(rig.gateway, '/lake/a-hangs', 'one');
  for (let i = 0; i < 20; i++) await put(rig.gateway, `/lake/b${i}`, 'two');
  pair.fault('source', (op) => (op.verb === 'read' && op.path === '/lake/a-hangs' ? 'hang' : undefined));
  rig.down.clear();
  rig.repair.wake();
  const left = async () => (await rig.journal.divergences({ limit: 100 })).items.map((row) => row.path);
  await until('only the one that hangs is left', async () => (await left()).join() === '/lake/a-hangs');
  rig.down.add('target');
  await put(rig.gateway, '/lake/z', 'three');
  rig.down.clear();
  await until('the next pass settles what came since', async () => (await left()).join() === '/lake/a-hangs');
  t.equal(await get(rig.stores.target, '/lake/z'), 'three');
});

t.test('one path below a folder that fails gets a row of its own; the rest is settled', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  for (const name of ['a', 'bad', 'c']) await put(rig.stores.source, `/lake/d/${name}`, name);
  pair.fault('source', (op) => (op.verb === 'read' && op.path.endsWith('/bad') ? 'down' : undefined));
  await putRows(rig, rowAt('/lake', { subtree: true }));
  await rig.repair.settleNow(['/lake'], 5000);
  t.match((await rig.journal.divergences({ limit: 10 })).items, [{ path: '/lake/d/bad', subtree: false }]);
  t.same(await names(rig.stores.target, '/lake/d'), ['/lake/d/a', '/lake/d/c']);
  pair.heal('source');
  await rig.settled();
  t.equal(await get(rig.stores.target, '/lake/d/bad'), 'bad');
});

t.test(
  'a store that fails at one path after the other ends the walk instead of leaving a row for each',
  async (t) => {
    const pair = breakablePair();
    const rig = await createRig(t, { wrap: pair.wrap });
    for (let i = 0; i < 60; i++) await put(rig.stores.source, `/lake/f${i}`, 'x');
    pair.fault('source', (op) => (op.verb === 'read' ? 'down' : undefined));
    await putRows(rig, rowAt('/lake', { subtree: true }));
    await rig.repair.settleNow(['/lake'], 5000);
    const { items } = await rig.journal.divergences({ limit: 100 });
    t.ok(
      items.some((row) => row.path === '/lake'),
      'the folder is still to be settled',
    );
    t.ok(items.length < 30, `${items.length} rows`);
    pair.heal('source');
    await rig.settled();
    t.equal((await names(rig.stores.target, '/lake')).filter((path) => path.includes('/f')).length, 60);
  },
);

t.test('a folder does not go while the newest state of something in it is on that side', async (t) => {
  const rig = await createRig(t);
  rig.down.add('source');
  await put(rig.stores.target, '/lake/d/newest', 'acked by the target alone');
  await mkdir(rig.stores.source, '/lake');
  await putRows(rig, rowAt('/lake/d/newest', { truth: 'target' }), rowAt('/lake', { subtree: true }));
  // The row of the file cannot be settled while its tail lasts; the folder above it is looked at first.
  await putRows(rig, rowAt('/lake/d/newest', { truth: 'target', tailUntilMs: Date.now() + 200 }));
  rig.down.clear();
  await rig.repair.settleNow(['/lake'], 5000);
  t.equal(await look(rig.stores.target, '/lake/d/newest'), 'acked by the target alone');
  await rig.settled();
  t.equal(await look(rig.stores.source, '/lake/d/newest'), 'acked by the target alone');
  t.equal(await look(rig.stores.target, '/lake/d/newest'), 'acked by the target alone');
});

for (const truth of ['source', 'target'] as const) {
  t.test(
    `an upload that the source alone has, below a subtree row whose truth is the ${truth}`,
    async (t) => {
      const rig = await createRig(t);
      const other = otherSide(truth);
      rig.down.add('target');
      const create = { verb: 'create', path: '/lake/up', parents: 'all', upload: true } as const;
      await mkdir(rig.stores.target, '/lake');
      await rig.gateway.mutate(create, { ...clientCtx('dfs'), wantEntry: true });
      await stage(rig.gateway, '/lake/up', 0, 'bytes');
      const { divergence } = await rig.journal.state('/lake/up');
      await rig.journal.apply([{ do: 'clear', path: '/lake/up', generation: divergence!.generation }]);
      await put(rig.stores[truth], '/lake/rest', 'rest');
      await putRows(rig, rowAt('/lake', { subtree: true, truth, generation: divergence!.generation }));
      rig.down.clear();
      await rig.repair.settleNow(['/lake'], 5000);
      t.equal(await get(rig.stores[other], '/lake/rest'), 'rest');
      // What is flushed can be made equal where the bytes are; from the other side repair keeps away.
      const left = (await rig.journal.divergences({ limit: 10 })).items.map(({ path }) => path);
      t.same(left, truth === 'source' ? [] : ['/lake/up']);
      if (truth === 'target') return;
      t.equal(await get(rig.stores.target, '/lake/up'), '');
      await flush(rig.gateway, '/lake/up', 5);
      await rig.settled();
      t.equal(await get(rig.stores.target, '/lake/up'), 'bytes');
    },
  );
}

t.test('repair that makes the other side equal leaves the upload to the truth', async (t) => {
  const rig = await createRig(t, { route: { failover: 'full' } });
  await put(rig.gateway, '/lake/up', 'old');
  await stage(rig.gateway, '/lake/up', 3, 'new');
  await rig.settled();
  t.match(await rig.journal.uploads(), [{ unflushed: true, sides: ['source', 'target'] }]);
  await putRows(rig, rowAt('/lake/up', { generation: 1_000_000 }));
  await rig.repair.settleNow(['/lake/up'], 5000);
  await rig.settled();
  t.match(await rig.journal.uploads(), [{ unflushed: true, sides: ['source'] }]);
  rig.down.add('source');
  await flush(rig.gateway, '/lake/up', 6);
  rig.down.clear();
  await rig.settled();
  for (const side of ['source', 'target'] as const)
    t.equal(await get(rig.stores[side], '/lake/up'), 'oldnew', side);
});

t.test('what a killed process left under hidden names is removed, what was put aside is not', async (t) => {
  const rig = await createRig(t);
  await rig.repair.close();
  const both = [rig.stores.source, rig.stores.target];
  for (const store of both) {
    await put(store, '/lake/.twinlake/repair/7-1', 'half a copy');
    await put(store, '/lake/.twinlake/kept/1/x', 'put aside');
    await put(store, '/other/.twinlake/repair/8-1', 'half a copy');
  }
  const { stores, journal } = rig;
  const locks = createLocks({ waitMs: 5000, maxWaiters: 10 });
  const mounts = () => [{ source: '/', target: '/' }];
  const ctx = () => ownCtx('repair');
  const isDown = () => false;
  const parts = { stores, journal, locks, mounts, ctx, now: Date.now, zombieMs: 0, lagMs: 2000, isDown };
  const repair = startRepair(parts, { concurrency: 1, pollMs: 10, backoffMs: 1, maxBackoffMs: 1 });
  t.teardown(() => repair.close());
  const all = async () => (await Promise.all(both.map((store) => names(store, '/', true)))).flat();
  await until('they are gone', async () => !(await all()).some((path) => path.startsWith('/other/')));
  t.same(
    (await all()).filter((path) => path.includes('repair')),
    [],
  );
  t.equal((await all()).filter((path) => path.endsWith('/kept/1/x')).length, 2);
});

t.test('on a side that no app writes hidden folders are left to the gateway that made them', async (t) => {
  const rig = await createRig(t);
  await rig.repair.close();
  const { stores, journal, locks } = rig;
  const copy = '/lake/.twinlake/repair/other-1';
  for (const store of [stores.source, stores.target]) await put(store, copy, 'a copy under way');
  const options = { concurrency: 1, pollMs: 10, backoffMs: 1, maxBackoffMs: 1 };
  const mounts = () => [{ source: '/', target: '/' }];
  const writtenRoots = (side: Side) => (side === 'target' ? ['/'] : []);
  const limits = { now: Date.now, zombieMs: 0, lagMs: 2000, isDown: () => false };
  const ctx = () => ownCtx('repair');
  const repair = startRepair({ stores, journal, locks, mounts, writtenRoots, ctx, ...limits }, options);
  t.teardown(() => repair.close());
  await until('it is gone', async () => (await look(stores.target, copy)) === '(not-found)');
  t.equal(await look(stores.source, copy), 'a copy under way');
});

t.test('names and attributes that the other side refuses for good are pinned', async (t) => {
  const refuses = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      const name = mutation.verb === 'rename' ? mutation.destination : mutation.path;
      if (name.endsWith('\\')) throw StoreError.invalid('a name may not end with a backslash');
      if (mutation.verb === 'set-attributes' && mutation.permission === 0o1777)
        throw new StoreError('denied', 'no sticky bits here');
      return store.mutate(mutation, ctx);
    },
  });
  const rig = await createRig(t, { wrap: (side, store) => (side === 'target' ? refuses(store) : store) });
  const wrote = await put(rig.gateway, '/lake/bad\\', 'one');
  t.same(wrote.trail.acked, ['source'], 'the client is not refused what the primary holds');
  await put(rig.stores.source, '/lake/d/worse\\', 'two');
  await put(rig.stores.source, '/lake/d/good', 'three');
  await mkdir(rig.stores.source, '/lake/folder\\');
  await put(rig.stores.source, '/lake/folder\\/x', 'below what cannot be');
  await rig.stores.source.mutate(
    { verb: 'set-attributes', path: '/lake/d', permission: 0o1777 },
    ownCtx('t'),
  );
  await mkdir(rig.stores.target, '/lake/d');
  await putRows(rig, rowAt('/lake', { subtree: true }));
  const rows = async () => (await rig.journal.divergences({ limit: 10 })).items;
  await until('all are pinned', async () => {
    const all = await rows();
    return all.length === 4 && all.every((row) => row.pinned !== undefined);
  });
  t.match(await rows(), [
    { path: '/lake/bad\\', pinned: /backslash/ },
    { path: '/lake/d', subtree: false, pinned: /sticky/ },
    { path: '/lake/d/worse\\', pinned: /backslash/ },
    { path: '/lake/folder\\', subtree: true, pinned: /backslash/ },
  ]);
  t.equal(
    await get(rig.stores.target, '/lake/d/good'),
    'three',
    'what is below refused attributes is settled',
  );
  t.equal(rig.journal.gauges().pinnedPaths, 4);
  t.equal(await get(rig.gateway, '/lake/bad\\'), 'one', 'the truth serves it');
  await put(rig.gateway, '/lake/bad\\', 'again');
  t.equal(await get(rig.gateway, '/lake/bad\\'), 'again');
  await rig.gateway.mutate({ verb: 'delete', path: '/lake/bad\\', recursive: false }, clientCtx());
  await until('a changed path is tried again', async () => (await rows()).length === 3);
});

t.test('while a store is away repair asks neither of them, nor the journal', async (t) => {
  const asked: string[] = [];
  const listening = (store: Store): Store => ({
    ...store,
    query(query, ctx) {
      if (ctx.requestId === 'repair') asked.push(`${query.verb} ${query.path}`);
      return store.query(query, ctx);
    },
  });
  let pages = 0;
  const rig = await createRig(t, {
    wrap: (_, store) => listening(store),
    wrapJournal: (journal) => ({
      ...journal,
      divergences(page) {
        pages++;
        return journal.divergences(page);
      },
    }),
  });
  rig.down.add('target');
  await put(rig.gateway, '/lake/x', 'one');
  [asked.length, pages] = [0, 0];
  rig.repair.wake();
  await rig.repair.settleNow(['/lake/x'], 5000);
  t.same([asked, pages], [[], 0]);
  rig.down.clear();
  rig.repair.wake();
  await rig.settled();
  t.ok(asked.length > 0 && pages > 0);
});
