// The dual store over two stores: what clients see, what each side has, what the journal keeps.
import { PassThrough, Readable } from 'node:stream';
import t from 'tap';
import type { Store } from '../src/core/store.ts';
import { until } from './end-to-end/admin-view.ts';
import { clientCtx, flush, get, look, names, put, refusal, stage } from './gateway/actions.ts';
import { breakablePair } from './gateway/breakable.ts';
import { createRig } from './gateway/rig.ts';

t.test('one write, two stores, one switch', async (t) => {
  const rig = await createRig(t);
  const ctx = await put(rig.gateway, '/lake/x', 'hello');
  t.ok(ctx.trail.acked?.includes('source'));
  await rig.settled();
  t.equal(await get(rig.stores.source, '/lake/x'), 'hello');
  t.equal(await get(rig.stores.target, '/lake/x'), 'hello');
  const before = clientCtx();
  await get(rig.gateway, '/lake/x', before);
  t.equal(before.trail.servedBy, 'source');
  rig.route.reads = 'target';
  const after = clientCtx();
  t.equal(await get(rig.gateway, '/lake/x', after), 'hello');
  t.equal(after.trail.servedBy, 'target');
});

t.test('mounts translate names, and nothing outside them is reached', async (t) => {
  const rig = await createRig(t, { mounts: [{ source: '/clusters/billing', target: '/billing' }] });
  await put(rig.gateway, '/clusters/billing/d/x', 'one');
  await rig.settled();
  t.equal(await get(rig.stores.source, '/clusters/billing/d/x'), 'one');
  t.equal(await get(rig.stores.target, '/billing/d/x'), 'one');
  t.equal(await get(rig.gateway, '/billing/d/x', clientCtx('dfs')), 'one');
  t.same(await names(rig.gateway, '/clusters/billing', true), [
    '/clusters/billing/d',
    '/clusters/billing/d/x',
  ]);
  t.same(await names(rig.gateway, '/'), ['/clusters'], 'folders above the mounts are shown');
  t.equal(await look(rig.gateway, '/other/x'), '(not-found)');
  t.match(await refusal(put(rig.gateway, '/other/x', 'no')), { kind: 'denied' });
  await t.rejects(put(rig.gateway, '/fs/x', 'no', clientCtx('dfs')), {
    kind: 'parent-not-found',
    code: 'FilesystemNotFound',
  });
  t.equal(await look(rig.gateway, '/clusters/billing/.twinlake/x'), '(not-found)');
});

t.test('the secondary is down: writes go on, diverge, follow the truth, drain', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  await put(rig.gateway, '/lake/old', 'old');
  await rig.settled();
  pair.fault('target', () => 'down');
  await put(rig.gateway, '/lake/x', 'new');
  await rig.gateway.mutate({ verb: 'delete', path: '/lake/old', recursive: false }, clientCtx());
  t.equal(rig.journal.gauges().divergentPaths, 2);
  rig.route.reads = 'target';
  pair.heal('target');
  rig.down.add('target'); // keeps repair away while the reads below are looked at
  t.equal(await look(rig.gateway, '/lake/x'), 'new', 'a flip is harmless: the truth answers');
  t.equal(await look(rig.gateway, '/lake/old'), '(not-found)');
  t.same(await names(rig.gateway, '/lake'), ['/lake/x'], 'so do listings');
  t.same(await names(rig.gateway, '/', true), ['/lake', '/lake/x']);
  rig.down.clear();
  await rig.settled();
  t.equal(await get(rig.stores.target, '/lake/x'), 'new');
  t.equal(await look(rig.stores.target, '/lake/old'), '(not-found)');
  const whole = () => names(rig.stores.target, '/', true);
  await until('the folder of copies is gone', async () => !(await whole()).includes('/lake/.twinlake'));
  t.same(await whole(), ['/lake', '/lake/x']);
});

t.test('what the journal knows to be gone is not asked for again by a listing', async (t) => {
  const asked: string[] = [];
  const counted = (store: Store): Store => ({
    ...store,
    query(query, ctx) {
      if (query.verb === 'stat' && ctx.requestId === 'test') asked.push(query.path);
      return store.query(query, ctx);
    },
  });
  const rig = await createRig(t, { wrap: (side, store) => (side === 'source' ? counted(store) : store) });
  for (const name of ['gone', 'moved', 'stays', 'again']) await put(rig.gateway, `/lake/${name}`, name);
  await rig.settled();
  rig.down.add('target');
  await rig.gateway.mutate({ verb: 'delete', path: '/lake/gone', recursive: false }, clientCtx());
  await rig.gateway.mutate({ verb: 'delete', path: '/lake/again', recursive: false }, clientCtx());
  await put(rig.gateway, '/lake/again', 'new');
  const move = { verb: 'rename', path: '/lake/moved', destination: '/lake/z' } as const;
  await rig.gateway.mutate({ ...move, replace: 'none', intoDirectory: false }, clientCtx());
  rig.route.reads = 'target';
  asked.length = 0;
  t.same(await names(rig.gateway, '/lake'), ['/lake/again', '/lake/stays', '/lake/z']);
  t.same([...new Set(asked)].sort(), ['/lake/again', '/lake/z']);
});

t.test('the primary refuses: nothing changes, and what the other side took is undone', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  await put(rig.gateway, '/lake/x', 'old');
  await rig.settled();
  pair.fault('source', (op) => (op.verb === 'create' ? 'down' : undefined));
  t.match(await refusal(put(rig.gateway, '/lake/x', 'lost')), { kind: 'unavailable' });
  t.equal(await look(rig.gateway, '/lake/x'), 'old');
  pair.heal('source');
  await rig.settled();
  t.equal(await get(rig.stores.target, '/lake/x'), 'old');
});

t.test('conditions are judged at the primary before a byte is read', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, '/lake/x', 'old');
  const stream = new PassThrough();
  const create = {
    verb: 'create',
    path: '/lake/x',
    parents: 'all',
    condition: { ifNoneMatch: '*' },
  } as const;
  t.match(await refusal(rig.gateway.mutate({ ...create, body: { stream } }, clientCtx())), {
    kind: 'exists',
  });
  t.equal(stream.destroyed, true);
  const exclusive = {
    verb: 'mkdir',
    path: '/lake',
    parents: 'all',
    condition: { ifNoneMatch: '*' },
  } as const;
  t.match(await refusal(rig.gateway.mutate(exclusive, clientCtx())), { kind: 'exists' });
  await rig.settled();
  t.equal(await get(rig.stores.target, '/lake/x'), 'old');
});

t.test('an unknown outcome leaves a divergence with a tail; reads stay at the truth', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap, zombieMs: 60_000 });
  pair.fault('target', (op) => (op.verb === 'create' ? 'lost-answer' : undefined));
  await put(rig.gateway, '/lake/x', 'both have it, nobody knows');
  const { items } = await rig.journal.divergences({ limit: 10 });
  t.match(items, [{ path: '/lake/x', truth: 'source', tailUntilMs: Number }]);
  rig.route.reads = 'target';
  const ctx = clientCtx();
  await get(rig.gateway, '/lake/x', ctx);
  t.equal(ctx.trail.servedBy, 'source');
});

t.test('a secondary that hangs is let go; the answer never waits for it', async (t) => {
  const pair = breakablePair();
  const letGo: string[] = [];
  const rig = await createRig(t, {
    wrap: pair.wrap,
    lagMs: 20,
    events: { onLetGo: (_, reason) => letGo.push(reason) },
  });
  pair.fault('target', (op) => (op.verb === 'create' && !op.path.includes('.twinlake') ? 'hang' : undefined));
  const ctx = await put(rig.gateway, '/lake/x', 'fast');
  t.same(ctx.trail.acked, ['source']);
  await put(rig.gateway, '/lake/x', 'the lock was released');
  pair.heal('target');
  await rig.settled();
  t.ok(letGo.length > 0);
  t.equal(await get(rig.stores.target, '/lake/x'), 'the lock was released');
});

t.test('failover: reads go on when the primary is away, writes too with `full`', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap, route: { failover: 'full' } });
  await put(rig.gateway, '/lake/x', 'old');
  await rig.settled();
  pair.fault('source', () => 'down');
  const ctx = clientCtx();
  t.equal(await get(rig.gateway, '/lake/x', ctx), 'old');
  t.equal(ctx.trail.servedBy, 'target');
  const wrote = await put(rig.gateway, '/lake/x', 'new');
  t.same(wrote.trail.acked, ['target']);
  await rig.gateway.mutate(
    { verb: 'mkdir', path: '/lake/d', parents: 'all', condition: { ifNoneMatch: '*' } },
    clientCtx(),
  );
  t.equal(await get(rig.gateway, '/lake/x'), 'new', 'read your writes');
  pair.heal('source');
  await rig.settled();
  t.equal(await get(rig.stores.source, '/lake/x'), 'new');
  const visible = (await names(rig.stores.source, '/lake')).filter((path) => !path.endsWith('/.twinlake'));
  t.same(visible, ['/lake/d', '/lake/x']);
});

t.test('uploads: staged in parallel, invisible until flush, on both sides after it', async (t) => {
  const rig = await createRig(t);
  await rig.gateway.mutate(
    { verb: 'create', path: '/lake/up', parents: 'all', upload: true },
    clientCtx('dfs'),
  );
  await Promise.all([stage(rig.gateway, '/lake/up', 4, 'efgh'), stage(rig.gateway, '/lake/up', 0, 'abcd')]);
  t.equal(await get(rig.gateway, '/lake/up'), '');
  await flush(rig.gateway, '/lake/up', 8);
  await rig.settled();
  t.equal(await get(rig.stores.source, '/lake/up'), 'abcdefgh');
  t.equal(await get(rig.stores.target, '/lake/up'), 'abcdefgh');
  t.equal(rig.journal.gauges().openUploads, 0);
});

t.test('uploads: a flip and an outage between two appends lose no acked byte', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  await rig.gateway.mutate(
    { verb: 'create', path: '/lake/up', parents: 'all', upload: true },
    clientCtx('dfs'),
  );
  await stage(rig.gateway, '/lake/up', 0, 'abcd');
  pair.fault('target', () => 'down');
  await stage(rig.gateway, '/lake/up', 4, 'efgh');
  pair.heal('target');
  rig.route.reads = 'target';
  await stage(rig.gateway, '/lake/up', 8, 'ij');
  await flush(rig.gateway, '/lake/up', 10);
  t.equal(await get(rig.gateway, '/lake/up'), 'abcdefghij');
  await rig.settled();
  t.equal(await get(rig.stores.target, '/lake/up'), 'abcdefghij');
});

t.test('renames carry divergences along and settle into equal trees', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  await put(rig.gateway, '/lake/d/a', 'a');
  await rig.settled();
  pair.fault('target', () => 'down');
  await put(rig.gateway, '/lake/d/b', 'b');
  rig.down.add('target');
  pair.heal('target');
  rig.route.reads = 'target';
  const rename = {
    verb: 'rename',
    path: '/lake/d',
    destination: '/lake/e',
    replace: 'none',
    intoDirectory: true,
  } as const;
  rig.down.clear();
  await rig.gateway.mutate(rename, clientCtx());
  t.same(await names(rig.gateway, '/lake', true), ['/lake/e', '/lake/e/a', '/lake/e/b']);
  await rig.settled();
  for (const side of ['source', 'target'] as const) {
    t.equal(await get(rig.stores[side], '/lake/e/b'), 'b', side);
    t.equal(await look(rig.stores[side], '/lake/d/a'), '(not-found)', side);
  }
});

t.test('a broken body changes nothing anywhere', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, '/lake/x', 'old');
  const stream = Readable.from(
    (async function* broken() {
      yield Buffer.from('half of ');
      throw new Error('the client went away');
    })(),
  );
  const create = {
    verb: 'create',
    path: '/lake/x',
    parents: 'all',
    body: { stream, lengthBytes: 100 },
  } as const;
  await t.rejects(rig.gateway.mutate(create, clientCtx()));
  await rig.settled();
  t.equal(await get(rig.stores.source, '/lake/x'), 'old');
  t.equal(await get(rig.stores.target, '/lake/x'), 'old');
});

t.test('a restart makes divergences of what was open', async (t) => {
  const pair = breakablePair();
  const stateDir = t.testdir({});
  const first = await createRig(t, { wrap: pair.wrap, stateDir, lagMs: 1500 });
  pair.fault('target', (op) => ('path' in op && op.verb === 'create' ? 'hang' : undefined));
  await put(first.gateway, '/lake/x', 'acked, then the process ends');
  t.equal(first.journal.gauges().openIntents, 1);
  await first.close();
  const second = await createRig(t, { stateDir });
  t.equal(second.journal.epoch, 2);
  t.equal(second.journal.gauges().divergentPaths, 1);
  t.match(await second.journal.divergences({ limit: 9 }), { items: [{ path: '/lake/x', truth: 'source' }] });
});

t.test('many writers of one path leave the same state on both sides', async (t) => {
  const rig = await createRig(t);
  await Promise.all(Array.from({ length: 50 }, (_, i) => put(rig.gateway, '/lake/x', `writer ${i}`)));
  await rig.settled();
  t.equal(await get(rig.stores.source, '/lake/x'), await get(rig.stores.target, '/lake/x'));
});
