// Whatever clients of both faces do, both sides hold the same afterwards: bytes, rights, properties.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { parseAcl } from '../src/core/acl.ts';
import { ownCtx } from '../src/core/ctx.ts';
import type { Mount } from '../src/core/mount.ts';
import { type Attributes, type Mutation, mapPaths } from '../src/core/mutation.ts';
import type { Route } from '../src/core/route.ts';
import type { Side, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { bodyOfBytes } from './contract/fixture.ts';
import type { Rig } from './gateway/rig.ts';
import { gatewayOverWire } from './stacks/gateway-stacks.ts';
import { compareTrees } from './stacks/same-trees.ts';
import { clients, listen } from './stacks/wire-stacks.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
const runs = Number(process.env.TWINLAKE_TEST_RUNS ?? 12);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);
t.setTimeout(Math.max(120_000, runs * 2000));

type Client = 'webhdfs' | 'gen2';

/** A mutation as plain data, which a failure prints: `content` stands for its body. */
type Plain<M = Mutation> = M extends Mutation ? Omit<M, 'body'> & { content?: string } : never;

/** What one client asks, one request after the other. */
interface Step {
  client: Client;
  asks: readonly Plain[];
}

const mount: Mount = { source: '/clusters', target: '/lake' };
const rootOf: Record<Client, string> = { webhdfs: mount.source, gen2: mount.target };
const blockId = Buffer.from('block-01').toString('base64');

const folder = fc.constantFrom('/d', '/d/g', '/h');
const file = fc.constantFrom('/a', '/d/e', '/d/g/f', '/h/e');
const path = fc.oneof(file, folder);
const content = fc.constantFrom('', 'one', 'three');
const made = fc.record<Attributes>({
  permission: fc.constantFrom(0o666, 0o640, 0o777),
  umask: fc.constantFrom(0, 0o022, 0o027),
});
const properties = fc.constantFrom<Record<string, string>>(
  {},
  { colour: 'red' },
  { colour: 'blue', form: 'b' },
);
const acl = (...specs: string[]) =>
  fc.constantFrom(...specs.map((spec) => ({ mode: 'modify', entries: parseAcl(spec) }) as const));
const fileAcl = acl('user:eve:rwx', 'user:eve:r--,group:staff:rw-', 'mask::r--,user:bob:rw-');
const folderAcl = acl('default:user:eve:r-x', 'default:group:staff:rwx,default:mask::r-x', 'user:eve:r--');
const parents = fc.constant('all' as const);
const anyOf =
  (client: Client) =>
  (asks: readonly Plain[]): Step => ({ client, asks });

const both: fc.Arbitrary<Plain>[] = [
  fc.record({ verb: fc.constant('create'), path: file, parents, content, attributes: made }),
  fc.record({ verb: fc.constant('mkdir'), path: folder, parents, attributes: made }),
  fc.record({ verb: fc.constant('delete'), path, recursive: fc.boolean() }),
  fc.record({
    verb: fc.constant('rename'),
    path,
    destination: path,
    replace: fc.constantFrom('none', 'file', 'any'),
    intoDirectory: fc.boolean(),
  }),
  fc.record({ verb: fc.constant('set-attributes'), path, permission: fc.constantFrom(0o600, 0o644, 0o755) }),
  fc.record({ verb: fc.constant('set-attributes'), path: file, acl: fileAcl }),
  fc.record({ verb: fc.constant('set-attributes'), path: folder, acl: folderAcl }),
  fc.record({
    verb: fc.constant('set-attributes'),
    path,
    acl: fc
      .constantFrom<'remove-all' | 'remove-default'>('remove-all', 'remove-default')
      .map((mode) => ({ mode, entries: [] })),
  }),
];

const ofWebhdfs: fc.Arbitrary<Plain>[] = [
  fc.record({ verb: fc.constant('append'), path: file, content }),
  fc.record({ verb: fc.constant('truncate'), path: file, lengthBytes: fc.constantFrom(0, 1, 3) }),
  fc.record({
    verb: fc.constant('concat'),
    path: file,
    sources: fc.uniqueArray(file, { minLength: 1, maxLength: 2 }),
    create: fc.constant(false),
    deleteSourceDirectory: fc.constant(false),
  }),
];

const ofGen2: fc.Arbitrary<Plain[]>[] = [
  fc.record({ path: file, content, attributes: made }).map(({ path, content, attributes }) => [
    { verb: 'create', path, parents: 'all', upload: true, attributes },
    { verb: 'stage', path, position: 0, content },
    { verb: 'flush', path, position: content.length, retain: false, close: true },
  ]),
  fc.record({ path: file, content: fc.constantFrom('one', 'three') }).map(({ path, content }) => [
    { verb: 'stage-block', path, blockId, content },
    { verb: 'commit-blocks', path, parents: 'all', blockIds: [blockId] },
  ]),
  fc.record({ path, properties }).map((rest) => [{ verb: 'set-attributes', ...rest }]),
];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.oneof(...both, ...ofWebhdfs).map((ask) => anyOf('webhdfs')([ask])),
  fc.oneof(...both.map((ask) => ask.map((each) => [each])), ...ofGen2).map(anyOf('gen2')),
);

function asMutation(root: string, { content, ...rest }: Plain): Mutation {
  const mutation = { ...rest, ...(content === undefined ? {} : { body: bodyOfBytes(content) }) } as Mutation;
  return mapPaths(mutation, (path) => `${root}${path}`);
}

/** How many were done. What is refused leaves no trace, and that is judged by the trees. */
async function take(stores: Record<Client, Store>, { client, asks }: Step, name: string): Promise<number> {
  for (const [done, ask] of asks.entries()) {
    try {
      await stores[client].mutate(asMutation(`${rootOf[client]}/${name}`, ask), ownCtx('sides-agree'));
    } catch (error) {
      if (StoreError.from(error).kind === 'internal') throw error;
      return done;
    }
  }
  return asks.length;
}

/** Something that happens to the gateway between two steps. */
type Event = { away: Side | 'neither' } | { reads: Side } | { failover: Route['failover'] };

const side = fc.constantFrom<Side>('source', 'target');
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ away: fc.constantFrom<Side | 'neither'>('source', 'target', 'neither', 'neither') }),
  fc.record({ reads: side }),
  fc.record({ failover: fc.constantFrom<Route['failover']>('none', 'full') }),
);

function befall({ down, route, repair }: Rig, event: Event): void {
  if ('reads' in event) route.reads = event.reads;
  else if ('failover' in event) route.failover = event.failover;
  else {
    down.clear();
    if (event.away === 'neither') repair.wake();
    else down.add(event.away);
  }
}

/** Runs lists of steps, each in a folder of its own, and compares the sides after each. */
async function agree(t: Test, reads: Side, lists: fc.Arbitrary<(Step | Event)[]>): Promise<void> {
  const { rig, disks, store } = await gatewayOverWire(t, { reads, mount });
  const listener = await listen(store);
  const stores: Record<Client, Store> = {
    webhdfs: clients.webhdfs(listener.url),
    gen2: clients.gen2(listener.url),
  };
  t.teardown(async () => {
    for (const each of Object.values(stores)) await each.close?.();
    await listener.close();
  });
  const mkdir = (path: string) =>
    stores.webhdfs.mutate({ verb: 'mkdir', path, parents: 'all' }, ownCtx('sides-agree'));
  await mkdir(mount.source);
  let run = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(lists, async (steps) => {
      const name = `run-${run++}`;
      await mkdir(`${mount.source}/${name}`);
      for (const each of steps) {
        if ('client' in each) done += await take(stores, each, name);
        else befall(rig, each);
      }
      befall(rig, { away: 'neither' });
      await rig.settled();
      const roots = { source: `${mount.source}/${name}`, target: `${mount.target}/${name}` };
      assert.deepEqual((await compareTrees(disks, roots, true)).differences, []);
    }),
    { seed, numRuns: runs },
  );
  t.ok(done > 3 * runs, `${done} mutations were done in ${run} runs`);
}

const length = { minLength: 1, maxLength: 40, size: 'max' } as const;

for (const reads of ['source', 'target'] satisfies Side[])
  t.test(`reads: ${reads}`, (t) => agree(t, reads, fc.array(step, length)));

t.test('while stores go away and routes flip', (t) =>
  agree(
    t,
    'source',
    fc.array(fc.oneof({ weight: 4, arbitrary: step }, { weight: 1, arbitrary: event }), length),
  ),
);
