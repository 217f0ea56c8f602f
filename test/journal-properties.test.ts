// Journal and locks against plain models: random sequences, crashes at any prefix of the queue, names of every kind.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { isWithin } from '../src/core/path.ts';
import type { Side } from '../src/core/store.ts';
import type { Change, Divergence, Intent, Journal, NewIntent, Upload } from '../src/journal/journal.ts';
import { createLocks, type Lock, type LockMode, type LockRequest } from '../src/journal/locks.ts';
import { createPathIndex, type PathIndex } from '../src/journal/path-index.ts';
import { recover } from '../src/journal/recover.ts';
import { createSizeLimits } from '../src/journal/size-limits.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
const full = process.env.TWINLAKE_FULL === '1';
if (full) t.setTimeout(600_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

// Neighbours of the slash, wildcards of SQL, a name beyond the basic plane; few, so that changes meet each other.
const segments = ['a', 'a0', 'a-', '%', '_', '😀'];
const paths = fc
  .array(fc.constantFrom(...segments), { minLength: 1, maxLength: 2 })
  .map((parts) => `/${parts.join('/')}`);
const sides = fc.constantFrom<Side>('source', 'target');
const generations = fc.integer({ min: 1, max: 4 });

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc
    .record({ path: paths, subtree: fc.boolean(), truth: sides, generation: generations })
    .map((row): Change => ({ do: 'put', divergence: { ...row, reason: 'r', sinceMs: 1 } })),
  fc.record({ do: fc.constant('clear' as const), path: paths, generation: generations }),
  fc.record({
    do: fc.constant('clear-below' as const),
    path: fc.oneof({ weight: 30, arbitrary: paths }, { weight: 1, arbitrary: fc.constant('/') }),
  }),
  fc
    .record({ do: fc.constant('move' as const), from: paths, to: paths })
    .filter(({ from, to }) => !isWithin(from, to) && !isWithin(to, from)),
  fc.record({ path: paths, sides: fc.subarray<Side>(['source', 'target'], { minLength: 1 }) }).map(
    (upload): Change => ({
      do: 'put-upload',
      upload: { ...upload, generation: 1, unflushed: true, app: 'a', touchedMs: 1 },
    }),
  ),
  fc.record({ do: fc.constant('end-upload' as const), path: paths }),
);

type Op =
  | { op: 'open'; path: string; subtree: boolean; primary: Side; staged: boolean; lone: boolean }
  | { op: 'settle'; which: number; changes: Change[] }
  | { op: 'apply'; changes: Change[] };

const someChanges = fc.array(changes, { maxLength: 3 });
const ops: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    op: fc.constant('open' as const),
    path: paths,
    subtree: fc.boolean(),
    primary: sides,
    staged: fc.boolean(),
    lone: fc.boolean(),
  }),
  fc.record({ op: fc.constant('settle' as const), which: fc.nat(9), changes: someChanges }),
  fc.record({ op: fc.constant('apply' as const), changes: someChanges }),
);

/** What a journal holds, as plain lists. */
interface Model {
  divergences: Divergence[];
  uploads: Upload[];
  intents: Intent[];
}

const renamed = <Row extends { path: string }>(row: Row, from: string, to: string): Row =>
  isWithin(row.path, from) ? { ...row, path: to + row.path.slice(from.length) } : row;

/** Rows that arrive replace those that are there. */
function moved<Row extends { path: string }>(rows: Row[], from: string, to: string): Row[] {
  const arrived = rows.filter((row) => isWithin(row.path, from)).map((row) => renamed(row, from, to));
  const stayed = rows.filter(
    (row) => !isWithin(row.path, from) && !arrived.some(({ path }) => path === row.path),
  );
  return [...stayed, ...arrived];
}

function changed(model: Model, change: Change): Model {
  const { divergences, uploads } = model;
  const without = <Row extends { path: string }>(rows: Row[], gone: (row: Row) => boolean): Row[] =>
    rows.filter((row) => !gone(row));
  if (change.do === 'put') {
    const { divergence } = change;
    return {
      ...model,
      divergences: [...without(divergences, ({ path }) => path === divergence.path), divergence],
    };
  }
  if (change.do === 'clear') {
    const { path, generation } = change;
    return {
      ...model,
      divergences: without(divergences, (row) => row.path === path && row.generation === generation),
    };
  }
  if (change.do === 'clear-below') {
    const below = ({ path }: { path: string }): boolean =>
      path !== change.path && isWithin(path, change.path);
    return { ...model, divergences: without(divergences, below), uploads: without(uploads, below) };
  }
  if (change.do === 'move') {
    const { from, to } = change;
    return { ...model, divergences: moved(divergences, from, to), uploads: moved(uploads, from, to) };
  }
  if (change.do === 'put-upload') {
    const { upload } = change;
    return { ...model, uploads: [...without(uploads, ({ path }) => path === upload.path), upload] };
  }
  if (change.do === 'end-upload')
    return { ...model, uploads: without(uploads, ({ path }) => path === change.path) };
  return model;
}

/** Asks the journal, without waiting, and says what the model is then. */
function issue(
  journal: Journal,
  model: Model,
  open: Intent[],
  op: Op,
  id: number,
): [Model, Promise<unknown>] {
  if (op.op === 'open') {
    const { path, subtree, primary, staged, lone } = op;
    const other = primary === 'source' ? 'target' : 'source';
    const wanted: NewIntent = {
      app: 'a',
      verb: 'v',
      reaches: [{ path, subtree }],
      primary,
      staged,
      ...(lone ? {} : { secondary: other }),
    };
    const intent = { ...wanted, id, openedMs: 1 };
    open.push(intent);
    return [{ ...model, intents: [...model.intents, intent] }, journal.open(wanted)];
  }
  if (op.op === 'apply') return [op.changes.reduce(changed, model), journal.apply(op.changes)];
  const [intent] = open.splice(op.which % Math.max(1, open.length), 1);
  if (!intent) return [model, Promise.resolve()];
  const rest = { ...model, intents: model.intents.filter(({ id: other }) => other !== intent.id) };
  return [op.changes.reduce(changed, rest), journal.settle(intent, op.changes)];
}

const texts = (rows: readonly { path: string }[]): string[] =>
  rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort();

/** What a restart makes of it, as text. */
function afterRestart(model: Model): string {
  const found = recover(model, 7, 8).reduce(changed, { divergences: [], uploads: [], intents: [] });
  return JSON.stringify([texts(found.divergences), texts(found.uploads)]);
}

async function heldBy(journal: Journal): Promise<string> {
  const { items } = await journal.divergences({ limit: 1_000_000 });
  return JSON.stringify([texts(items), texts(await journal.uploads())]);
}

function copyJournal(from: string, to: string): void {
  for (const end of ['', '-wal']) if (existsSync(from + end)) copyFileSync(from + end, to + end);
}

t.test('a crash at any point finds what was durable, and nothing out of order', async (t) => {
  const dir = t.testdir({});
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(ops, { minLength: 40, maxLength: 120, size: 'max' }),
      fc.nat(120),
      async (sequence, cut) => {
        const file = join(dir, String(++run), 'journal.db');
        mkdirSync(join(dir, `${run}-crashed`));
        const journal = await openSqliteJournal({ file, zombieMs: 1, now: () => 1 });
        const models: Model[] = [{ divergences: [], uploads: [], intents: [] }];
        const open: Intent[] = [];
        const durable: Promise<unknown>[] = [];
        let [id, awaited] = [0, 0];
        for (const [i, op] of sequence.entries()) {
          if (op.op === 'open') id++;
          const [model, promise] = issue(journal, models.at(-1)!, open, op, id);
          models.push(model);
          durable.push(promise);
          if (i !== cut) continue;
          await Promise.all(durable);
          awaited = models.length - 1;
        }
        // As it is on disk now: everything awaited, and some prefix of the rest.
        const crashed = join(dir, `${run}-crashed`, 'journal.db');
        copyJournal(file, crashed);
        await Promise.all(durable);
        const live = await heldBy(journal);
        await journal.close();
        const again = await openSqliteJournal({ file: crashed, zombieMs: 1, now: () => 7 });
        const found = await heldBy(again);
        await again.close();
        const whole = await openSqliteJournal({ file, zombieMs: 1, now: () => 7 });
        const all = await heldBy(whole);
        await whole.close();
        const last = models.at(-1)!;
        return (
          live === JSON.stringify([texts(last.divergences), texts(last.uploads)]) &&
          all === afterRestart(last) &&
          models.slice(awaited).some((model) => afterRestart(model) === found)
        );
      },
    ),
    { seed, numRuns: full ? 200 : 8, endOnFailure: true },
  );
});

/** The change as a gateway could ask for it: it writes at a path's truth, and a row for a subtree stays one. */
function asPlanned(index: PathIndex, change: Change): Change | undefined {
  if (change.do === 'put-upload' || change.do === 'end-upload') return change;
  // What is cleared or moved by its own name may be part of its folder by now.
  if (change.do !== 'put') return undefined;
  const { divergence } = change;
  const over = index.state(divergence.path).divergence;
  const own = over?.path === divergence.path ? over : undefined;
  const below = index.below(divergence.path, { direct: false, limit: 1 }).divergences;
  const mixed = divergence.subtree && below.some(({ truth }) => truth !== divergence.truth);
  if (mixed || (over && over.truth !== divergence.truth)) return undefined;
  return { do: 'put', divergence: { ...divergence, subtree: divergence.subtree || (own?.subtree ?? false) } };
}

t.test('collapsing changes no truth, and is nothing but the changes that it gives for the file', async () => {
  fc.assert(
    fc.property(fc.array(changes, { minLength: 10, maxLength: 80 }), (sequence) => {
      const index = createPathIndex();
      let generation = 100;
      const limits = createSizeLimits(index, {
        maxDivergencesPerFolder: 2,
        maxBytes: 1,
        mayCollapse: () => true,
        isBusy: () => false,
        nextId: () => ++generation,
        onCollapse: () => undefined,
      });
      const none: Model = { divergences: [], uploads: [], intents: [] };
      let [asked, file] = [none, none];
      let good = true;
      for (const change of sequence) {
        const possible = asPlanned(index, change);
        if (!possible) continue;
        index.apply(possible);
        const more = limits.after([possible]);
        asked = changed(asked, possible);
        file = [possible, ...more].reduce(changed, file);
        const found = index.divergences(undefined, Number.POSITIVE_INFINITY);
        good &&= texts(found).join() === texts(file.divergences).join();
        good &&= asked.divergences.every(({ path, truth }) => index.state(path).divergence?.truth === truth);
      }
      return good;
    }),
    { seed, numRuns: full ? 20_000 : 1000 },
  );
});

/** True if the two must not be held at once. */
function clash(one: readonly LockRequest[], other: readonly LockRequest[]): boolean {
  return one.some((a) =>
    other.some((b) => {
      if (a.path === b.path) return !(a.mode === 'shared' && b.mode === 'shared');
      if (a.mode === 'exclusive' && isWithin(b.path, a.path)) return true;
      return b.mode === 'exclusive' && isWithin(a.path, b.path);
    }),
  );
}

/** True if the two want one path in ways that exclude each other: then the first who came goes first. */
function samePath(one: readonly LockRequest[], other: readonly LockRequest[]): boolean {
  return one.some((a) =>
    other.some((b) => a.path === b.path && !(a.mode === 'shared' && b.mode === 'shared')),
  );
}

interface Asked {
  requests: LockRequest[];
  state: 'waiting' | 'held' | 'over';
  lock?: Lock;
  abort: AbortController;
}

t.test(
  'locks: safe, in order, no wake-up lost, nothing left behind, whatever is released and cancelled',
  async () => {
    const lockPaths = fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/a/e', '/d');
    const modes = fc.constantFrom<LockMode>('shared', 'node', 'exclusive');
    const request = fc.array(fc.record({ path: lockPaths, mode: modes }), { minLength: 1, maxLength: 2 });
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('acquire' as const), request }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
    );
    const maxWaiters = 4;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const locks = createLocks({ waitMs: 3_600_000, maxWaiters });
        const all: Asked[] = [];
        const those = (state: Asked['state']): Asked[] => all.filter((one) => one.state === state);
        const pause = async (): Promise<void> => {
          for (let turn = 0; turn < 8; turn++) await Promise.resolve();
        };
        const isRight = (): boolean => {
          const [held, waiting] = [those('held'), those('waiting')];
          const safe = held.every((one, i) =>
            held.slice(0, i).every((other) => !clash(one.requests, other.requests)),
          );
          // Whoever waits has a reason: somebody holds what excludes it, or somebody before it wants the same path.
          const justified = waiting.every(
            (one, i) =>
              held.some((other) => clash(one.requests, other.requests)) ||
              waiting.slice(0, i).some((other) => samePath(one.requests, other.requests)),
          );
          return safe && justified && waiting.length <= maxWaiters && locks.waiters() === waiting.length;
        };
        let good = true;
        for (const one of steps) {
          if (one.do === 'acquire') {
            const asked: Asked = { requests: one.request, state: 'waiting', abort: new AbortController() };
            const overtaken = those('waiting').length;
            all.push(asked);
            locks.acquire(asked.requests, asked.abort.signal).then(
              (lock) => Object.assign(asked, { state: 'held', lock }),
              (error) => {
                asked.state = 'over';
                good &&= error.kind === 'aborted' || (error.kind === 'throttled' && overtaken === maxWaiters);
              },
            );
          } else if (one.do === 'release') {
            const held = those('held');
            const asked = held[one.which % Math.max(1, held.length)];
            if (asked) asked.state = 'over';
            asked?.lock?.release();
          } else {
            const waiting = those('waiting');
            waiting[one.which % Math.max(1, waiting.length)]?.abort.abort();
          }
          await pause();
          good &&= isRight();
        }
        while (those('held').length > 0) {
          const [asked] = those('held');
          asked!.state = 'over';
          asked!.lock!.release();
          await pause();
          good &&= isRight();
        }
        // Nobody is left, and nothing is held by anybody who was cancelled or throttled.
        const whole = await locks.acquire(
          [{ path: '/', mode: 'exclusive' }],
          new AbortController().signal,
          1,
        );
        whole.release();
        return good && those('waiting').length === 0;
      }),
      { seed, numRuns: 300 },
    );
  },
);
