// A file that is added to all the time: repair copies it once and then only what came since, and holds its lock for little of it.
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Query } from '../src/core/query.ts';
import type { Ctx, Side, Store } from '../src/core/store.ts';
import { clientCtx, get, put } from './gateway/actions.ts';
import { createRig, type Rig, type RigOptions } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

const path = '/lake/log';

async function append(store: Store, bytes: Buffer, at = path): Promise<void> {
  const body = { stream: Readable.from([bytes]), lengthBytes: bytes.length };
  await store.mutate({ verb: 'append', path: at, body }, clientCtx());
}

/** All different, so that a piece in the wrong place shows. */
function bytesOf(lengthBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = seed + 1;
  for (let i = 0; i < lengthBytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

interface Watched {
  rig: Rig;
  /** Bytes that repair read of the truth while it had the lock, per time that it had it. */
  underLock: number[];
  /** Times that repair began with a whole copy. */
  copies: () => number;
}

/**
 * A rig in which `between` is done after each step that repair takes without the lock, so that what it has seen is old at once, and before
 * it asks for the lock. Its stores give no file ids, as Gen2: what happened is known from the journal alone.
 */
async function watched(
  t: Test,
  between: (gateway: Store, step: string) => Promise<void>,
  more: { replaceTarget?: Store; options?: RigOptions } = {},
): Promise<Watched> {
  const underLock: number[] = [];
  let copies = 0;
  let held = false;
  let rig: Rig | undefined;
  const afterStep = async (op: Query | Mutation, ctx: Ctx): Promise<void> => {
    if (!rig || ctx.requestId !== 'repair' || held) return;
    await between(rig.gateway, op.verb);
  };
  const wrap = (side: Side, given: Store): Store => {
    const store = side === 'target' ? (more.replaceTarget ?? given) : given;
    return {
      ...store,
      async query(query, ctx) {
        const result = await store.query(query, ctx);
        if (held && side === 'source' && query.verb === 'read' && ctx.requestId === 'repair')
          underLock[underLock.length - 1]! += (result as { lengthBytes: number }).lengthBytes;
        if ('entry' in result) delete result.entry.fileId;
        await afterStep(query, ctx);
        return result;
      },
      async mutate(mutation, ctx) {
        if (ctx.requestId === 'repair' && mutation.verb === 'create') copies++;
        const result = await store.mutate(mutation, ctx);
        await afterStep(mutation, ctx);
        return result;
      },
    };
  };
  rig = await createRig(t, { ...more.options, wrap });
  const { locks } = rig;
  const acquire = locks.acquire.bind(locks);
  locks.acquire = async (requests, signal, waitMs, onWanted) => {
    // Only repair gives way.
    if (!onWanted || requests[0]?.path !== path) return acquire(requests, signal, waitMs, onWanted);
    if (rig) await between(rig.gateway, 'lock');
    const lock = await acquire(requests, signal, waitMs, onWanted);
    held = true;
    underLock.push(0);
    return {
      release() {
        held = false;
        lock.release();
      },
    };
  };
  return { rig, underLock, copies: () => copies };
}

/** The file as the truth has it: what was there, and all that was added. */
async function same(t: Test, { stores }: Rig, expected: Buffer): Promise<void> {
  for (const side of ['source', 'target'] as const) {
    const { body } = await stores[side].query({ verb: 'read', path, offset: 0 }, clientCtx());
    t.ok((await buffer(body)).equals(expected), `${side} holds all that was added, in order`);
  }
}

/** A client that adds to the file after each step of repair, with ever new bytes. */
function busyAppender(pieceBytes: number) {
  const written: Buffer[] = [];
  return {
    written,
    async between(gateway: Store): Promise<void> {
      const piece = bytesOf(pieceBytes, written.length);
      written.push(piece);
      await append(gateway, piece);
    },
  };
}

async function beginDivergent(rig: Rig, first: Buffer): Promise<void> {
  rig.down.add('target');
  await put(rig.gateway, path, '');
  await append(rig.gateway, first);
  rig.down.delete('target');
}

const targets: [string, () => Store | undefined][] = [
  ['that stages', () => undefined],
  ['that only appends', () => appendOnly()],
];
for (const [name, replaceTarget] of targets) {
  t.test(`a busy appender does not starve repair of a store ${name}`, async (t) => {
    let isOn = false;
    const appender = busyAppender(100_000);
    const store = replaceTarget();
    const { rig, underLock, copies } = await watched(
      t,
      (gateway) => (isOn ? appender.between(gateway) : Promise.resolve()),
      store ? { replaceTarget: store } : {},
    );
    const first = bytesOf(6 << 20, 99);
    await beginDivergent(rig, first);
    isOn = true;
    await rig.repair.settleNow([path], 30_000);
    isOn = false;
    t.equal((await rig.journal.state(path)).divergence, undefined, 'settled at the first try');
    t.equal(copies(), 1, 'copied whole once');
    t.equal(underLock.length, 1);
    t.ok(underLock[0]! > 0 && underLock[0]! <= 4 << 20, `${underLock[0]} bytes read under the lock`);
    t.ok(appender.written.length > 3);
    await same(t, rig, Buffer.concat([first, ...appender.written]));
  });
}

t.test('what is long still is copied on without the lock', async (t) => {
  let isOn = false;
  const appender = busyAppender(3 << 20);
  let left = 6;
  const { rig, underLock, copies } = await watched(t, async (gateway) => {
    if (isOn && left-- > 0) await appender.between(gateway);
  });
  const first = bytesOf(1 << 20, 99);
  await beginDivergent(rig, first);
  isOn = true;
  await rig.repair.settleNow([path], 30_000);
  t.equal((await rig.journal.state(path)).divergence, undefined);
  t.equal(copies(), 1);
  t.ok(underLock.every((bytes) => bytes <= 4 << 20));
  await same(t, rig, Buffer.concat([first, ...appender.written]));
});

t.test(
  'a file that always grows too much before the lock is had is left alone, and its lock let go',
  async (t) => {
    let isOn = false;
    const appender = busyAppender(5 << 20);
    const { rig, underLock, copies } = await watched(t, async (gateway, step) => {
      if (isOn && step === 'lock') await appender.between(gateway);
    });
    const first = bytesOf(1 << 10, 99);
    await beginDivergent(rig, first);
    isOn = true;
    await rig.repair.settleNow([path], 30_000);
    isOn = false;
    t.ok(copies() > 0);
    t.ok(underLock.length >= 4 && underLock.slice(0, 4).every((bytes) => bytes === 0), `${underLock} bytes`);
    await rig.settled();
    await same(t, rig, Buffer.concat([first, ...appender.written]));
  },
);

const others: [string, (gateway: Store) => Promise<unknown>, string][] = [
  ['overwritten with something longer', (gateway) => put(gateway, path, 'B'.repeat(400_000)), 'B'],
  [
    'removed and made again',
    async (gateway) => {
      await gateway.mutate({ verb: 'delete', path, recursive: false }, clientCtx());
      await put(gateway, path, 'B'.repeat(400_000));
    },
    'B',
  ],
  [
    'replaced by another file that has grown too',
    async (gateway) => {
      await gateway.mutate(
        { verb: 'rename', path: '/lake/other', destination: path, replace: 'file', intoDirectory: false },
        clientCtx(),
      );
    },
    'B',
  ],
];
for (const [what, change, letter] of others) {
  for (let at = 1; at <= 9; at++) {
    t.test(`a file that is ${what} after step ${at} of its repair is never mixed`, async (t) => {
      let steps = Number.NEGATIVE_INFINITY;
      const { rig } = await watched(t, async (gateway) => {
        if (++steps < 1 || steps > at) return;
        if (steps === at) await change(gateway);
        await append(gateway, Buffer.from(`${steps}`));
      });
      rig.down.add('target');
      await put(rig.gateway, '/lake/other', '');
      await append(rig.gateway, Buffer.from('B'.repeat(400_000)), '/lake/other');
      await beginDivergent(rig, Buffer.from('A'.repeat(200_000)));
      steps = 0;
      await rig.repair.settleNow([path], 10_000);
      steps = Number.NEGATIVE_INFINITY;
      await rig.settled();
      const truth = await get(rig.stores.source, path);
      t.equal(await get(rig.stores.target, path), truth);
      t.ok(truth.startsWith(letter) || truth.startsWith('A'));
    });
  }
}
