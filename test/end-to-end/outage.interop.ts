// A store goes away and comes back: writes go on, what it missed is counted, and both stores become equal by themselves.
import t, { type Test } from 'tap';
import type { Side } from '../../src/core/store.ts';
import { adminView, drained, until } from './admin-view.ts';
import { lakeFilesystem, type WebhdfsClient, webhdfsClient } from './clients.ts';
import { type Lake, routesOf, startLake } from './lake.ts';
import { before, everyKindOfWrite, readsEverything } from './outage-writes.ts';
import { sameTrees } from './trees.ts';

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

  const spanning = files.getFileClient('spanning');
  await spanning.create();
  await spanning.append('before the outage, ', 0, 19);
  await lake[secondary].kill();
  await spanning.append('during it', 19, 9);
  await spanning.flush(28);
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
  t.equal((await hdfs.read('/lake/spanning'))?.bytes.toString(), 'before the outage, during it');
  const { json } = await webhdfsClient(lake.source.url).call('GET', '/lake/restricted', 'GETFILESTATUS');
  t.match(json.FileStatus, { owner: 'eve', group: 'audit' }, 'owner and group on the source');
  const control = await lakeFilesystem(lake.target.url).getFileClient('restricted').getAccessControl();
  t.match(control, { owner: 'eve', group: 'audit' }, 'owner and group on the target');
}

// Waiting for breakers, repair and processes on a busy machine.
t.setTimeout(300_000);

t.test('the target goes away and comes back', (t) => outageOfSecondary(t, 'source'));
t.test('the source goes away after the cutover and comes back', (t) => outageOfSecondary(t, 'target'));
