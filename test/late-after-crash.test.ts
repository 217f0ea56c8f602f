// Appends that were on their way when the gateway was killed: wherever they land, no acked byte is lost and no other one is shown.
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Side, Store } from '../src/core/store.ts';
import type { Upload } from '../src/journal/journal.ts';
import { withStaging } from '../src/layers/staging.ts';
import { holdLateUploads, lateAfterStart, uploadTableIn } from '../src/server/upload-table.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { bodyOfBytes } from './contract/fixture.ts';
import { clientCtx, flush, get, look, put, refusal, stage } from './gateway/actions.ts';
import { restorerOf } from './gateway/restorer.ts';
import { createRig } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

const path = '/lake/f';
const zombieMs = 1000;
const mounts = [{ source: '/', target: '/' }];

/** A gateway over a side that only appends; the append that is held answers nobody, and lands when the test wants. */
async function createWorld(t: Test, appends: Side) {
  const clock = { nowMs: 1_000_000 };
  const plain = appendOnly();
  const memory = createMemoryStore({ name: 'memory' });
  const arrived = Promise.withResolvers<void>();
  let isHeld = false;
  let isRenamed = false;
  let land: () => Promise<unknown> = async () => undefined;
  const slow: Store = {
    ...plain,
    async mutate(mutation, ctx) {
      if (mutation.verb === 'rename' && isHeld) {
        if (isRenamed) await plain.mutate(mutation, ctx);
        arrived.resolve();
        return new Promise(() => undefined);
      }
      if (mutation.verb !== 'append' || !isHeld) return plain.mutate(mutation, ctx);
      const bytes = await buffer(mutation.body.stream);
      land = () =>
        plain.mutate({ verb: 'append', path: mutation.path, body: bodyOfBytes(bytes) }, ownCtx('late'));
      arrived.resolve();
      return new Promise(() => undefined);
    },
  };
  const stateDir = t.testdir({});
  const open = () =>
    createRig(t, {
      stateDir,
      zombieMs,
      now: () => clock.nowMs,
      wrap(side, _, journal) {
        if (side !== appends) return memory;
        const table = uploadTableIn(() => journal, side);
        const held = holdLateUploads(journal, mounts, { nowMs: clock.nowMs, zombieMs });
        const all = () => held.then(table.all);
        return withStaging(slow, { table: { ...table, all }, zombieMs, now: () => clock.nowMs });
      },
    });
  const first = await open();
  return {
    clock,
    plain,
    first,
    memory,
    arrived: arrived.promise,
    land: () => land(),
    /** Appends and renames answer nobody any more. */
    hold(renamed = false): void {
      isHeld = true;
      isRenamed = renamed;
    },
    async restart() {
      await first.close();
      isHeld = false;
      const rig = await open();
      const restore = restorerOf(rig, { now: () => clock.nowMs });
      return { rig, keepHouse: () => restore(appends) };
    },
  };
}

for (const silent of ['source', 'target'] as const)
  t.test(`an append was open, and the ${silent} only appends`, async (t) => {
    const { clock, plain, memory, first, arrived, land, hold, restart } = await createWorld(t, silent);
    await put(first.gateway, path, 'old');
    await stage(first.gateway, path, 3, ' and');
    await first.settled();
    hold();
    // The client of a slow secondary is answered, the one of a slow primary hears nothing.
    const open = stage(first.gateway, path, 7, ' late');
    open.catch(() => undefined);
    await arrived;
    if (silent === 'target') await open;

    const { rig, keepHouse } = await restart();
    const { gateway } = rig;
    let at = 7;
    if (silent === 'source') {
      const refused = await refusal(stage(gateway, path, 7, ' new'));
      t.match(refused, { kind: 'unavailable', applied: 'no', retryAfterMs: zombieMs });
      clock.nowMs += zombieMs + 1;
      await land();
    } else at = 12;
    await stage(gateway, path, at, ' new');
    t.equal(await get(gateway, path), 'old', 'what is not flushed is not shown');
    await flush(gateway, path, at + 4);
    const whole = silent === 'source' ? 'old and new' : 'old and late new';
    t.equal(await get(gateway, path), whole);
    if (silent === 'target') {
      await rig.settled();
      await land();
      rig.route.reads = 'target';
      t.equal(await get(gateway, path), whole, 'what lands behind the copy of repair is not shown');
      clock.nowMs += zombieMs + 1;
    }
    await keepHouse();
    for (const store of [gateway, plain, memory]) t.equal(await get(store, path), whole);
    t.same(await uploadTableIn(() => rig.journal, silent).all(), []);
  });

t.test('what may still land after a start', async (t) => {
  const [nowMs, zombieMs] = [1000, 100];
  const upload = (more: Partial<Upload>): Upload => ({
    ...{ path, generation: 1, sides: ['source', 'target'], unflushed: true, app: 'a', touchedMs: 1 },
    ...more,
  });
  const table: [string, Upload | undefined, boolean][] = [
    ['an upload that goes on', upload({}), false],
    ['one with an append that was open', upload({ lateUntilMs: nowMs + zombieMs }), true],
    ['one with an append that was open at an earlier end', upload({ lateUntilMs: nowMs }), false],
    ['one that goes on elsewhere: its append was let go', upload({ sides: ['target'] }), true],
    ['none any more', undefined, true],
    ['one of another path', upload({ path: '/lake/g' }), true],
  ];
  const shown = {
    ...(await createMemoryStore({ name: 'm' }).query({ verb: 'stat', path: '/' }, ownCtx('t'))).entry,
  };
  const row = { shown: { ...shown, path: '/deep/lake/f' }, lateUntilMs: 7, isReplaced: true };
  const mounts = [{ source: '/deep/lake', target: '/lake' }];
  for (const [what, record, isLate] of table) {
    const records = new Map(record ? [[record.path, record]] : []);
    const late = lateAfterStart({ side: 'source', rows: [row], records, mounts }, nowMs, zombieMs);
    t.same(late, isLate ? [{ shown: row.shown, lateUntilMs: nowMs + zombieMs }] : [], what);
  }
  const records = new Map([[path, upload({})]]);
  const longer = {
    side: 'source',
    rows: [{ ...row, lateUntilMs: 5000 }],
    records: new Map(),
    mounts,
  } as const;
  t.same(lateAfterStart(longer, nowMs, zombieMs), [], 'longer already');
  const unmounted = { side: 'source', rows: [row], records, mounts: [] } as const;
  t.equal(lateAfterStart(unmounted, nowMs, zombieMs).length, 1, 'of a mount that is gone');
});

for (const renamed of [true, false])
  t.test(`a file under upload was being renamed, and ${renamed ? 'was' : 'was not'}`, async (t) => {
    const { clock, first, arrived, hold, restart, plain, memory } = await createWorld(t, 'source');
    await put(first.gateway, path, 'old');
    await stage(first.gateway, path, 3, ' hidden');
    await first.settled();
    hold(renamed);
    const move = { destination: '/lake/g', replace: 'none', intoDirectory: false } as const;
    const open = first.gateway.mutate({ verb: 'rename', path, ...move }, clientCtx('dfs'));
    open.catch(() => undefined);
    await arrived;

    const { rig } = await restart();
    const [at, gone] = renamed ? ['/lake/g', path] : [path, '/lake/g'];
    t.equal(await look(rig.gateway, at), 'old', 'what is not flushed is not shown');
    t.equal(await look(rig.gateway, gone), '(not-found)');
    await stage(rig.gateway, at, 10, ' bytes');
    await flush(rig.gateway, at, 16);
    t.equal(await look(rig.gateway, at), 'old hidden bytes', 'it goes on');
    clock.nowMs += zombieMs + 1;
    await rig.settled();
    for (const store of [plain, memory]) t.equal(await look(store, at), 'old hidden bytes');
  });
