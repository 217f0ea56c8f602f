// Files larger than any memory through the gateway: it stays small, and both stores have every byte.
// TWINLAKE_FULL=1: 10 GiB and 200,000 paths; else 1 GiB once for each protocol, 128 MiB and 10,000 paths.
import t, { type Test } from 'tap';
import type { Side } from '../../src/core/store.ts';
import { adminView, drained } from '../end-to-end/admin-view.ts';
import { lakeFilesystem } from '../end-to-end/clients.ts';
import { type Lake, routesOf, startLake } from '../end-to-end/lake.ts';
import {
  type BigFile,
  dfsUpload,
  gen2Digest,
  putBlob,
  type Upload,
  webhdfsCreate,
  webhdfsDigest,
} from './big-clients.ts';
import { listedByGen2, listedByWebhdfs, makeManyFiles } from './many-files.ts';
import { slowRoad } from './slow-road.ts';
import { digestOf, steadyBody } from './steady-body.ts';

/** What the gateway may have resident at any moment, whatever the size of a file, MiB. */
const maxResidentMiB = 300;
const mib = 1024 ** 2;
const full = process.env.TWINLAKE_FULL === '1';
const bigBytes = (full ? 10_240 : 1024) * mib;
/** The largest body of one Gen2 request is 4,000 MiB. */
const oneBodyBytes = (full ? 4000 : 128) * mib;
const slowBytes = (full ? 10_240 : 128) * mib;
const manyFiles = full ? 200_000 : 10_000;
/** What the slow store's line lets through a second. */
const slowBytesPerSecond = 1_000_000;
/** How long repair may take for the largest file, milliseconds. */
const repairMs = full ? 1_200_000 : 120_000;

const otherOf = (side: Side): Side => (side === 'source' ? 'target' : 'source');

async function small(test: Test, lake: Lake): Promise<void> {
  const peak = await lake.gateway.peakMiB();
  test.ok(peak < maxResidentMiB, `the gateway had at most ${peak.toFixed()} of ${maxResidentMiB} MiB`);
}

/** Every byte, read past the gateway; then the file is removed, for the disk's sake. */
async function inBothStores(test: Test, lake: Lake, file: BigFile): Promise<void> {
  const wanted = await digestOf(steadyBody(file.seed, 0, file.lengthBytes));
  test.equal(await webhdfsDigest(lake.source.url, file.path), wanted, 'the source has every byte');
  test.equal(await gen2Digest(lake.target.url, file.path), wanted, 'the target has every byte');
  await lakeFilesystem(lake.gateway.url).getFileClient(file.path).delete();
}

interface Case {
  name: string;
  upload: Upload;
  lengthBytes: number;
}

const cases: Case[] = [
  { name: 'WebHDFS CREATE', upload: webhdfsCreate, lengthBytes: bigBytes },
  { name: '32 Gen2 appends of 32 MiB at once', upload: dfsUpload(32 * mib, 32), lengthBytes: 1024 * mib },
  { name: 'one Gen2 append', upload: dfsUpload(oneBodyBytes), lengthBytes: oneBodyBytes },
  { name: 'one Put Blob', upload: putBlob, lengthBytes: oneBodyBytes },
  ...(full ? [{ name: 'Gen2 appends of 100 MiB', upload: dfsUpload(100 * mib), lengthBytes: bigBytes }] : []),
];

t.test('big files stream through', async (test) => {
  const lake = await startLake(test);
  const admin = adminView(lake.gateway.adminUrl);
  for (const [index, { name, upload, lengthBytes }] of cases.entries()) {
    await test.test(`${name}, ${lengthBytes / mib} MiB`, async (sub) => {
      const file: BigFile = { path: `big-${index}`, seed: index + 1, lengthBytes };
      await upload(lake.gateway.url, file);
      await drained(sub, admin, repairMs);
      await inBothStores(sub, lake, file);
      await small(sub, lake);
    });
  }
});

for (const slow of ['target', 'source'] as const) {
  const upload = slow === 'target' ? webhdfsCreate : dfsUpload(oneBodyBytes);
  const lengthBytes = slow === 'target' ? slowBytes : oneBodyBytes;
  t.test(`the ${slow} is slow: it is let go, later repair copies ${lengthBytes / mib} MiB`, async (test) => {
    const road = slowRoad(test);
    const roads = { [slow]: road.to };
    const lake = await startLake(test, { routes: routesOf({ reads: otherOf(slow) }), roads });
    const admin = adminView(lake.gateway.adminUrl);
    const file: BigFile = { path: `past-${slow}`, seed: 77, lengthBytes };
    road.narrow(slowBytesPerSecond);
    await upload(lake.gateway.url, file);
    test.equal(await admin.metric('twinlake_divergent_paths'), 1, 'the slow side was let go');
    await small(test, lake);
    road.narrow(undefined);
    await drained(test, admin, repairMs);
    await inBothStores(test, lake, file);
    await small(test, lake);
  });
}

t.test(`${manyFiles} files are listed`, async (test) => {
  const lake = await startLake(test);
  const wanted = await makeManyFiles(test.testdirName, manyFiles);
  for (const reads of ['source', 'target'] as const) {
    await lake.setRoutes(routesOf({ reads }));
    test.equal(await listedByGen2(lake.gateway.url), wanted, `as one tree by a Gen2 client, of the ${reads}`);
    test.equal(await listedByWebhdfs(lake.gateway.url), wanted, `by a WebHDFS client, of the ${reads}`);
  }
  await small(test, lake);
});
