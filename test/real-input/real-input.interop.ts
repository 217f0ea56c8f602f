// A real tree of thousands of files goes through the gateway with every client there is; then both stores are compared byte by byte,
// directly, and through the gateway with the protocol that did not write.
import t, { type Test } from 'tap';
import { adminView, drained } from '../end-to-end/admin-view.ts';
import { differences } from './differences.ts';
import { startInstallation } from './installation.ts';
import { type LocalFile, listingOf, realTree, wholeTree } from './real-tree.ts';
import {
  dealOut,
  fetchClient,
  forAll,
  npmClient,
  sdkClient,
  type TreeReader,
  wholeListing,
} from './tree-clients.ts';

/** What the gateway may have resident at any moment, MiB (issue 3). */
const maxResidentMiB = 400;

const dir = t.testdir({});
const files = await realTree(`${dir}/names`, wholeTree);
const wanted = await listingOf(files);
const totalMB = files.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) / 1e6;
t.ok(files.length >= 3000, `${files.length} files`);
t.ok(totalMB >= 300, `${totalMB.toFixed()} MB`);
t.ok(Math.max(...files.map(({ lengthBytes }) => lengthBytes)) > 100e6, 'one file is larger than 100 MB');

const lake = await startInstallation(t, dir);
const admin = adminView(lake.adminUrl);
const written = dealOut(files);
const through = {
  sdk: sdkClient(lake.dataUrl),
  npm: npmClient(lake.dataUrl),
  fetch: fetchClient(lake.dataUrl),
};

async function timed(test: Test, what: string, work: () => Promise<void>): Promise<void> {
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  const peak = (await lake.peakMiB()).toFixed();
  test.comment(`${what}: ${seconds.toFixed(1)} s, gateway's peak ${peak} MiB`);
}

await t.test('everything is written through the gateway', async (test) => {
  await timed(test, `${files.length} files, ${totalMB.toFixed()} MB written`, async () => {
    await Promise.all([
      forAll(written.sdk, through.sdk.write),
      forAll(written.npm, through.npm.write),
      forAll(written.fetch, through.fetch.write),
    ]);
  });
  const diverged = await admin.metric('twinlake_divergent_paths');
  await timed(test, `${diverged} divergent paths settled`, () => drained(test, admin));
});

for (const [name, reader] of Object.entries({
  source: fetchClient(lake.sourceUrl),
  target: sdkClient(lake.targetUrl),
})) {
  await t.test(`the ${name}, read directly, has every byte and nothing else`, async (test) => {
    await timed(test, `all of the ${name} read`, async () => {
      test.strictSame(differences(wanted, await wholeListing(reader)), []);
    });
  });
}

await t.test('through the gateway, every file reads the same in the other protocol', async (test) => {
  const readBack = async (some: LocalFile[], reader: Pick<TreeReader, 'read'>): Promise<void> => {
    const found = new Map<string, string>();
    await forAll(some, async ({ path }) => void found.set(path, await reader.read(path)));
    test.strictSame(differences(new Map(some.map(({ path }) => [path, wanted.get(path)!])), found), []);
  };
  await timed(test, 'all read through the gateway', async () => {
    await Promise.all([
      readBack([...written.npm, ...written.fetch], through.sdk),
      readBack(
        written.sdk.filter((_, index) => index % 2 === 0),
        through.npm,
      ),
      readBack(
        written.sdk.filter((_, index) => index % 2 === 1),
        through.fetch,
      ),
    ]);
  });
});

await t.test('through the gateway, both protocols list the same', async (test) => {
  const lengths = new Map([...wanted].map(([path, what]) => [path, what.split(' ')[0]!]));
  await timed(test, 'all listed through the gateway', async () => {
    test.strictSame(differences(lengths, await through.sdk.list()), []);
    test.strictSame(differences(lengths, await through.fetch.list()), []);
  });
});

await t.test('the gateway stays small', async (test) => {
  const peak = await lake.peakMiB();
  test.ok(peak < maxResidentMiB, `${peak.toFixed()} MiB of ${maxResidentMiB}`);
  test.equal(await lake.gateway.stop(), 0, 'and stops when told to');
});
