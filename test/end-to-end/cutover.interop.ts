// Cutover and rollback under load: one word in routes.yaml changes, no client notices but by who answers.
import t, { type Test } from 'tap';
import { otherSide, type Side } from '../../src/core/store.ts';
import { type AdminView, adminView, drained, until } from './admin-view.ts';
import { lakeFilesystem, webhdfsClient } from './clients.ts';
import {
  contentOf,
  npmTool,
  ownPathsClient,
  quietPathsClient,
  sdkTool,
  sharedPathClient,
  startTraffic,
  type Traffic,
  webhdfsTool,
} from './cutover-traffic.ts';
import { type Lake, routesOf, startLake } from './lake.ts';
import { sameTrees } from './trees.ts';

const full = process.env.TWINLAKE_FULL === '1';
/** Cutovers and rollbacks, and how many rounds of every client lie between two. */
const [flips, roundsBetween] = full ? [30, 20] : [4, 4];

t.setTimeout(full ? 1_800_000 : 300_000);

/** The time in which one side had to answer. */
interface Window {
  side: Side;
  fromMs: number;
  toMs: number;
}

const readsBy = (admin: AdminView, side: Side): Promise<number> =>
  admin.metric('twinlake_queries_total', { side });

/** Flips the route, watches it become effective, and counts who answers afterwards. */
async function flip(t: Test, lake: Lake, traffic: Traffic, side: Side): Promise<Window> {
  const admin = adminView(lake.gateway.adminUrl);
  const savedMs = performance.now();
  await lake.setRoutes(routesOf({ reads: side }));
  await until(
    `/v1/apps shows reads: ${side}`,
    async () => (await admin.apps())[0]?.effective?.reads === side,
  );
  const fromMs = performance.now();
  t.ok(fromMs - savedMs < 2000, `/v1/apps shows reads: ${side} after ${(fromMs - savedMs).toFixed(0)} ms`);
  // What was under way when the route changed comes to its end first.
  await traffic.rounds(1);
  const before = { here: await readsBy(admin, side), there: await readsBy(admin, otherSide(side)) };
  await traffic.rounds(roundsBetween);
  const toMs = performance.now();
  const [here, there] = [await readsBy(admin, side), await readsBy(admin, otherSide(side))];
  t.equal(there - before.there, 0, `no read is answered by the ${otherSide(side)} any more`);
  t.ok(here - before.here >= roundsBetween * 6, `the ${side} has answered ${here - before.here} reads`);
  return { side, fromMs, toMs };
}

t.test('reads move between the stores while clients write and read on both protocols', async (t) => {
  // On a busy machine nothing is to be let go for being late: a divergence would rightly keep its path where it is.
  const lake = await startLake(t, { writes: { lagMs: 30_000 }, timeoutMs: 30_000 });
  const admin = adminView(lake.gateway.adminUrl);
  const webhdfs = webhdfsTool(webhdfsClient(lake.gateway.url));
  const sdk = sdkTool(lakeFilesystem(lake.gateway.url));
  const npm = await npmTool(lake.gateway.url);
  const quiet = new Map(['a', 'b', 'c'].map((name, n) => [`quiet/${name}`, contentOf(name, n)]));
  for (const [path, data] of quiet) await webhdfs.write(path, data);
  await drained(t, admin);

  const traffic = startTraffic([
    ownPathsClient('webhdfs', webhdfs),
    ownPathsClient('sdk', sdk),
    ownPathsClient('npm', npm),
    sharedPathClient('both', [webhdfs, sdk]),
    quietPathsClient('quiet-webhdfs', webhdfs, quiet),
    quietPathsClient('quiet-sdk', sdk, quiet),
  ]);
  await traffic.rounds(2);
  const windows: Window[] = [];
  for (let n = 0; n < flips; n++)
    windows.push(await flip(t, lake, traffic, n % 2 === 0 ? 'target' : 'source'));
  await traffic.stop();
  t.comment(`${traffic.reads.length} reads, none failed and none was stale`);

  const judged = windows.flatMap(({ side, fromMs, toMs }) =>
    traffic.reads
      .filter((read) => read.servedBy !== undefined && read.plannedMs > fromMs && read.endedMs < toMs)
      .map((read) => ({ ...read, side })),
  );
  t.ok(judged.length > flips * roundsBetween, `${judged.length} reads were planned under a known route`);
  t.strictSame(
    judged.filter((read) => read.servedBy !== read.side),
    [],
    'each says that its side has served it',
  );
  t.equal(await admin.metric('twinlake_mutations_total', { outcome: 'unknown' }), 0, 'no write got lost');
  await drained(t, admin);
  await sameTrees(t, lake);
});
