// More than a store at a time: the gateway is killed during an outage, stores come and go under load, the primary is away.
import t, { type Test } from 'tap';
import { adminView, drained, until } from './admin-view.ts';
import { HttpError, lakeFilesystem, sdkRead, type WebhdfsClient, webhdfsClient } from './clients.ts';
import { ownPathsClient, sdkTool, sharedPathClient, startTraffic, webhdfsTool } from './cutover-traffic.ts';
import { type Lake, routesOf, startLake } from './lake.ts';
import { before, bytesOf, everyKindOfWrite, readsEverything } from './outage-writes.ts';
import { sameTrees } from './trees.ts';

t.setTimeout(600_000);

t.test('the gateway is killed while the target is away', async (t) => {
  const lake = await startLake(t);
  const admin = adminView(lake.gateway.adminUrl);
  const hdfs = webhdfsClient(lake.gateway.url);
  const files = lakeFilesystem(lake.gateway.url);
  await before(hdfs, files);
  await drained(t, admin);
  await lake.target.kill();
  await everyKindOfWrite(hdfs, files);
  const { total } = await admin.divergences();

  await lake.gateway.kill();
  await lake.gateway.start();
  t.ok((await admin.divergences()).total >= total, `all ${total} divergences are still known`);
  await readsEverything(t, hdfs, files);
  await hdfs.write('/lake/after-the-restart', 'still writing');

  await lake.target.start();
  await drained(t, admin);
  await sameTrees(t, lake);
  await readsEverything(t, hdfs, files);
});

/** Writes without pause until the gateway is gone; what was acked last of each path, and what may have been written since. */
async function writeUntilGone(
  hdfs: WebhdfsClient,
  name: string,
): Promise<{ path: string; acked: number; tried: number }> {
  const path = `/lake/unstopped/${name}`;
  let acked = 0;
  for (let n = 1; ; n++) {
    try {
      await hdfs.write(path, bytesOf(`${name} ${n}`, 20_000 + n));
      acked = n;
    } catch (error) {
      if (error instanceof HttpError) throw error;
      return { path, acked, tried: n };
    }
  }
}

t.test(
  'the gateway is killed in the middle of writes: no acked one is lost, both stores become equal',
  async (t) => {
    const lake = await startLake(t);
    const admin = adminView(lake.gateway.adminUrl);
    const hdfs = webhdfsClient(lake.gateway.url);
    for (let round = 0; round < 3; round++) {
      const writers = [0, 1, 2, 3].map((n) => writeUntilGone(hdfs, `${round}-${n}`));
      await until(
        'all are at work',
        async () => (await hdfs.read(`/lake/unstopped/${round}-3`)) !== undefined,
      );
      await lake.gateway.kill();
      const written = await Promise.all(writers);
      await lake.gateway.start();
      for (const { path, acked, tried } of written) {
        const found = (await hdfs.read(path))?.bytes;
        const name = path.slice('/lake/unstopped/'.length);
        const isLast = [acked, tried].some(
          (n) => n > 0 && found?.equals(bytesOf(`${name} ${n}`, 20_000 + n)),
        );
        t.ok(isLast || (acked === 0 && !found), `${path}: write ${acked} was acked, ${tried} was under way`);
      }
    }
    await drained(t, admin);
    await sameTrees(t, lake);
  },
);

t.test('stores come and go while clients write and read', async (t) => {
  const lake = await startLake(t, { timeoutMs: 30_000 });
  const admin = adminView(lake.gateway.adminUrl);
  const webhdfs = webhdfsTool(webhdfsClient(lake.gateway.url));
  const sdk = sdkTool(lakeFilesystem(lake.gateway.url));
  const traffic = startTraffic([
    ownPathsClient('webhdfs', webhdfs),
    ownPathsClient('sdk', sdk),
    sharedPathClient('both', [webhdfs, sdk]),
  ]);
  await traffic.rounds(2);
  for (let outage = 1; outage <= 3; outage++) {
    await lake.target.kill();
    await traffic.rounds(5);
    await lake.target.start();
    await traffic.rounds(5);
  }
  await traffic.stop();
  t.ok(traffic.reads.length > 100, `${traffic.reads.length} reads, none failed and none was stale`);
  await drained(t, admin);
  await sameTrees(t, lake);
});

/** A read of each file by both protocols, and who served it. */
async function servedBy(lake: Lake, path: string): Promise<unknown[]> {
  const byWebhdfs = await webhdfsClient(lake.gateway.url).read(`/lake/${path}`);
  const bySdk = await sdkRead(lakeFilesystem(lake.gateway.url), path);
  return [byWebhdfs?.bytes.toString(), byWebhdfs?.servedBy, bySdk?.bytes.toString(), bySdk?.servedBy];
}

async function refusedAs503(t: Test, writing: Promise<unknown>, what: string): Promise<void> {
  const error = await writing.then(
    () => undefined,
    (thrown: { status?: number; statusCode?: number }) => thrown,
  );
  t.equal(error?.status ?? error?.statusCode, 503, what);
}

t.test('the primary is away: with `failover: reads` clean paths are read from the other store', async (t) => {
  const lake = await startLake(t, { routes: routesOf({ reads: 'source', failover: 'reads' }) });
  const admin = adminView(lake.gateway.adminUrl);
  const hdfs = webhdfsClient(lake.gateway.url);
  const files = lakeFilesystem(lake.gateway.url);
  await hdfs.write('/lake/clean', 'the same on both');
  await drained(t, admin);
  const tree = await sameTrees(t, lake);
  t.strictSame(await servedBy(lake, 'clean'), ['the same on both', 'source', 'the same on both', 'source']);

  await lake.source.kill();
  // From the first read on, breaker open or not.
  for (let n = 0; n < 10; n++)
    t.strictSame(await servedBy(lake, 'clean'), ['the same on both', 'target', 'the same on both', 'target']);
  await refusedAs503(t, hdfs.write('/lake/clean', 'not now'), 'a write is refused as temporary');
  await refusedAs503(t, files.getFileClient('new').create(), 'by the SDK too');

  await lake.source.start();
  await drained(t, admin);
  t.strictSame(await sameTrees(t, lake), tree, 'refused writes have changed nothing');
  await until('the breaker closes', async () => (await servedBy(lake, 'clean'))[1] === 'source');
  await hdfs.write('/lake/clean', 'written again');
  t.match(await servedBy(lake, 'clean'), ['written again', /source|target/, 'written again']);
});

t.test('the primary is away: with `failover: full` writes go on at the other store', async (t) => {
  const lake = await startLake(t, { routes: routesOf({ reads: 'source', failover: 'full' }) });
  const admin = adminView(lake.gateway.adminUrl);
  const hdfs = webhdfsClient(lake.gateway.url);
  const files = lakeFilesystem(lake.gateway.url);
  await before(hdfs, files);
  await drained(t, admin);

  await lake.source.kill();
  await everyKindOfWrite(hdfs, files);
  await readsEverything(t, hdfs, files);
  const { items } = await admin.divergences();
  t.ok(
    items.length > 10 && items.every(({ truth }) => truth === 'target'),
    'the target has the newest state',
  );

  await lake.source.start();
  await drained(t, admin);
  await sameTrees(t, lake);
  await readsEverything(t, hdfs, files);
});
