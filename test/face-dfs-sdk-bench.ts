// A Gen2 face over memory behind a socket, with SharedKey signatures checked, and Microsoft's own clients pointed at it.
import { BlobServiceClient } from '@azure/storage-blob';
import { DataLakeServiceClient, StorageSharedKeyCredential } from '@azure/storage-file-datalake';
import type { Test } from 'tap';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { serveFace } from './face-server.ts';
import { signedBy } from './signed-accounts.ts';

const account = 'devstoreaccount1';
const key = Buffer.from('a key that is long enough for everybody').toString('base64');
const once = { retryOptions: { maxTries: 1 } };

/** Clients of an account without a filesystem. */
export async function bench(t: Test, signedWith = key) {
  const store = createMemoryStore({ name: 'memory', rootFolders: 'filesystems' });
  const face = createDfsFace({ store, ...signedBy({ [account]: key }) });
  const server = await serveFace(face);
  t.teardown(() => server.close());
  const credential = new StorageSharedKeyCredential(account, signedWith);
  const url = `${server.url}/${account}`;
  const lake = new DataLakeServiceClient(url, credential, once);
  const blobs = new BlobServiceClient(url, credential as never, once);
  const filesystem = lake.getFileSystemClient('lake');
  return { store, lake, blobs, filesystem, container: blobs.getContainerClient('lake'), url };
}

/** The same with the filesystem `lake`. */
export async function lakeBench(t: Test) {
  const all = await bench(t);
  await all.filesystem.create();
  return all;
}

/** Rejects with this status and code. */
export async function refused(t: Test, promise: Promise<unknown>, statusCode: number, code: string) {
  await promise.then(
    () => t.fail(`should have been ${statusCode} ${code}`),
    (error) => {
      t.equal(error.statusCode, statusCode, code);
      t.equal(error.response?.headers.get('x-ms-error-code') ?? error.code, code);
    },
  );
}

/** All of a paged list. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
