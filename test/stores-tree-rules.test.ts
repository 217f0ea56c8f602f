// What the stores with their own tree keep beyond the contract: root folders, clocks, locks, staged intervals.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { createLocalStore } from '../src/stores/local/local-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { addPiece, type Piece, slicePieces } from '../src/stores/memory/staged-pieces.ts';
import { createEtagMint } from '../src/stores/tree/etags.ts';
import { addInterval, checkFlush, type Interval, overlaps } from '../src/stores/tree/intervals.ts';
import { sortNames } from '../src/stores/tree/list-page.ts';
import { createPathLocks } from '../src/stores/tree/path-locks.ts';
import { bodyOfBytes, createFixture, type Fixture, kindOf } from './contract/fixture.ts';

const seeded = { seed: 20_260_102, numRuns: 200 };

/** Both stores with a clock of their own and Gen2's rule for root folders. */
async function eachStore(
  name: string,
  work: (t: Test, fixture: Fixture, clock: { nowMs: number }) => Promise<void>,
): Promise<void> {
  for (const kind of ['memory', 'local'] as const) {
    await t.test(`${kind}: ${name}`, async (t) => {
      const clock = { nowMs: 1_700_000_000_123 };
      const options = { name: kind, rootFolders: 'filesystems', now: () => clock.nowMs } as const;
      let store = createMemoryStore(options);
      if (kind === 'local') {
        const dir = await mkdtemp(join(tmpdir(), 'twinlake-rules-'));
        store = await createLocalStore({ ...options, dir, fsync: false });
        t.teardown(async () => {
          await store.close?.();
          await rm(dir, { recursive: true });
        });
      }
      const fixture = createFixture(store, '/lake');
      await fixture.mkdir('/lake');
      await work(t, fixture, clock);
    });
  }
}

await eachStore(
  'only filesystems stand at the root',
  async (t, { mutate, write, mkdir, failure, exists }) => {
    for (const name of ['ab', 'Abc', 'a--b', '-ab', 'ab-', 'a_b', 'a'.repeat(64)]) {
      const error = await failure(mkdir(`/${name}`));
      t.match({ kind: error.kind, code: error.code }, { kind: 'invalid', code: 'InvalidResourceName' }, name);
      t.equal((await failure(write(`/${name}/f`, 'x'))).kind, 'invalid');
    }
    for (const name of ['abc', '$root', 'a-b-c', '0aa', 'a'.repeat(63)]) await mkdir(`/${name}`);
    const atRoot = await failure(write('/file', 'x'));
    t.match({ kind: atRoot.kind, code: atRoot.code }, { kind: 'invalid', code: 'InvalidResourceName' });
    await write('/lake/f', 'x');
    await mkdir('/lake/d');
    const moved = { replace: 'any', intoDirectory: false } as const;
    for (const [path, destination] of [
      ['/lake/f', '/file'],
      ['/lake/d', '/No'],
      ['/lake', '/other'],
    ]) {
      const error = await failure(
        mutate({ verb: 'rename', path: path!, destination: destination!, ...moved }),
      );
      t.equal(error.kind, 'invalid', `${path} to ${destination}`);
    }
    t.ok(await exists('/lake/f'));
  },
);

await eachStore('a missing filesystem is told apart from a missing path', async (t, fixture) => {
  const { mutate, query, failure, exists } = fixture;
  for (const verb of ['create', 'mkdir'] as const) {
    const error = await failure(mutate({ verb, path: '/nofs/a/b', parents: 'below-root-folder' }));
    t.match({ kind: error.kind, code: error.code }, { kind: 'parent-not-found', code: 'FilesystemNotFound' });
  }
  t.notOk(await exists('/nofs'));
  t.equal((await failure(query({ verb: 'stat', path: '/nofs/a' }))).code, 'FilesystemNotFound');
  t.equal((await failure(query({ verb: 'stat', path: '/lake/a' }))).code, undefined);
  const block = { verb: 'stage-block', path: '/nofs/a', blockId: 'QQ==', body: bodyOfBytes('x') } as const;
  t.equal((await failure(mutate(block))).code, 'FilesystemNotFound');
});

await eachStore('the root', async (t, { mutate, query, failure, write, names }) => {
  t.equal((await query({ verb: 'stat', path: '/' })).entry.type, 'directory');
  t.same(await names(''), ['lake']);
  t.equal((await failure(mutate({ verb: 'delete', path: '/', recursive: true }))).kind, 'invalid');
  t.equal((await failure(write('/', 'x'))).kind, 'is-directory');
  t.equal((await mutate({ verb: 'mkdir', path: '/', parents: 'all' })).created, false);
  const rename = { verb: 'rename', path: '/', destination: '/lake/x', replace: 'none', intoDirectory: false };
  t.equal((await failure(mutate(rename as never))).code, 'InvalidRenameSourcePath');
});

await eachStore('files expire by the clock', async (t, fixture, clock) => {
  const { write, mutate, exists, names } = fixture;
  await write('/lake/d/f', 'x', { attributes: { expiresMs: clock.nowMs + 1_000 } });
  t.ok(await exists('/lake/d/f'));
  clock.nowMs += 1_000;
  t.notOk(await exists('/lake/d/f'));
  t.same(await names('/lake', { recursive: true }), ['d']);
  await write('/lake/from/f', 'y');
  const moved = { verb: 'rename', path: '/lake/from', intoDirectory: false, replace: 'any' } as const;
  await mutate({ ...moved, destination: '/lake/d' });
  t.same(await names('/lake/d'), ['f'], 'a folder of expired files is empty');
  await mutate({ verb: 'set-attributes', path: '/lake/d/f', expiresMs: clock.nowMs - 1 });
  await fixture.mkdir('/lake/d/f');
  await mutate({ verb: 'delete', path: '/lake/d/f', recursive: false });
  await mutate({ verb: 'delete', path: '/lake/d', recursive: false });
});

await eachStore('leases end by the clock', async (t, { write, mutate, stat, failure }, clock) => {
  await write('/lake/f', 'x');
  const lease = { verb: 'lease', path: '/lake/f' } as const;
  const { leaseId } = await mutate({ ...lease, action: 'acquire', durationSeconds: 15 });
  t.equal(kindOf(await failure(write('/lake/f', 'y')), 'lease-conflict'), 'lease-conflict');
  await write('/lake/f', 'y', { condition: { leaseId: leaseId! } });
  t.equal((await stat('/lake/f')).lease?.state, 'leased', 'the holder keeps it');
  clock.nowMs += 15_000;
  await write('/lake/f', 'z');
  t.equal((await stat('/lake/f')).lease?.state, 'available');
});

await eachStore('ETags are ticks in upper-case hex', async (t, { write, stat }) => {
  await write('/lake/f', 'x');
  t.match((await stat('/lake/f')).etag, /^0x8D[0-9A-F]{13}$/);
});

await eachStore('what is committed cannot be staged again', async (t, { write, mutate, failure }) => {
  await write('/lake/f', 'hello');
  const stage = (position: number) =>
    mutate({ verb: 'stage', path: '/lake/f', position, body: bodyOfBytes('x') });
  t.equal((await failure(stage(4))).kind, 'bad-offset');
  t.equal((await failure(stage(-1))).kind, 'invalid');
  t.equal((await failure(stage(1.5))).kind, 'invalid');
  await stage(5);
});

await eachStore('a reader keeps what it opened', async (t, fixture) => {
  const { write, query, mutate, folder } = fixture;
  await write('/lake/f', Buffer.alloc(600_000, 'a'));
  const opened = [];
  for (let index = 0; index < 3; index++)
    opened.push(await query({ verb: 'read', path: `${folder}/f`, offset: 0 }));
  await mutate({ verb: 'append', path: '/lake/f', body: bodyOfBytes('b') });
  await write('/lake/f', 'new');
  await mutate({ verb: 'delete', path: '/lake/f', recursive: false });
  for (const { body, lengthBytes } of opened) {
    let received = 0;
    for await (const chunk of body) {
      received += (chunk as Buffer).length;
      t.ok((chunk as Buffer).every((byte) => byte === 97));
    }
    t.equal(received, lengthBytes);
    t.equal(received, 600_000);
  }
});

await eachStore('a body that lies about its length', async (t, { mutate, failure, exists }) => {
  const { stream } = bodyOfBytes('12345');
  const long = mutate({ verb: 'create', path: '/lake/f', parents: 'all', body: { stream, lengthBytes: 4 } });
  t.equal((await failure(long)).kind, 'invalid');
  const short = bodyOfBytes('12345').stream;
  const cut = { stream: short, lengthBytes: 6 };
  t.equal(
    (await failure(mutate({ verb: 'create', path: '/lake/f', parents: 'all', body: cut }))).kind,
    'aborted',
  );
  t.notOk(await exists('/lake/f'));
});

await eachStore('parameters that cannot be', async (t, { mutate, query, write, failure }) => {
  await write('/lake/f', 'x');
  const path = '/lake/f';
  const list = { verb: 'list', path: '/lake', recursive: false } as const;
  const wrong = [
    query({ verb: 'read', path, offset: -1 }),
    query({ verb: 'read', path, offset: 0, lengthBytes: Number.NaN }),
    query({ ...list, limit: 0 }),
    query({ verb: 'access', path, action: 8 }),
    mutate({ verb: 'set-attributes', path, modifiedMs: -1 }),
    mutate({ verb: 'set-attributes', path, expiresMs: 0.5 }),
    mutate({ verb: 'stage-block', path, blockId: 'no base64!', body: bodyOfBytes('x') }),
    mutate({ verb: 'concat', path, sources: [], create: false, deleteSourceDirectory: false }),
    mutate({ verb: 'concat', path, sources: [path], create: false, deleteSourceDirectory: false }),
  ];
  for (const work of wrong) t.equal((await failure(work)).kind, 'invalid');
});

await eachStore('concat into a new file, sources with their folder', async (t, fixture) => {
  const { write, mutate, read, names, failure } = fixture;
  for (const name of ['a', 'b', 'rest']) await write(`/lake/parts/${name}`, name);
  const concat = { verb: 'concat', create: true, deleteSourceDirectory: true } as const;
  const sources = ['/lake/parts/a', '/lake/parts/b'];
  t.equal((await failure(mutate({ ...concat, path: '/lake/parts/inside', sources }))).kind, 'invalid');
  await mutate({ ...concat, path: '/lake/whole', sources });
  t.equal((await read('/lake/whole')).toString(), 'ab');
  t.same(await names('/lake'), ['whole']);
});

await eachStore('a folder replaces a file and a file an empty folder', async (t, fixture) => {
  const { write, mkdir, mutate, read, names } = fixture;
  const rename = (path: string, destination: string) =>
    mutate({ verb: 'rename', path, destination, replace: 'any', intoDirectory: false });
  await write('/lake/d/f', 'in folder');
  await write('/lake/file', 'old');
  await rename('/lake/d', '/lake/file');
  t.same(await names('/lake', { recursive: true }), ['file', 'file/f']);
  await mkdir('/lake/empty');
  await rename('/lake/file/f', '/lake/empty');
  t.equal((await read('/lake/empty')).toString(), 'in folder');
});

t.test('ETags never repeat, whatever the clock does', async (t) => {
  let nowMs = 1_700_000_000_000;
  const mint = createEtagMint(() => nowMs);
  const seen = Array.from({ length: 50 }, (_, index) => {
    nowMs += index % 3 === 0 ? -5 : 1;
    return mint();
  });
  t.equal(new Set(seen).size, seen.length);
  t.same([...seen].sort(), seen);
});

t.test('names sort by bytes with and without surrogates', async (t) => {
  t.same(sortNames(['b', 'B', 'a']), ['B', 'a', 'b']);
  t.same(sortNames(['\u{1f600}', '\uff5e', 'a']), ['a', '\uff5e', '\u{1f600}']);
});

t.test('staged intervals and pieces agree with a plain array', async (t) => {
  const writes = fc.array(
    fc.record({ start: fc.integer({ min: 0, max: 30 }), length: fc.integer({ min: 0, max: 12 }) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(writes, fc.integer({ min: 0, max: 42 }), (list, position) => {
      const plain: (number | undefined)[] = new Array(42).fill(undefined);
      let intervals: Interval[] = [];
      let pieces: Piece[] = [];
      for (const [index, { start, length }] of list.entries()) {
        plain.fill(index + 1, start, start + length);
        const asked = { start, end: start + length };
        intervals = addInterval(intervals, asked);
        pieces = addPiece(pieces, { start, bytes: Buffer.alloc(length, index + 1) });
      }
      for (let at = 0; at < plain.length; at++)
        t.equal(overlaps(intervals, { start: at, end: at + 1 }), plain[at] !== undefined);
      const whole = plain.slice(0, position).every((each) => each !== undefined);
      let flushed = true;
      try {
        checkFlush(intervals, 0, position);
      } catch {
        flushed = false;
      }
      t.equal(flushed, whole);
      if (whole) t.same([...Buffer.concat(slicePieces(pieces, 0, position))], plain.slice(0, position));
    }),
    seeded,
  );
});

t.test('path locks', async (t) => {
  const locks = createPathLocks();
  const order: string[] = [];
  const held = (name: string, path: string, deep = false) => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const done = locks([{ path, deep }], async () => {
      order.push(name);
      await gate;
    });
    return { release, done };
  };
  const first = held('first', '/a/x');
  const sibling = held('sibling', '/a/y');
  const parent = held('parent', '/a');
  t.same(order, ['first', 'sibling', 'parent'], 'a shallow lock leaves what is below alone');
  const deep = held('deep', '/a', true);
  const late = held('late', '/a/z');
  const elsewhere = held('elsewhere', '/b');
  t.same(order, ['first', 'sibling', 'parent', 'elsewhere']);
  for (const each of [first, sibling, parent]) {
    each.release();
    await each.done;
  }
  t.equal(order.at(-1), 'deep', 'the first to come is the first to go');
  deep.release();
  await deep.done;
  t.equal(order.at(-1), 'late');
  late.release();
  elsewhere.release();
  await Promise.all([late.done, elsewhere.done]);
  await t.rejects(
    locks([{ path: '/a', deep: true }], () => Promise.reject(new Error('work failed'))),
    /work failed/,
  );
  t.equal(await locks([{ path: '/a', deep: true }], async () => 'free'), 'free');
});
