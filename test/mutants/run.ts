// `npm run mutants [-- WORD...]`: breaks a copy of the project in each of the ways of `mutants.ts` and says which suite noticed. WORD picks
// by a part of the name; `--write` writes all of it into `docs/mutants.md`. A mutant that nothing notices is a failure.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';
import { type Caught, tableOf } from './table.ts';

const root = resolve(import.meta.dirname, '../..');
const copied = ['src', 'test', 'config', 'docs', 'package.json', 'tsconfig.json', '.taprc'];
/** Longest that a suite may take on the sound project, seconds; with a mutant it has twice what it took, and this. */
const limitSeconds = { sound: 600, more: 30 };

const isWritten = process.argv.includes('--write');
const words = process.argv.slice(2).filter((word) => word !== '--write');
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) throw new Error(`no mutant matches ${words.join(' ')}`);
if (isWritten && words.length > 0) throw new Error('the table has all of them');

async function copyProject(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-mutant-'));
  for (const name of copied) await cp(join(root, name), join(dir, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  return dir;
}

interface Ended {
  code: number;
  seconds: number;
  /** The last that it said. */
  tail: string;
}

/** Runs one suite up to its first failure; killed with all that it has started when it takes too long. */
async function runSuite(dir: string, suite: string, seconds: number): Promise<Ended> {
  const began = performance.now();
  const child = spawn(process.execPath, [`test/${suite}`], {
    cwd: dir,
    env: { ...process.env, TAP_BAIL: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-4000);
    });
  const killGroup = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended with all that it started.
    }
  };
  const late = setTimeout(killGroup, seconds * 1000);
  const code = await new Promise<number>((end) => child.once('exit', (status) => end(status ?? 1)));
  clearTimeout(late);
  killGroup();
  return { code, seconds: (performance.now() - began) / 1000, tail };
}

async function breakIt(dir: string, { file, find, replace }: Mutant): Promise<() => Promise<void>> {
  const path = join(dir, file);
  const sound = await readFile(path, 'utf8');
  if (sound.split(find).length !== 2)
    throw new Error(`${file} has not one place like ${JSON.stringify(find)}`);
  await writeFile(
    path,
    sound.replace(find, () => replace),
  );
  return () => writeFile(path, sound);
}

/** How long each suite takes. @throws Error for one that fails anyway, for it would catch everything */
async function soundSeconds(dir: string): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (const suite of new Set(chosen.flatMap(({ suites }) => suites))) {
    const { code, seconds, tail } = await runSuite(dir, suite, limitSeconds.sound);
    if (code !== 0) throw new Error(`${suite} fails on the sound project:\n${tail}`);
    all.set(suite, seconds);
  }
  return all;
}

/** The suite that noticed, if one did. */
async function hunt(dir: string, mutant: Mutant, sound: Map<string, number>): Promise<string | undefined> {
  const mend = await breakIt(dir, mutant);
  try {
    for (const suite of mutant.suites) {
      const { code } = await runSuite(dir, suite, 2 * sound.get(suite)! + limitSeconds.more);
      if (code !== 0) return suite;
    }
    return undefined;
  } finally {
    await mend();
  }
}

const dir = await copyProject();
const caught: Caught[] = [];
try {
  const sound = await soundSeconds(dir);
  for (const mutant of chosen) {
    const suite = await hunt(dir, mutant, sound);
    caught.push({ mutant, suite });
    process.stdout.write(`${suite ? `caught  ${mutant.name}  (${suite})` : `MISSED  ${mutant.name}`}\n`);
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
const missed = caught.filter(({ suite }) => !suite).length;
process.stdout.write(`${chosen.length - missed} caught, ${missed} missed\n`);
if (isWritten) await writeFile(join(root, 'docs/mutants.md'), tableOf(caught, new Date()));
process.exitCode = missed === 0 ? 0 : 1;
