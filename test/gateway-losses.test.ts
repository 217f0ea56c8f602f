// What the other store cannot hold is left out of what it is sent, not refused with all the rest (semantics B3).
import { Readable } from 'node:stream';
import t from 'tap';
import { lossesOf, withoutLosses } from '../src/core/losses.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Side, Store, Supports } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { clientCtx, get, refusal } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';

/** A store like Gen1: it refuses a mutation with something that it cannot hold, before anything is changed. */
function lacking(store: Store, lacks: Partial<Supports>, seen: Mutation[]): Store {
  const supports = { ...store.supports, ...lacks };
  return {
    ...store,
    supports,
    mutate: async (mutation, ctx) => {
      seen.push(mutation);
      const losses = lossesOf(mutation, supports).filter(
        (loss) => loss === 'properties' || loss === 'expiry',
      );
      if (losses.length > 0) throw StoreError.unsupported(`${store.name} cannot hold ${losses}`);
      return store.mutate(mutation, ctx);
    },
  };
}

const gen1 = { properties: false, expiry: false };
const attributes = { permission: 0o640, properties: { colour: 'red' }, expiresMs: 4_000_000_000_000 };
const body = (text: string) => ({ stream: Readable.from([Buffer.from(text)]), lengthBytes: text.length });

t.test('a write to both stores carries what each can hold, and leaves no divergence', async (t) => {
  const seen: Mutation[] = [];
  const wrap = (side: Side, store: Store) => (side === 'target' ? lacking(store, gen1, seen) : store);
  const rig = await createRig(t, { wrap });
  const create = { verb: 'create', path: '/lake/x', parents: 'all', attributes } as const;
  const ctx = clientCtx();
  await rig.gateway.mutate({ ...create, body: body('hello') }, ctx);
  await rig.settled();
  t.strictSame(ctx.trail.losses, ['properties', 'expiry']);
  const creates = seen.filter(({ verb, path }) => verb === 'create' && path === '/lake/x');
  t.match(creates, [{ attributes: { permission: 0o640 } }], 'sent once, repair had nothing to do');
  t.equal(rig.copiedBytes(), 0);
  t.equal(await get(rig.stores.target, '/lake/x'), 'hello');
  const { entry } = await rig.stores.source.query(
    { verb: 'stat', path: '/lake/x', attributes: true },
    clientCtx(),
  );
  t.match(entry, { properties: { colour: 'red' }, expiresMs: attributes.expiresMs }, 'the primary has all');
  const set = { verb: 'set-attributes', path: '/lake/x', properties: { colour: 'blue' } } as const;
  await rig.gateway.mutate(set, clientCtx());
  await rig.settled();
  t.equal(rig.copiedBytes(), 0);
  t.match(seen.at(-1), { verb: 'set-attributes', path: '/lake/x', properties: undefined });
});

t.test('the primary refuses what it cannot hold, before anything is written', async (t) => {
  const wrap = (side: Side, store: Store) => (side === 'source' ? lacking(store, gen1, []) : store);
  const rig = await createRig(t, { wrap });
  const create = { verb: 'create', path: '/lake/x', parents: 'all', attributes } as const;
  t.match(await refusal(rig.gateway.mutate({ ...create, body: body('hello') }, clientCtx())), {
    kind: 'unsupported',
  });
  await rig.settled();
  for (const side of ['source', 'target'] as const)
    t.match(await refusal(rig.stores[side].query({ verb: 'stat', path: '/lake/x' }, clientCtx())), {
      kind: 'not-found',
    });
});

t.test('a store that may have to answer alone is sent everything', async (t) => {
  const seen: Mutation[] = [];
  const wrap = (side: Side, store: Store) => (side === 'target' ? lacking(store, gen1, seen) : store);
  const rig = await createRig(t, { wrap, route: { failover: 'full' } });
  const create = { verb: 'create', path: '/lake/x', parents: 'all', attributes } as const;
  await rig.gateway.mutate({ ...create, body: body('hello') }, clientCtx());
  t.match(
    seen.find(({ path }) => path === '/lake/x'),
    { attributes: { properties: { colour: 'red' } } },
  );
  await rig.settled();
  t.equal(await get(rig.stores.target, '/lake/x'), 'hello', 'repair has copied what can be held');
});

t.test('what is left out is what is lost, and nothing else', async (t) => {
  const rig = await createRig(t);
  const { supports } = rig.stores.source;
  const nothing: Supports = { ...supports, ...gen1, acl: false, owners: false, setTimes: false };
  const path = '/x';
  const full: Mutation = {
    verb: 'create',
    path,
    parents: 'all',
    replication: 2,
    blockSizeBytes: 1 << 20,
    attributes: {
      ...attributes,
      owner: 'ann',
      group: 'staff',
      acl: [],
      content: { contentType: 'a/b' },
      umask: 0o22,
    },
  };
  t.strictSame(withoutLosses(full, nothing), {
    verb: 'create',
    path,
    parents: 'all',
    attributes: { permission: 0o640, umask: 0o22 },
  });
  const set: Mutation = { verb: 'set-attributes', path, modifiedMs: 5, accessedMs: 5, permission: 0o600 };
  t.strictSame(withoutLosses(set, nothing), { verb: 'set-attributes', path, permission: 0o600 });
  t.strictSame(lossesOf(withoutLosses(full, nothing), nothing), []);
  const kept: Mutation = { verb: 'delete', path, recursive: true };
  t.equal(withoutLosses(kept, nothing), kept);
});
