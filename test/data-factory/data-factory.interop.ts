// Azure Data Factory's two lake connectors, as far as their wire is known: against the emulators alone, and through the gateway, where
// each reads what the other wrote, with either store as primary.
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { adminView, drained } from '../end-to-end/admin-view.ts';
import { routesOf, startLake } from '../end-to-end/lake.ts';
import { sameTrees } from '../end-to-end/trees.ts';
import { type Connector, rangeBytes } from './connector.ts';
import { type Gen1Connector, gen1Connector } from './gen1-connector.ts';
import { type Gen2Connector, gen2Connector } from './gen2-connector.ts';

t.setTimeout(300_000);

/** Bytes of a block that the sinks send: several ranges for the sources. */
const blockBytes = process.env.TWINLAKE_FULL === '1' ? 4 * 1024 * 1024 : 150_000;

/** Blocks that differ from each other, of one file that differs from others: ASCII, so that a character is a byte. */
function blocksOf(name: string, count: number): string[] {
  const text = encodeURIComponent(name);
  return Array.from({ length: count }, (_, i) => `${text} ${i};`.padEnd(blockBytes - i, `${i}${text}`));
}

const names = ['part-00000.csv', 'part 1+2.csv', 'year=2024/month=01/50%.csv', 'year=2024/month=02/é#1.csv'];

/** A copy activity: a sink writes files, a source lists and reads them. */
async function copyActivity(t: Test, folder: string, sink: Connector, source: Connector): Promise<void> {
  for (const [i, name] of names.entries()) {
    await sink.write(`${folder}/${name}`, blocksOf(name, i + 1));
    await sink.write(`${folder}/${name}`, blocksOf(`${name} again`, i + 1));
  }
  await sink.write(`${folder}/empty.csv`, []);
  t.strictSame((await source.list(folder)).sort(), [...names, 'empty.csv'].sort(), `${folder} is listed`);
  for (const [i, name] of names.entries()) {
    const content = blocksOf(`${name} again`, i + 1).join('');
    t.ok((await source.read(`${folder}/${name}`)) === content, `${folder}/${name} is read`);
  }
  t.equal(await source.read(`${folder}/empty.csv`), '');
}

/** Get Metadata, move and Delete activities. */
async function housekeeping(t: Test, folder: string, first: Connector, second: Connector): Promise<void> {
  t.notOk(await first.exists(`${folder}/_SUCCESS`));
  await first.move(folder, `${folder}-done`);
  t.notOk(await second.exists(`${folder}/${names[0]}`));
  t.ok(await second.exists(`${folder}-done/${names[0]}`));
  await second.remove(`${folder}-done/year=2024`);
  t.strictSame((await first.list(`${folder}-done`)).sort(), [names[1]!, 'empty.csv', names[0]!].sort());
  await second.remove(`${folder}-done`);
  t.notOk(await first.exists(`${folder}-done`));
}

async function gen1Only(t: Test, gen1: Gen1Connector, reader: Connector): Promise<void> {
  const path = `lake/large-${randomUUID()}.bin`;
  const parts = blocksOf('part', 4);
  await gen1.writeInParts(path, parts);
  await gen1.append(path, 'and more');
  t.ok((await reader.read(path)) === `${parts.join('')}and more`, 'parts are joined, and appended to');
  await gen1.writeInParts(path, parts.slice(0, 2));
  t.ok((await reader.read(path)) === parts.slice(0, 2).join(''), 'and written over');
}

async function gen2Only(t: Test, gen2: Gen2Connector, reader: Connector): Promise<void> {
  const path = 'lake/described/f.csv';
  await gen2.write(path, ['x'.repeat(rangeBytes + 1)]);
  t.strictSame(await gen2.describe(path, { batch: '7' }), { batch: '7' }, 'metadata is kept');
  t.equal((await reader.read(path)).length, rangeBytes + 1);
}

for (const reads of ['source', 'target'] as const) {
  t.test(`through the gateway, the ${reads} as primary`, async (t) => {
    const lake = await startLake(t, {
      routes: routesOf({ reads }),
      writes: { lagMs: 30_000, orderWaitMs: 60_000 },
      timeoutMs: 30_000,
    });
    const [gen1, gen2] = [gen1Connector(lake.gateway.url), gen2Connector(lake.gateway.url)];
    await gen2.open();
    await copyActivity(t, 'lake/out1', gen1, gen2);
    await copyActivity(t, 'lake/out2', gen2, gen1);
    await housekeeping(t, 'lake/out1', gen1, gen2);
    await gen1Only(t, gen1, gen2);
    await gen2Only(t, gen2, gen1);
    await drained(t, adminView(lake.gateway.adminUrl));
    await sameTrees(t, lake);
    await housekeeping(t, 'lake/out2', gen2, gen1);
    await drained(t, adminView(lake.gateway.adminUrl));
    await sameTrees(t, lake);
    if (reads === 'target') return;
    // The same servers, past the gateway.
    const [alone1, alone2] = [gen1Connector(lake.source.url), gen2Connector(lake.target.url)];
    await alone2.open();
    for (const [connector, folder] of [
      [alone1, 'lake/alone1'],
      [alone2, 'lake/alone2'],
    ] as const) {
      await copyActivity(t, folder, connector, connector);
      await housekeeping(t, folder, connector, connector);
    }
    await gen1Only(t, alone1, alone1);
    await gen2Only(t, alone2, alone2);
  });
}
