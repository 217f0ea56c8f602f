// A local store whose process is killed at any moment: what was acked is there, what was not is there whole or not at all.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { homeName } from '../src/stores/local/disk.ts';
import { createLocalStore } from '../src/stores/local/local-store.ts';
import { createFixture, type Fixture } from './contract/fixture.ts';
import { contentOfRound } from './local-crash/rounds.ts';

const kills = 8;

/** Small and even enough; the seed is printed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs the writer until it has acked so often, then kills it. */
async function writeAndKill(dir: string, first: number, acks: number): Promise<Map<string, number>> {
  const writer = join(import.meta.dirname, 'local-crash/writer.ts');
  const child = spawn(process.execPath, [writer, dir, String(first)], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const exited = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('exit', (_code, signal) => resolve(signal));
  });
  const last = new Map<string, number>();
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, round] = line.split(' ');
    last.set(name!, Number(round));
    seen += 1;
    if (seen === acks) child.kill('SIGKILL');
  }
  const signal = await exited;
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${errors.join('')}`);
  return last;
}

async function checkFile(t: Test, { read, stat }: Fixture, path: string, acked: number): Promise<number> {
  const content = await read(path);
  const { properties } = await stat(path, true);
  const round = Number(properties?.round);
  t.ok(round >= acked, `${path}: round ${round} is not older than ${acked}`);
  const expected = contentOfRound(round);
  const empty = path.endsWith('upload') && content.length === 0 && round > acked;
  t.ok(empty || content.equals(expected), `${path}: whole`);
  return round;
}

async function checkTree(t: Test, fixture: Fixture, acked: Map<string, number>): Promise<void> {
  const { read, exists, names, stat } = fixture;
  await checkFile(t, fixture, '/lake/file', acked.get('create') ?? 0);
  await checkFile(t, fixture, '/lake/upload', acked.get('upload') ?? 0);
  const lines = (await read('/lake/log')).toString().split('\n');
  t.equal(lines.pop(), '', 'the last line of the log is whole');
  t.ok(Number(lines.at(-1) ?? 0) >= (acked.get('append') ?? 0), 'all acked lines are there');
  t.ok(lines.every((line) => /^\d{9}$/.test(line)));
  t.not(await exists('/lake/even'), await exists('/lake/odd'), 'one name of the folder');
  t.ok((await exists('/lake/even/kept')) || (await exists('/lake/odd/kept')), 'with what is in it');
  if (!(await exists('/lake/target'))) return;
  if ((await stat('/lake/target')).type === 'file')
    t.equal((await read('/lake/target')).toString(), 'stood here');
  else t.same(await names('/lake/target'), ['inside'], 'a folder that is deleted is there with all in it');
}

t.test('killed again and again', async (t) => {
  const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.comment(`TWINLAKE_TEST_SEED=${seed}`);
  const random = randomOf(seed);
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-crash-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const open = () => createLocalStore({ name: 'local', dir, fsync: false });
  let store = await open();
  let fixture = createFixture(store, '/lake');
  for (const path of ['/lake/even/kept', '/lake/log']) await fixture.write(path);
  for (const path of ['/lake/file', '/lake/upload'])
    await fixture.write(path, contentOfRound(0), { attributes: { properties: { round: '0' } } });
  await store.close?.();

  let round = 2;
  for (let kill = 0; kill < kills; kill++) {
    const acked = await writeAndKill(dir, round, 1 + Math.floor(random() * 40));
    store = await open();
    fixture = createFixture(store, '/lake');
    await checkTree(t, fixture, acked);
    for (const kind of ['incoming', 'trash'])
      t.same(await readdir(join(dir, homeName, kind)), [], `nothing is left in ${kind}`);
    // The writer wants to make a file where it was killed before it deleted the folder.
    if (await fixture.exists('/lake/target'))
      await fixture.mutate({ verb: 'delete', path: '/lake/target', recursive: true });
    // It goes on with an even round if the folder bears its even name.
    const highest = Math.max(round, ...acked.values()) + 1;
    round = highest + ((highest % 2 === 0) === (await fixture.exists('/lake/even')) ? 0 : 1);
    await store.close?.();
  }
});
