// Listings through the gateway against the tree that the truths of its paths make, written down by hand (semantics B1).
import { Readable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { comparePaths, parentOf, relativeTo, segmentsOf } from '../src/core/path.ts';
import { otherSide, type Side, type Store } from '../src/core/store.ts';
import type { Change, Divergence } from '../src/journal/journal.ts';
import { createRig, type Rig } from './gateway/rig.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
const full = process.env.TWINLAKE_FULL === '1';
if (full) t.setTimeout(600_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

// Neighbours of the slash, and two names whose order in UTF-16 is not that in UTF-8.
const names = ['a', 'a-', 'a0', '😀', '～'];
const paths = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((segments) => `/${segments.join('/')}`);
const sides = fc.constantFrom<Side>('source', 'target');

/** A length in bytes, or a folder. */
type What = number | 'folder';
/** What stands where. */
type Tree = Map<string, What>;

const trees = fc
  .array(fc.tuple(paths, fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('folder' as const))), {
    maxLength: 14,
  })
  .map((wanted) => {
    const tree: Tree = new Map();
    for (const [path, what] of wanted) {
      const folders = segmentsOf(path).map((_, i, all) => `/${all.slice(0, i).join('/')}`);
      if (folders.some((folder) => typeof tree.get(folder) === 'number') || tree.has(path)) continue;
      for (const folder of folders) if (folder !== '/') tree.set(folder, 'folder');
      tree.set(path, what);
    }
    return tree;
  });

/** Something in the journal that says where the newest state of a path is. */
interface Mark {
  path: string;
  truth: Side;
  kind: 'row' | 'intent' | 'upload';
  subtree: boolean;
  knowsAbsence: boolean;
}

const marks = fc.record<Mark>({
  path: fc.oneof({ weight: 20, arbitrary: paths }, { weight: 1, arbitrary: fc.constant('/') }),
  truth: sides,
  kind: fc.constantFrom('row', 'row', 'intent', 'upload'),
  subtree: fc.boolean(),
  knowsAbsence: fc.boolean(),
});

const above = (path: string): string[] =>
  segmentsOf(path).map((_, i, all) => `/${all.slice(0, i).join('/')}`);

/** The mark that decides about a path: its own, or the nearest above that reaches it. */
function markOf(placed: ReadonlyMap<string, Mark>, path: string): Mark | undefined {
  const own = placed.get(path);
  return (
    own ??
    above(path)
      .map((folder) => placed.get(folder))
      .findLast((mark) => mark?.subtree)
  );
}

/** Marks that a gateway could have left: locks and plans let no two truths meet in one mutation (semantics A7). */
function possibleMarks(tree: Tree, wanted: readonly Mark[]): Map<string, Mark> {
  const placed = new Map<string, Mark>();
  for (const asked of [...wanted].sort((a, b) => comparePaths(a.path, b.path))) {
    const { path, kind } = asked;
    const over = markOf(placed, path);
    if (placed.has(path) || above(path).some((folder) => placed.get(folder)?.kind === 'intent')) continue;
    if (kind === 'upload' && (path === '/' || tree.get(path) === 'folder')) continue;
    const mark = { ...asked, truth: over?.truth ?? asked.truth };
    if (kind === 'upload') mark.subtree = false;
    placed.set(path, mark);
  }
  // A subtree mutation is planned only where all below has its truth.
  for (const { path, kind, truth } of placed.values()) {
    if (kind !== 'intent') continue;
    for (const below of placed.keys())
      if (above(below).includes(path) && placed.get(below)!.truth !== truth) placed.delete(below);
  }
  return placed;
}

const universe = ['', ...names].flatMap((a) =>
  ['', ...names].flatMap((b) => ['', ...names].map((c) => [a, b, c])),
);
const allPaths = [
  ...new Set(
    universe
      .filter(([a, b, c]) => a !== '' && (b !== '' || c === ''))
      .map((parts) => `/${parts.filter((part) => part !== '').join('/')}`),
  ),
].sort(comparePaths);

/** What a side has: the truth where it must, and anything old where its state is not asked for. */
function treeOf(side: Side, truth: Tree, placed: Map<string, Mark>, noise: readonly number[]): Tree {
  const isBound = (path: string): boolean => (markOf(placed, path)?.truth ?? side) === side;
  const needed = new Set(allPaths.filter((path) => truth.has(path) && isBound(path)).flatMap(above));
  const tree: Tree = new Map();
  let at = 0;
  for (const path of allPaths) {
    if (parentOf(path) !== '/' && tree.get(parentOf(path)) !== 'folder') continue;
    const old = ([undefined, truth.get(path), 'folder', 33] as const)[noise[at++ % noise.length]!];
    const what = isBound(path) ? truth.get(path) : needed.has(path) ? 'folder' : old;
    if (what !== undefined) tree.set(path, what);
  }
  return tree;
}

async function fill(rig: Rig, store: Store, root: string, tree: Tree): Promise<void> {
  await store.mutate({ verb: 'mkdir', path: root, parents: 'all' }, rig.ctx());
  for (const [path, what] of [...tree].sort(([a], [b]) => comparePaths(a, b))) {
    const full = root + path;
    if (what === 'folder') await store.mutate({ verb: 'mkdir', path: full, parents: 'none' }, rig.ctx());
    else {
      const body = { stream: Readable.from([Buffer.alloc(what)]), lengthBytes: what };
      await store.mutate({ verb: 'create', path: full, parents: 'none', body }, rig.ctx());
    }
  }
}

async function place(rig: Rig, root: string, tree: Tree, mark: Mark): Promise<void> {
  const { truth, subtree, kind } = mark;
  const path = mark.path === '/' ? root : root + mark.path;
  const common = { path, generation: 1, app: 'default' };
  const row: Divergence = { ...common, subtree, truth, reason: 'test', sinceMs: 1 };
  if (mark.knowsAbsence && mark.path !== '/' && !tree.has(mark.path)) row.absent = true;
  const change: Change =
    kind === 'upload'
      ? { do: 'put-upload', upload: { ...common, sides: [truth], unflushed: true, touchedMs: 1 } }
      : { do: 'put', divergence: row };
  if (kind !== 'intent') return await rig.journal.apply([change]);
  const reaches = [{ path, subtree }];
  const secondary = otherSide(truth);
  await rig.journal.open({
    app: 'default',
    verb: 'delete',
    reaches,
    primary: truth,
    secondary,
    staged: false,
  });
}

/** All pages of a listing; the app's reads go to the other side before the pages named. */
async function listed(
  rig: Rig,
  asked: { path: string; recursive: boolean; limit: number; flips: readonly number[] },
): Promise<{ lines: string[]; longest: number }> {
  const { path, recursive, limit, flips } = asked;
  const found: { lines: string[]; longest: number } = { lines: [], longest: 0 };
  let token: string | undefined;
  for (let page = 0; page < 1000; page++) {
    if (flips.includes(page)) rig.route.reads = otherSide(rig.route.reads);
    const query = { verb: 'list', path, recursive, limit } as const;
    const answer = await rig.gateway.query(token === undefined ? query : { ...query, token }, rig.ctx());
    for (const entry of answer.entries)
      found.lines.push(
        line(relativeTo(entry.path, path), entry.type === 'directory' ? 'folder' : entry.lengthBytes),
      );
    found.longest = Math.max(found.longest, answer.entries.length);
    token = answer.token;
    if (token === undefined) return found;
  }
  throw new Error('the listing does not end');
}

const line = (path: string, what: What): string => `${path} ${what}`;

t.test('a listing shows the truth of every path, each name once and in order, across flips', async (t) => {
  const rig = await createRig(t);
  await rig.repair.close();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      trees,
      fc.array(marks, { maxLength: 8 }),
      fc.array(fc.nat(3), { minLength: 40, maxLength: 40 }),
      fc.record({
        recursive: fc.boolean(),
        limit: fc.integer({ min: 1, max: 5 }),
        flips: fc.array(fc.nat(6)),
      }),
      fc.nat(20),
      async (tree, wanted, noise, how, which) => {
        const root = `/run${++run}`;
        const placed = possibleMarks(tree, wanted);
        for (const side of ['source', 'target'] as const)
          await fill(rig, rig.stores[side], root, treeOf(side, tree, placed, noise));
        for (const mark of placed.values()) await place(rig, root, tree, mark);
        const folders = ['', ...tree.keys()].filter((path) => path === '' || tree.get(path) === 'folder');
        const folder = folders[which % folders.length]!;
        const expected = [...tree]
          .filter(([path]) => path.startsWith(`${folder}/`))
          .filter(([path]) => how.recursive || parentOf(path) === (folder || '/'))
          .sort(([a], [b]) => comparePaths(a, b))
          .map(([path, what]) => line(relativeTo(path, folder || '/'), what));
        const { lines, longest } = await listed(rig, { path: root + folder, ...how });
        if (longest > how.limit) throw new Error(`a page of ${longest} entries, asked for ${how.limit}`);
        if (JSON.stringify(lines) !== JSON.stringify(expected))
          throw new Error(`${JSON.stringify(lines)} instead of ${JSON.stringify(expected)}`);
      },
    ),
    { seed, numRuns: full ? 10_000 : 500 },
  );
});

t.test('a row is not missed behind 20,000 others in one subfolder', async (t) => {
  const rig = await createRig(t, { maxDivergencesPerFolder: 100_000 });
  await rig.repair.close();
  const common = { subtree: false, truth: 'target', generation: 1, reason: 'test', sinceMs: 1 } as const;
  const put = (path: string): Change => ({ do: 'put', divergence: { ...common, path } });
  await rig.journal.apply(Array.from({ length: 20_000 }, (_, i) => put(`/lake/a/${i}`)));
  await rig.journal.apply([put('/lake/new'), put('/lake/old')]);
  const both: [string, What][] = [
    ['/a', 'folder'],
    ['/z', 3],
  ];
  await fill(rig, rig.stores.source, '/lake', new Map([...both, ['/old', 1]]));
  await fill(rig, rig.stores.target, '/lake', new Map([...both, ['/new', 2]]));
  const { lines } = await listed(rig, { path: '/lake', recursive: false, limit: 100, flips: [] });
  t.strictSame(lines, ['a folder', 'new 2', 'z 3']);
});
