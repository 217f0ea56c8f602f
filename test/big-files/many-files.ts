// A tree of many files on the disks of both emulators, and how many of them clients list.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lakeFilesystem, webhdfsClient } from '../end-to-end/clients.ts';

const folders = 20;

/** Makes them without any server, for the time's sake. @param dir of the lake @returns how many */
export async function makeManyFiles(dir: string, count: number): Promise<number> {
  const perFolder = count / folders;
  for (const store of ['webhdfs/emulators/webhdfs', 'gen2/emulators/dfs']) {
    for (let folder = 0; folder < folders; folder++) {
      const made = join(dir, store, 'lake/many', `folder-${folder}`);
      await mkdir(made, { recursive: true });
      for (let at = 0; at < perFolder; at++) await writeFile(join(made, `part-${at}.parquet`), '');
    }
  }
  return count;
}

/** Files of the tree, listed recursively. */
export async function listedByGen2(url: string): Promise<number> {
  let files = 0;
  for await (const item of lakeFilesystem(url).listPaths({ path: 'many', recursive: true })) {
    if (!item.isDirectory) files++;
  }
  return files;
}

/** Files of the tree, listed folder by folder. */
export async function listedByWebhdfs(url: string): Promise<number> {
  const hdfs = webhdfsClient(url);
  const list = async (path: string): Promise<{ pathSuffix: string; type: string }[]> =>
    (await hdfs.call('GET', path, 'LISTSTATUS')).json.FileStatuses.FileStatus;
  let files = 0;
  for (const { pathSuffix } of await list('/lake/many')) {
    files += (await list(`/lake/many/${pathSuffix}`)).filter(({ type }) => type === 'FILE').length;
  }
  return files;
}
