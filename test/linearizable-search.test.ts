// The judge of histories against a judge that tries everything, and on histories as long as those of a whole run.
import fc from 'fast-check';
import t from 'tap';
import { keyOf, type Tree } from './torture/file-model.ts';
import type { Action, Operation, Seen } from './torture/history.ts';
import { judge } from './torture/linearizable.ts';
import { momentsOfHistory } from './torture/moments.ts';
import { playClients } from './torture/play-clients.ts';
import { randomOf } from './torture/random.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

/** Fewer steps than a run in earnest has: what is shown of a violation may be longer, and is one all the same. */
const limits = { search: 300_000, shrink: { each: 4_000, all: 80_000 } };

/** Every order of the moments is tried, with nothing but a memory of where it was before. */
function isLinearizableByForce(history: readonly Operation[]): boolean {
  const moments = momentsOfHistory(history);
  const looked = new Set<string>();
  const canEnd = (come: ReadonlySet<number>, tree: Tree): boolean => {
    const left = moments.flatMap((_, index) => (come.has(index) ? [] : [index]));
    const owed = left.filter((index) => !moments[index]!.isOptional);
    if (owed.length === 0) return true;
    const key = `${[...come].sort((a, b) => a - b)} ${keyOf(tree)}`;
    if (looked.has(key)) return false;
    looked.add(key);
    const until = Math.min(...owed.map((index) => moments[index]!.returnedMs));
    return left.some((index) => {
      const { invokedMs, returnedMs, before, after } = moments[index]!;
      // What may come only until some moment is too late once the moment of something that began after it has come.
      const isLate = [...come].some((each) => moments[each]!.invokedMs > returnedMs);
      if (invokedMs > until || isLate || (before && come.has(moments.indexOf(before)))) return false;
      return after(tree).some((next) => canEnd(new Set([...come, index]), next));
    });
  };
  return canEnd(new Set(), new Map());
}

/** The history with one sight replaced by another that somebody has had somewhere, or by nothing. */
function withOneSightWrong(history: readonly Operation[], pick: number, other: number): Operation[] {
  const sights = history.filter(({ result }) => result.is === 'done' && result.seen);
  const wrong = sights[pick % Math.max(1, sights.length)];
  const seen: Seen[] = [
    { type: 'absent' },
    { type: 'directory' },
    { type: 'file', lengthBytes: 0, tokens: [] },
    ...sights.flatMap(({ result }) => (result.is === 'done' && result.seen ? [result.seen] : [])),
  ];
  const instead = seen[other % seen.length]!;
  return history.map((each) => (each === wrong ? { ...each, result: { is: 'done', seen: instead } } : each));
}

const small = { clients: 3, paths: ['a', 'd/e', 'd'], unknown: 0.25 };
const runs = fc.record({
  run: fc.integer({ min: 1 }),
  operations: fc.integer({ min: 2, max: 8 }),
  pick: fc.nat(100),
  other: fc.nat(100),
});

t.test('what clients of a real tree see is linearizable', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), (run) => {
      const history = playClients(randomOf(run, 'history'), { clients: 4, operations: 60, unknown: 0.1 });
      return judge(history).is === 'linearizable';
    }),
    { seed, numRuns: 150 },
  );
});

t.test('the search finds what trying everything finds, on sights that may be wrong', async (t) => {
  const found = { linearizable: 0, violation: 0 };
  fc.assert(
    fc.property(runs, ({ run, operations, pick, other }) => {
      const played = playClients(randomOf(run, 'history'), { ...small, operations });
      const history = withOneSightWrong(played, pick, other);
      const verdict = judge(history);
      if (verdict.is === 'gave-up') return false;
      found[verdict.is]++;
      return (verdict.is === 'linearizable') === isLinearizableByForce(history);
    }),
    { seed, numRuns: 600 },
  );
  t.comment(JSON.stringify(found));
  t.ok(found.linearizable > 50 && found.violation > 50, 'both are met often');
});

t.test('what is shown of a violation is one, and is short', async (t) => {
  const lengths: number[] = [];
  for (let run = 0; run < 25; run++) {
    const random = randomOf(seed, `shrink ${run}`);
    const played = playClients(random, { clients: 4, operations: 60, unknown: 0.1 });
    const verdict = judge(withOneSightWrong(played, random.below(1000), random.below(1000)), limits);
    if (verdict.is !== 'violation') continue;
    lengths.push(verdict.history.length);
    t.equal(judge(verdict.history).is, 'violation');
  }
  lengths.sort((a, b) => a - b);
  t.comment(`shown: ${lengths}`);
  t.ok(lengths.length > 5 && lengths[lengths.length >> 1]! <= 12, 'half of them in a dozen lines');
});

t.test('a run of 200 kills is judged in seconds', async (t) => {
  const cells = 20;
  const began = performance.now();
  for (let cell = 0; cell < cells; cell++) {
    const history = playClients(randomOf(seed, `cell ${cell}`), {
      clients: 5,
      operations: 500,
      unknown: 0.03,
    });
    const verdict = judge(history);
    t.equal(verdict.is, 'linearizable', `cell ${cell}`);
  }
  t.comment(`${cells * 500} operations in ${(performance.now() - began).toFixed(0)} ms`);
});

t.test('unanswered writes by the hundred, and a value of them long after', async (t) => {
  const write = (id: number): Action => ({
    do: 'create',
    path: id % 2 ? 'a' : 'd/e',
    overwrite: true,
    token: { id, lengthBytes: 10 },
  });
  const lost: Operation[] = Array.from({ length: 150 }, (_, index) => ({
    client: 'c',
    action: write(index + 1),
    invokedMs: index,
    returnedMs: Number.POSITIVE_INFINITY,
    result: { is: 'unknown' },
  }));
  const sight = (atMs: number, ...tokens: number[]): Operation => ({
    client: 'r',
    action: { do: 'read', path: 'a' },
    invokedMs: atMs,
    returnedMs: atMs + 1,
    result: { is: 'done', seen: { type: 'file', lengthBytes: 10 * tokens.length, tokens } },
  });
  t.equal(judge([...lost, sight(400, 7), sight(402, 99), sight(404, 3)]).is, 'linearizable');
  t.equal(judge([...lost, sight(400, 7), sight(402, 99), sight(404, 7)], limits).is, 'violation');
});
