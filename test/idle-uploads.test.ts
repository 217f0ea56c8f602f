// What becomes of uploads that nobody goes on with, and of those that go on for longer than an idle one is kept.
import t, { type Test } from 'tap';
import type { Mount } from '../src/core/mount.ts';
import { StoreError } from '../src/core/store-error.ts';
import { type AbandonedUploads, closeIdleUploads } from '../src/gateway/idle-uploads.ts';
import { withStaging } from '../src/layers/staging.ts';
import { uploadTableIn } from '../src/server/upload-table.ts';
import { flush, get, put, stage } from './gateway/actions.ts';
import { restorerOf } from './gateway/restorer.ts';
import { createRig } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

const uploadIdleMs = 1000;

/** A gateway with a clock, over a source that only appends. */
async function createWorld(t: Test, more: Partial<AbandonedUploads> = {}) {
  const clock = { nowMs: 1_000_000 };
  const inner = appendOnly();
  const rig = await createRig(t, {
    uploadIdleMs,
    now: () => clock.nowMs,
    wrap: (side, store, journal) =>
      side === 'source' ? withStaging(inner, { table: uploadTableIn(() => journal, side) }) : store,
  });
  const restore = restorerOf(rig, { now: () => clock.nowMs, ...more });
  const keepHouse = async (): Promise<void> => {
    await closeIdleUploads(rig.journal, uploadIdleMs, clock.nowMs);
    await restore('source');
  };
  return { rig, inner, clock, keepHouse };
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

/** An upload that was given up before it was flushed at all, or a second time. */
async function giveUp({ rig }: Awaited<ReturnType<typeof createWorld>>, path: string): Promise<void> {
  await put(rig.gateway, path, 'flushed');
  await stage(rig.gateway, path, 7, ' and no more');
  await rig.settled();
  await rig.journal.apply([{ do: 'end-upload', path }]);
}

t.test('what lies in no mount any more is not touched, and forgotten after a while', async (t) => {
  let mounts: Mount[] = [{ source: '/', target: '/' }];
  const world = await createWorld(t, { mounts: () => mounts, goneMs: 5000 });
  const { rig, inner, clock, keepHouse } = world;
  const rows = () => uploadTableIn(() => rig.journal, 'source').all();
  await giveUp(world, '/lake/f');
  mounts = [];
  await keepHouse();
  clock.nowMs += 4999;
  await keepHouse();
  t.equal((await rows()).length, 1, 'the mount may come back');
  mounts = [{ source: '/', target: '/' }];
  await keepHouse();
  t.equal(await get(inner, '/lake/f'), 'flushed', 'it came back');

  await giveUp(world, '/lake/g');
  mounts = [];
  await keepHouse();
  clock.nowMs += 5000;
  await keepHouse();
  t.same(await rows(), []);
  t.equal(await get(inner, '/lake/g'), 'flushed and no more', 'whoever has it now may have written it');
  t.equal(await get(rig.stores.source, '/lake/g'), 'flushed and no more', 'nothing is hidden');
});

t.test('a file that refuses is tried less and less often, and holds up no other', async (t) => {
  const asked: number[] = [];
  let refusing = true;
  const world = await createWorld(t, { backoffMs: 1000, maxBackoffMs: 8000, goneMs: 5000 });
  const { inner, clock, keepHouse } = world;
  await giveUp(world, '/lake/e');
  await giveUp(world, '/lake/f');
  const plain = inner.query;
  inner.query = async (query, ctx) => {
    if (query.path === '/lake/e' && ctx.requestId === 'upload' && refusing) {
      asked.push(clock.nowMs);
      throw new StoreError('denied', 'not for you');
    }
    return plain(query, ctx);
  };
  let said = 0;
  for (let second = 0; second < 32; second++) {
    await keepHouse().catch(() => said++);
    clock.nowMs += 1000;
  }
  const waits = asked.slice(1).map((at, i) => at - asked[i]!);
  t.same(waits, [1000, 2000, 4000, 8000, 8000, 8000]);
  t.equal(said, asked.length, 'each refusal is said once');
  t.equal(await get(inner, '/lake/f'), 'flushed');
  refusing = false;
  clock.nowMs += 8000;
  await keepHouse();
  t.equal(await get(inner, '/lake/e'), 'flushed');
});

t.test('a store that does not answer is tried each time, and nothing is said of it', async (t) => {
  const world = await createWorld(t, { backoffMs: 1000, maxBackoffMs: 8000 });
  const { rig, inner, keepHouse } = world;
  await giveUp(world, '/lake/f');
  const plain = inner.query;
  inner.query = async () => {
    throw new StoreError('unavailable', 'away');
  };
  for (let time = 0; time < 3; time++) await keepHouse();
  inner.query = plain;
  await keepHouse();
  t.equal(await get(inner, '/lake/f'), 'flushed');
  t.same(await uploadTableIn(() => rig.journal, 'source').all(), []);
});
