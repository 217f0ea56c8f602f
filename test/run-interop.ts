// `npm run interop [-- --full] [-- WORD...]`: the suites with real clients and servers, one after the other.
// They take minutes, so they are not part of `npm test`. WORD picks suites by a part of their path; --full takes the full sizes.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';

/** Longest a suite may take, seconds: in CI, and in full size. */
const limitSeconds = { ci: 600, full: 7200 };

const root = resolve(import.meta.dirname, '..');
const words = process.argv.slice(2).filter((word) => word !== '--full');
const full = process.argv.includes('--full');
const suites = globSync('test/**/*.interop.ts', { cwd: root })
  .sort()
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
if (suites.length === 0) throw new Error(`no suite matches ${words.join(' ')}`);

const timeout = full ? limitSeconds.full : limitSeconds.ci;
const tap = spawn(
  'tap',
  ['--disable-coverage', '--jobs=1', `--timeout=${timeout}`, '--reporter=tap', ...suites],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...(full ? { TWINLAKE_FULL: '1' } : {}) },
  },
);
tap.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
