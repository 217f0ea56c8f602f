// The same with a real HDFS as the source: what goes through the gateway is read back by Hadoop's own shell, and the other way round.
// In full size (TWINLAKE_FULL=1) the whole tree, else a part of it.
import t from 'tap';
import { type CommandResult, startHdfs } from '../real-hdfs/start-hdfs.ts';
import { differences } from './differences.ts';
import { startInstallation } from './installation.ts';
import { createPhases } from './phases.ts';
import { type Listing, listingOf, localFiles, realTree, type TreeSize, wholeTree } from './real-tree.ts';
import { fetchClient, sdkClient } from './tree-clients.ts';

/** Some 300 files, one of them the compiler (24 MB). */
const partOfTree: TreeSize = {
  packages: wholeTree.packages,
  maxFiles: 300,
  maxBytes: 1_000_000,
  largest: 30_000_000,
};

// Java takes the encoding of names and of its output from the locale.
process.env.LC_ALL = 'C.UTF-8';
const dir = t.testdir({});
const files = await realTree(`${dir}/names`, process.env.TWINLAKE_FULL ? wholeTree : partOfTree);
const wanted = await listingOf(files);
const lengths: Listing = new Map([...wanted].map(([path, what]) => [path, what.split(' ')[0]!]));

const hdfs = await startHdfs();
t.teardown(() => hdfs.stop());

const worked = ({ code, stdout, stderr }: CommandResult): string => {
  if (code !== 0) throw new Error(`Hadoop ended with ${code}:\n${stderr.slice(-2000)}`);
  return stdout;
};
// The gateway is no superuser there: the folder that it is to fill is its own.
worked(await hdfs.fs(['-mkdir', '/lake']));
worked(await hdfs.fs(['-chown', 'twinlake', '/lake']));

const lake = await startInstallation(t, dir, hdfs.namenodeUrl);
const gatewayUrl = lake.dataUrl.replace(/^http/, 'webhdfs');
const phases = createPhases(t, lake, files, wanted);

/** `fs -ls -R` as path → `directory` or length. */
function listingOfShell(stdout: string): Listing {
  const listing: Listing = new Map();
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const match =
      /^([d-])[rwxtT+-]+\s+\S+\s+\S+\s+\S+\s+(\d+) \d{4}-\d\d-\d\d \d\d:\d\d .*?\/lake\/(.*)$/.exec(line);
    if (!match) throw new Error(`not a line of ls: ${line}`);
    listing.set(match[3]!, match[1] === 'd' ? 'directory' : match[2]!);
  }
  return listing;
}

await phases.write();
await phases.compareStores(fetchClient(hdfs.namenodeUrl, hdfs.user));
await phases.readBack();
await phases.list();

for (const [name, root] of [
  ['HDFS itself', `${hdfs.rpcUrl}/lake`],
  ['the gateway as webhdfs://', `${gatewayUrl}/lake`],
] as const) {
  await t.test(`Hadoop's shell reads it back from ${name}`, async (test) => {
    await phases.timed(test, 'listed', async () => {
      const listing = listingOfShell(worked(await hdfs.fs(['-ls', '-R', root])));
      test.strictSame(differences(lengths, listing), []);
    });
    await phases.timed(test, 'copied', async () => {
      const copy = test.testdir({});
      worked(await hdfs.fs(['-copyToLocal', root, `${copy}/`]));
      const copied = await listingOf(await localFiles(`${copy}/lake`));
      test.strictSame(differences(wanted, copied), []);
    });
  });
}

await t.test("what Hadoop's shell writes through the gateway is in both stores", async (test) => {
  const folder = `${dir}/names`;
  const local = await listingOf(await localFiles(folder, 'put'));
  await phases.timed(test, 'put', async () => {
    worked(await hdfs.fs(['-put', folder, `${gatewayUrl}/lake/put`]));
  });
  const part = (listing: Listing): Listing =>
    new Map([...listing].filter(([path]) => path.startsWith('put')));
  const readers = {
    'the gateway with the SDK': sdkClient(lake.dataUrl),
    'the source': fetchClient(hdfs.namenodeUrl, hdfs.user),
    'the target': sdkClient(lake.targetUrl),
  };
  for (const [name, reader] of Object.entries(readers)) {
    const found: Listing = new Map();
    for (const [path, what] of part(await reader.list()))
      found.set(path, what === 'directory' ? what : await reader.read(path));
    test.strictSame(differences(local, found), [], name);
  }
});

await phases.end();
