// The staging layer over a store that can do no more than append at the end, as HDFS.
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { formatAcl, parseAcl } from '../src/core/acl.ts';
import { ownCtx } from '../src/core/ctx.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Ctx, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { createLocks } from '../src/journal/locks.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import type { KeptUpload, UploadTable } from '../src/layers/staging/uploads.ts';
import { withStaging } from '../src/layers/staging.ts';
import { uploadTableIn } from '../src/server/upload-table.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { bodyOfBytes, createFixture, type Fixture, kindOf } from './contract/fixture.ts';
import { restorerOf } from './gateway/restorer.ts';
import { appendOnly } from './stacks/append-only.ts';

interface Rig extends Fixture {
  inner: ReturnType<typeof appendOnly>;
  stage(position: number, content: string, ctx?: Partial<Ctx>): Promise<unknown>;
  flush(position: number): Promise<unknown>;
  path: string;
}

async function rig(onAppend?: () => void): Promise<Rig> {
  const inner = appendOnly(onAppend);
  const fixture = createFixture(withStaging(inner), '/fs');
  const path = '/fs/f';
  await fixture.mkdir('/fs');
  await fixture.mutate({ verb: 'create', path, parents: 'all', upload: true });
  return {
    ...fixture,
    inner,
    path,
    stage: (position, content, ctx) =>
      fixture.mutate({ verb: 'stage', path, position, body: bodyOfBytes(content) }, ctx),
    flush: (position) => fixture.mutate({ verb: 'flush', path, position, retain: false, close: true }),
  };
}

t.test('an append too early waits with its body unread', async (test) => {
  const { mutate, stage, flush, read, path } = await rig();
  const late = new PassThrough();
  late.end('later');
  let reads = 0;
  const plain = late.read.bind(late);
  late.read = (size?: number) => {
    reads += 1;
    return plain(size) as unknown;
  };
  const waiting = mutate({ verb: 'stage', path, position: 5, body: { stream: late, lengthBytes: 5 } });
  await new Promise(setImmediate);
  test.equal(reads, 0, 'nothing was read');
  await stage(0, 'first');
  await waiting;
  await flush(10);
  test.equal((await read(path)).toString(), 'firstlater');
});

t.test('an append whose predecessor never comes is refused for now', async (test) => {
  const { stage, failure, stat, path } = await rig();
  const error = await failure(stage(7, 'x', { orderWaitMs: 1 }));
  test.equal(kindOf(error, 'unavailable'), 'unavailable');
  test.equal(error.temporary, true);
  test.equal(error.applied, 'no');
  test.ok(error.retryAfterMs);
  test.equal((await stat(path)).lengthBytes, 0);
});

t.test('a waiting append ends with its caller', async (test) => {
  const { mutate, failure, path } = await rig();
  const body = bodyOfBytes('x');
  const caller = new AbortController();
  const waiting = failure(
    mutate({ verb: 'stage', path, position: 3, body }, { signal: caller.signal, orderWaitMs: 60_000 }),
  );
  await new Promise(setImmediate);
  caller.abort();
  test.equal(kindOf(await waiting, 'aborted'), 'aborted');
  test.ok(body.stream.destroyed);
});

t.test('an append that is sent again is skipped as far as it is there', async (test) => {
  const { stage, flush, read, inner, path } = await rig();
  await stage(0, 'abcd');
  test.equal(inner.appends, 1);
  await stage(0, 'abcd');
  test.equal(inner.appends, 1, 'all of it was there');
  await stage(2, 'cdef');
  test.equal(inner.appends, 2, 'the rest was appended');
  await flush(6);
  test.equal((await read(path)).toString(), 'abcdef');
});

t.test('after an unknown append the length is read before the next one', async (test) => {
  let breaks = true;
  const { stage, flush, read, failure, path } = await rig(() => {
    if (!breaks) return;
    breaks = false;
    throw new StoreError('unavailable', 'connection lost', { applied: 'unknown' });
  });
  const error = await failure(stage(0, 'abc'));
  test.equal(error.applied, 'unknown');
  await stage(0, 'abc');
  await stage(3, 'def');
  await flush(6);
  test.equal((await read(path)).toString(), 'abcdef');
});

t.test('what is not flushed is clipped off reads and shown in no listing', async (test) => {
  const { stage, flush, read, failure, page, path } = await rig();
  await stage(0, 'one');
  await flush(3);
  await stage(3, 'two');
  test.equal((await read(path, { lengthBytes: 100 })).toString(), 'one');
  test.equal(
    kindOf(await failure(read(path, { offset: 3, lengthBytes: 1 })), 'invalid-range'),
    'invalid-range',
  );
  test.equal((await page('/fs')).entries[0]?.lengthBytes, 3);
  test.equal(kindOf(await failure(stage(2, 'x')), 'bad-offset'), 'bad-offset');
});

t.test('blocks are hidden, survive a restart, and are gone after the commit', async (test) => {
  const { mutate, inner, names, page, path } = await rig();
  const ids = ['a', 'b'].map((name) => Buffer.from(name).toString('base64'));
  for (const blockId of ids) await mutate({ verb: 'stage-block', path, blockId, body: bodyOfBytes('x') });
  test.same(await names('/fs'), ['f']);
  const all = (await page('/', { recursive: true })).entries.map((entry) => entry.path);
  test.same(all, ['/fs', '/fs/f']);
  const again = createFixture(withStaging(inner), '/fs');
  await again.mutate({ verb: 'commit-blocks', path, parents: 'all', blockIds: [ids[0]!, ids[1]!, ids[0]!] });
  test.equal((await again.read(path)).toString(), 'xxx');
  test.same(
    await createFixture(inner, '/fs').names('/fs', { recursive: true }),
    ['f'],
    'nothing is left over',
  );
});

t.test('the word to commit is waited for', async (test: Test) => {
  const { stage, failure, stat, path } = await rig();
  const beforeCommit = async (): Promise<void> => {
    throw new StoreError('aborted', 'called off');
  };
  test.equal(kindOf(await failure(stage(0, 'abc', { beforeCommit })), 'aborted'), 'aborted');
  await stage(0, 'abc');
  test.equal(kindOf(await failure(stage(0, 'aXc', { beforeCommit })), 'aborted'), 'aborted');
  test.equal((await stat(path)).lengthBytes, 0);
});

t.test('a store that stages by itself is left alone', async (test) => {
  const store = createMemoryStore({ name: 'm' });
  test.equal(withStaging(store), store);
});

t.test('what was staged and not flushed goes when somebody else appends', async (test) => {
  const { mutate, stage, flush, read, path, inner } = await rig();
  await stage(0, 'flushed ');
  await flush(8);
  await stage(8, 'never flushed');
  await mutate({ verb: 'append', path, body: bodyOfBytes('appended') });
  test.equal((await read(path)).toString(), 'flushed appended');
  test.equal(
    (await createFixture(inner, '/fs').read(path)).toString(),
    'flushed appended',
    'in the store too',
  );
});

t.test('a file joined to another takes nothing with it that was not flushed', async (test) => {
  const { mutate, stage, read, path } = await rig();
  await mutate({ verb: 'create', path: '/fs/part', parents: 'all', body: bodyOfBytes('part') });
  await stage(0, 'never flushed');
  await mutate({ verb: 'concat', path, sources: ['/fs/part'], create: false, deleteSourceDirectory: false });
  test.equal((await read(path)).toString(), 'part');
});

t.test('an upload that is given up leaves the flushed length, also after a restart', async (test) => {
  const journal = await openSqliteJournal({ file: `${test.testdir({})}/journal.db`, zombieMs: 0 });
  test.teardown(() => journal.close());
  const table = uploadTableIn(() => journal, 'source');
  const inner = appendOnly();
  const first = createFixture(withStaging(inner, { table }), '/fs');
  const path = '/fs/f';
  await first.mkdir('/fs');
  await first.mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes('flushed') });
  await first.mutate({ verb: 'stage', path, position: 7, body: bodyOfBytes(' and never more') });

  const restarted = withStaging(inner, { table });
  const locks = createLocks({ waitMs: 1000, maxWaiters: 10 });
  const restore = restorerOf({ stores: { source: restarted, target: restarted }, journal, locks });
  const upload = { path, generation: 1, sides: ['source'], unflushed: true, app: 'a', touchedMs: 1 } as const;
  await journal.apply([{ do: 'put-upload', upload: { ...upload, sides: ['source'] } }]);
  await restore('source');
  test.equal((await table.all()).length, 1, 'as long as it has a record it may go on');
  await journal.apply([{ do: 'end-upload', path }]);
  await restore('source');
  test.equal((await createFixture(inner, '/fs').read(path)).toString(), 'flushed');
  test.same(await table.all(), []);
});

t.test('what is flushed is shown when a crash cannot take it back any more, and not before', async (test) => {
  const path = '/fs/f';
  // Position of the flush, and what comes while it is written down: an append that waits for it.
  for (const [position, waits] of [
    [7, false],
    [7, true],
    [5, false],
  ] as const) {
    const rows = new Map<string, KeptUpload>();
    let onSet: (() => Promise<unknown>) | undefined;
    const table: UploadTable = {
      current: () => rows,
      all: async () => [...rows.values()],
      async set(at, upload) {
        await onSet?.();
        if (upload) rows.set(at, structuredClone(upload));
        else rows.delete(at);
      },
    };
    const inner = appendOnly();
    const { mutate, mkdir, read } = createFixture(withStaging(inner, { table }), '/fs');
    const shown = async () => (await read(path)).toString();
    await mkdir('/fs');
    await mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes('old') });
    await mutate({ verb: 'stage', path, position: 3, body: bodyOfBytes(' new') });
    let next: Promise<unknown> = Promise.resolve();
    const seen: string[] = [];
    onSet = async () => {
      onSet = undefined;
      if (waits) next = mutate({ verb: 'stage', path, position: 7, body: bodyOfBytes('er') });
      seen.push(await shown());
      const crashed = createFixture(withStaging(inner, { table }), '/fs');
      seen.push((await crashed.read(path)).toString());
    };
    await mutate({ verb: 'flush', path, position, retain: true, close: !waits });
    test.same(seen, ['old', 'old'], 'not while it is written down');
    await next;
    const flushed = 'old new'.slice(0, position);
    test.equal(await shown(), flushed);
    const restarted = createFixture(withStaging(inner, { table }), '/fs');
    test.equal((await restarted.read(path)).toString(), flushed, 'nor taken back');
    test.equal(rows.size, waits || position < 7 ? 1 : 0);
  }
});

t.test('an append that lands late shows in nothing that stands there by then', async (test) => {
  const plain = appendOnly();
  let nowMs = 1_000;
  let land: (() => Promise<unknown>) | undefined;
  const inner: Store = {
    ...plain,
    async mutate(mutation, ctx) {
      if (mutation.verb !== 'append' || land) return plain.mutate(mutation, ctx);
      const bytes = await buffer(mutation.body.stream);
      land = () =>
        plain.mutate({ verb: 'append', path: mutation.path, body: bodyOfBytes(bytes) }, ownCtx('late'));
      throw new StoreError('timeout', 'no answer', { applied: 'unknown' });
    },
  };
  const store = withStaging(inner, { zombieMs: 100, now: () => nowMs });
  const path = '/fs/f';
  const replacements: Record<string, Mutation[]> = {
    'a new file': [{ verb: 'create', path, parents: 'all', body: bodyOfBytes('new and longer') }],
    'a file after a delete': [
      { verb: 'delete', path, recursive: false },
      { verb: 'create', path, parents: 'all', body: bodyOfBytes('new and longer') },
    ],
    'another file': [
      { verb: 'create', path: '/fs/g', parents: 'all', body: bodyOfBytes('new and longer') },
      { verb: 'rename', path: '/fs/g', destination: path, replace: 'any', intoDirectory: false },
    ],
    'a file of another folder': [
      { verb: 'create', path: '/fs2/f', parents: 'all', body: bodyOfBytes('new and longer') },
      { verb: 'delete', path: '/fs', recursive: true },
      { verb: 'rename', path: '/fs2', destination: '/fs', replace: 'any', intoDirectory: false },
    ],
    'what blocks make': [
      { verb: 'stage-block', path, blockId: 'QQ==', body: bodyOfBytes('new and longer') },
      { verb: 'commit-blocks', path, parents: 'all', blockIds: ['QQ=='] },
    ],
  };
  for (const [what, changes] of Object.entries(replacements)) {
    const { mutate, read, stat, failure } = createFixture(store, '/fs');
    await mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes('old') });
    land = undefined;
    await failure(mutate({ verb: 'stage', path, position: 3, body: bodyOfBytes('late') }));
    for (const change of changes) await mutate(change);
    await land!();
    test.equal((await read(path)).toString(), 'new and longer', `${what} is read as it is`);
    test.equal((await stat(path)).lengthBytes, 14);
    await mutate({ verb: 'stage', path, position: 14, body: bodyOfBytes(' staged') });
    const flush: Mutation = { verb: 'flush', path, position: 21, retain: false, close: true };
    await mutate(flush);
    const stored = async () => (await createFixture(plain, '/fs').read(path)).toString();
    test.equal(await stored(), 'new and longer staged', 'what is there now is gone on with');
    await land!();
    test.equal((await read(path)).toString(), 'new and longer staged', 'as long as it may come');
    await mutate({ verb: 'append', path, body: bodyOfBytes('!') });
    test.equal(await stored(), 'new and longer staged!');
    nowMs += 101;
    await mutate({ verb: 'delete', path, recursive: false });
  }
});

t.test(
  'what is read is of one file, though another one takes its place between the look and the bytes',
  async (test) => {
    for (const replacement of ['longer than it', 'just as long']) {
      const memory = appendOnly();
      let replace: (() => Promise<unknown>) | undefined;
      const inner: Store = {
        ...memory,
        async query(query, ctx) {
          const now = query.verb === 'read' ? replace : undefined;
          if (now) {
            replace = undefined;
            await now();
          }
          return memory.query(query, ctx);
        },
      };
      const { mutate, mkdir, read } = createFixture(withStaging(inner), '/fs');
      await mkdir('/fs');
      for (const [path, content] of [
        ['/fs/f', 'shown so far'],
        ['/fs/g', replacement],
      ] as const)
        await mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes(content) });
      await mutate({ verb: 'stage', path: '/fs/f', position: 12, body: bodyOfBytes(' and hidden') });
      replace = () =>
        mutate({ verb: 'rename', path: '/fs/g', destination: '/fs/f', replace: 'any', intoDirectory: false });
      test.equal((await read('/fs/f')).toString(), replacement);
      test.equal(replace, undefined);
    }
  },
);

t.test('what the hidden folder inherits is not handed on', async (test) => {
  const { mutate, mkdir, stage, flush, stat, path } = await rig();
  await mkdir('/fs/d');
  const entries = parseAcl('default:user::rwx,default:user:bob:rwx,default:group::r-x,default:other::---');
  await mutate({ verb: 'set-attributes', path: '/fs', acl: { mode: 'modify', entries } });
  const blockId = Buffer.from('block-01').toString('base64');
  const blob = '/fs/d/blob';
  await mutate({ verb: 'stage-block', path: blob, blockId, body: bodyOfBytes('a') });
  await mutate({ verb: 'commit-blocks', path: blob, parents: 'all', blockIds: [blockId] });
  await stage(0, 'first');
  await stage(0, 'other');
  await flush(5);
  for (const each of [blob, path]) {
    const { acl } = await stat(each, true);
    test.equal(formatAcl(acl ?? []), 'user::rw-,group::r--,other::r--', each);
  }
});
