// The journal: durable, ordered, honest about a file that cannot be written.
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import t from 'tap';
import { isWithin } from '../src/core/path.ts';
import type { NewIntent } from '../src/journal/journal.ts';
import { createPathIndex } from '../src/journal/path-index.ts';
import { recover } from '../src/journal/recover.ts';
import { openOrRefuse } from '../src/journal/refusing-journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { truthOf } from '../src/journal/truth-of.ts';
import { refusal } from './gateway/actions.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

const journalModule = JSON.stringify(new URL('../src/journal/sqlite-journal.ts', import.meta.url).href);

const intent = (path: string, change: Partial<NewIntent> = {}): NewIntent => ({
  app: 'a',
  verb: 'create',
  reaches: [{ path, subtree: false }],
  primary: 'source',
  secondary: 'target',
  staged: false,
  ...change,
});
const row = (path: string, generation = 1, subtree = false) =>
  ({ path, subtree, truth: 'source', generation, reason: 'test', sinceMs: 1 }) as const;

t.test('what must be durable first is not in force before it is on disk', async (t) => {
  const journal = await openSqliteJournal({ file: join(t.testdir({}), 'journal.db'), zombieMs: 0 });
  t.teardown(() => journal.close());
  const opened = await journal.open(intent('/a'));
  const other = { ...row('/a', opened.id), truth: 'target' } as const;
  const durable = journal.settle(opened, [{ do: 'put', divergence: other }], true);
  t.equal(truthOf(await journal.state('/a')), 'source', 'a crash would go back to the primary');
  await durable;
  t.equal(truthOf(await journal.state('/a')), 'target');
});

t.test('what is durable is found again; what was open diverges', async (t) => {
  const file = join(t.testdir({}), 'journal.db');
  const first = await openSqliteJournal({ file, zombieMs: 0 });
  const closed = await first.open(intent('/a'));
  await first.settle(closed, [{ do: 'put', divergence: row('/a', closed.id) }]);
  await first.open(intent('/b', { primary: 'target' }));
  await first.apply([
    { do: 'put', divergence: { ...row('/d/x'), grownSince: 1, pinned: 'p' } },
    { do: 'put', divergence: row('/d0') },
    {
      do: 'put-upload',
      upload: {
        path: '/d/u',
        generation: 1,
        sides: ['source', 'target'],
        unflushed: true,
        app: 'a',
        touchedMs: 1,
      },
    },
    { do: 'move', from: '/d', to: '/😀' },
    { do: 'move', from: '/😀', to: '/ü😀' },
  ]);
  const staged = await first.open(intent('/ü😀/u', { staged: true }));
  t.ok(staged.id > closed.id);
  await first.close();

  const second = await openSqliteJournal({ file, zombieMs: 1000, now: () => 5 });
  t.equal(second.id, first.id);
  t.equal(second.epoch, first.epoch + 1);
  const { items } = await second.divergences({ limit: 10 });
  t.notMatch(items.at(-1), { grownSince: 1 });
  t.equal(items.at(-1)?.pinned, undefined, 'what was true of the old name alone did not go with it');
  t.match(
    items.map(({ path, truth, tailUntilMs }) => [path, truth, tailUntilMs]),
    [
      ['/a', 'source', 1005],
      ['/b', 'target', 1005],
      ['/d0', 'source', 1005],
      ['/ü😀/x', 'source', 1005],
    ],
  );
  t.match(
    await second.uploads(),
    [{ path: '/ü😀/u', sides: ['source'] }],
    'an open stage takes its secondary out',
  );
  await second.close();
});

t.test('what waits for a person does not count as old', async (t) => {
  const journal = await openSqliteJournal({ file: join(t.testdir({}), 'journal.db'), zombieMs: 0 });
  const old = { ...row('/old'), sinceMs: 3000 };
  await journal.apply([
    { do: 'put', divergence: { ...old, pinned: 'no such name there' } },
    { do: 'put', divergence: { ...row('/young'), sinceMs: 9000 } },
  ]);
  t.match(journal.gauges(), { divergentPaths: 2, pinnedPaths: 1, oldestSinceMs: 9000 });
  await journal.apply([{ do: 'put', divergence: old }]);
  t.equal(journal.gauges().oldestSinceMs, 3000, 'it is tried again');
  await journal.apply([{ do: 'put', divergence: { ...old, pinned: 'no' } }]);
  await journal.apply([{ do: 'clear', path: '/young', generation: row('/young').generation }]);
  t.equal(journal.gauges().oldestSinceMs, undefined);
  await journal.close();
});

t.test('a kill -9 loses nothing that was answered', async (t) => {
  const file = join(t.testdir({}), 'journal.db');
  const script = `
    import { openSqliteJournal } from ${journalModule};
    const journal = await openSqliteJournal({ file: ${JSON.stringify(file)}, zombieMs: 0 });
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      for (let n = 0; n < 5; n++) {
        const opened = await journal.open({ app: 'a', verb: 'v', reaches: [{ path: '/p' + i + '/' + n, subtree: false }],
          primary: 'source', secondary: 'target', staged: false });
        process.stdout.write(opened.reaches[0].path + '\\n');
      }
    }));
    process.kill(process.pid, 'SIGKILL');
  `;
  let printed = '';
  try {
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
  } catch (error) {
    printed = String((error as { stdout: string }).stdout);
  }
  const answered = printed.trim().split('\n');
  t.equal(answered.length, 100);
  const again = await openSqliteJournal({ file, zombieMs: 0 });
  const found = new Set((await again.divergences({ limit: 1000 })).items.map(({ path }) => path));
  t.same(
    answered.filter((path) => !found.has(path)),
    [],
  );
  await again.close();
});

t.test('two processes never share a journal; a damaged file is refused', async (t) => {
  const dir = t.testdir({});
  const journal = await openSqliteJournal({ file: join(dir, 'journal.db'), zombieMs: 0 });
  t.match(await refusal(openSqliteJournal({ file: join(dir, 'journal.db'), zombieMs: 0 })), {
    kind: 'unavailable',
  });
  await journal.close();
  writeFileSync(join(dir, 'other.db'), 'this is no database at all, only words'.repeat(100));
  t.match(await refusal(openSqliteJournal({ file: join(dir, 'other.db'), zombieMs: 0 })), {
    message: /cannot be opened/,
  });
});

t.test('a full disk refuses intents, keeps what was asked lazily in order, and recovers', async (t) => {
  const file = join(t.testdir({}), 'journal.db');
  const script = `
    import { openSqliteJournal } from ${journalModule};
    const say = (word) => process.stdout.write(word + '\\n');
    const onWritable = (writable) => say(writable ? 'recovered' : 'refusing');
    const journal = await openSqliteJournal({ file: ${JSON.stringify(file)}, zombieMs: 0, retryMs: 20, onWritable });
    const path = '/' + 'x'.repeat(20000);
    const open = (i) => journal.open({ app: 'a', verb: 'v', reaches: [{ path: path + i, subtree: false }],
      primary: 'source', secondary: 'target', staged: false });
    const first = await open('first');
    for (let i = 0; journal.gauges().writable; i++) await open(i).catch((error) => say(error.kind));
    journal.settle(first, [{ do: 'put', divergence: { path: '/lazy', subtree: false, truth: 'source', generation: 1,
      reason: 'r', sinceMs: 1 } }]).then(() => journal.close()).then(() => say('closed'));
  `;
  const limited = `ulimit -S -f 1024; exec env -u NODE_OPTIONS '${process.execPath}' "$0"`;
  const env = { PATH: process.env.PATH };
  const main = join(t.testdirName, 'main.mjs');
  writeFileSync(main, script);
  const child = spawn('bash', ['-c', limited, main], { stdio: ['ignore', 'pipe', 'ignore'], env });
  t.teardown(() => child.kill('SIGKILL'));
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line === 'refusing') execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
  }
  t.same([...new Set(said)].sort(), ['closed', 'recovered', 'refusing', 'unavailable']);
  const db = new DatabaseSync(file);
  t.match(db.prepare("select path from divergences where path = '/lazy'").all(), [{ path: '/lazy' }]);
  db.close();
});

t.test(
  'what cannot be opened stands in: it knows what could be read, and refuses every intent',
  async (t) => {
    const file = join(t.testdir({}), 'journal.db');
    const journal = await openSqliteJournal({ file, zombieMs: 0 });
    await journal.open(intent('/open', { primary: 'target' }));
    await journal.apply([{ do: 'put', divergence: row('/a') }]);
    await journal.close();
    const script = join(t.testdirName, 'main.mjs');
    writeFileSync(
      script,
      `import { openOrRefuse } from ${journalModule.replace('sqlite-journal', 'refusing-journal')};
    const journal = await openOrRefuse({ file: ${JSON.stringify(file)}, zombieMs: 1e9 });
    const refused = await journal.open({}).catch((error) => error.kind);
    const { divergence } = await journal.state('/open');
    process.stdout.write(JSON.stringify([journal.unopened, refused, divergence.truth, journal.gauges()]));`,
    );
    const limited = `ulimit -S -f 1; exec env -u NODE_OPTIONS '${process.execPath}' "$0"`;
    const said = execFileSync('bash', ['-c', limited, script], { encoding: 'utf8', timeout: 30_000 });
    t.match(JSON.parse(said), [
      'unreadable',
      'unavailable',
      'target',
      { writable: false, refusing: /disk|full|I\/O/, divergentPaths: 2 },
    ]);
    const again = await openOrRefuse({ file, zombieMs: 0 });
    t.equal(again.unopened, undefined);
    t.equal(again.gauges().divergentPaths, 2, 'nothing is lost by it');
    const locked = await openOrRefuse({ file, zombieMs: 0 });
    t.equal(locked.unopened, 'locked');
    await again.close();
  },
);

t.test('the index answers what a plain list of rows answers', async () => {
  const paths = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
    .map((parts) => `/${parts.join('/')}`);
  const change = fc.oneof(
    fc.record({
      do: fc.constant('put' as const),
      path: paths,
      subtree: fc.boolean(),
      generation: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({ do: fc.constant('clear' as const), path: paths, generation: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constant('clear-below' as const), path: paths }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), paths, (changes, asked) => {
      const index = createPathIndex();
      const model = new Map<string, { subtree: boolean; generation: number }>();
      for (const one of changes) {
        if (one.do === 'put') {
          index.apply({ do: 'put', divergence: row(one.path, one.generation, one.subtree) });
          model.set(one.path, one);
        } else if (one.do === 'clear') {
          index.apply(one);
          if (model.get(one.path)?.generation === one.generation) model.delete(one.path);
        } else {
          index.apply(one);
          for (const path of model.keys())
            if (path !== one.path && isWithin(path, one.path)) model.delete(path);
        }
      }
      const nearest = [...model]
        .filter(([path, { subtree }]) => path === asked || (subtree && isWithin(asked, path)))
        .sort(([a], [b]) => b.length - a.length)[0]?.[0];
      const below = index.below(asked, { direct: false, limit: 100 }).divergences.map(({ path }) => path);
      const expected = [...model.keys()].filter((path) => path !== asked && isWithin(path, asked));
      return (
        index.state(asked).divergence?.path === nearest && below.sort().join() === expected.sort().join()
      );
    }),
    { seed, numRuns: 300 },
  );
});

t.test('recovery keeps what an earlier row promised', async (t) => {
  const root = { ...row('/lake', 0, true), keepExtras: true, keepReplaced: true };
  const open = { ...intent('/lake', { verb: 'set-attributes' }), id: 5, openedMs: 1 };
  t.match(recover({ intents: [open], divergences: [root], uploads: [] }, 7, 9), [
    {
      do: 'put',
      divergence: {
        ...{
          path: '/lake',
          subtree: true,
          generation: 5,
          keepExtras: true,
          keepReplaced: true,
          owners: true,
        },
        ...{ sinceMs: 1, tailUntilMs: 9 },
      },
    },
  ]);
});

t.test('recovery makes a divergence of every open two-sided intent, whatever came before', async () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 10 }), (ids) => {
      const intents = ids.map((id) => ({ ...intent(`/p${id % 4}`), id, openedMs: 0 }));
      const changes = recover({ intents, divergences: [row('/p0')], uploads: [] }, 7, 9);
      const rows = new Map(
        changes.map((one) => (one.do === 'put' ? [one.divergence.path, one.divergence] : ['', undefined])),
      );
      const latest = new Map(
        intents.sort((a, b) => a.id - b.id).map((one) => [one.reaches[0]!.path, one.id]),
      );
      return [...latest].every(
        ([path, id]) => rows.get(path)?.generation === id && rows.get(path)?.tailUntilMs === 9,
      );
    }),
    { seed },
  );
});

t.test('a journal that is closed is closed, and says so', async (t) => {
  const journal = await openSqliteJournal({ file: `${t.testdir({})}/journal.db`, zombieMs: 0 });
  await journal.apply([{ do: 'meta', key: 'a', value: 'b' }]);
  await journal.close();
  await journal.close();
  t.match(await refusal(journal.open(intent('/x'))), { kind: 'unavailable' });
});
