// What repair has read may be old by the time it has the lock, even if no divergence tells of it.
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import type { Divergence, PathState, Upload } from '../src/journal/journal.ts';
import { type Verdict, verdictOf } from '../src/sync/fence.ts';
import { clientCtx, get, look, names, put } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';

/** Holds what repair reads of one path until told, once. */
function heldRead(path: string) {
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  let isHeld = true;
  const wrap = (store: Store): Store => ({
    ...store,
    async query(query, ctx) {
      const answer = await store.query(query, ctx);
      if (isHeld && ctx.requestId === 'repair' && query.verb === 'read' && query.path === path) {
        isHeld = false;
        asked.resolve();
        await go.promise;
      }
      return answer;
    },
  });
  return { wrap, asked: asked.promise, go: () => go.resolve() };
}

t.test('a march does not put back what was written and settled meanwhile', async (t) => {
  const held = heldRead('/lake/d/x');
  const rig = await createRig(t, {
    wrap: (side, store) => (side === 'source' ? held.wrap(store) : store),
  });
  await put(rig.stores.source, '/lake/d/x', 'first', clientCtx());
  const row = {
    path: '/lake',
    subtree: true,
    truth: 'source',
    generation: 0,
    reason: 't',
    sinceMs: 0,
  } as const;
  await rig.journal.apply([{ do: 'put', divergence: row }]);
  rig.repair.wake();
  await held.asked;

  // The march holds "first"; the write makes a row of its own below it, which is settled while the march waits.
  await put(rig.gateway, '/lake/d/x', 'later');
  await rig.repair.settleNow(['/lake/d/x'], 5000);
  t.equal(await get(rig.stores.target, '/lake/d/x'), 'later');
  t.match((await rig.journal.state('/lake/d/x')).divergence, { path: '/lake' });

  held.go();
  await rig.settled();
  t.equal(await look(rig.stores.target, '/lake/d/x'), 'later');
  t.equal(await look(rig.stores.source, '/lake/d/x'), 'later');
});

t.test('a request of repair that is not answered keeps its row until it cannot land any more', async (t) => {
  let isLost = true;
  const lost = (store: Store): Store => ({
    ...store,
    async mutate(mutation: Mutation, ctx) {
      if (!isLost || ctx.requestId !== 'repair' || mutation.verb !== 'rename')
        return store.mutate(mutation, ctx);
      isLost = false;
      throw new StoreError('timeout', 'no answer', { applied: 'unknown' });
    },
  });
  const rig = await createRig(t, {
    zombieMs: 60_000,
    wrap: (side, store) => (side === 'target' ? lost(store) : store),
  });
  rig.down.add('target');
  await put(rig.gateway, '/lake/x', 'one');
  rig.down.delete('target');
  t.notOk((await rig.journal.state('/lake/x')).divergence?.tailUntilMs);
  await rig.repair.settleNow(['/lake/x'], 5000);
  const { divergence } = await rig.journal.state('/lake/x');
  t.ok((divergence?.tailUntilMs ?? 0) > Date.now());
});

t.test('a listing shows what was settled while its page was fetched', async (t) => {
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const slowList = (store: Store): Store => ({
    ...store,
    async query(query, ctx) {
      const answer = await store.query(query, ctx);
      if (query.verb === 'list' && ctx.requestId === 'test') {
        asked.resolve();
        await held.promise;
      }
      return answer;
    },
  });
  const rig = await createRig(t, { wrap: (side, store) => (side === 'source' ? slowList(store) : store) });
  await put(rig.gateway, '/lake/there', 'on both');
  await put(rig.stores.target, '/lake/x', 'newest');
  rig.down.add('source');
  const row = {
    path: '/lake/x',
    subtree: false,
    truth: 'target',
    generation: 9,
    reason: 't',
    sinceMs: 0,
  } as const;
  await rig.journal.apply([{ do: 'put', divergence: row }]);
  rig.down.delete('source');

  const listed = names(rig.gateway, '/lake');
  await asked.promise;
  await rig.repair.settleNow(['/lake/x'], 5000);
  t.equal(rig.journal.gauges().divergentPaths, 0);
  held.resolve();
  t.same(await listed, ['/lake/there', '/lake/x']);
});

t.test('not even a client that waits has a row cleared before its tail is over', async (t) => {
  const rig = await createRig(t);
  await put(rig.stores.source, '/lake/x', 'newest');
  const row = {
    path: '/lake/x',
    subtree: false,
    truth: 'source',
    generation: 0,
    reason: 't',
    sinceMs: 0,
    tailUntilMs: Number.MAX_SAFE_INTEGER,
  } as const;
  await rig.journal.apply([{ do: 'put', divergence: row }]);
  await rig.repair.settleNow(['/lake/x'], 5000);
  t.same((await rig.journal.state('/lake/x')).divergence, row, 'a late request may still land');
  const { tailUntilMs: _, ...over } = row;
  await rig.journal.apply([{ do: 'put', divergence: over }]);
  await rig.repair.settleNow(['/lake/x'], 5000);
  t.equal((await rig.journal.state('/lake/x')).divergence, undefined);
  t.equal(await get(rig.stores.target, '/lake/x'), 'newest');
});

t.test('a store that acknowledges a copy and forgets it is asked again', async (t) => {
  let forgotten = 0;
  const forgetful = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (ctx.requestId !== 'repair' || mutation.verb !== 'rename' || forgotten > 0)
        return store.mutate(mutation, ctx);
      forgotten++;
      return {};
    },
  });
  const rig = await createRig(t, { wrap: (side, store) => (side === 'target' ? forgetful(store) : store) });
  await put(rig.stores.source, '/lake/x', 'only there', clientCtx());
  const row = { path: '/lake/x', subtree: false, truth: 'source', generation: 0, reason: 't' } as const;
  await rig.journal.apply([{ do: 'put', divergence: { ...row, sinceMs: 0 } }]);
  rig.repair.wake();
  await rig.settled();
  t.equal(forgotten, 1);
  t.equal(await look(rig.stores.target, '/lake/x'), 'only there');
});

t.test('only the row that repair works on, with nothing late or staged, lets it go on', (t) => {
  const row: Divergence = {
    path: '/lake/x',
    subtree: false,
    truth: 'source',
    generation: 7,
    reason: 't',
    sinceMs: 0,
    tailUntilMs: 100,
  };
  const upload: Upload = {
    path: '/lake/x',
    generation: 1,
    sides: ['target'],
    unflushed: true,
    app: 'a',
    touchedMs: 0,
  };
  const atTruth: Upload = { ...upload, sides: ['source', 'target'] };
  const cases: [string, Omit<PathState, 'intents'>, number, Verdict][] = [
    ['itself', { divergence: row }, 100, 'clear'],
    ['before its tail is over', { divergence: row }, 99, 'deferred'],
    ['bytes that are not flushed, elsewhere', { divergence: row, upload }, 100, 'deferred'],
    ['bytes that are not flushed, at the truth', { divergence: row, upload: atTruth }, 100, 'clear'],
    ['a newer write', { divergence: { ...row, generation: 8 } }, 100, 'superseded'],
    ['a row above', { divergence: { ...row, path: '/lake' } }, 100, 'superseded'],
    [
      'a newer write with bytes that are not flushed',
      { divergence: { ...row, generation: 8 }, upload },
      100,
      'superseded',
    ],
    ['none any more', {}, 100, 'superseded'],
  ];
  for (const [name, state, nowMs, verdict] of cases)
    t.equal(verdictOf(row, { intents: [], ...state }, nowMs), verdict, name);
  t.end();
});
