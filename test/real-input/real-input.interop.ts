// A real tree of thousands of files goes through the gateway with every client there is; then both stores are compared byte by byte,
// directly, and through the gateway with the protocol that did not write.
import t from 'tap';
import { startInstallation } from './installation.ts';
import { createPhases } from './phases.ts';
import { listingOf, realTree, wholeTree } from './real-tree.ts';
import { fetchClient } from './tree-clients.ts';

const dir = t.testdir({});
const files = await realTree(`${dir}/names`, wholeTree);
const wanted = await listingOf(files);
const totalBytes = files.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
t.ok(files.length >= 3000, `${files.length} files`);
t.ok(totalBytes >= 300e6, `${(totalBytes / 1e6).toFixed()} MB`);
t.ok(Math.max(...files.map(({ lengthBytes }) => lengthBytes)) > 100e6, 'one file is larger than 100 MB');

const lake = await startInstallation(t, dir);
const phases = createPhases(t, lake, files, wanted);
await phases.write();
await phases.compareStores(fetchClient(lake.sourceUrl));
await phases.readBack();
await phases.list();
await phases.end();
