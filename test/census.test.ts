// What an app really uses, and what the other store cannot hold of it: both faces over a gateway, the census, the counters, the admin port.
import t, { type Test } from 'tap';
import { lossesOf } from '../src/core/losses.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Query } from '../src/core/query.ts';
import type { RoutingTable } from '../src/core/route.ts';
import type { Side, Store, Supports } from '../src/core/store.ts';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { createWebhdfsFace } from '../src/faces/webhdfs/webhdfs-face.ts';
import { noteServed } from '../src/server/metering.ts';
import { type Census, censusLimits, createCensus, others, traitsOf } from '../src/telemetry/census.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { unknownOperation } from '../src/wire/served.ts';
import { ask, askFollowing } from './face-request.ts';
import { links } from './face-webhdfs-bench.ts';
import { createRig } from './gateway/rig.ts';

const everything: Supports = {
  timePrecisionMs: 1,
  staging: true,
  acl: true,
  owners: true,
  properties: true,
  setTimes: true,
  expiry: true,
  leases: true,
  concat: true,
  atomicCreate: true,
  rootFolders: 'any',
  checksum: 'MD5',
  blocks: true,
};

t.test('what a store cannot hold of an operation', async (t) => {
  const path = '/lake/x';
  const noChecksum = { ...everything };
  delete noChecksum.checksum;
  const noBlocks = { ...everything };
  delete noBlocks.blocks;
  const create = { verb: 'create', path, parents: 'all' } as const;
  const set = { verb: 'set-attributes', path } as const;
  const rows: [string[], Mutation | Query, Supports][] = [
    [['expiry'], { ...set, expiresMs: 5 }, { ...everything, expiry: false }],
    [[], { ...set, expiresMs: null }, { ...everything, expiry: false }],
    [['expiry'], { ...create, attributes: { expiresMs: 5 } }, { ...everything, expiry: false }],
    [['properties'], { ...set, properties: { a: 'b' } }, { ...everything, properties: false }],
    [[], { ...set, properties: {} }, { ...everything, properties: false }],
    [
      ['content-headers'],
      { verb: 'flush', path, position: 0, retain: false, close: true, content: { contentType: 'a/b' } },
      { ...everything, properties: false },
    ],
    [['owner'], { ...set, group: 'staff' }, { ...everything, owners: false }],
    [['acl'], { ...set, acl: { mode: 'set', entries: [] } as never }, { ...everything, acl: false }],
    [[], { ...set, modifiedMs: 5 }, { ...everything, setTimes: false }],
    [['modified-time'], { ...set, modifiedMs: 5 }, { ...everything, setTimes: false, properties: false }],
    [['access-time'], { ...set, accessedMs: 5 }, { ...everything, setTimes: false }],
    [['replication', 'block-size'], { ...create, replication: 2, blockSizeBytes: 1 << 20 }, noBlocks],
    [['checksum'], { verb: 'checksum', path }, noChecksum],
    [['name'], { ...create, path: '/lake/a:b' }, { ...everything, colons: false }],
    [['name'], { ...create, path: '/Lake_1/x' }, { ...everything, rootFolders: 'filesystems' }],
    [
      ['name'],
      { verb: 'rename', path, destination: '/lake/a:b', replace: 'none', intoDirectory: false },
      { ...everything, colons: false },
    ],
    [['name'], { verb: 'stat', path: '/lake/a:b' }, { ...everything, colons: false }],
    [
      [],
      { verb: 'list', path: '/', recursive: false, limit: 1 },
      { ...everything, rootFolders: 'filesystems' },
    ],
  ];
  for (const [losses, asked, can] of rows) {
    t.strictSame(lossesOf(asked, can), losses, JSON.stringify(asked));
    t.strictSame(lossesOf(asked, everything), [], 'nothing is lost where everything can be held');
  }
});

t.test('kinds of names', async (t) => {
  for (const plain of ['/', '/lake/2024-01-01/part-00000_x.csv', '/a=b/c.d'])
    t.strictSame(traitsOf(plain), []);
  t.strictSame(traitsOf('/a b/c+d/50%/#?'), ['space', 'plus', 'percent', 'hash', 'question-mark']);
  t.strictSame(traitsOf(`/it's/10:30/a\\b/end.`), ['quote', 'colon', 'backslash', 'trailing-dot']);
  t.strictSame(traitsOf('/a./b'), ['trailing-dot']);
  t.strictSame(traitsOf('/e\u0301/\t'), ['control-character', 'non-ascii', 'combining-character']);
});

t.test('the census is bounded, whatever clients send', async (t) => {
  const census = createCensus(() => 1000);
  const parameters = Array.from({ length: 500 }, (_, i) => `p${i}`.padEnd(100, 'x'));
  const seen = { face: 'webhdfs', op: 'OPEN', result: 'ok', parameters, losses: [], path: '/x'.repeat(500) };
  for (let i = 0; i < 2 * censusLimits.operations; i++) census.note('a', { ...seen, op: `OP${i}` });
  const { operations } = census.of('a')!;
  t.equal(operations.length, censusLimits.operations + 1);
  t.match(operations.at(-1), { face: others, op: others, results: { ok: censusLimits.operations } });
  const [first] = operations;
  t.equal(Object.keys(first!.parameters).length, censusLimits.parameters + 1);
  t.equal(first!.parameters[others], 500 - censusLimits.parameters);
  t.ok(Object.keys(first!.parameters).every((name) => name.length <= 64));
  for (let i = 0; i < 2 * censusLimits.apps; i++)
    census.note(`app${i}`, { ...seen, parameters: ['constructor'] });
  t.equal(census.of(`app${2 * censusLimits.apps - 1}`), undefined);
  t.equal(census.of(others)!.operations[0]!.parameters.constructor, censusLimits.apps + 1);
  const names = createCensus(() => 1000);
  names.note('long', { ...seen, path: `/${'é'.repeat(100)}/a/${'b'.repeat(199)}` });
  t.match(names.of('long'), {
    longestSegmentBytes: 200,
    deepestSegments: 3,
    names: { 'non-ascii': { count: 1 } },
  });
  names.note('root', { ...seen, path: '/' });
  t.match(names.of('root'), { longestSegmentBytes: 0, deepestSegments: 0 });
});

/** Both faces over a gateway whose sides lack something, with their census. */
async function start(t: Test, writes: 'both' | 'source', lacks: Partial<Record<Side, Partial<Supports>>>) {
  const wrap = (side: Side, store: Store): Store => ({
    ...store,
    supports: { ...store.supports, ...lacks[side] },
  });
  const rig = await createRig(t, { wrap, route: { app: 'billing', writes } });
  const table = (): RoutingTable => ({
    digest: '',
    routes: new Map([[rig.route.app, rig.route]]),
    match: () => rig.route,
  });
  const metrics = createMetrics();
  const census = createCensus(() => 1_700_000_000_000);
  const store = rig.gateway;
  const webhdfs = createWebhdfsFace({
    store,
    links,
    onServed: noteServed('webhdfs', metrics, census, table),
  });
  const dfs = createDfsFace({
    store,
    accounts: ['acct'],
    onServed: noteServed('dfs', metrics, census, table),
  });
  const lines = async (name: string) =>
    (await metrics.expose()).body.split('\n').filter((line) => line.startsWith(`${name}{`));
  return { rig, webhdfs, dfs, census, lines };
}

const operation = (census: Census, op: string) => {
  const found = census.of('billing')!.operations.find((one) => one.op === op);
  return found && { ...found, results: { ...found.results }, parameters: { ...found.parameters } };
};

t.test('both faces tell what was asked, and what of it is lost', async (t) => {
  const { webhdfs, dfs, census, lines, rig } = await start(t, 'both', { target: { expiry: false } });
  const write = '/webhdfs/v1/lake/d/a%20b?op=CREATE&replication=2&overwrite=true&user.name=ann';
  t.equal((await askFollowing(webhdfs, { method: 'PUT', target: write, body: 'one' })).status, 201);
  await rig.settled();
  const expire = '/WebHdfsExt/lake/d/a%20b?op=SETEXPIRY&expiryOption=Absolute&expireTime=4000000000000';
  t.equal((await ask(webhdfs, { method: 'PUT', target: expire })).status, 200);
  t.equal((await ask(webhdfs, { target: '/webhdfs/v1/lake/gone?op=GETFILESTATUS' })).status, 404);
  t.equal((await ask(webhdfs, { target: '/webhdfs/v1/lake?op=GETSTORAGEPOLICY' })).status, 400);
  t.equal((await ask(webhdfs, { target: '/webhdfs/v1/lake?op=WHAT%20EVER' })).status, 400);
  t.equal((await ask(webhdfs, { target: '/webhdfs/v1/%zz?op=OPEN' })).status, 400);
  t.equal(
    (
      await ask(dfs, {
        method: 'PUT',
        target: '/acct/lake/new?resource=file',
        headers: { 'if-none-match': '*' },
      })
    ).status,
    201,
  );
  t.equal((await ask(dfs, { target: '/acct/lake/new?snapshot=2024-01-01T00:00:00.0000000Z' })).status, 400);
  t.equal((await ask(dfs, { method: 'PUT', target: '/acct/lake/new?comp=page' })).status, 501);

  t.match(operation(census, 'CREATE'), {
    face: 'webhdfs',
    results: { redirected: 1, ok: 1 },
    parameters: { replication: 2, overwrite: 2 },
    cannotExpress: { replication: { count: 1, example: '/lake/d/a b' } },
  });
  t.match(operation(census, 'SETEXPIRY'), {
    results: { ok: 1 },
    cannotExpress: { expiry: { count: 1, example: '/lake/d/a b' } },
  });
  t.match(operation(census, 'GETFILESTATUS'), { results: { refused: 1 } });
  t.match(operation(census, 'GETSTORAGEPOLICY'), { results: { unsupported: 1 } });
  t.match(operation(census, unknownOperation), { results: { unsupported: 1 } });
  t.match(operation(census, 'createPath'), {
    face: 'dfs',
    results: { ok: 1 },
    parameters: { 'if-none-match': 1 },
  });
  t.match(operation(census, 'getBlob'), { results: { unsupported: 1 }, parameters: { snapshot: 1 } });
  t.match(census.of('billing'), { names: { space: { count: 3 } }, deepestSegments: 3 });
  t.notOk(operation(census, 'CREATE')!.parameters['user.name'], 'what is in every request says nothing');

  t.strictSame(await lines('twinlake_fidelity_losses_total'), [
    'twinlake_fidelity_losses_total{app="billing",attribute="replication"} 1',
    'twinlake_fidelity_losses_total{app="billing",attribute="expiry"} 1',
  ]);
  const counted = await lines('twinlake_operations_total');
  t.ok(counted.includes('twinlake_operations_total{app="billing",face="webhdfs",op="CREATE",result="ok"} 1'));
  t.ok(
    counted.includes(
      'twinlake_operations_total{app="(none)",face="webhdfs",op="(unknown)",result="refused"} 1',
    ),
  );
  t.notOk(
    counted.some((line) => /WHAT|%zz/.test(line)),
    'clients choose no label',
  );
});

t.test(
  'before the first write is mirrored, the census knows what would be lost, and no loss is counted',
  async (t) => {
    const { webhdfs, census, lines } = await start(t, 'source', {
      target: { expiry: false, rootFolders: 'filesystems' },
    });
    const put = (target: string) => ask(webhdfs, { method: 'PUT', target: `/webhdfs/v1${target}` });
    t.equal((await put('/Raw_Data?op=MKDIRS')).status, 200);
    t.equal((await put('/lake?op=MKDIRS')).status, 200);
    t.equal((await put('/lake?op=SETREPLICATION&replication=3')).status, 200);
    t.match(operation(census, 'MKDIRS'), {
      results: { ok: 2 },
      cannotExpress: { name: { count: 1, example: '/Raw_Data' } },
    });
    t.match(operation(census, 'SETREPLICATION'), { cannotExpress: { replication: { count: 1 } } });
    t.strictSame(await lines('twinlake_fidelity_losses_total'), []);
  },
);
