// Where clients are installed: outside the repository, once for each list of exact versions.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** $TWINLAKE_CACHE, or a folder of the user's cache. */
export const cacheDir =
  process.env.TWINLAKE_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'twinlake', 'clients');

/** The folder of one installation; another list of packages is another folder. */
export function installDir(cache: string, name: string, packages: readonly string[]): string {
  const digest = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12);
  return join(cache, `${name}-${digest}`);
}

/** Lets `fill` make a folder unless a whole one is there; several processes may try at once. */
export async function installOnce(dir: string, fill: (dir: string) => Promise<void>): Promise<void> {
  if (await isThere(dir)) return;
  const fresh = `${dir}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  try {
    await fill(fresh);
    await rename(fresh, dir);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await isThere(dir))) throw error;
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Runs an installer to its end. @throws Error with what it said */
export async function runInstaller(command: string, args: readonly string[], cwd: string): Promise<void> {
  await promisify(execFile)(command, args, { cwd, maxBuffer: 67_108_864 });
}
