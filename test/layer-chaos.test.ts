// The faults of a drill, each alone over a store in memory: what the caller sees, and what the store has.

import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { mock } from 'node:test';
import t from 'tap';
import type { ChaosRule, Fault } from '../src/config/chaos-schema.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Query } from '../src/core/query.ts';
import type { StoreError } from '../src/core/store-error.ts';
import { chooseFault, isOpen, seededDie } from '../src/layers/chaos/choose-fault.ts';
import { withChaos } from '../src/layers/chaos.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { bodyOfBytes, createFixture, patternBytes } from './contract/fixture.ts';
import { watch } from './gateway/switchable.ts';

const defaults = {
  probability: 1,
  afterMs: 0,
  delayMs: 1000,
  afterBytes: 0,
  bytesPerSecond: 65_536,
  pageEntries: 1,
  maxBodyBytes: 1_048_576,
};

function ruleOf(rule: Partial<ChaosRule> & { fault: Fault }): ChaosRule {
  return { ...defaults, ...rule };
}

/** A memory store with `/lake/old`, as it is and as a drill makes it look. */
async function rig(...rules: (Partial<ChaosRule> & { fault: Fault })[]) {
  const memory = createMemoryStore({ name: 'memory' });
  const plain = createFixture(memory, '/lake');
  await plain.write('/lake/old', 'before');
  const met: string[] = [];
  const store = withChaos(
    memory,
    { seed: 1, rules: rules.map(ruleOf) },
    { onFault: (fault, { verb }) => met.push(`${fault} ${verb}`) },
  );
  return { plain, met, ...createFixture(store, '/lake') };
}

/** As many turns of the event loop as any chain of promises here has links. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

/** Timers that run when told to, until the end of the test. */
function useClock(t: { teardown(end: () => void): void }) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  return async (ms: number): Promise<void> => {
    mock.timers.tick(ms);
    await idle();
  };
}

const create = (content = 'new', path = '/lake/f') =>
  ({ verb: 'create', path, parents: 'all', body: bodyOfBytes(content) }) as const;
const stat = { verb: 'stat', path: '/lake/old' } as const;

t.test('refuse: nothing is sent, and the body is let go', async (t) => {
  const { mutate, query, failure, plain, met } = await rig({ fault: 'refuse', retryAfterMs: 5000 });
  const asked = create();
  const refusal = { kind: 'unavailable', temporary: true, applied: 'no', retryAfterMs: 5000 };
  t.match(await failure(mutate(asked)), refusal);
  t.equal(asked.body.stream.destroyed, true);
  t.match(await failure(query(stat)), refusal);
  t.equal(await plain.exists('/lake/f'), false);
  t.strictSame(met, ['refuse create', 'refuse stat']);
});

t.test('throttle: asks to wait', async (t) => {
  const { mutate, failure } = await rig({ fault: 'throttle', retryAfterMs: 1500 });
  t.match(await failure(mutate(create())), {
    kind: 'throttled',
    temporary: true,
    applied: 'no',
    retryAfterMs: 1500,
  });
});

t.test('delay: the call reaches the store later, or never if its caller goes', async (t) => {
  const { mutate, query, plain } = await rig({ fault: 'delay', delayMs: 500 });
  const pass = useClock(t);
  const first = watch(mutate(create('a')));
  const gone = new AbortController();
  const second = watch(mutate(create('b', '/lake/g'), { signal: gone.signal }));
  const third = watch(query(stat, { signal: gone.signal }));
  await pass(499);
  t.equal(first.state, 'pending');
  t.equal(await plain.exists('/lake/f'), false);
  gone.abort();
  await idle();
  t.match(second, { state: 'failed', error: { kind: 'aborted', applied: 'unknown' } });
  t.match(third, { state: 'failed', error: { kind: 'aborted', applied: 'no' } });
  await pass(1);
  t.equal(first.state, 'done');
  t.equal((await plain.read('/lake/f')).toString(), 'a');
  t.equal(await plain.exists('/lake/g'), false);
});

t.test('hang: takes the body and never answers, until it is given up', async (t) => {
  const { mutate, query, plain } = await rig({ fault: 'hang' });
  const gone = new AbortController();
  const stream = new PassThrough();
  const asked = { verb: 'create', path: '/lake/f', parents: 'all', body: { stream } } as const;
  const work = watch(mutate(asked, { signal: gone.signal }));
  const bare = watch(
    mutate({ verb: 'delete', path: '/lake/old', recursive: false }, { signal: gone.signal }),
  );
  const read = watch(query(stat, { signal: gone.signal }));
  stream.end(patternBytes(1_000_000));
  await new Promise((resolve) => stream.once('close', resolve));
  await idle();
  t.match([work.state, bare.state, read.state], ['pending', 'pending', 'pending']);
  gone.abort();
  await idle();
  for (const each of [work, bare]) t.match(each, { state: 'failed', error: { applied: 'unknown' } });
  t.match(read, { state: 'failed', error: { kind: 'aborted', applied: 'no' } });
  t.equal(await plain.exists('/lake/f'), false);
  t.equal(await plain.exists('/lake/old'), true);
});

t.test('hang: a body that breaks off or stands still ends with its caller', async (t) => {
  const { mutate } = await rig({ fault: 'hang' });
  for (const end of [(stream: PassThrough) => stream.destroy(new Error('gone')), undefined]) {
    const gone = new AbortController();
    const stream = new PassThrough();
    const asked = { verb: 'create', path: '/lake/f', parents: 'all', body: { stream } } as const;
    const work = watch(mutate(asked, { signal: gone.signal }));
    stream.write('x');
    await idle();
    t.equal(work.state, 'pending');
    if (end) end(stream);
    else gone.abort();
    await idle();
    t.match(work, { state: 'failed', error: { kind: 'aborted', applied: 'unknown' } });
    t.equal(stream.destroyed, true);
  }
});

t.test('cut: a body breaks off on its way to the store, the old file stays', async (t) => {
  const { mutate, failure, plain, met } = await rig({ fault: 'cut', afterBytes: 100_000 });
  const asked = create(patternBytes(300_000).toString('latin1'), '/lake/old');
  t.match(await failure(mutate(asked)), { kind: 'unavailable', temporary: true, applied: 'unknown' });
  t.equal(asked.body.stream.destroyed, true);
  t.equal((await plain.read('/lake/old')).toString(), 'before');
  await mutate(create('short', '/lake/old'));
  t.equal((await plain.read('/lake/old')).toString(), 'short', 'a body that is no longer than that passes');
  t.strictSame(met, ['cut create']);
});

t.test('cut: a read gives exactly so many bytes and then an error', async (t) => {
  const { query, failure, plain } = await rig({ fault: 'cut', afterBytes: 70_001 });
  const bytes = patternBytes(200_000);
  await plain.write('/lake/big', bytes);
  const { body, lengthBytes } = await query({ verb: 'read', path: '/lake/big', offset: 0 });
  t.equal(lengthBytes, 200_000);
  const seen: Buffer[] = [];
  const broken = (async () => {
    for await (const chunk of body) seen.push(chunk);
  })();
  t.match(await failure(broken), { kind: 'unavailable', temporary: true, applied: 'no' });
  t.equal(Buffer.concat(seen).equals(bytes.subarray(0, 70_001)), true);
});

t.test('lose-answer: applied, or refused, and nobody hears of it', async (t) => {
  const { mutate, query, failure, plain } = await rig({ fault: 'lose-answer' });
  const lost = { kind: 'unavailable', temporary: true, applied: 'unknown' };
  t.match(await failure(mutate(create())), lost);
  t.equal((await plain.read('/lake/f')).toString(), 'new');
  t.match(await failure(mutate({ verb: 'delete', path: '/lake/none', recursive: false })), lost);
  t.match(await failure(query(stat)), { ...lost, applied: 'no' });
  t.match(await failure(query({ verb: 'read', path: '/lake/old', offset: 0 })), { ...lost, applied: 'no' });
});

t.test('apply-late: unknown at once, applied when the caller has gone', async (t) => {
  const { mutate, plain } = await rig({ fault: 'apply-late', delayMs: 3000 });
  const pass = useClock(t);
  const gone = new AbortController();
  const works = [
    watch(mutate(create('late'), { signal: gone.signal })),
    watch(mutate({ verb: 'delete', path: '/lake/old', recursive: false }, { signal: gone.signal })),
  ];
  await idle();
  for (const work of works)
    t.match(work, { state: 'failed', error: { kind: 'unavailable', applied: 'unknown' } });
  gone.abort();
  await pass(2999);
  t.equal(await plain.exists('/lake/f'), false);
  await pass(1);
  t.equal((await plain.read('/lake/f')).toString(), 'late');
  t.equal(await plain.exists('/lake/old'), false);
});

t.test('apply-late: a condition is judged when it lands, so a fence holds', async (t) => {
  const { mutate, plain } = await rig({ fault: 'apply-late', delayMs: 3000 });
  const pass = useClock(t);
  const { etag } = await plain.stat('/lake/old');
  const work = watch(mutate({ ...create('late', '/lake/old'), condition: { ifMatch: etag! } }));
  await idle();
  t.equal(work.error?.applied, 'unknown');
  await plain.write('/lake/old', 'newer');
  await pass(3000);
  t.equal((await plain.read('/lake/old')).toString(), 'newer');
});

t.test('apply-late: long bodies are left out, and a close forgets', async (t) => {
  const { mutate, store, plain, failure } = await rig({ fault: 'apply-late', maxBodyBytes: 10 });
  await mutate(create('longer than that'));
  t.equal((await plain.read('/lake/f')).toString(), 'longer than that');
  const { stream } = bodyOfBytes('longer than that');
  t.match(await failure(mutate({ ...create('', '/lake/unknown'), body: { stream } })), {
    applied: 'unknown',
  });
  const pass = useClock(t);
  t.match(await failure(mutate(create('brief', '/lake/never'))), { applied: 'unknown' });
  await store.close?.();
  await pass(100_000);
  t.strictSame(await plain.names('/lake'), ['f', 'old']);
});

t.test('apply-late and forget: called off before the last step, they do nothing', async (t) => {
  for (const fault of ['apply-late', 'forget'] as const) {
    const { mutate, plain } = await rig({ fault, delayMs: 0 });
    const beforeCommit = () => Promise.reject(new Error('called off'));
    await t.rejects(mutate(create(), { beforeCommit }), { message: 'called off' });
    t.equal(await plain.exists('/lake/f'), false, fault);
    const word = Promise.withResolvers<void>();
    const work = watch(mutate(create(), { beforeCommit: () => word.promise }));
    await idle();
    t.equal(work.state, 'pending', `${fault} waits for the word`);
    word.resolve();
    await idle();
    t.not(work.state, 'pending');
  }
});

t.test('forget: acks what it has not done', async (t) => {
  const { mutate, plain } = await rig({ fault: 'forget' });
  const asked = create('12345');
  t.match(await mutate(asked), { entry: { path: '/lake/f', lengthBytes: 5, etag: String } });
  t.equal(asked.body.stream.destroyed, true);
  await mutate({ verb: 'delete', path: '/lake/old', recursive: false });
  t.strictSame(await plain.names('/lake'), ['old']);
});

t.test('short-page: fewer entries and a token, and the listing is whole in the end', async (t) => {
  const all = ['a', 'a/1', 'a/2', 'b', 'c', 'c/1', 'old'];
  for (const pageEntries of [0, 1, 2]) {
    const { page, names, plain } = await rig({ fault: 'short-page', pageEntries });
    for (const name of ['a/1', 'a/2', 'b', 'c/1']) await plain.write(`/lake/${name}`, name);
    const first = await page('/lake');
    t.equal(first.entries.length, pageEntries);
    t.type(first.token, 'string');
    t.strictSame(await names('/lake'), ['a', 'b', 'c', 'old'], `${pageEntries} a page`);
    t.strictSame(await names('/lake', { recursive: true }), all, `${pageEntries} a page, recursive`);
    t.strictSame(await names('/lake', { recursive: true, after: 'b' }), all.slice(4));
  }
});

t.test('drip: bodies pass at their speed, both ways', async (t) => {
  const { mutate, query, plain } = await rig({ fault: 'drip', bytesPerSecond: 1000 });
  const pass = useClock(t);
  const bytes = patternBytes(1000);
  const work = watch(mutate({ ...create(), body: bodyOfBytes(bytes) }));
  await idle();
  for (let tick = 0; tick < 9; tick++) await pass(100);
  t.equal(work.state, 'pending');
  await pass(100);
  t.equal(work.state, 'done');
  t.equal((await plain.read('/lake/f')).equals(bytes), true);
  const { body } = await query({ verb: 'read', path: '/lake/f', offset: 0 });
  const read = watch(buffer(body));
  await idle();
  for (let tick = 0; tick < 9; tick++) await pass(100);
  t.equal(read.state, 'pending');
  await pass(100);
  t.equal(read.state, 'done');
  t.equal(read.value?.equals(bytes), true);
});

t.test('drip: whoever lets the slow body go lets the store’s go', async (t) => {
  const { query, mutate, plain } = await rig({ fault: 'drip', bytesPerSecond: 10 });
  useClock(t);
  const { body } = await query({ verb: 'read', path: '/lake/old', offset: 0 });
  body.resume();
  await idle();
  body.destroy();
  const gone = new AbortController();
  const asked = create('x'.repeat(100));
  const work = watch(mutate(asked, { signal: gone.signal }));
  await idle();
  gone.abort();
  await idle();
  t.match(work, { state: 'failed', error: { kind: 'aborted' } });
  t.equal(asked.body.stream.destroyed, true);
  t.equal(await plain.exists('/lake/f'), false);
});

const call = (operation: Query | Mutation, elapsedMs = 0) => ({ operation, elapsedMs, roomBytes: 1 << 20 });

t.test('a rule is for its verbs, its paths and its hours', async (t) => {
  const half = () => 0.5;
  const chosen = (rule: Partial<ChaosRule>, operation: Query | Mutation, elapsedMs = 0): boolean =>
    chooseFault([ruleOf({ fault: 'refuse', ...rule })], call(operation, elapsedMs), [half]) !== undefined;
  t.equal(chosen({ verbs: ['list'] }, stat), false);
  t.equal(chosen({ verbs: ['list', 'stat'] }, stat), true);
  t.equal(chosen({ path: '/lake' }, stat), true);
  t.equal(chosen({ path: '/lak' }, stat), false);
  const rename = {
    verb: 'rename',
    path: '/a',
    destination: '/lake/b',
    replace: 'any',
    intoDirectory: false,
  } as const;
  t.equal(chosen({ path: '/lake' }, rename), true, 'any path that it names');
  t.equal(chosen({ probability: 0.5 }, stat), false);
  t.equal(chosen({ probability: 0.51 }, stat), true);
  const open = [0, 99, 100, 119, 120, 199, 200, 219, 220].map((ms) =>
    isOpen(ruleOf({ fault: 'refuse', afterMs: 100, everyMs: 100, forMs: 20 }), ms),
  );
  t.strictSame(open, [false, false, true, true, false, false, true, true, false]);
  t.equal(isOpen(ruleOf({ fault: 'refuse', afterMs: 5, forMs: 5 }), 10), false, 'once');
  t.equal(isOpen(ruleOf({ fault: 'refuse' }), 1e9), true, 'for good');
});

t.test('the first rule that fits wins; a fault without anything to work on passes', async (t) => {
  const rules = (['cut', 'drip', 'apply-late', 'forget', 'short-page', 'refuse'] as const).map((fault) =>
    ruleOf({ fault }),
  );
  const never = () => 0;
  const fault = (operation: Query | Mutation) =>
    chooseFault(
      rules,
      call(operation),
      rules.map(() => never),
    )?.fault;
  t.equal(fault(stat), 'refuse');
  t.equal(fault({ verb: 'list', path: '/', recursive: false, limit: 1 }), 'short-page');
  t.equal(fault({ verb: 'delete', path: '/a', recursive: true }), 'apply-late');
  t.equal(fault(create()), 'cut');
});

t.test('the same seed makes the same faults, another seed others', async (t) => {
  const faults = async (seed: number): Promise<string> => {
    const rules = [
      ruleOf({ fault: 'refuse', probability: 0.3 }),
      ruleOf({ fault: 'lose-answer', probability: 0.3 }),
    ];
    const { query } = createFixture(withChaos(createMemoryStore({ name: 'm' }), { seed, rules }), '/');
    const seen: string[] = [];
    for (let i = 0; i < 60; i++) {
      await query({ verb: 'stat', path: '/' }).then(
        () => seen.push('.'),
        (error: StoreError) => seen.push(error.code === undefined ? 'r' : 'l'),
      );
    }
    return seen.join('');
  };
  const [first, again, other] = [await faults(7), await faults(7), await faults(8)];
  t.equal(first, again);
  t.not(first, other);
  for (const mark of '.rl') t.ok(first.includes(mark), first);
  const die = seededDie(3);
  const throws = Array.from({ length: 10_000 }, die);
  t.ok(throws.every((each) => each >= 0 && each < 1));
  t.ok(Math.abs(throws.reduce((sum, each) => sum + each, 0) / 10_000 - 0.5) < 0.02);
});
