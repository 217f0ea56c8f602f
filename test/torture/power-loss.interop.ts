// The power fails: of what the gateway wrote to its disk only what it synced is sure to be there. Nothing acknowledged is lost.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import type { Side } from '../../src/core/store.ts';
import { adminView, drained, until } from '../end-to-end/admin-view.ts';
import { lakeFilesystem, webhdfsClient } from '../end-to-end/clients.ts';
import { routesOf, startLake } from '../end-to-end/lake.ts';
import { nodeBinary } from '../end-to-end/server-process.ts';
import { sameTrees } from '../end-to-end/trees.ts';
import { checkFiles, keepWriting, type OwnFiles } from './own-files.ts';
import { randomOf, recordDisk } from './power-loss.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);
const full = process.env.TWINLAKE_FULL === '1';
// Real processes on a busy machine.
t.setTimeout(full ? 3_600_000 : 400_000);

const journalModule = JSON.stringify(resolve(import.meta.dirname, '../../src/journal/sqlite-journal.ts'));

/** Says before and after each change what it does, `WORD PATH`; at the start what it found. */
const journalScript = `
  import { openSqliteJournal } from ${journalModule};
  const [file, round] = process.argv.slice(1);
  const say = (word, path) => process.stdout.write(word + ' ' + path + '\\n');
  const journal = await openSqliteJournal({ file, zombieMs: 0 });
  for (const { path } of (await journal.divergences({ limit: 1e6 })).items) say('found', path);
  say('started', '/');
  await Promise.all([0, 1, 2, 3].map(async (writer) => {
    for (let i = 0; ; i++) {
      const path = '/' + round + '/' + writer + '-' + i;
      const opened = await journal.open({ app: 'a', verb: 'v', reaches: [{ path, subtree: false }],
        primary: 'source', secondary: 'target', staged: false });
      say('opened', path);
      if (i % 3 === 0) continue;
      const divergence = { path, subtree: false, truth: 'target', generation: opened.id, sinceMs: 1,
        reason: 'x'.repeat(3000) };
      await journal.settle(opened, [{ do: 'put', divergence }]);
      if (i % 3 === 1) continue;
      say('clearing', path);
      await journal.apply([{ do: 'clear', path, generation: opened.id }]);
      say('cleared', path);
    }
  }));
`;

/** What is known of a row from what the process said. */
type Known = Map<string, 'there' | 'unsure' | 'gone'>;

const knownAfter = { opened: 'there', clearing: 'unsure', cleared: 'gone' } as const;

/** Nothing is lost and nothing rises from the dead; then what was found is what is known. */
function checkRows(t: Test, known: Known, found: ReadonlySet<string>, round: number): void {
  const those = (state: 'there' | 'gone') =>
    [...known].filter(([, is]) => is === state).map(([path]) => path);
  const lost = those('there').filter((path) => !found.has(path));
  const risen = those('gone').filter((path) => found.has(path));
  t.strictSame({ lost, risen }, { lost: [], risen: [] }, `round ${round}: ${found.size} rows`);
  for (const path of [...known.keys(), ...found]) known.set(path, found.has(path) ? 'there' : 'gone');
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

t.test('the journal alone: what was durable is there, whatever else reached the disk', async (t) => {
  const random = randomOf(seed);
  const dir = t.testdir({ state: {}, scratch: {} });
  const disk = recordDisk(join(dir, 'state'), join(dir, 'scratch'));
  const known: Known = new Map();
  let dropped = 0;
  for (let round = 0; round < (full ? 200 : 15); round++) {
    const args = ['--input-type=module', '-e', journalScript, join(dir, 'state/journal.db'), String(round)];
    const env = { PATH: process.env.PATH, ...disk.env };
    const child = spawn(nodeBinary, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    t.teardown(() => child.kill('SIGKILL'));
    const killAfter = Math.floor(random() * 400);
    const found = new Set<string>();
    let said = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, path] = line.split(' ') as [keyof typeof knownAfter | 'found' | 'started', string];
      if (word === 'found') found.add(path);
      else if (word === 'started') checkRows(t, known, found, round);
      else known.set(path, knownAfter[word]);
      if (word !== 'found' && ++said === killAfter) void killed(child);
    }
    await killed(child);
    const cut = disk.cut(random);
    dropped += cut.unsynced - cut.kept;
  }
  t.ok(dropped > 0, `${dropped} changes were taken back`);
});

t.test('a whole installation: one store is away, the power of the gateway fails', async (t) => {
  const random = randomOf(seed + 1);
  const scratch = await mkdtemp(join(tmpdir(), 'twinlake-power-'));
  t.teardown(() => rm(scratch, { recursive: true, force: true }));
  const disk = recordDisk(join(t.testdirName, 'state'), scratch);
  const routes = routesOf({ reads: 'source', failover: 'full' });
  const lake = await startLake(t, { routes, gatewayEnv: disk.env, writes: { uploadIdleMs: 2000 } });
  const clients = { hdfs: webhdfsClient(lake.gateway.url), gen2: lakeFilesystem(lake.gateway.url) };
  const admin = adminView(lake.gateway.adminUrl);
  const all: OwnFiles[] = Array.from({ length: 4 }, () => ({ holds: new Map(), acked: 0 }));
  const acked = (): number => all.reduce((sum, files) => sum + files.acked, 0);
  for (let round = 0; round < (full ? 60 : 6); round++) {
    const away: Side = round % 2 === 0 ? 'source' : 'target';
    let stopped = false;
    const writing = all.map((files, n) =>
      keepWriting(clients, files, `client-${n}/${round}`, random, () => stopped),
    );
    const awayAt = acked() + Math.floor(random() * 30);
    await until('some writes are answered', () => acked() >= awayAt);
    await lake[away].kill();
    const cutAt = acked() + 8 + Math.floor(random() * 60);
    await until('writes are answered while a store is away', () => acked() >= cutAt);
    await lake.gateway.kill();
    stopped = true;
    await Promise.all(writing);
    const { unsynced, kept } = disk.cut(random);
    await Promise.all([lake[away].start(), lake.gateway.start()]);
    const which = `round ${round}, the ${away} was away, ${kept} of ${unsynced} changes kept`;
    for (const files of all)
      await checkFiles(t, clients.hdfs, files, `${which}: nothing acknowledged is lost`);
    await drained(t, admin);
    await sameTrees(t, lake);
  }
  t.comment(`${acked()} writes were acknowledged`);
});
