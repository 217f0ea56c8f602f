// With `failover: full`, what is the same on both sides can be asked of either: no request on a clean path fails with its primary.
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import { StoreError } from '../src/core/store-error.ts';
import { clientCtx, look, names, put, refusal, stage } from './gateway/actions.ts';
import { breakablePair } from './gateway/breakable.ts';
import { createRig } from './gateway/rig.ts';

const isMutation = ({ verb }: { verb: string }): boolean =>
  verb !== 'stat' && verb !== 'read' && verb !== 'list';

t.test('what the other side refuses because of what is there is the answer', async (t) => {
  for (const fault of ['down', 'lost-answer'] as const) {
    const pair = breakablePair();
    const rig = await createRig(t, { wrap: pair.wrap, route: { failover: 'full' } });
    await put(rig.gateway, '/lake/file', 'x');
    pair.fault('source', (op) => (isMutation(op) ? fault : undefined));
    const path = '/lake/none';
    const mutations: Mutation[] = [
      { verb: 'delete', path, recursive: true },
      { verb: 'delete', path, recursive: false },
      { verb: 'set-attributes', path, permission: 0o600 },
      { verb: 'flush', path, position: 0, retain: false, close: true },
    ];
    for (const mutation of mutations) {
      const { kind } = await refusal(rig.gateway.mutate(mutation, clientCtx()));
      t.equal(kind, 'not-found', `${mutation.verb}, ${fault}`);
    }
    t.equal((await refusal(stage(rig.gateway, path, 0, 'x'))).kind, 'not-found', `stage, ${fault}`);
    await rig.close();
  }
});

t.test('a read beside a write whose primary goes away waits for what becomes of it', async (t) => {
  const started = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  let isAway = false;
  const rig = await createRig(t, {
    route: { failover: 'full' },
    wrap: (side, store) => ({
      ...store,
      async query(query, ctx) {
        if (side === 'source' && isAway) throw new StoreError('unavailable', 'gone');
        return store.query(query, ctx);
      },
      async mutate(mutation, ctx) {
        if (side === 'target' || !isAway) return store.mutate(mutation, ctx);
        started.resolve();
        await gone.promise;
        throw new StoreError('unavailable', 'gone');
      },
    }),
  });
  await put(rig.gateway, '/lake/file', 'old');
  isAway = true;
  const writing = put(rig.gateway, '/lake/file', 'new');
  await started.promise;
  const reading = look(rig.gateway, '/lake/file');
  gone.resolve();
  await writing;
  t.equal(await reading, 'new');
});

t.test('a folder is listed although the truth of something deep in it is away', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap, route: { failover: 'full' } });
  await put(rig.gateway, '/lake/d/e', 'x');
  pair.fault('target', () => 'down');
  rig.down.add('target');
  await put(rig.gateway, '/lake/d/e', 'only the source has it');
  rig.down.delete('target');
  pair.heal('target');
  pair.fault('source', () => 'down');
  rig.down.add('source');
  rig.route.reads = 'target';
  t.same(await names(rig.gateway, '/lake'), ['/lake/d']);
  t.equal((await refusal(names(rig.gateway, '/lake/d'))).kind, 'unavailable', 'nobody knows its length');
});
