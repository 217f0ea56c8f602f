// The clients that write, read and list the tree: Azure's SDK, the npm package `webhdfs`, and plain fetch in two steps.
import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { createRequire } from 'node:module';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataLakeServiceClient, StorageSharedKeyCredential } from '@azure/storage-file-datalake';
import pLimit from 'p-limit';
import { devstoreKey } from '../../src/config/secret.ts';
import { account } from '../end-to-end/clients.ts';
import { describeFile, type Listing, type LocalFile } from './real-tree.ts';

/** Reads and lists the tree on one server with one protocol. */
export interface TreeReader {
  /** What the file looks like in a `Listing`. Rejects if it cannot be read whole. */
  read(path: string): Promise<string>;
  /** Every path: `directory`, or the length of a file. */
  list(): Promise<Map<string, string>>;
}

/** Writes one file whole, over what is there. */
export type WriteFile = (local: LocalFile) => Promise<void>;

/** Files on their way at once, of one kind of client. */
export const concurrency = 8;

const digest = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash('sha256');
  let lengthBytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    lengthBytes += chunk.length;
  }
  return describeFile(lengthBytes, hash.digest('hex'));
};

/**
 * Azure's SDK with SharedKey, as it comes: it sends a request again that is answered 503, as an append gets that waited too long for those
 * before it on a store that appends only at the end. @param url a server, without the account
 */
export function sdkClient(url: string): TreeReader & { write: WriteFile } {
  const credential = new StorageSharedKeyCredential(account, devstoreKey);
  const lake = new DataLakeServiceClient(`${url}/${account}`, credential).getFileSystemClient('lake');
  return {
    write: async ({ path, file }) => {
      await lake.getFileClient(path).uploadFile(file);
    },
    async read(path) {
      const answer = await lake.getFileClient(path).read();
      return digest(answer.readableStreamBody as Readable);
    },
    async list() {
      const listed = new Map<string, string>();
      for await (const item of lake.listPaths({ recursive: true })) {
        listed.set(item.name!, item.isDirectory ? 'directory' : String(item.contentLength));
      }
      return listed;
    },
  };
}

/** The path below the mount's root, escaped. */
const rooted = (path: string): string => {
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  return path === '' ? '/lake' : `/lake/${escaped}`;
};

/** WebHDFS with fetch. @param url a server, without `/webhdfs/v1` */
export function fetchClient(url: string, user = 'ann'): TreeReader & { write: WriteFile } {
  const ask = async (method: string, where: string, body?: Blob): Promise<Response> => {
    const response = await fetch(where, { method, redirect: 'manual', ...(body ? { body } : {}) });
    if (response.ok || response.status === 307) return response;
    throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
  };
  const call = (method: string, path: string, params: Record<string, string>): Promise<Response> => {
    const search = new URLSearchParams({ 'user.name': user, ...params });
    return ask(method, `${url}/webhdfs/v1${rooted(path)}?${search}`);
  };
  const secondStep = async (first: Response): Promise<string> => {
    await first.body?.cancel();
    const location = first.headers.get('location');
    if (first.status !== 307 || !location)
      throw new Error(`${first.url} was not redirected: ${first.status}`);
    return location;
  };
  return {
    async write({ path, file }) {
      const location = await secondStep(await call('PUT', path, { op: 'CREATE', overwrite: 'true' }));
      const second = await ask('PUT', location, await openAsBlob(file, { type: 'application/octet-stream' }));
      await second.body?.cancel();
    },
    async read(path) {
      const first = await call('GET', path, { op: 'OPEN' });
      if (first.status !== 307) return digest(first.body as unknown as AsyncIterable<Uint8Array>);
      const location = await secondStep(first);
      // A NameNode's Location names the file in composed form (Java's URI does that), also where it is not the file's.
      const isComposed = path === path.normalize('NFC');
      const where = isComposed
        ? location
        : location.replace(/\/webhdfs\/v1[^?]*/, `/webhdfs/v1${rooted(path)}`);
      return digest((await ask('GET', where)).body as unknown as AsyncIterable<Uint8Array>);
    },
    async list() {
      const listed = new Map<string, string>();
      const limit = pLimit(concurrency);
      type Status = { pathSuffix: string; type: 'FILE' | 'DIRECTORY'; length: number };
      const walk = async (folder: string): Promise<void> => {
        const answer = await limit(() => call('GET', folder, { op: 'LISTSTATUS' }));
        const { FileStatuses } = (await answer.json()) as { FileStatuses: { FileStatus: Status[] } };
        const folders: string[] = [];
        for (const { pathSuffix, type, length } of FileStatuses.FileStatus) {
          const path = folder === '' ? pathSuffix : `${folder}/${pathSuffix}`;
          listed.set(path, type === 'DIRECTORY' ? 'directory' : String(length));
          if (type === 'DIRECTORY') folders.push(path);
        }
        await Promise.all(folders.map(walk));
      };
      await walk('');
      return listed;
    },
  };
}

interface NpmWebhdfs {
  createWriteStream(path: string): Writable;
  createReadStream(path: string): Readable;
}

/** The npm package `webhdfs`; its callers have to escape paths. @param url a server, without `/webhdfs/v1` */
export function npmClient(url: string): Pick<TreeReader, 'read'> & { write: WriteFile } {
  const { hostname: host, port } = new URL(url);
  const { createClient } = createRequire(import.meta.url)('webhdfs');
  const client: NpmWebhdfs = createClient({ host, port, path: '/webhdfs/v1', user: 'bob' });
  return {
    write: ({ path, file }) =>
      new Promise((resolve, reject) => {
        const remote = client.createWriteStream(rooted(path));
        remote.once('error', reject);
        remote.once('finish', resolve);
        createReadStream(file).once('error', reject).pipe(remote);
      }),
    async read(path) {
      const chunks = client.createReadStream(rooted(path));
      const hash = createHash('sha256');
      let lengthBytes = 0;
      await pipeline(
        chunks,
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            hash.update(chunk);
            lengthBytes += chunk.length;
            done();
          },
        }),
      );
      return describeFile(lengthBytes, hash.digest('hex'));
    },
  };
}

/** Who writes which file: half of them the SDK, a quarter each of the WebHDFS clients; the largest go to all three in turn. */
export function dealOut(files: readonly LocalFile[]): {
  sdk: LocalFile[];
  npm: LocalFile[];
  fetch: LocalFile[];
} {
  const bySize = [...files].sort((a, b) => b.lengthBytes - a.lengthBytes);
  return {
    sdk: bySize.filter((_, index) => index % 2 === 0),
    npm: bySize.filter((_, index) => index % 4 === 1),
    fetch: bySize.filter((_, index) => index % 4 === 3),
  };
}

/** Does `work` for all of them, some at once; rejects at the first failure with the path. */
export async function forAll(paths: readonly LocalFile[], work: WriteFile): Promise<void> {
  const limit = pLimit(concurrency);
  await Promise.all(
    paths.map((local) =>
      limit(async () => {
        try {
          await work(local);
        } catch (error) {
          limit.clearQueue();
          throw new Error(`${local.path}: ${(error as Error).message}`, { cause: error });
        }
      }),
    ),
  );
}

/** What `reader` shows of the whole tree; `read` may be another client of the same server. */
export async function wholeListing(reader: TreeReader): Promise<Listing> {
  const listed = await reader.list();
  const files = [...listed].filter(([, what]) => what !== 'directory');
  const limit = pLimit(concurrency);
  await Promise.all(
    files.map(([path, lengthBytes]) =>
      limit(async () => {
        const read = await reader.read(path);
        listed.set(path, read.startsWith(`${lengthBytes} `) ? read : `${read}, listed as ${lengthBytes}`);
      }),
    ),
  );
  return listed;
}
