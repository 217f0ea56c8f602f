// A request of a saga that got no answer may land long after the saga is at its end: what was written since must stand (semantics A10).
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { withSagas } from '../src/layers/sagas.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { clientCtx, get, look, put, refusal } from './gateway/actions.ts';
import { sagasInMemory } from './stacks/sagas-in-memory.ts';

/** Keeps its `at`th mutation back instead of carrying it out; from then on nothing reaches the store through it. */
function losing(store: Store, at: number): { store: Store; land(): Promise<unknown> } {
  let left = at;
  let kept: Mutation | undefined;
  const gone = () => new StoreError('unavailable', 'no answer', { applied: 'unknown' });
  return {
    land: async () => kept && store.mutate(kept, clientCtx()).catch(() => undefined),
    store: {
      ...store,
      query: (query, given) => (left < 0 ? Promise.reject(gone()) : store.query(query, given)),
      async mutate(mutation, given) {
        if (left-- > 0) return store.mutate(mutation, given);
        kept ??= mutation;
        throw gone();
      },
    },
  };
}

t.test('each request of a concat, landing after its end on a store that judges conditions', async (t) => {
  const concat: Mutation = {
    verb: 'concat',
    path: '/d/a',
    sources: ['/d/b', '/d/c'],
    create: false,
    deleteSourceDirectory: false,
  };
  const landed = new Set<string>();
  for (let at = 0; at < 5; at++) {
    const memory = createMemoryStore({ name: 'm' });
    const bare: Store = { ...memory, supports: { ...memory.supports, concat: false } };
    for (const name of ['a', 'b', 'c']) await put(bare, `/d/${name}`, name);
    const { table, rows } = sagasInMemory();
    const late = losing(bare, at);
    await withSagas(late.store, table)
      .mutate(concat, clientCtx())
      .catch(() => undefined);
    const clock = { zombieMs: 1000, now: () => 0 };
    const next = withSagas(bare, table, clock);
    landed.add(await look(next, '/d/a'));
    t.equal(rows.size, 0, `at ${at}: nobody waits for a clock`);
    for (const name of ['a', 'b', 'c']) await put(next, `/d/${name}`, `new ${name}`);
    await late.land();
    for (const name of ['a', 'b', 'c']) t.equal(await get(next, `/d/${name}`), `new ${name}`, `at ${at}`);
  }
  t.same([...landed].sort(), ['a', 'abc'], 'it was taken back, and carried on');
});

/** What stands at the destination goes first, and no condition protects what comes after it: a NameNode. */
function inSteps(store: Store): Store {
  const { fences: _, ...supports } = store.supports;
  return {
    ...store,
    supports,
    async mutate(mutation, given) {
      if (mutation.verb !== 'rename') return store.mutate(mutation, given);
      const { destination } = mutation;
      if ((await look(store, destination)) === '(not-found)') return store.mutate(mutation, given);
      await given.beforeSteps?.(destination);
      await store.mutate({ verb: 'delete', path: destination, recursive: false }, given);
      return store.mutate(mutation, given);
    },
  };
}

for (const restarts of [false, true])
  t.test(
    `a rename in steps waits for a late request${restarts ? ' of the former process' : ''}`,
    async (t) => {
      const memory = createMemoryStore({ name: 'm' });
      await put(memory, '/d/a', 'a');
      await put(memory, '/d/b', 'b');
      const { table } = sagasInMemory();
      let nowMs = 5000;
      const tails = { zombieMs: 1000, now: () => nowMs };
      const rename = { verb: 'rename', path: '/d/b', destination: '/d/a', replace: 'any' } as const;
      let lost: Mutation | undefined;
      const first = withSagas(
        inSteps({
          ...memory,
          async mutate(mutation, given) {
            if (lost || mutation.verb !== 'delete') return memory.mutate(mutation, given);
            lost = mutation;
            throw new StoreError('unavailable', 'no answer', { applied: 'unknown' });
          },
        }),
        table,
        tails,
      );
      const failed = await refusal(first.mutate({ ...rename, intoDirectory: false }, clientCtx()));
      t.equal(failed.applied, 'unknown');
      const store = restarts ? withSagas(inSteps(memory), table, tails) : first;
      nowMs = 5999;
      await store.carrySagasOn();
      t.match(await refusal(get(store, '/d/a')), { kind: 'unavailable', applied: 'no' }, 'not before');
      t.equal(await get(memory, '/d/b'), 'b', 'and nothing is sent');
      await memory.mutate(lost!, clientCtx());
      // A new process counts from when it reads what is open.
      nowMs = restarts ? 6999 : 6000;
      await store.carrySagasOn();
      t.equal(await get(store, '/d/a'), 'b');
      t.equal(store.openSagas(), 0);
    },
  );
