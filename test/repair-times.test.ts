// Times and expiry that one side has missed: carried over as far as it can hold them.
import t from 'tap';
import type { SetAttributesMutation } from '../src/core/mutation.ts';
import type { Side, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { clientCtx, get, put } from './gateway/actions.ts';
import { createRig, type Rig } from './gateway/rig.ts';

const path = '/lake/x';
const [modifiedMs, accessedMs] = [1_000_000_007, 2_000_000_009];

async function missed(rig: Rig, change: Partial<SetAttributesMutation>): Promise<void> {
  rig.down.add('target');
  await rig.gateway.mutate({ verb: 'set-attributes', path, ...change }, clientCtx());
  rig.down.delete('target');
}

async function entryOf(store: Store) {
  return (await store.query({ verb: 'stat', path, attributes: true }, clientCtx())).entry;
}

/** What a store of Gen2 makes of times: a property beside its own. */
function timesAsProperty(store: Store): Store {
  return {
    ...store,
    supports: { ...store.supports, setTimes: false },
    async mutate(mutation, ctx) {
      if (mutation.verb !== 'set-attributes' || mutation.modifiedMs === undefined)
        return store.mutate(mutation, ctx);
      const { modifiedMs: timeMs, accessedMs: _, ...rest } = mutation;
      const { entry } = await store.query({ verb: 'stat', path: mutation.path, attributes: true }, ctx);
      const properties = { ...entry.properties, twinlake_mtime: String(timeMs) };
      return store.mutate({ ...rest, properties }, ctx);
    },
  };
}

const onTarget = (wrap: (store: Store) => Store) => (side: Side, store: Store) =>
  side === 'target' ? wrap(store) : store;

t.test('times that were set while a side was away', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, path, 'content');
  await rig.settled();
  await missed(rig, { modifiedMs, accessedMs });
  await missed(rig, { permission: 0o600 });
  await rig.repair.settleNow([path], 5000);
  await rig.settled();
  t.match(await entryOf(rig.stores.target), { modifiedMs, accessedMs, permission: 0o600 });
});

t.test('with content that was missed too; not once something was written after them', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, path, 'content');
  rig.down.add('target');
  await put(rig.gateway, path, 'later');
  await missed(rig, { modifiedMs });
  await rig.repair.settleNow([path], 5000);
  await rig.settled();
  t.equal(await get(rig.stores.target, path), 'later');
  t.match(await entryOf(rig.stores.target), { modifiedMs });

  rig.down.add('target');
  await missed(rig, { modifiedMs: 77 });
  rig.down.add('target');
  await put(rig.gateway, path, 'after');
  t.notOk((await rig.journal.state(path)).divergence?.times);
});

t.test('on a side that keeps them as a property, and back from there', async (t) => {
  const rig = await createRig(t, { wrap: onTarget(timesAsProperty) });
  await put(rig.gateway, path, 'content');
  await missed(rig, { modifiedMs });
  await rig.repair.settleNow([path], 5000);
  await rig.settled();
  t.match(await entryOf(rig.stores.target), { properties: { twinlake_mtime: String(modifiedMs) } });
  rig.route.reads = 'target';
  const asked = { verb: 'stat', path, attributes: true } as const;
  const { entry } = await rig.gateway.query(asked, rig.ctx('dfs'));
  t.notOk(entry.properties?.twinlake_mtime, 'clients do not see it');
  rig.route.reads = 'source';

  await rig.stores.source.mutate({ verb: 'set-attributes', path, modifiedMs: 5 }, clientCtx());
  const row = { path, subtree: false, truth: 'target', generation: 0, reason: 't', sinceMs: 0 } as const;
  await rig.journal.apply([{ do: 'put', divergence: { ...row, times: true } }]);
  await rig.repair.settleNow([path], 5000);
  await rig.settled();
  t.match(await entryOf(rig.stores.source), { modifiedMs });
});

t.test('a side that refuses them for good has its path pinned', async (t) => {
  const refusing = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (mutation.verb === 'set-attributes' && mutation.modifiedMs !== undefined)
        throw new StoreError('denied', 'not the owner');
      return store.mutate(mutation, ctx);
    },
  });
  const rig = await createRig(t, { wrap: onTarget(refusing) });
  await put(rig.gateway, path, 'content');
  await missed(rig, { modifiedMs });
  await rig.repair.settleNow([path], 5000);
  t.match((await rig.journal.state(path)).divergence?.pinned, /not the owner/);
});

t.test('an expiry that was set, changed and taken away', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, path, 'content');
  const laterMs = Date.now() + 3_600_000;
  for (const expiresMs of [laterMs, laterMs + 60_000, null]) {
    await missed(rig, { expiresMs });
    await rig.repair.settleNow([path], 5000);
    await rig.settled();
    t.equal((await entryOf(rig.stores.target)).expiresMs, expiresMs ?? undefined);
  }
});
