// Paths whose newest states are on different sides: a rename of them waits until repair has made one truth of them (semantics A7).
import t from 'tap';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { clientCtx, get, put } from './gateway/actions.ts';
import { createRig, type Rig } from './gateway/rig.ts';

const move = (rig: Rig) =>
  rig.gateway.mutate(
    { verb: 'rename', path: '/lake/a', destination: '/lake/b', replace: 'file', intoDirectory: false },
    clientCtx(),
  );

/** `a` has its newest state on the source, `b` on the target; both stores refuse what repair asks as long as `refuses` says so. */
async function twoTruths(t: Parameters<typeof createRig>[0], refuses: () => boolean): Promise<Rig> {
  const wrap = (_: unknown, store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (ctx.requestId === 'repair' && refuses()) throw new StoreError('unavailable', 'not now');
      return store.mutate(mutation, ctx);
    },
  });
  const rig = await createRig(t, { wrap });
  await put(rig.gateway, '/lake/first', 'makes the root');
  await rig.settled();
  rig.down.add('target');
  await put(rig.gateway, '/lake/a', 'of the source');
  rig.down.clear();
  rig.route.reads = 'target';
  rig.down.add('source');
  await put(rig.gateway, '/lake/b', 'of the target');
  t.match((await rig.journal.state('/lake/a')).divergence, { truth: 'source' });
  t.match((await rig.journal.state('/lake/b')).divergence, { truth: 'target' });
  return rig;
}

t.test('repair that fails at first is waited for', async (t) => {
  let left = Number.POSITIVE_INFINITY;
  const rig = await twoTruths(t, () => left-- > 0);
  left = 8;
  rig.down.clear();
  await move(rig);
  await rig.settled();
  for (const side of ['source', 'target'] as const)
    t.equal(await get(rig.stores[side], '/lake/b'), 'of the source');
});

t.test('not while a side is away, and not for ever', async (t) => {
  const rig = await twoTruths(t, () => true);
  const message =
    /different sides \(\/lake\/a on the source, \/lake\/b on the target\); they are being settled/;
  await t.rejects(move(rig), { code: 'settle-first', message });
  rig.down.clear();
  await t.rejects(move(rig), { code: 'settle-first', retryAfterMs: 1000 });
  t.equal(await get(rig.gateway, '/lake/b'), 'of the target', 'nothing was changed');
});
