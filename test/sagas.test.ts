// A change of several requests, stopped before or after each of them: afterwards all of it has happened or nothing, on both sides.
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Side, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import type { Saga, SagaTable } from '../src/layers/sagas/saga.ts';
import { withSagas } from '../src/layers/sagas.ts';
import { sagaTableIn } from '../src/server/saga-table.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { createWebhdfsStore } from '../src/stores/webhdfs/webhdfs-store.ts';
import { bodyOfBytes } from './contract/fixture.ts';
import { createRig, type Rig } from './gateway/rig.ts';
import { open as openGen2 } from './gen2/rig.ts';
import { sagasInMemory } from './stacks/sagas-in-memory.ts';
import { on } from './stacks/stack.ts';
import { listen } from './stacks/wire-stacks.ts';

const steps = 6;
const concat: Mutation = {
  verb: 'concat',
  path: '/d/a',
  sources: ['/d/b', '/d/c'],
  create: false,
  deleteSourceDirectory: false,
};

/** Joins in steps, and replaces in steps: what stands there is removed first. */
function inSteps(store: Store): Store {
  return {
    ...store,
    supports: { ...store.supports, concat: false },
    async mutate(mutation, ctx) {
      if (mutation.verb !== 'rename' || !ctx.beforeSteps) return store.mutate(mutation, ctx);
      const there = await textAt(store, mutation.destination);
      if (there === undefined) return store.mutate(mutation, ctx);
      await ctx.beforeSteps(mutation.destination);
      await store.mutate({ verb: 'delete', path: mutation.destination, recursive: false }, ctx);
      throw new StoreError('unavailable', 'no answer after the first of two requests', {
        applied: 'unknown',
      });
    },
  };
}

/** Dies at its `at`th mutation after `arm`, before or after it is done; then nothing reaches it. */
function mortal(store: Store, at: number, done: boolean): { store: Store; arm(): void } {
  let left = Number.POSITIVE_INFINITY;
  const gone = () => new StoreError('unavailable', 'the process is gone', { applied: 'unknown' });
  return {
    arm() {
      left = at;
    },
    store: {
      ...store,
      query: (query, ctx) => (left < 0 ? Promise.reject(gone()) : store.query(query, ctx)),
      async mutate(mutation, ctx) {
        if (left < 0) throw gone();
        if (left-- > 0) return store.mutate(mutation, ctx);
        if (done) await store.mutate(mutation, ctx);
        throw gone();
      },
    },
  };
}

const ctx = {
  requestId: 'test',
  caller: {},
  signal: new AbortController().signal,
  trail: {},
  protocol: 'webhdfs',
} as const;

async function textAt(store: Store, path: string): Promise<string | undefined> {
  try {
    const { body } = await store.query({ verb: 'read', path, offset: 0 }, { ...ctx, trail: {} });
    return Buffer.concat(await body.toArray()).toString();
  } catch (error) {
    if (StoreError.from(error).kind === 'not-found') return undefined;
    throw error;
  }
}

async function fill(store: Store, rig: Rig): Promise<void> {
  for (const name of ['a', 'b', 'c'])
    await store.mutate(
      { verb: 'create', path: `/d/${name}`, parents: 'all', body: bodyOfBytes(name) },
      rig.ctx(),
    );
}

const state = (store: Store) => Promise.all(['/d/a', '/d/b', '/d/c'].map((path) => textAt(store, path)));

/** A gateway that dies in a mutation, and another one over the same stores and journal. */
async function dieAndReturn(
  t: Parameters<typeof createRig>[0],
  mutation: Mutation,
  at: number,
  done: boolean,
) {
  const stateDir = t.testdir({});
  const bare = {} as Record<Side, Store>;
  let arm = (): void => undefined;
  const first = await createRig(t, {
    stateDir,
    wrap(side, store, journal) {
      bare[side] = store;
      if (side === 'target') return store;
      const dying = mortal(store, at, done);
      arm = dying.arm;
      return withSagas(
        inSteps(dying.store),
        sagaTableIn(() => journal, side),
      );
    },
  });
  await fill(first.gateway, first);
  await first.settled();
  arm();
  await first.gateway.mutate(mutation, first.ctx()).catch(() => undefined);
  await first.close();
  const second = await createRig(t, {
    stateDir,
    wrap: (side, _, journal) =>
      side === 'target'
        ? bare.target
        : withSagas(
            inSteps(bare.source),
            sagaTableIn(() => journal, side),
          ),
  });
  const seen = await state(second.gateway);
  await second.settled();
  const open = await second.journal.metas('saga:');
  return { seen, source: await state(bare.source), target: await state(bare.target), open };
}

for (const done of [false, true])
  t.test(`a concat that dies ${done ? 'after' : 'before'} each of its requests`, async (t) => {
    const outcomes = new Set<string>();
    for (let at = 0; at < steps; at++) {
      const { seen, source, target, open } = await dieAndReturn(t, concat, at, done);
      const joined = source[0] === 'abc';
      t.same(source, joined ? ['abc', undefined, undefined] : ['a', 'b', 'c'], `at ${at}: never half`);
      t.same(seen, source, `at ${at}: the first who looks sees the end of it`);
      t.same(target, source, `at ${at}: both sides are equal`);
      t.same(open, [], `at ${at}: nothing is open`);
      outcomes.add(String(joined));
    }
    t.same([...outcomes].sort(), ['false', 'true'], 'it was taken back, and carried on');
  });

for (const done of [false, true])
  t.test(`a rename in steps that dies ${done ? 'after' : 'before'} each of them`, async (t) => {
    const rename = { verb: 'rename', path: '/d/b', destination: '/d/a', replace: 'any' } as const;
    for (let at = 0; at < 3; at++) {
      const { seen, source, target } = await dieAndReturn(t, { ...rename, intoDirectory: false }, at, done);
      t.same(source, ['b', undefined, 'c'], `at ${at}: it has happened`);
      t.same(seen, source, `at ${at}: and nobody saw less`);
      t.same(target, source, `at ${at}: on both sides`);
    }
  });

t.test('over the wire of Gen2: what was left open is carried on by the next process', async (t) => {
  const { table } = sagasInMemory();
  const { store } = await openGen2(t);
  const at = (name: string): string => `/fsx/d/${name}`;
  for (let step = 0; step < steps; step++) {
    for (const name of ['a', 'b', 'c'])
      await store.mutate(
        { verb: 'create', path: at(name), parents: 'all', body: bodyOfBytes(name) },
        { ...ctx, trail: {} },
      );
    const dying = mortal(store, step, true);
    dying.arm();
    const asked = { ...concat, path: at('a'), sources: [at('b'), at('c')] };
    await withSagas(dying.store, table)
      .mutate(asked, { ...ctx, trail: {} })
      .catch(() => undefined);
    const next = withSagas(store, table);
    const seen = await Promise.all(['a', 'b', 'c'].map((name) => textAt(next, at(name))));
    const joined = seen[0] === 'abc';
    t.same(seen, joined ? ['abc', undefined, undefined] : ['a', 'b', 'c'], `step ${step}: never half`);
    t.equal(joined, step > 0, `step ${step}: carried on once it was built`);
  }
});

t.test(
  'a concat that is taken back keeps its sources, though the process ends before that is written',
  async (t) => {
    const rows = new Map<string, Saga>();
    let ended = false;
    const table: SagaTable = {
      current: () => undefined,
      all: async () => [...rows.values()],
      async set(id, saga) {
        if (saga) rows.set(id, saga);
        else if (ended) rows.delete(id);
        else throw new StoreError('unavailable', 'the process is gone');
      },
    };
    const memory = createMemoryStore({ name: 'm' });
    const write = (path: string, text: string) =>
      memory.mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes(text) }, { ...ctx, trail: {} });
    for (const name of ['a', 'b', 'c']) await write(`/d/${name}`, name);
    const outsider: Store = {
      ...memory,
      supports: { ...memory.supports, concat: false },
      async mutate(mutation, given) {
        if (mutation.verb === 'rename') await write('/d/a', 'from outside');
        return memory.mutate(mutation, given);
      },
    };
    await t.rejects(withSagas(outsider, table).mutate(concat, { ...ctx, trail: {} }));
    t.equal(rows.size, 1, 'its end was not written down');
    ended = true;
    const next = withSagas(memory, table);
    t.same(await state(next), ['from outside', 'b', 'c']);
  },
);

t.test(
  'WebHDFS says so before a file takes the place of a folder, and not where one request does it',
  async (t) => {
    const memory = createMemoryStore({ name: 'm' });
    const listener = await listen(memory);
    const driver = createWebhdfsStore({ name: 'hdfs', url: listener.url, user: 'ann' });
    const stack = on(listener, driver);
    t.teardown(() => stack.close());
    const said: string[] = [];
    const mutate = (mutation: Mutation) =>
      stack.store.mutate(mutation, {
        ...ctx,
        trail: {},
        async beforeSteps(destination) {
          const { entry } = await memory.query({ verb: 'stat', path: destination }, { ...ctx, trail: {} });
          said.push(`${destination} is a ${entry.type}`);
        },
      });
    for (const name of ['f', 'g', 'h'])
      await mutate({ verb: 'create', path: `/d/${name}`, parents: 'all', body: bodyOfBytes(name) });
    await mutate({ verb: 'mkdir', path: '/d/folder', parents: 'all' });
    const move = { verb: 'rename', replace: 'any', intoDirectory: false } as const;
    await mutate({ ...move, path: '/d/f', destination: '/d/g' });
    t.same(said, []);
    await mutate({ ...move, path: '/d/h', destination: '/d/folder' });
    t.same(said, ['/d/folder is a directory'], 'while it still stands');
    t.equal(await textAt(memory, '/d/folder'), 'h');
  },
);

t.test('housekeeping carries on what nobody waits for, and leaves alone what somebody is at', async (t) => {
  const { rows, table } = sagasInMemory();
  const memory = createMemoryStore({ name: 'm' });
  for (const name of ['a', 'b', 'c'])
    await memory.mutate(
      { verb: 'create', path: `/d/${name}`, parents: 'all', body: bodyOfBytes(name) },
      { ...ctx, trail: {} },
    );
  let away = true;
  let asked = 0;
  const building = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  let nowMs = 0;
  const store = withSagas(
    {
      ...memory,
      supports: { ...memory.supports, concat: false },
      async mutate(mutation, given) {
        if (mutation.verb === 'create') {
          const result = await memory.mutate(mutation, given);
          reached.resolve();
          await building.promise;
          return result;
        }
        if (mutation.verb === 'rename') asked++;
        if (mutation.verb === 'rename' && away)
          throw new StoreError('unavailable', 'away', { applied: 'unknown' });
        return memory.mutate(mutation, given);
      },
    },
    table,
    { zombieMs: 0, now: () => nowMs },
  );
  const carryOnAt = (atMs: number): Promise<void> => {
    nowMs = atMs;
    return store.carrySagasOn();
  };
  const joining = store.mutate(concat, { ...ctx, trail: {} });
  await reached.promise;
  t.equal(store.openSagas(), 1);
  await carryOnAt(0);
  t.equal(rows.size, 1, 'the one that is being built is not taken back');
  building.resolve();
  t.equal(StoreError.from(await joining.catch((thrown) => thrown)).applied, 'unknown');
  t.equal(asked, 2, 'it was tried, and tried once more at once');

  await carryOnAt(0);
  t.equal(asked, 3);
  await carryOnAt(999);
  t.equal(asked, 3, 'it rests');
  await carryOnAt(1000);
  await carryOnAt(2999);
  t.equal(asked, 4, 'and longer after each failure');
  away = false;
  await carryOnAt(3000);
  t.same(await state(memory), ['abc', undefined, undefined], 'without anybody asking for it');
  t.same([store.openSagas(), rows.size], [0, 0]);
});

t.test('nothing is asked before a concat is written down, and nothing if that fails', async (t) => {
  const asked: string[] = [];
  const memory = createMemoryStore({ name: 'm' });
  for (const name of ['a', 'b', 'c'])
    await memory.mutate(
      { verb: 'create', path: `/d/${name}`, parents: 'all', body: bodyOfBytes(name) },
      { ...ctx, trail: {} },
    );
  const table: SagaTable = {
    current: () => undefined,
    all: async () => [],
    set: () => Promise.reject(new StoreError('unavailable', 'the disk is full', { applied: 'no' })),
  };
  const recording: Store = {
    ...memory,
    supports: { ...memory.supports, concat: false },
    mutate(mutation, given) {
      asked.push(mutation.verb);
      return memory.mutate(mutation, given);
    },
  };
  const refused = await withSagas(recording, table)
    .mutate(concat, { ...ctx, trail: {} })
    .catch(StoreError.from);
  t.match(refused, { kind: 'unavailable', applied: 'no' });
  t.same(asked, []);
});
