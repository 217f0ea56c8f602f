// The one directory of everything that must survive a restart.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The directory, made if missing. */
export async function makeStateDir(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** The key that signs two-step links (semantics A6): made once, readable by us only. */
export async function linkKey(dir: string): Promise<Buffer> {
  const file = join(dir, 'link.key');
  try {
    const created = await open(file, 'wx', 0o600);
    await created.writeFile(randomBytes(32));
    await created.sync();
    await created.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFile(file);
}
