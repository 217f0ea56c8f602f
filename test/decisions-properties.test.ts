// Properties over the whole table of plan, settle, aftermath and recover; rows that move against a plain list of paths.
import fc from 'fast-check';
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import { isWithin } from '../src/core/path.ts';
import type { Route } from '../src/core/route.ts';
import { otherSide, type Side } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { aftermath, reachesOf } from '../src/gateway/aftermath.ts';
import { type Plan, plan, type Situation } from '../src/gateway/plan.ts';
import { type Outcome, type Outcomes, settle } from '../src/gateway/settle.ts';
import type { Divergence, Intent, Upload } from '../src/journal/journal.ts';
import { createPathIndex, type PathIndex } from '../src/journal/path-index.ts';
import { recover } from '../src/journal/recover.ts';
import { truthOf } from '../src/journal/truth-of.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
const full = process.env.TWINLAKE_FULL === '1';
if (full) t.setTimeout(600_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

const sides = fc.constantFrom<Side>('source', 'target');

const routes: fc.Arbitrary<Route> = fc.record({
  app: fc.constant('a'),
  reads: sides,
  writes: fc.constantFrom('source', 'both', 'target'),
  ack: fc.constantFrom('primary', 'both'),
  ackFallback: fc.constant('degrade'),
  failover: fc.constantFrom('none', 'reads', 'full'),
  mounts: fc.constant([{ source: '/', target: '/' }]),
});

const path = '/d/x';
const mutations = fc.constantFrom<Mutation>(
  { verb: 'create', path, parents: 'all' },
  { verb: 'create', path, parents: 'all', condition: { ifMatch: '*' } },
  { verb: 'mkdir', path, parents: 'all' },
  { verb: 'delete', path, recursive: false },
  { verb: 'delete', path, recursive: true },
  { verb: 'set-attributes', path, owner: 'o' },
  { verb: 'rename', path, destination: '/d/y', replace: 'any', intoDirectory: false },
);

const rows = fc
  .uniqueArray(
    fc.record({
      path: fc.constantFrom('/d', '/d/x', '/d/y', '/d/x/below', '/d/y/below'),
      subtree: fc.boolean(),
      truth: sides,
      tail: fc.boolean(),
    }),
    { selector: (row) => row.path, maxLength: 3 },
  )
  .map((found) =>
    found.map(({ tail, ...row }): Divergence => {
      const common = { ...row, generation: 1, reason: 'earlier', sinceMs: 1 };
      return tail ? { ...common, tailUntilMs: 2000 } : common;
    }),
  );

function indexOf(divergences: readonly Divergence[]): PathIndex {
  const index = createPathIndex();
  for (const divergence of divergences) index.apply({ do: 'put', divergence });
  return index;
}

/** A path within a divergent subtree whose row has another truth: no plan, listing or repair could serve both. */
function clashOf(index: PathIndex): string | undefined {
  const all = index.divergences(undefined, 100);
  const over = all.filter((row) => row.subtree);
  return all.find((row) => over.some((one) => isWithin(row.path, one.path) && one.truth !== row.truth))?.path;
}

function planned(situation: Situation): Plan | undefined {
  try {
    const decided = plan(situation);
    return decided.do === 'ask' ? decided : undefined;
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'unavailable') return undefined;
    throw error;
  }
}

/** Everything that `settle` may be asked after this plan. */
function* outcomesOf({ primary, secondary, skipped, mayFailOver }: Plan): Generator<Outcomes> {
  const seconds: Outcome[] = secondary ? ['acked', 'refused', 'unknown', 'skipped'] : ['skipped'];
  for (const first of ['acked', 'refused', 'unknown'] as const)
    for (const second of seconds)
      for (const firstTemporary of [false, true])
        for (const secondOnState of second === 'refused' ? [false, true] : [false]) {
          const secondMisses = skipped !== undefined || (secondary !== undefined && first !== 'refused');
          yield { primary, first, second, firstTemporary, secondOnState, secondMisses, mayFailOver };
        }
}

t.test(
  'what is acked is on the truth, what is refused leaves nothing, what recovery would not assume is durable first',
  async (t) => {
    let asked = 0;
    fc.assert(
      fc.property(
        fc.record({
          route: routes,
          mutation: mutations,
          rows,
          twoSided: fc.boolean(),
          down: fc.subarray<Side>(['source', 'target']),
        }),
        ({ route, mutation, rows, twoSided, down }) => {
          const before = indexOf(rows);
          if (clashOf(before)) return;
          const reaches = reachesOf(mutation);
          const below = reaches
            .filter((reach) => reach.subtree || mutation.verb === 'delete')
            .flatMap((reach) => before.below(reach.path, { direct: false, limit: 100 }).divergences);
          const nearest = new Map(
            reaches.flatMap((reach) => {
              const { divergence } = before.state(reach.path);
              return divergence ? [[reach.path, divergence] as const] : [];
            }),
          );
          const common = {
            route,
            mutation,
            below,
            uploads: [],
            twoSided: twoSided || route.writes === 'both',
          };
          const decided = planned({ ...common, divergences: [...nearest.values()], down: new Set(down) });
          if (!decided) return;
          const { primary, secondary, skipped } = decided;
          const intent: Intent = {
            ...{
              app: 'a',
              verb: mutation.verb,
              reaches,
              primary,
              secondary: otherSide(primary),
              staged: false,
            },
            ...{ id: 9, openedMs: 1 },
          };
          const crashed = indexOf(rows);
          for (const change of recover({ intents: [intent], divergences: rows, uploads: [] }, 5, 6))
            crashed.apply(change);
          for (const outcomes of outcomesOf(decided)) {
            asked++;
            const { first, second } = outcomes;
            const got: Record<Side, Outcome> = { source: first, target: first, [otherSide(primary)]: second };
            const settlement = settle(outcomes);
            const acked = (settlement.answer === 'primary' ? first : second) === 'acked';
            const changes = aftermath({
              ...{ mutation, reaches, settlement, acked, primary, generation: 9, nowMs: 1000, zombieMs: 500 },
              ...{ earlier: nearest, below },
            });
            const after = indexOf(rows);
            for (const change of changes) after.apply(change);
            const told = JSON.stringify({ ...outcomes, settlement });
            const isRefused =
              first !== 'acked' && first !== 'unknown' && second !== 'acked' && second !== 'unknown';
            if (isRefused && changes.length > 0) throw new Error(`refused, but leaves something: ${told}`);
            const clash = clashOf(after);
            if (clash) throw new Error(`${clash} has another truth than its folder: ${told}`);
            let isSurprising = false;
            for (const reach of reaches) {
              const truth = truthOf(after.state(reach.path));
              const isEverywhere =
                got[primary] === 'acked' && (second === 'acked' || !(secondary || skipped));
              if (acked && (truth ? got[truth] !== 'acked' : !isEverywhere))
                throw new Error(`acked, but the truth of ${reach.path} is ${truth ?? 'either'}: ${told}`);
              // Where nobody knows whether it was applied, the path must not count as clean.
              if (!truth && (secondary || skipped) && got.source !== got.target && !isRefused)
                throw new Error(`${reach.path} counts as clean: ${told}`);
              if (truth && truth !== truthOf(crashed.state(reach.path))) isSurprising = true;
            }
            if (settlement.durableFirst !== isSurprising) throw new Error(`durable first is wrong: ${told}`);
          }
        },
      ),
      { seed, numRuns: full ? 200_000 : 5000 },
    );
    t.ok(asked > 10_000, `${asked} settlements`);
  },
);

// Neighbours of the slash, wildcards of SQL, a name beyond the basic plane.
const names = ['a', 'a0', 'a-', 'a%', '%', '_', '__', '😀', '～'];
const paths = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`);

const lines = (index: PathIndex): string[] =>
  [
    ...index.divergences(undefined, 1000).map((row) => `${row.path} ${JSON.stringify({ ...row, path: '' })}`),
    ...[...index.uploads()].map((upload) => `${upload.path} upload ${upload.generation}`),
  ].sort();

t.test('a moved subtree takes all that diverges in it along, and nothing else', async () => {
  const row = fc.record({
    path: paths,
    subtree: fc.boolean(),
    truth: sides,
    generation: fc.nat(9),
    absent: fc.boolean(),
  });
  const moves = fc
    .record({ from: paths, to: paths })
    .filter(({ from, to }) => !isWithin(from, to) && !isWithin(to, from));
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 12 }),
      fc.uniqueArray(paths, { maxLength: 4 }),
      fc.array(moves, { minLength: 1, maxLength: 4 }),
      (wanted, uploading, renames) => {
        const index = createPathIndex();
        let plainRows = new Map<string, Divergence>();
        let plainUploads = new Map<string, Upload>();
        for (const { absent, ...one } of wanted) {
          const divergence: Divergence = { ...one, reason: 'r', sinceMs: 1 };
          if (absent) divergence.absent = true;
          index.apply({ do: 'put', divergence });
          plainRows.set(one.path, divergence);
        }
        for (const [generation, at] of uploading.entries()) {
          const upload: Upload = {
            ...{ path: at, generation, app: 'a', touchedMs: 1 },
            sides: ['source'],
            unflushed: true,
          };
          index.apply({ do: 'put-upload', upload });
          plainUploads.set(at, upload);
        }
        for (const { from, to } of renames) {
          index.apply({ do: 'move', from, to });
          const renamed = (old: string): string => to + old.slice(from.length);
          const moving = <T>(all: Map<string, T>, change: (value: T, path: string) => T): Map<string, T> => {
            const stay = [...all].filter(([old]) => !isWithin(old, from));
            const go = [...all].filter(([old]) => isWithin(old, from));
            return new Map([
              ...stay,
              ...go.map(([old, value]) => [renamed(old), change(value, renamed(old))] as const),
            ]);
          };
          plainRows = moving(plainRows, ({ absent, ...rest }, at) => ({ ...rest, path: at }));
          plainUploads = moving(plainUploads, (upload, at) => ({ ...upload, path: at }));
        }
        const plain = createPathIndex();
        for (const divergence of plainRows.values()) plain.apply({ do: 'put', divergence });
        for (const upload of plainUploads.values()) plain.apply({ do: 'put-upload', upload });
        const [seen, expected] = [lines(index), lines(plain)];
        if (seen.join('\n') !== expected.join('\n'))
          throw new Error(`${seen.join()} instead of ${expected.join()}`);
        // The counts above follow: the same names are told of every folder.
        for (const folder of [
          '/',
          ...[...plainRows.keys()].map((at) => at.slice(0, at.lastIndexOf('/')) || '/'),
        ])
          for (const side of ['source', 'target'] as const) {
            const [here, there] = [index.names(folder, side), plain.names(folder, side)];
            const told = (found: typeof here): string =>
              [[...found.here].sort(), [...found.deeper].sort()].join(';');
            if (told(here) !== told(there))
              throw new Error(`${folder}: ${told(here)} instead of ${told(there)}`);
          }
      },
    ),
    { seed, numRuns: full ? 100_000 : 3000 },
  );
});
