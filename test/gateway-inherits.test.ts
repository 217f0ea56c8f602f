// What is made in a folder inherits from it: a side whose folder is not equal yet is not asked (semantics A7).
import t from 'tap';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { clientCtx, put } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';

const folder = { verb: 'mkdir', path: '/lake/d', parents: 'all', attributes: { permission: 0o750 } } as const;
const modeOf = async (store: Store, path: string) =>
  (await store.query({ verb: 'stat', path }, clientCtx())).entry.permission;

t.test('a file waits on the other side for its folder', async (t) => {
  const held = Promise.withResolvers<void>();
  const asked: string[] = [];
  const slow = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (mutation.path === '/lake/d') await held.promise;
      asked.push(mutation.path);
      return store.mutate(mutation, ctx);
    },
  });
  const rig = await createRig(t, { wrap: (side, store) => (side === 'target' ? slow(store) : store) });
  await put(rig.gateway, '/lake/first', 'makes the root');
  await rig.settled();
  await rig.gateway.mutate(folder, clientCtx());
  await put(rig.gateway, '/lake/d/x', 'answered while the target makes the folder');
  held.resolve();
  await rig.settled();
  t.same(asked.slice(-2), ['/lake/d', '/lake/d/x']);
  t.equal(await modeOf(rig.stores.target, '/lake/d'), 0o750);
});

t.test('a file in a folder that the other side lacks is left to repair', async (t) => {
  let isAway = true;
  const asked: string[] = [];
  const away = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (isAway && mutation.path === '/lake/d') throw new StoreError('unavailable', 'not now');
      if (ctx.requestId !== 'repair') asked.push(mutation.path);
      return store.mutate(mutation, ctx);
    },
  });
  const rig = await createRig(t, { wrap: (side, store) => (side === 'target' ? away(store) : store) });
  await put(rig.gateway, '/lake/first', 'makes the root');
  await rig.settled();
  asked.length = 0;
  await rig.gateway.mutate(folder, clientCtx());
  await put(rig.gateway, '/lake/d/x', 'content');
  t.same(asked, [], 'it would have made a folder of its own');
  isAway = false;
  await rig.settled();
  t.equal(await modeOf(rig.stores.target, '/lake/d'), 0o750);
  t.equal(await modeOf(rig.stores.target, '/lake/d/x'), await modeOf(rig.stores.source, '/lake/d/x'));
});

t.test('the folder’s truth is the truth of what is made in it', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, '/lake/d/first', 'there');
  await rig.settled();
  rig.down.add('target');
  const row = {
    path: '/lake/d',
    subtree: false,
    truth: 'target',
    generation: 99,
    reason: 't',
    sinceMs: 0,
  } as const;
  await rig.journal.apply([{ do: 'put', divergence: row }]);
  const ctx = await put(rig.gateway, '/lake/d/x', 'content');
  t.same(ctx.trail.acked, ['target']);
  t.match((await rig.journal.state('/lake/d/x')).divergence, { path: '/lake/d/x', truth: 'target' });
  rig.down.delete('target');
  await rig.settled();
});
