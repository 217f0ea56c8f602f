// `npm run mutants [-- WORD...]`: breaks a copy of the project in each of the ways of `mutants.ts` and says which suite noticed. WORD picks
// by a part of the name. Ends with the number caught; a mutant that nothing notices is a failure.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Mutant, mutants } from './mutants.ts';

const root = resolve(import.meta.dirname, '../..');
const copied = ['src', 'test', 'config', 'package.json', 'tsconfig.json', '.taprc'];
/** Longest a suite may take, seconds; a mutant that hangs is caught by that. */
const limitSeconds = 600;

const words = process.argv.slice(2);
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) throw new Error(`no mutant matches ${words.join(' ')}`);

async function copyProject(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-mutant-'));
  for (const name of copied) await cp(join(root, name), join(dir, name), { recursive: true });
  await run('ln', ['-s', join(root, 'node_modules'), join(dir, 'node_modules')], dir);
  return dir;
}

/** The exit code; output is dropped but for the last lines of a failure that is asked for. */
async function run(command: string, args: string[], cwd: string): Promise<{ code: number; tail: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
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
  const late = setTimeout(killGroup, limitSeconds * 1000 + 10_000);
  const code = await new Promise<number>((end) => child.once('close', (status) => end(status ?? 1)));
  clearTimeout(late);
  killGroup();
  return { code, tail };
}

function runSuite(dir: string, suite: string) {
  const tap = join(dir, 'node_modules/.bin/tap');
  const args = ['--disable-coverage', '--reporter=tap', `--timeout=${limitSeconds}`, `test/${suite}`];
  return run(tap, args, dir);
}

async function breakIt(dir: string, { file, find, replace }: Mutant): Promise<() => Promise<void>> {
  const path = join(dir, file);
  const sound = await readFile(path, 'utf8');
  const places = sound.split(find).length - 1;
  if (places !== 1)
    throw new Error(`${file} has ${places} places like ${JSON.stringify(find)}: mend the mutant`);
  await writeFile(
    path,
    sound.replace(find, () => replace),
  );
  return () => writeFile(path, sound);
}

/** The suite that noticed, if one did. */
async function hunt(dir: string, mutant: Mutant): Promise<string | undefined> {
  const mend = await breakIt(dir, mutant);
  try {
    for (const suite of mutant.suites) if ((await runSuite(dir, suite)).code !== 0) return suite;
    return undefined;
  } finally {
    await mend();
  }
}

const dir = await copyProject();
let missed = 0;
try {
  // A suite that fails anyway would catch everything.
  for (const suite of new Set(chosen.flatMap(({ suites }) => suites))) {
    const { code, tail } = await runSuite(dir, suite);
    if (code !== 0) throw new Error(`${suite} fails on the sound project:\n${tail}`);
  }
  for (const mutant of chosen) {
    const suite = await hunt(dir, mutant);
    if (!suite) missed++;
    process.stdout.write(`${suite ? `caught  ${mutant.name}  (${suite})` : `MISSED  ${mutant.name}`}\n`);
  }
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.stdout.write(`${chosen.length - missed} caught, ${missed} missed\n`);
process.exitCode = missed === 0 ? 0 : 1;
