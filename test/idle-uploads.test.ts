// What becomes of uploads that nobody goes on with, and of those that go on for longer than an idle one is kept.
import t, { type Test } from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Side } from '../src/core/store.ts';
import { closeIdleUploads, restoreFlushed } from '../src/gateway/idle-uploads.ts';
import { withStaging } from '../src/layers/staging.ts';
import { uploadTableIn } from '../src/server/upload-table.ts';
import { flush, get, put, stage } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

const uploadIdleMs = 1000;

/** A gateway with a clock, over a source that only appends. */
async function createWorld(t: Test) {
  const clock = { nowMs: 1_000_000 };
  const rig = await createRig(t, {
    uploadIdleMs,
    now: () => clock.nowMs,
    wrap: (side, store, journal) =>
      side === 'source' ? withStaging(appendOnly(), { table: uploadTableIn(() => journal, side) }) : store,
  });
  const { stores, journal, locks } = rig;
  const abandoned = {
    stores,
    journal,
    locks,
    mounts: () => [{ source: '/', target: '/' }],
    ctx: () => ownCtx('upload'),
  };
  const keepHouse = async (side: Side = 'source'): Promise<void> => {
    await closeIdleUploads(journal, uploadIdleMs, clock.nowMs);
    const kept = await uploadTableIn(() => journal, side).all();
    await restoreFlushed(
      abandoned,
      side,
      kept.map(({ shown }) => shown.path),
    );
  };
  return { rig, clock, keepHouse };
}

t.test('an upload that goes on is not idle, however long it takes', async (t) => {
  const { rig, clock, keepHouse } = await createWorld(t);
  const { gateway, journal, stores } = rig;
  await put(gateway, '/lake/f', '');
  for (let at = 0; at < 10; at++) {
    await stage(gateway, '/lake/f', at, String(at));
    await rig.settled();
    clock.nowMs += uploadIdleMs / 2;
    await keepHouse();
    t.equal((await journal.uploads()).length, 1);
  }
  await flush(gateway, '/lake/f', 10);
  await rig.settled();
  for (const store of [gateway, stores.source, stores.target])
    t.equal(await get(store, '/lake/f'), '0123456789');
});

t.test('an upload that stands still ends, and its bytes go', async (t) => {
  const { rig, clock, keepHouse } = await createWorld(t);
  const { gateway, journal, stores } = rig;
  await put(gateway, '/lake/f', 'flushed');
  await stage(gateway, '/lake/f', 7, ' and no more');
  await rig.settled();
  clock.nowMs += uploadIdleMs + 1;
  await keepHouse();
  t.equal((await journal.uploads()).length, 0);
  for (const store of [gateway, stores.source]) t.equal(await get(store, '/lake/f'), 'flushed');
});
