// A store goes away and comes back: writes go on, what it missed is counted, and both stores become equal by themselves.
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Side } from '../../src/core/store.ts';
import { adminView, drained, until } from './admin-view.ts';
import { lakeFilesystem, sdkRead, type WebhdfsClient, webhdfsClient } from './clients.ts';
import { type Lake, routesOf, startLake } from './lake.ts';
import { sameTrees } from './trees.ts';

type Filesystem = ReturnType<typeof lakeFilesystem>;

/** Bytes that only this seed gives. */
function bytesOf(seed: string, length: number): Buffer {
  const block = createHash('sha512').update(seed).digest();
  return Buffer.alloc(length, block);
}

/** What is there before the outage, for the writes during it to work on. */
async function before(hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  for (const folder of ['moved-folder/deep', 'doomed/deep', 'kept/deep']) {
    for (let i = 0; i < 3; i++)
      await hdfs.write(`/lake/${folder}/file-${i}`, bytesOf(`${folder} ${i}`, 3000));
  }
  for (const name of ['overwritten', 'appended', 'renamed', 'deleted', 'restricted', 'uploaded-over']) {
    await lake.getFileClient(name).upload(bytesOf(name, 2000));
  }
}

/** Every kind of write, by both protocols. Rejects if one of them fails. */
async function everyKindOfWrite(hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  const upload = async (path: string, data: Buffer): Promise<void> => {
    await lake.getFileClient(path).upload(data, { chunkSize: 40_000, maxConcurrency: 4 });
  };
  await hdfs.write('/lake/new/by-webhdfs', bytesOf('new', 5000));
  await upload('new/by-sdk', bytesOf('sdk', 150_000));
  await hdfs.write('/lake/overwritten', bytesOf('overwritten again', 1000));
  await upload('uploaded-over', bytesOf('uploaded over', 100_000));
  await hdfs.append('/lake/appended', bytesOf('tail', 700));
  await hdfs.append('/lake/appended', bytesOf('longer tail', 900));
  await hdfs.call('PUT', '/lake/renamed', 'RENAME', { destination: '/lake/new/renamed' });
  await lake.getDirectoryClient('moved-folder').move('new-place');
  await hdfs.write('/lake/new-place/deep/file-1', bytesOf('changed after the move', 100));
  await hdfs.call('DELETE', '/lake/doomed', 'DELETE', { recursive: true });
  await lake.getFileClient('deleted').delete();
  await hdfs.call('PUT', '/lake/made/deep/folder', 'MKDIRS');
  await lake.getDirectoryClient('made-by-sdk').create();
  await hdfs.call('PUT', '/lake/restricted', 'SETPERMISSION', { permission: '640' });
  await lake.getDirectoryClient('kept').setPermissions({
    owner: { read: true, write: true, execute: true },
    group: { read: true, write: false, execute: true },
    other: { read: false, write: false, execute: false },
    stickyBit: false,
    extendedAcls: false,
  });
  await hdfs.call('PUT', '/lake/kept/deep', 'MODIFYACLENTRIES', { aclspec: 'user:eve:r-x' });
  await hdfs.write('/lake/short-lived', 'x');
  await hdfs.call('DELETE', '/lake/short-lived', 'DELETE');
}

/** Median of five small writes, milliseconds. */
async function medianWriteMs(hdfs: WebhdfsClient, name: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await hdfs.write(`/lake/timed/${name}-${i}`, 'x'.repeat(4096));
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[2]!;
}

/** What was written is what is read, whatever side gives it. */
async function readsEverything(t: Test, hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  const is = async (path: string, expected: Buffer | undefined): Promise<void> => {
    const [byWebhdfs, bySdk] = [await hdfs.read(`/lake/${path}`), await sdkRead(lake, path)];
    t.ok(expected ? byWebhdfs?.bytes.equals(expected) : !byWebhdfs, `${path} by WebHDFS`);
    t.ok(expected ? bySdk?.bytes.equals(expected) : !bySdk, `${path} by the SDK`);
  };
  await is('new/by-webhdfs', bytesOf('new', 5000));
  await is('new/by-sdk', bytesOf('sdk', 150_000));
  await is('overwritten', bytesOf('overwritten again', 1000));
  await is('uploaded-over', bytesOf('uploaded over', 100_000));
  const tails = [bytesOf('tail', 700), bytesOf('longer tail', 900)];
  await is('appended', Buffer.concat([bytesOf('appended', 2000), ...tails]));
  await is('new/renamed', bytesOf('renamed', 2000));
  await is('renamed', undefined);
  await is('new-place/deep/file-0', bytesOf('moved-folder/deep 0', 3000));
  await is('new-place/deep/file-1', bytesOf('changed after the move', 100));
  await is('moved-folder/deep/file-0', undefined);
  await is('doomed/deep/file-0', undefined);
  await is('deleted', undefined);
}

const otherOf = (side: Side): Side => (side === 'source' ? 'target' : 'source');

async function outageOfSecondary(t: Test, primary: Side): Promise<void> {
  const secondary = otherOf(primary);
  const lake: Lake = await startLake(t, { routes: routesOf({ reads: primary }) });
  const admin = adminView(lake.gateway.adminUrl);
  const hdfs = webhdfsClient(lake.gateway.url);
  const files = lakeFilesystem(lake.gateway.url);
  await before(hdfs, files);
  const healthyMs = await medianWriteMs(hdfs, 'healthy');
  await drained(t, admin);

  await lake[secondary].kill();
  await everyKindOfWrite(hdfs, files);
  const breaker = { side: secondary };
  await until('the breaker opens', () => admin.metric('twinlake_breaker_state', breaker).then((n) => n > 0));
  const outageMs = await medianWriteMs(hdfs, 'outage');
  t.comment(
    `median of a 4 KiB write: ${healthyMs.toFixed(1)} ms, during the outage ${outageMs.toFixed(1)} ms`,
  );
  t.ok((await admin.metric('twinlake_divergent_paths')) > 10, 'divergences are counted');
  const { items } = await admin.divergences();
  t.ok(
    items.every((item) => item.truth === primary),
    `each has its truth on the ${primary}`,
  );
  await readsEverything(t, hdfs, files);

  await lake[secondary].start();
  await drained(t, admin);
  await until('the breaker closes', () =>
    admin.metric('twinlake_breaker_state', breaker).then((n) => n === 0),
  );
  await sameTrees(t, lake);
  await readsEverything(t, hdfs, files);
}

// Waiting for breakers, repair and processes on a busy machine.
t.setTimeout(300_000);

t.test('the target goes away and comes back', (t) => outageOfSecondary(t, 'source'));
t.test('the source goes away after the cutover and comes back', (t) => outageOfSecondary(t, 'target'));
