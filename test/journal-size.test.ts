// The journal stays bounded: crowded folders diverge as a whole, nothing gets another truth by it, closed intents leave no trace.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Side } from '../src/core/store.ts';
import type { Change, Divergence, Journal, NewIntent } from '../src/journal/journal.ts';
import { createSortedKeys } from '../src/journal/sorted-keys.ts';
import { openSqliteJournal, type SqliteJournalOptions } from '../src/journal/sqlite-journal.ts';
import { get, look, names, put, refusal } from './gateway/actions.ts';
import { breakablePair } from './gateway/breakable.ts';
import { createRig } from './gateway/rig.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

const intent = (path: string): NewIntent => ({
  app: 'a',
  verb: 'create',
  reaches: [{ path, subtree: false }],
  primary: 'source',
  secondary: 'target',
  staged: false,
});

const row = (path: string, change: Partial<Divergence> = {}): Change => ({
  do: 'put',
  divergence: {
    path,
    subtree: false,
    truth: 'source',
    generation: 1,
    reason: 'test',
    sinceMs: 9000,
    ...change,
  },
});

const files = (folder: string, count: number, change: Partial<Divergence> = {}): Change[] =>
  Array.from({ length: count }, (_, i) => row(`${folder}/file-${i}`, change));

async function opened(t: Test, options: Partial<SqliteJournalOptions> = {}): Promise<Journal> {
  const file = join(t.testdir({}), 'journal.db');
  const journal = await openSqliteJournal({ file, zombieMs: 0, maxDivergencesPerFolder: 10, ...options });
  t.teardown(() => journal.close());
  return journal;
}

async function rowsOf(journal: Journal): Promise<Divergence[]> {
  return (await journal.divergences({ limit: 1_000_000 })).items;
}

const truthAt = async (journal: Journal, path: string): Promise<Side | undefined> =>
  (await journal.state(path)).divergence?.truth;

t.test('beyond the limit a folder diverges as a whole and remembers what its rows did', async (t) => {
  const file = join(t.testdir({}), 'journal.db');
  let collapsed = 0;
  const onCollapse = (rows: number): void => {
    collapsed += rows;
  };
  const options = { file, zombieMs: 0, maxDivergencesPerFolder: 10, now: () => 1, onCollapse };
  const journal = await openSqliteJournal(options);
  const first = await journal.open(intent('/z'));
  await journal.settle(first, []);
  await journal.apply([
    ...files('/lake/f', 7),
    row('/lake/f/deep/er', { sinceMs: 5000, tailUntilMs: 77 }),
    row('/lake/f/chowned', { owners: true }),
    row('/lake/f/whole', { truth: 'target', subtree: true }),
    row('/lake/f/whole/below'),
    row('/lake/foo'),
  ]);
  t.equal(
    (await rowsOf(journal)).length,
    12,
    'ten names and one below another truth: not beyond the limit yet',
  );
  await journal.apply([row('/lake/f/last')]);
  const found = await rowsOf(journal);
  t.same(
    found.map(({ path, truth, subtree }) => [path, truth, subtree]),
    [
      ['/lake/f', 'source', true],
      ['/lake/f/whole', 'target', true],
      ['/lake/f/whole/below', 'source', false],
      ['/lake/foo', 'source', false],
    ],
  );
  t.match(found[0], { sinceMs: 5000, tailUntilMs: 77, owners: true });
  t.equal(found[0]?.keepExtras, undefined);
  t.ok(found[0]!.generation > first.id, 'newer than everything before it');
  t.equal(collapsed, 10);
  await journal.close();
  const again = await openSqliteJournal(options);
  t.same(
    (await rowsOf(again)).map(({ path }) => path),
    found.map(({ path }) => path),
  );
  const next = await again.open(intent('/z'));
  t.ok(next.id > found[0]!.generation, 'no generation is used twice');
  await again.close();
});

t.test('a folder does not collapse where that would change a truth or delete what is kept', async (t) => {
  const cases: [string, Change[]][] = [
    ['the folder has another truth', [row('/lake', { truth: 'target', subtree: true })]],
    ['the folder itself has another truth', [row('/lake/f', { truth: 'target' })]],
    ['a path below has another truth', [row('/lake/f/other', { truth: 'target' })]],
    ['a first start keeps what the other side has', [row('/lake', { subtree: true, keepExtras: true })]],
    ['a lost journal keeps what is replaced', [row('/lake', { subtree: true, keepReplaced: true })]],
    [
      'an upload has bytes that the truth has not',
      [
        {
          do: 'put-upload',
          upload: {
            path: '/lake/f/up',
            generation: 1,
            sides: ['target'],
            unflushed: true,
            app: 'a',
            touchedMs: 1,
          },
        },
      ],
    ],
  ];
  for (const [why, changes] of cases) {
    const journal = await opened(t);
    await journal.apply([...changes, ...files('/lake/f', 40)]);
    t.equal((await rowsOf(journal)).filter(({ path }) => path.includes('file-')).length, 40, why);
    const [first] = changes;
    const over = first?.do === 'put' && first.divergence.subtree ? first.divergence.truth : undefined;
    t.equal(await truthAt(journal, '/lake/f/clean'), over, 'its neighbours keep their truth');
  }
  const outside = await opened(t, { mayCollapse: (folder) => folder !== '/lake/f' });
  await outside.apply(files('/lake/f', 40));
  t.equal((await rowsOf(outside)).length, 40, 'nobody could settle the folder');
  let busy = true;
  const written = await opened(t, { isBusy: (folder) => busy && folder === '/lake/f' });
  await written.apply(files('/lake/f', 40));
  t.equal((await rowsOf(written)).length, 40, 'who writes the folder itself has read its row before');
  busy = false;
  await written.apply([row('/lake/f/one-more')]);
  t.equal((await rowsOf(written)).length, 1);
  const kept = await opened(t);
  await kept.apply([
    row('/lake/f/kept', { subtree: true, keepExtras: true }),
    row('/lake/f/kept/x'),
    ...files('/lake/f', 20),
  ]);
  t.match(
    await rowsOf(kept),
    [{ path: '/lake/f' }, { path: '/lake/f/kept', keepExtras: true }, { path: '/lake/f/kept/x' }],
    'what keeps extras stays with all below it',
  );
});

t.test(
  'at the size limit smaller folders collapse; when nothing is left writes are refused until there is room',
  async (t) => {
    const reason = 'x'.repeat(2000);
    const journal = await opened(t, { maxDivergencesPerFolder: 1000, maxBytes: 400_000 });
    for (let folder = 0; folder < 4; folder++) await journal.apply(files(`/lake/f${folder}`, 90, { reason }));
    await journal.apply([]);
    await journal.apply([]);
    t.match(
      await rowsOf(journal),
      [0, 1, 2, 3].map((n) => ({ path: `/lake/f${n}`, subtree: true })),
    );
    t.ok(journal.gauges().bytes < 400_000, `${journal.gauges().bytes} bytes are in use`);
    t.ok(journal.gauges().writable);

    const full = await opened(t, { maxBytes: 400_000, mayCollapse: () => false });
    await full.apply(files('/lake/f', 200, { reason }));
    await full.apply([]);
    t.match(await refusal(full.open(intent('/x'))), { kind: 'unavailable', message: /size limit/ });
    t.notOk(full.gauges().writable);
    await full.apply([{ do: 'clear-below', path: '/lake' }]);
    t.ok((await full.open(intent('/x'))).id > 0);
    t.ok(full.gauges().writable);
  },
);

t.test('closed intents and settled rows leave no trace in the file', async (t) => {
  const file = join(t.testdir({}), 'journal.db');
  const journal = await openSqliteJournal({ file, zombieMs: 0 });
  for (let round = 0; round < 30; round++) {
    const paths = Array.from({ length: 200 }, (_, i) => `/lake/${round}/${i}-${'x'.repeat(1000)}`);
    const intents = await Promise.all(paths.map((path) => journal.open(intent(path))));
    await Promise.all(intents.map((one) => journal.settle(one, [row(one.reaches[0]!.path)])));
    await journal.apply([{ do: 'clear-below', path: '/lake' }]);
  }
  for (let commit = 0; commit < 10; commit++) await journal.apply([]);
  t.ok(journal.gauges().bytes < 200_000, `${journal.gauges().bytes} bytes in use`);
  t.ok(
    statSync(`${file}-wal`).size <= 17 * 2 ** 20,
    `the write-ahead log has ${statSync(`${file}-wal`).size}`,
  );
  await journal.close();
  t.ok(statSync(file).size < 5 * 2 ** 20, `the file has ${statSync(file).size} bytes`);
});

t.test('pages go on behind the last path, whatever is put and cleared', async () => {
  const key = fc.integer({ min: 0, max: 3000 });
  const step = fc.record({ add: fc.boolean(), from: key, count: fc.integer({ min: 1, max: 1500 }) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      key,
      fc.integer({ min: 1, max: 2500 }),
      (steps, after, limit) => {
        const keys = createSortedKeys<number>();
        const model = new Set<number>();
        for (const { add, from, count } of steps) {
          for (let i = 0; i < count; i++) {
            const one = (from + i * 7919) % 3001;
            if (add) keys.add(one);
            else keys.delete(one);
            if (add) model.add(one);
            else model.delete(one);
          }
        }
        const sorted = [...model].sort((a, b) => a - b);
        const all = keys.page(undefined, Number.POSITIVE_INFINITY);
        const page = sorted.filter((one) => one > after).slice(0, limit);
        return (
          all.join() === sorted.join() &&
          keys.page(after, limit).join() === page.join() &&
          keys.first() === sorted[0]
        );
      },
    ),
    { seed, numRuns: 100 },
  );
});

t.test(
  'repair settles a folder that diverges as a whole; listings and a flip follow its truth until then',
  async (t) => {
    const pair = breakablePair();
    const rig = await createRig(t, { wrap: pair.wrap, maxDivergencesPerFolder: 20 });
    for (let i = 0; i < 30; i++) await put(rig.gateway, `/lake/f/${i}`, `old ${i}`);
    await rig.settled();
    pair.fault('target', () => 'down');
    rig.down.add('target');
    for (let i = 0; i < 30; i += 2) await put(rig.gateway, `/lake/f/${i}`, `new ${i}`);
    for (let i = 1; i < 30; i += 2)
      await rig.gateway.mutate({ verb: 'delete', path: `/lake/f/${i}`, recursive: false }, rig.ctx());
    t.match(
      await rowsOf(rig.journal),
      [{ path: '/lake/f', subtree: true, truth: 'source' }],
      'one for the folder',
    );
    rig.route.reads = 'target';
    pair.heal('target');
    t.equal((await names(rig.gateway, '/lake/f')).length, 15, 'a listing is its truth’s');
    t.equal(await look(rig.gateway, '/lake/f/1'), '(not-found)');
    await rig.gateway.mutate(
      {
        verb: 'rename',
        path: '/lake/f',
        destination: '/lake/g',
        overwrite: 'no',
        intoDirectory: false,
      } as never,
      rig.ctx(),
    );
    t.equal(await get(rig.gateway, '/lake/g/2'), 'new 2');
    rig.down.delete('target');
    rig.repair.wake();
    await rig.settled();
    for (const store of [rig.stores.source, rig.stores.target]) {
      t.equal((await names(store, '/lake/g')).length, 15);
      t.equal(await get(store, '/lake/g/2'), 'new 2');
      t.equal(await look(store, '/lake/f/2'), '(not-found)');
    }
  },
);
