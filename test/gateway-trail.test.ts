// What a failed write tells its client: whether anything can have changed (`x-twinlake-applied: no`).
import t from 'tap';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { ask } from './face-request.ts';
import { clientCtx, put, refusal } from './gateway/actions.ts';
import { breakablePair } from './gateway/breakable.ts';
import { createRig } from './gateway/rig.ts';

t.test('a write that reached no store says so; one whose answer was lost does not', async (t) => {
  const pair = breakablePair();
  const rig = await createRig(t, { wrap: pair.wrap });
  const trailOf = async (): Promise<boolean | undefined> => {
    const ctx = clientCtx();
    await refusal(put(rig.gateway, '/a', 'x', ctx));
    return ctx.trail.changed;
  };
  pair.fault('source', () => 'down');
  t.equal(await trailOf(), false);
  pair.fault('source', (op) => (op.verb === 'create' ? 'lost-answer' : undefined));
  t.equal(await trailOf(), true);
  pair.heal('source');
  t.equal((await put(rig.gateway, '/b', 'x')).trail.changed, true);

  const face = createDfsFace({ store: rig.gateway, accounts: [] });
  const target = '/lake/c?resource=file';
  await rig.gateway.mutate({ verb: 'mkdir', path: '/lake', parents: 'all' }, clientCtx());
  pair.fault('source', () => 'down');
  const refused = await ask(face, { method: 'PUT', target });
  t.match([refused.status, refused.headers['x-twinlake-applied']], [503, 'no']);
  pair.fault('source', (op) => (op.verb === 'create' ? 'lost-answer' : undefined));
  const lost = await ask(face, { method: 'PUT', target });
  t.match([lost.status, lost.headers['x-twinlake-applied']], [503, undefined]);
});
