// Blocks of the Blob API: one file each, in a folder per path, until a commit joins them.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../../core/store-error.ts';
import type { Disk } from './disk.ts';
import { gather, type LocalContent, writeContent } from './spool.ts';
import { abandonedUploadMs } from './staging-area.ts';

export interface Blocks {
  add(path: string, blockId: string, content: LocalContent): Promise<void>;
  /** @throws StoreError `invalid`, code `InvalidBlockList` */
  join(path: string, blockIds: readonly string[]): Promise<LocalContent>;
  drop(path: string): Promise<void>;
}

/** Takes up what a former process left. */
export async function openBlocks(disk: Disk): Promise<Blocks> {
  const home = disk.homeFolder('blocks');
  for (const name of await readdir(home)) {
    const { mtimeMs } = await stat(join(home, name));
    if (Date.now() - mtimeMs > abandonedUploadMs) await rm(join(home, name), { recursive: true });
  }
  const held = new Set(await readdir(home));
  const nameOf = (path: string): string => createHash('sha256').update(path).digest('hex');
  const fileOf = (folder: string, blockId: string): string =>
    join(folder, Buffer.from(blockId).toString('hex'));

  return {
    async add(path, blockId, content) {
      const name = nameOf(path);
      const folder = join(home, name);
      await mkdir(folder, { recursive: true });
      held.add(name);
      const file = await writeContent(disk, content);
      await rename(file, fileOf(folder, blockId));
      content.handOver();
      await disk.syncFolder(folder);
    },
    async join(path, blockIds) {
      const folder = join(home, nameOf(path));
      const sizes = new Map<string, number>();
      for (const id of new Set(blockIds)) {
        const stats = statSync(fileOf(folder, id), { throwIfNoEntry: false });
        if (!stats) throw new StoreError('invalid', `no such block: ${id}`, { code: 'InvalidBlockList' });
        sizes.set(id, stats.size);
      }
      return gather(
        disk,
        blockIds.map((id) => ({ file: fileOf(folder, id), lengthBytes: sizes.get(id)! })),
      );
    },
    async drop(path) {
      const name = nameOf(path);
      if (held.delete(name)) await rm(join(home, name), { recursive: true, force: true });
    },
  };
}
