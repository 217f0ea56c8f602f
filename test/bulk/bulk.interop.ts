// A tree with large files, put into the lake and got back by the tools that people move data with: equal on both sides, whichever is primary.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import t, { type Test } from 'tap';
import { gen2Digest, webhdfsDigest } from '../big-files/big-clients.ts';
import { digestOf, steadyBody } from '../big-files/steady-body.ts';
import { adminView, drained, until } from '../end-to-end/admin-view.ts';
import { webhdfsClient } from '../end-to-end/clients.ts';
import { type Lake, routesOf, startLake } from '../end-to-end/lake.ts';
import { type BulkClient, bulkClients } from './bulk-clients.ts';

t.setTimeout(7_200_000);

const full = process.env.TWINLAKE_FULL === '1';
/** Of the largest file: 20 MB, more than one piece of every tool; in full size a GiB. */
const largeBytes = full ? 1_073_741_824 : 20_000_000;

/** Relative paths of all files below a folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** A large file, one of nothing, some small ones. @returns path → length and digest */
async function makeTree(folder: string): Promise<Map<string, string>> {
  await mkdir(join(folder, 'a folder/below'), { recursive: true });
  await pipeline(steadyBody(1, 0, largeBytes), createWriteStream(join(folder, 'a folder/large.bin')));
  await writeFile(join(folder, 'empty'), '');
  for (let i = 0; i < 10; i++)
    await writeFile(join(folder, `a folder/below/é ${i}.txt`), `small file ${i}\n`);
  return digestsOf(folder);
}

async function digestsOf(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of await filesIn(folder))
    found.set(path, await digestOf(createReadStream(join(folder, path))));
  return found;
}

interface Journey {
  client: BulkClient;
  lake: Lake;
  disk: string;
  wanted: ReadonlyMap<string, string>;
  name: string;
  scratch: string;
}

async function thereAndBack(t: Test, { client, lake, disk, wanted, name, scratch }: Journey): Promise<void> {
  const places = { url: lake.gateway.url, lake: `/lake/bulk/${name}`, scratch };
  await client.put({ ...places, disk });
  await drained(t, adminView(lake.gateway.adminUrl));
  const [source, target] = [new Map<string, string>(), new Map<string, string>()];
  for (const path of wanted.keys()) {
    const below = `bulk/${name}/${path}`;
    const encoded = below.split('/').map(encodeURIComponent).join('/');
    source.set(path, await webhdfsDigest(lake.source.url, encoded));
    target.set(path, await gen2Digest(lake.target.url, below));
  }
  t.strictSame([...source], [...wanted], 'the source has it');
  t.strictSame([...target], [...wanted], 'the target has it');
  const back = join(scratch, 'back');
  await client.get({ ...places, disk: back });
  t.strictSame([...(await digestsOf(back))], [...wanted], 'what came back is what went out');
}

t.test('bulk tools', async (t) => {
  const lake = await startLake(t, { routes: routesOf({ reads: 'source' }), timeoutMs: 60_000 });
  const room = join(lake.configDir, '..', 'bulk');
  const disk = join(room, 'tree');
  const wanted = await makeTree(disk);
  const clients = bulkClients.filter(({ inCi }) => full || inCi);
  await Promise.all([
    ...clients.map((client) => client.install()),
    webhdfsClient(lake.gateway.url).call('PUT', '/lake/bulk', 'MKDIRS'),
  ]);
  for (const primary of ['source', 'target'] as const) {
    await lake.setRoutes(routesOf({ reads: primary }));
    const admin = adminView(lake.gateway.adminUrl);
    await until(`${primary} is primary`, async () => (await admin.apps())[0]?.effective?.reads === primary);
    for (const client of clients) {
      const name = `${client.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${primary}`;
      const scratch = join(room, name);
      await mkdir(join(scratch, 'back'), { recursive: true });
      const began = performance.now();
      await t.test(`${client.name}, ${primary} is primary`, (t) =>
        thereAndBack(t, { client, lake, disk, wanted, name, scratch }),
      );
      t.comment(`${client.name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
  }
});
