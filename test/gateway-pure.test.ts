// The decisions before and after I/O: plan and settle, as whole tables.
import { Readable } from 'node:stream';
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Route } from '../src/core/route.ts';
import type { Side } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { aftermath, reachesOf } from '../src/gateway/aftermath.ts';
import { askTruth, planRead } from '../src/gateway/ask.ts';
import type { GatewayParts } from '../src/gateway/gateway-parts.ts';
import { plan, type Situation } from '../src/gateway/plan.ts';
import { afterStage } from '../src/gateway/plan-stage.ts';
import { createReadMarks } from '../src/gateway/read-marks.ts';
import { type Outcome, settle } from '../src/gateway/settle.ts';
import type { Divergence, Upload } from '../src/journal/journal.ts';
import { truthOf } from '../src/journal/truth-of.ts';

const route = (change: Partial<Route> = {}): Route => ({
  app: 'a',
  reads: 'source',
  writes: 'both',
  ack: 'primary',
  ackFallback: 'degrade',
  failover: 'none',
  mounts: [{ source: '/', target: '/' }],
  ...change,
});
const row = (truth: Side, path = '/d/x'): Divergence => ({
  path,
  subtree: false,
  truth,
  generation: 1,
  reason: 'test',
  sinceMs: 0,
});
const mkdir: Mutation = { verb: 'mkdir', path: '/d/x', parents: 'all' };
const situation = (change: Partial<Situation> = {}): Situation => ({
  route: route(),
  mutation: mkdir,
  divergences: [],
  below: [],
  uploads: [],
  twoSided: true,
  down: new Set(),
  ...change,
});

t.test('settle: every pair of outcomes', async (t) => {
  const firsts = ['acked', 'refused', 'unknown'] as const;
  const seconds = ['acked', 'refused', 'unknown', 'skipped'] as const;
  // [answer of, truth of the divergence left or '', tail, durable before the answer]
  const expected: Record<string, [string, string, boolean, boolean]> = {
    'acked acked': ['primary', '', false, false],
    'acked refused': ['primary', 'source', false, false],
    'acked unknown': ['primary', 'source', true, false],
    'acked skipped': ['primary', 'source', false, false],
    'refused acked': ['primary', 'source', false, false],
    'refused refused': ['primary', '', false, false],
    'refused unknown': ['primary', 'source', true, false],
    'refused skipped': ['primary', '', false, false],
    'unknown acked': ['primary', 'source', true, false],
    'unknown refused': ['primary', 'source', true, false],
    'unknown unknown': ['primary', 'source', true, false],
    'unknown skipped': ['primary', 'source', true, false],
  };
  const failedOver: Record<string, [string, string, boolean, boolean]> = {
    ...expected,
    'unknown acked': ['secondary', 'target', true, true],
    'refused acked temporary': ['secondary', 'target', false, true],
  };
  // The other side said what is there, and nobody waits for the primary.
  const saidWhatIsThere: Record<string, [string, string, boolean, boolean]> = {
    ...failedOver,
    'unknown refused': ['secondary', 'target', true, true],
    'refused refused temporary': ['secondary', '', false, false],
  };
  for (const [mayFailOver, secondOnState] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    for (const first of firsts) {
      for (const second of seconds) {
        for (const firstTemporary of [false, true]) {
          const got = settle({
            primary: 'source',
            first,
            second,
            secondOnState,
            firstTemporary,
            secondMisses: true,
            mayFailOver,
          });
          const key = `${first} ${second}`;
          const table = !mayFailOver ? expected : secondOnState ? saidWhatIsThere : failedOver;
          const want = (firstTemporary ? table[`${key} temporary`] : undefined) ?? table[key]!;
          const { answer, divergence, durableFirst } = got;
          const seen = [answer, divergence?.truth ?? '', divergence?.tail ?? false, durableFirst];
          t.same(
            seen,
            want,
            `${key} failover=${mayFailOver} state=${secondOnState} temporary=${firstTemporary}`,
          );
        }
      }
    }
  }
  const lone = {
    primary: 'source',
    firstTemporary: false,
    secondOnState: false,
    secondMisses: false,
    mayFailOver: false,
  } as const;
  for (const first of firsts) {
    t.same(
      settle({ ...lone, first, second: 'skipped' as Outcome }).divergence,
      undefined,
      `one side only: ${first}`,
    );
  }
});

t.test('plan: the route decides on clean paths, the truth on others', async (t) => {
  t.match(plan(situation()), {
    primary: 'source',
    secondary: 'target',
    order: 'together',
    mayFailOver: false,
  });
  t.match(plan(situation({ route: route({ reads: 'target' }) })), { primary: 'target', secondary: 'source' });
  t.same(plan(situation({ divergences: [row('target')] })), {
    do: 'ask',
    order: 'together',
    checkFirst: false,
    mayFailOver: false,
    primary: 'target',
    skipped: 'diverges',
  });
  const staged: Upload = {
    path: '/d/x',
    generation: 0,
    sides: ['target'],
    unflushed: true,
    app: 'a',
    touchedMs: 0,
  };
  t.match(plan(situation({ uploads: [staged] })), { primary: 'target', skipped: 'diverges' });
  t.match(plan(situation({ uploads: [{ ...staged, unflushed: false }] })), {
    primary: 'source',
    secondary: 'target',
  });
});

t.test('plan: one-sided apps and breakers', async (t) => {
  const oneWay = route({ reads: 'target', writes: 'target' });
  t.match(plan(situation({ route: oneWay, twoSided: false })), {
    primary: 'target',
    secondary: undefined,
    skipped: undefined,
  });
  t.match(plan(situation({ route: oneWay })), { primary: 'target', skipped: 'one-sided' });
  t.throws(() => plan(situation({ route: oneWay, divergences: [row('source')] })), StoreError);
  t.match(plan(situation({ down: new Set(['target']) })), {
    primary: 'source',
    secondary: undefined,
    skipped: 'breaker',
  });
  t.match(plan(situation({ down: new Set(['source']) })), { primary: 'source', secondary: 'target' });
  const full = route({ failover: 'full' });
  t.match(plan(situation({ route: full, down: new Set(['source']) })), {
    primary: 'target',
    skipped: 'breaker',
  });
  t.match(plan(situation({ route: full, down: new Set(['source']), divergences: [row('source')] })), {
    primary: 'source',
  });
});

t.test('plan: what may be refused on state goes to the primary first', async (t) => {
  const rename: Mutation = {
    verb: 'rename',
    path: '/a',
    destination: '/b',
    replace: 'none',
    intoDirectory: false,
  };
  t.match(plan(situation({ mutation: rename })), { order: 'primary-first', checkFirst: false });
  const exclusive: Mutation = { ...mkdir, condition: { ifNoneMatch: '*' } };
  t.match(plan(situation({ mutation: exclusive })), { order: 'primary-first' });
  t.match(plan(situation({ mutation: rename, below: [row('target', '/a/x')] })), {
    primary: 'target',
    secondary: 'source',
  });
  t.match(plan(situation({ mutation: rename, below: [row('target', '/a/x'), row('source', '/a/y')] })), {
    do: 'settle-first',
  });
  t.match(
    plan(situation({ mutation: rename, below: [row('target', '/a/x')], divergences: [row('source', '/b')] })),
    {
      do: 'settle-first',
    },
  );
});

t.test('aftermath keeps what began and bumps what changed', async (t) => {
  const remove: Mutation = { verb: 'delete', path: '/d', recursive: true };
  const ids = { generation: 9, nowMs: 100, zombieMs: 50 };
  const common = {
    mutation: remove,
    reaches: reachesOf(remove),
    primary: 'source',
    below: [],
    ...ids,
  } as const;
  const left = {
    answer: 'primary',
    durableFirst: false,
    divergence: { truth: 'source', tail: true, reason: 'r' },
  } as const;
  const earlier = new Map([['/d', { ...row('source', '/d'), sinceMs: 5, tailUntilMs: 400 }]]);
  const changes = aftermath({ ...common, settlement: left, acked: true, earlier });
  t.match(changes, [
    { do: 'clear-below', path: '/d' },
    { do: 'end-upload', path: '/d' },
    { do: 'put', divergence: { path: '/d', subtree: true, generation: 9, sinceMs: 5, tailUntilMs: 400 } },
  ]);
  const clean = { answer: 'primary', durableFirst: false } as const;
  t.same(aftermath({ ...common, settlement: clean, acked: false, earlier: new Map() }), []);
});

t.test('aftermath: a row knows since when its file was only added to', async (t) => {
  const after = (mutation: Mutation, earlier: Divergence[]) =>
    aftermath({
      mutation,
      reaches: reachesOf(mutation),
      settlement: {
        answer: 'primary',
        durableFirst: false,
        divergence: { truth: 'source', tail: false, reason: 'r' },
      },
      acked: true,
      primary: 'source',
      generation: 9,
      nowMs: 100,
      zombieMs: 50,
      earlier: new Map(earlier.map((one) => [mutation.path, one])),
      below: [],
    }).find((change) => change.do === 'put')?.divergence.grownSince;
  const append = { verb: 'append', path: '/f', body: { stream: Readable.from([]) } } as const;
  const flush = { verb: 'flush', path: '/f', position: 1, retain: false, close: true } as const;
  const before = { ...row('source', '/f'), generation: 4 };
  t.equal(after(append, [before]), 4);
  t.equal(after(flush, [{ ...before, grownSince: 2 }]), 2);
  t.equal(after(append, []), undefined, 'nobody knows what happened before');
  t.equal(after(append, [{ ...before, path: '/', subtree: true }]), undefined, 'nor below a folder');
  t.equal(after(append, [{ ...before, truth: 'target', grownSince: 2 }]), undefined);
  const create = { verb: 'create', path: '/f', parents: 'none' } as const;
  t.equal(after(create, [{ ...before, grownSince: 2 }]), undefined);
  const owner = { verb: 'set-attributes', path: '/f', owner: 'o' } as const;
  t.equal(after(owner, [{ ...before, grownSince: 2 }]), undefined, 'repair has to know of the owner');
});

t.test('aftermath: a renamed path takes what was set of it along', async (t) => {
  const mutation = {
    verb: 'rename',
    path: '/a',
    destination: '/b',
    replace: 'none',
    intoDirectory: false,
  } as const;
  const divergence = { truth: 'source', tail: false, reason: 'r' } as const;
  const rows = aftermath({
    mutation,
    reaches: reachesOf(mutation),
    settlement: { answer: 'primary', durableFirst: false, divergence },
    acked: true,
    primary: 'source',
    generation: 9,
    nowMs: 100,
    zombieMs: 50,
    earlier: new Map([['/a', { ...row('source', '/a'), owners: true, times: true }]]),
    below: [],
  }).flatMap((change) => (change.do === 'put' ? [change.divergence] : []));
  t.match(rows, [{ path: '/a' }, { path: '/b', owners: true, times: true }]);
  t.notOk(rows[0]?.owners || rows[0]?.times);
});

t.test('aftermath: a late request knows the old name of what was moved or removed', async (t) => {
  const clean = { answer: 'primary', durableFirst: false } as const;
  const remove: Mutation = { verb: 'delete', path: '/d', recursive: true };
  const move: Mutation = {
    verb: 'rename',
    path: '/d',
    destination: '/e',
    replace: 'none',
    intoDirectory: false,
  };
  for (const mutation of [remove, move]) {
    const settled = {
      mutation,
      reaches: reachesOf(mutation),
      settlement: clean,
      acked: true,
      primary: 'target',
      generation: 9,
      nowMs: 100,
      zombieMs: 50,
      earlier: new Map(),
    } as const;
    const left = (tailUntilMs: number) =>
      aftermath({ ...settled, below: [{ ...row('target', '/d/x'), tailUntilMs }] }).filter(
        (change) => change.do === 'put',
      );
    t.match(left(120), [{ divergence: { path: '/d', subtree: true, truth: 'target', tailUntilMs: 120 } }]);
    t.same(left(100), [], 'nothing can come any more');
  }
});

t.test('an upload keeps only sides that hold every acked byte', async (t) => {
  const upload: Upload = {
    path: '/x',
    generation: 0,
    sides: ['source', 'target'],
    unflushed: false,
    app: 'a',
    touchedMs: 0,
  };
  t.same(afterStage(upload, ['source', 'target'], 1)?.sides, ['source', 'target']);
  const alone = afterStage(upload, ['target'], 1)!;
  t.same(alone.sides, ['target']);
  t.equal(alone.unflushed, true);
  t.equal(afterStage(alone, ['source'], 2), undefined, 'the loser of a race');
});

t.test('reads follow intents, then uploads, then divergences, then the route', async (t) => {
  const intent = {
    id: 3,
    app: 'a',
    verb: 'create',
    reaches: [],
    primary: 'target',
    staged: false,
    openedMs: 0,
  } as const;
  t.equal(
    truthOf({ intents: [{ ...intent, reaches: [], secondary: 'source' }], divergence: row('source') }),
    'target',
  );
  t.equal(
    truthOf({ intents: [{ ...intent, reaches: [] }], divergence: row('source') }),
    'source',
    'one-sided intents say nothing',
  );
  t.equal(truthOf({ intents: [] }), undefined);
  t.same(planRead(route(), undefined, new Set(['source'])), { side: 'source', clean: false });
  t.same(planRead(route({ failover: 'reads' }), undefined, new Set(['source'])), {
    side: 'target',
    clean: true,
  });
  t.same(planRead(route({ failover: 'reads' }), 'source', new Set(['source'])), {
    side: 'source',
    clean: false,
  });
});

t.test('a mutation that begins while the truth of a read is looked up is not missed', async (t) => {
  const marks = createReadMarks();
  let lookups = 0;
  const state = async (path: string) => {
    lookups++;
    if (lookups === 1) {
      // The state was clean when it was read; before the read is planned a write goes to the other side first.
      queueMicrotask(() => marks.mark([{ path, subtree: false }], 'source'));
      return { intents: [] };
    }
    return { intents: [], divergence: row('target', path) };
  };
  const side = { isDown: () => false };
  const parts = {
    journal: { state },
    marks,
    sides: { source: side, target: side },
  } as unknown as GatewayParts;
  const ctx = {
    requestId: '',
    caller: {},
    signal: new AbortController().signal,
    trail: {},
    protocol: 'dfs',
  } as const;
  const asked: Side[] = [];
  const answer = await askTruth(parts, { route: route(), path: '/d/x', tree: false, ctx }, async (side) => {
    asked.push(side);
    return side;
  });
  t.equal(answer, 'target');
  t.equal(asked.at(-1), 'target');
});
