// What both sides refuse leaves nothing to repair, whichever of them says so first.
import t from 'tap';
import type { Store } from '../src/core/store.ts';
import { clientCtx, put, refusal } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';

t.test('a change without a body that the primary refuses first', async (t) => {
  const asked = Promise.withResolvers<AbortSignal>();
  const held = Promise.withResolvers<void>();
  const slow = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (mutation.verb !== 'set-attributes') return store.mutate(mutation, ctx);
      asked.resolve(ctx.signal);
      await held.promise;
      ctx.signal.throwIfAborted();
      return store.mutate(mutation, ctx);
    },
  });
  const diverged: string[] = [];
  const rig = await createRig(t, {
    wrap: (side, store) => (side === 'target' ? slow(store) : store),
    events: { onDivergence: (path) => void diverged.push(path) },
  });
  await put(rig.gateway, '/lake/first', 'makes the root');
  await rig.settled();
  const change = { verb: 'set-attributes', path: '/lake/missing', permission: 0o600 } as const;
  const refused = await refusal(rig.gateway.mutate(change, clientCtx()));
  t.match(refused, { kind: 'not-found', applied: 'no' }, 'the answer does not wait for the other side');
  t.notOk((await asked.promise).aborted, 'which may say what became of it');
  held.resolve();
  await rig.settled();
  t.same(diverged, []);
});
