// Drills as operators have them: in a config, in the emulators over HTTP, and through the whole contract.
import t, { type Test } from 'tap';
import { runConfigCheck } from '../src/cli/config-check.ts';
import { parseGatewayConfig } from '../src/config/gateway-config.ts';
import type { Store } from '../src/core/store.ts';
import { withChaos } from '../src/layers/chaos.ts';
import { withTimeout } from '../src/layers/timeout.ts';
import { startEmulators } from '../src/server/start-emulators.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { refusal } from './config-refusal.ts';
import { bodyOfBytes, createFixture, patternBytes } from './contract/fixture.ts';
import { storeContract } from './contract/store-contract.ts';
import { bare } from './stacks/stack.ts';
import { clients, tickingMemory } from './stacks/wire-stacks.ts';

const rules = (...each: string[]): string => `chaos: { seed: 5, rules: [${each.join(', ')}] }`;

function configOf({ layers = '', webhdfs = '', dfs = '' }, dir: string) {
  const text = [
    `state: { dir: ${dir} }`,
    'stores:',
    `  source: { type: memory, layers: { ${layers} } }`,
    '  target: { type: memory }',
    'emulators:',
    `  webhdfs: { port: 0${webhdfs && `, ${webhdfs}`} }`,
    `  dfs: { port: 0${dfs && `, ${dfs}`} }`,
  ].join('\n');
  return parseGatewayConfig(text, { file: 'g', dir, env: {} });
}

t.test('the rules of a drill are checked like every other key', async (t) => {
  const dir = t.testdir({});
  const { chaos } = configOf({ layers: rules('{ fault: cut, probability: 0.25, verbs: [read] }') }, dir)
    .stores.source.layers;
  t.match(chaos, {
    seed: 5,
    rules: [{ fault: 'cut', probability: 0.25, verbs: ['read'], afterMs: 0, afterBytes: 0, delayMs: 1000 }],
  });
  const refused = (rule: string): string => refusal(() => configOf({ layers: rules(rule) }, dir));
  t.match(refused('{ fault: explode }'), /^g:3:\d+: 'explode' must be one of refuse, throttle/);
  t.match(refused('{ fault: cut, verbs: [reed] }'), /'reed' must be one of .*read/);
  t.match(refused('{ fault: cut, probability: 1.5 }'), /'1.5' must be a number from 0 to 1/);
  t.match(refused('{ fault: cut, forMS: 5 }'), /unknown key 'forMS': did you mean 'forMs'/);
  t.match(refused('{ fault: cut, everyMs: 5 }'), /^g:3:\d+: needs forMs beside it/);
  t.match(refused('{ fault: cut, everyMs: 5, forMs: 6 }'), /^g:3:\d+: must be at most everyMs \(5\)/);
  t.match(
    refusal(() => configOf({ dfs: rules('{ fault: cut, path: x }') }, dir)),
    /^g:7:\d+: 'x' must be a path that begins with \//,
  );
  const files = t.testdir({
    'gateway.yaml': `state: { dir: s }\nstores:\n  source: { type: memory, layers: { ${rules('{ fault: boom }')} } }\n  target: { type: memory }\n`,
    'routes.yaml': 'mounts: [{ source: /, target: / }]\napps: { default: { reads: source, writes: both } }\n',
  });
  const said: string[] = [];
  t.equal(await runConfigCheck(files, (line) => said.push(line), {}), 1);
  t.match(said[0], /gateway.yaml:3:\d+: 'boom' must be one of/);
});

/** Faults by folder, so that one emulator shows them all; queries are left alone. */
const drill = rules(
  '{ fault: cut, path: /lake/cut, verbs: [create, stage, read], afterBytes: 100000 }',
  '{ fault: hang, path: /lake/hang, verbs: [append, stage, delete] }',
  '{ fault: lose-answer, path: /lake/lost, verbs: [delete, list] }',
  '{ fault: apply-late, path: /lake/late, verbs: [delete], delayMs: 30 }',
  '{ fault: throttle, path: /lake/throttled, verbs: [delete], retryAfterMs: 7000 }',
);

async function emulators(t: Test): Promise<Record<'webhdfs' | 'gen2', Store>> {
  const config = configOf({ webhdfs: drill, dfs: drill }, t.testdir({})).emulators;
  const running = await startEmulators(config, 60_000, createLogger({ level: 'silent' }));
  const stores = { webhdfs: clients.webhdfs(running.webhdfsUrl), gen2: clients.gen2(running.dfsUrl) };
  t.teardown(async () => {
    await Promise.all(Object.values(stores).map((store) => store.close?.()));
    await running.close();
  });
  return stores;
}

for (const client of ['webhdfs', 'gen2'] as const) {
  t.test(`an emulator under a drill, seen by the driver of ${client}`, async (t) => {
    const store = (await emulators(t))[client];
    const { mutate, query, write, read, exists, failure } = createFixture(store, '/lake');
    const remove = (path: string) => mutate({ verb: 'delete', path, recursive: false });
    await mutate({ verb: 'mkdir', path: '/lake', parents: 'all' });
    for (const name of ['lost', 'late', 'throttled', 'cut']) await write(`/lake/${name}/f`, 'before');
    await write('/lake/hang/empty');

    const lost = { kind: 'unavailable', temporary: true, applied: 'unknown' };
    t.match(await failure(remove('/lake/lost/f')), lost, 'the connection broke');
    t.equal(await exists('/lake/lost/f'), false, 'it is done all the same');
    const listing = query({ verb: 'list', path: '/lake/lost', recursive: false, limit: 10 });
    t.match(await failure(listing), { ...lost, applied: 'no' }, 'a query changes nothing');

    t.match(await failure(remove('/lake/late/f')), lost);
    while (await exists('/lake/late/f')) await new Promise(setImmediate);
    t.pass('it is done later');

    const throttled = await failure(remove('/lake/throttled/f'));
    t.match(throttled, { kind: 'throttled', temporary: true, applied: 'no' });

    const bytes = patternBytes(600_000);
    const cut = await failure(write('/lake/cut/f', bytes));
    t.match(cut, { temporary: true, applied: 'unknown' }, 'a body breaks off on its way');
    await write('/lake/whole', bytes);
    await mutate({
      verb: 'rename',
      path: '/lake/whole',
      destination: '/lake/cut/whole',
      replace: 'any',
      intoDirectory: false,
    });
    const broken = await query({ verb: 'read', path: '/lake/cut/whole', offset: 0 });
    const seen: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of broken.body) seen.push(chunk);
    })();
    t.match(await failure(reading), { kind: 'unavailable', temporary: true }, 'an answer breaks off');
    const head = Buffer.concat(seen);
    t.ok(head.length <= 100_000 && head.equals(bytes.subarray(0, head.length)), `${head.length} bytes of it`);

    const hanging = createFixture(withTimeout(store, { timeoutMs: 150 }), '/lake');
    const body = bodyOfBytes('x');
    const append = hanging.mutate({ verb: 'append', path: '/lake/hang/empty', position: 0, body });
    t.match(await failure(append), { kind: 'timeout', applied: 'unknown' });
    const bare = hanging.mutate({ verb: 'delete', path: '/lake/hang/empty', recursive: false });
    t.match(await failure(bare), { kind: 'timeout', applied: 'unknown' });
    t.equal((await read('/lake/hang/empty')).length, 0);
  });
}

/** What a healthy store may do anyway: short and empty pages, slow bodies, slow answers. */
const harmless = {
  afterMs: 0,
  delayMs: 1,
  afterBytes: 0,
  bytesPerSecond: 1e9,
  maxBodyBytes: 0,
};

storeContract(t, {
  name: 'a memory that is slow and gives short pages',
  open: async () =>
    bare(
      withChaos(tickingMemory(), {
        seed: 11,
        rules: [
          { ...harmless, fault: 'short-page', probability: 0.3, pageEntries: 0 },
          { ...harmless, fault: 'short-page', probability: 0.3, pageEntries: 1 },
          { ...harmless, fault: 'drip', probability: 0.5, pageEntries: 1 },
          { ...harmless, fault: 'delay', probability: 0.2, pageEntries: 1 },
        ],
      }),
    ),
});
