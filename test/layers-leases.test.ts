// Leases for a store that has none.
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Query } from '../src/core/query.ts';
import type { Store } from '../src/core/store.ts';
import { withLeases } from '../src/layers/leases.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { bodyOfBytes, createFixture, kindOf } from './contract/fixture.ts';
import { leasesInMemory } from './stacks/layered.ts';

const leaseId = '11111111-2222-3333-4444-555555555555';
const otherId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

/** Leases over a store that knows nothing of them, with a clock. */
async function leaseRig() {
  const clock = { nowMs: 1_700_000_000_000 };
  const seen: (Query | Mutation)[] = [];
  const inner = createMemoryStore({ name: 'm' });
  const bare: Store = {
    ...inner,
    supports: { ...inner.supports, leases: false },
    query: (query, ctx) => {
      seen.push(query);
      return inner.query(query, ctx);
    },
    mutate: (mutation, ctx) => {
      seen.push(mutation);
      return inner.mutate(mutation, ctx);
    },
  };
  const table = leasesInMemory();
  const fixture = createFixture(
    withLeases(bare, table, () => clock.nowMs),
    '/lake',
  );
  await fixture.mkdir('/lake');
  await fixture.write('/lake/f', 'x');
  const lease = (path = '/lake/f', durationSeconds = -1) =>
    fixture.mutate({ verb: 'lease', path, action: 'acquire', proposedId: leaseId, durationSeconds });
  return { ...fixture, clock, seen, table, bare, lease };
}

t.test('leases: every write without the id is refused, and releases its body', async (t) => {
  const { mutate, failure, lease, store, read, seen } = await leaseRig();
  t.equal(store.supports.leases, true);
  await lease();
  const path = '/lake/f';
  seen.length = 0;
  const rename = {
    verb: 'rename',
    path,
    destination: '/lake/g',
    replace: 'none',
    intoDirectory: false,
  } as const;
  const writes: Mutation[] = [
    { verb: 'create', path, parents: 'all', body: bodyOfBytes('y') },
    { verb: 'append', path, body: bodyOfBytes('y') },
    { verb: 'delete', path, recursive: false },
    { verb: 'set-attributes', path, permission: 0o600 },
    rename,
    { ...rename, path: '/lake/g', destination: path, replace: 'any' },
    { verb: 'concat', path: '/lake/g', sources: [path], create: true, deleteSourceDirectory: false },
  ];
  for (const write of writes) {
    t.match(await failure(mutate(write)), { kind: 'lease-conflict', code: 'LeaseIdMissing' }, write.verb);
    if ('body' in write) t.equal(write.body?.stream.destroyed, true);
  }
  t.same(
    seen.filter((operation) => operation.verb !== 'stat'),
    [],
    'nothing reached the store',
  );
  const wrong = { verb: 'delete', path, recursive: false, condition: { leaseId: otherId } } as const;
  t.match(await failure(mutate(wrong)), { code: 'LeaseIdMismatchWithBlobOperation' });
  t.equal((await read(path)).toString(), 'x', 'reads need none');
  const reading = read(path, { condition: { leaseId: otherId } });
  t.equal(kindOf(await failure(reading), 'lease-conflict'), 'lease-conflict', 'but a wrong one is refused');
});

t.test('leases: the store never sees an id', async (t) => {
  const { write, read, mutate, lease, seen } = await leaseRig();
  await lease();
  await write('/lake/f', 'y', { condition: { leaseId } });
  await read('/lake/f', { condition: { leaseId } });
  await mutate({ verb: 'lease', path: '/lake/f', action: 'renew', leaseId, condition: { leaseId } });
  t.notMatch(
    JSON.stringify(seen.map(({ verb, ...rest }) => [verb, 'condition' in rest && rest.condition])),
    leaseId,
  );
});

t.test('leases: a fixed one ends by itself', async (t) => {
  const { write, failure, lease, clock, stat } = await leaseRig();
  await lease('/lake/f', 15);
  clock.nowMs += 14_999;
  t.equal(kindOf(await failure(write('/lake/f', 'y')), 'lease-conflict'), 'lease-conflict');
  clock.nowMs += 1;
  t.equal((await stat('/lake/f')).lease?.state, 'expired');
  await write('/lake/f', 'y');
  t.equal((await stat('/lake/f')).lease?.state ?? 'available', 'available', 'a replaced file has none');
});

t.test('leases: they go where their files go', async (t) => {
  const { write, mutate, failure, lease, stat } = await leaseRig();
  await lease();
  const rename = { verb: 'rename', replace: 'none', intoDirectory: false } as const;
  await mutate({ ...rename, path: '/lake/f', destination: '/lake/g', sourceCondition: { leaseId } });
  t.equal((await stat('/lake/g')).lease?.state, 'leased');
  t.equal(kindOf(await failure(write('/lake/g', 'y')), 'lease-conflict'), 'lease-conflict');
  await write('/lake/f', 'a new file at the old name');
  t.equal((await stat('/lake/f')).lease?.state ?? 'available', 'available');
  await mutate({ verb: 'delete', path: '/lake/g', recursive: false, condition: { leaseId } });
  await write('/lake/g', 'a new file');
  t.equal((await stat('/lake/g')).lease?.state ?? 'available', 'available');
});

t.test('leases: one whose file went with its folder binds nobody', async (t) => {
  const { write, mutate, failure, lease, stat } = await leaseRig();
  await write('/lake/d/f', 'x');
  await lease('/lake/d/f');
  await mutate({ verb: 'delete', path: '/lake/d', recursive: true });
  t.equal(kindOf(await failure(stat('/lake/d/f')), 'not-found'), 'not-found');
  await write('/lake/d/f', 'y');
  await write('/lake/d/f', 'z');
});

t.test('leases: what is not there cannot be leased', async (t) => {
  const { failure, lease, table } = await leaseRig();
  t.equal(kindOf(await failure(lease('/lake/none')), 'not-found'), 'not-found');
  t.equal(await table.get('/lake/none'), undefined);
});
