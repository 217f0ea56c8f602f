// The one directory of everything that must survive a restart.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

const keyBytes = 32;

/** The directory, made if missing. */
export async function makeStateDir(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** The key that signs two-step links (semantics A6): made once, readable by us only; whole or not there, whatever fails. */
export async function linkKey(dir: string): Promise<Buffer> {
  const file = join(dir, 'link.key');
  const known = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  // Anybody could sign with an empty key.
  if (known?.length === keyBytes) return known;
  const key = randomBytes(keyBytes);
  const created = await open(`${file}.new`, 'w', 0o600);
  await created.writeFile(key);
  await created.sync();
  await created.close();
  await rename(`${file}.new`, file);
  return key;
}
