// The Gen2 face under Microsoft's own clients, with SharedKey signatures checked: whatever they send must be served.
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { BlobServiceClient } from '@azure/storage-blob';
import {
  DataLakeServiceClient,
  type PathAccessControlItem,
  StorageSharedKeyCredential,
} from '@azure/storage-file-datalake';
import t, { type Test } from 'tap';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { serveFace } from './face-server.ts';

const account = 'devstoreaccount1';
const key = Buffer.from('a key that is long enough for everybody').toString('base64');
const once = { retryOptions: { maxTries: 1 } };

async function bench(t: Test, signedWith = key) {
  const store = createMemoryStore({ name: 'memory', rootFolders: 'filesystems' });
  const face = createDfsFace({ store, accounts: { [account]: key }, auth: 'shared-key' });
  const server = await serveFace(face);
  t.teardown(() => server.close());
  const credential = new StorageSharedKeyCredential(account, signedWith);
  const url = `${server.url}/${account}`;
  const lake = new DataLakeServiceClient(url, credential, once);
  const blobs = new BlobServiceClient(url, credential as never, once);
  const filesystem = lake.getFileSystemClient('lake');
  return { store, lake, blobs, filesystem, container: blobs.getContainerClient('lake'), url };
}

async function lakeBench(t: Test) {
  const all = await bench(t);
  await all.filesystem.create();
  return all;
}

/** Rejects with this status and code. */
async function refused(t: Test, promise: Promise<unknown>, statusCode: number, code: string) {
  await promise.then(
    () => t.fail(`should have been ${statusCode} ${code}`),
    (error) => {
      t.equal(error.statusCode, statusCode, code);
      t.equal(error.response?.headers.get('x-ms-error-code') ?? error.code, code);
    },
  );
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

t.test('filesystems', async (t) => {
  const { lake, filesystem } = await bench(t);
  t.notOk(await filesystem.exists());
  const made = await filesystem.create({ metadata: { team: 'billing' } });
  t.match(made.etag, /^"[^"]+"$/);
  t.ok(await filesystem.exists());
  t.notOk((await filesystem.createIfNotExists()).succeeded);
  await refused(t, filesystem.create(), 409, 'ContainerAlreadyExists');
  t.match((await filesystem.getProperties()).metadata, { team: 'billing' });
  await filesystem.setMetadata({ team: 'audit', city: 'Bonn' });
  t.strictSame((await filesystem.getProperties()).metadata, { team: 'audit', city: 'Bonn' });
  await lake.getFileSystemClient('lake-two').create();
  await lake.getFileSystemClient('other').create();
  const names = (await collect(lake.listFileSystems({ prefix: 'lake', includeMetadata: true }))).map(
    ({ name, metadata }) => [name, metadata?.team],
  );
  t.strictSame(names, [
    ['lake', 'audit'],
    ['lake-two', undefined],
  ]);
  const pages = await collect(lake.listFileSystems().byPage({ maxPageSize: 1 }));
  const paged = pages.flatMap((page) => page.fileSystemItems.map(({ name }) => name));
  t.strictSame(paged, ['lake', 'lake-two', 'other']);
  await filesystem.delete();
  t.notOk((await filesystem.deleteIfExists()).succeeded);
  await refused(t, filesystem.getProperties(), 404, 'ContainerNotFound');
  await refused(t, filesystem.getFileClient('f').create(), 404, 'FilesystemNotFound');
  await refused(t, filesystem.getFileClient('f').getProperties(), 404, 'ContainerNotFound');
});

t.test('a file with all that belongs to it', async (t) => {
  const { filesystem } = await lakeBench(t);
  const file = filesystem.getFileClient('a/b/file.txt');
  t.notOk(await file.exists());
  const content = Buffer.from('hello, lake');
  await file.upload(content, {
    pathHttpHeaders: { contentType: 'text/plain', cacheControl: 'no-store', contentLanguage: 'en' },
    metadata: { colour: 'blue' },
  });
  t.ok(await file.exists());
  const properties = await file.getProperties();
  t.match(properties, {
    contentLength: content.length,
    contentType: 'text/plain',
    cacheControl: 'no-store',
    contentLanguage: 'en',
    metadata: { colour: 'blue' },
    permissions: { owner: { read: true, write: true, execute: false }, other: { read: false } },
    leaseState: 'available',
    isServerEncrypted: true,
  });
  t.ok(properties.lastModified instanceof Date && properties.createdOn instanceof Date);
  const read = await file.read();
  t.equal(read.etag, properties.etag);
  t.strictSame(await buffer(read.readableStreamBody!), content);
  const range = await file.read(7, 2);
  t.equal(range.contentRange, 'bytes 7-8/11');
  t.equal((await buffer(range.readableStreamBody!)).toString(), 'la');
  t.strictSame(await file.readToBuffer(), content);
  await refused(t, file.read(11, 1), 416, 'InvalidRange');
  const md5 = await file.read(0, 5, { rangeGetContentMD5: true });
  t.equal(
    Buffer.from(md5.contentMD5!).toString('base64'),
    createHash('md5').update('hello').digest('base64'),
  );
  await file.setMetadata({ size: 'small' });
  await file.setHttpHeaders({ contentType: 'text/csv', contentDisposition: 'attachment' });
  const changed = await file.getProperties();
  t.strictSame(changed.metadata, { size: 'small' });
  t.match(changed, { contentType: 'text/csv', contentDisposition: 'attachment' });
  t.equal(changed.cacheControl, undefined, 'setting the headers replaces all of them');
});

t.test('uploads in many parts, parallel and out of order', async (t) => {
  const { filesystem } = await lakeBench(t);
  const file = filesystem.getFileClient('big');
  const bytes = Buffer.from(Array.from({ length: 1_000_003 }, (_, index) => (index * 31) % 251));
  const progress: number[] = [];
  await file.upload(bytes, {
    chunkSize: 65_536,
    singleUploadThreshold: 65_536,
    maxConcurrency: 5,
    onProgress: ({ loadedBytes }) => progress.push(loadedBytes),
  });
  t.ok(bytes.equals(await file.readToBuffer(0, undefined, { chunkSize: 100_000 })));
  const { etag } = await file.create();
  await file.append('world', 6, 5);
  await file.append('hello ', 0, 6);
  await file.append('hello ', 0, 6);
  const before = await file.getProperties();
  t.equal(before.contentLength, 0, 'staged bytes are not seen');
  t.equal(before.etag, etag, 'an append leaves the ETag alone');
  await refused(t, file.flush(12), 400, 'InvalidFlushPosition');
  await refused(t, file.flush(11, { conditions: { ifMatch: '"0x0"' } }), 412, 'ConditionNotMet');
  const flushed = await file.flush(11, { close: true, conditions: { ifMatch: etag! } });
  t.not(flushed.etag, etag);
  t.equal((await file.readToBuffer()).toString(), 'hello world');
  const both = await file.append('!', 11, 1, { flush: true });
  t.match((both as { etag?: string }).etag, /^"[^"]+"$/, 'append with flush answers with an ETag');
  t.equal((await file.readToBuffer()).toString(), 'hello world!');
  const wrong = createHash('md5').update('other').digest();
  await refused(t, file.append('text', 12, 4, { transactionalContentMD5: wrong }), 400, 'Md5Mismatch');
  await file.append('text', 12, 4, { transactionalContentMD5: createHash('md5').update('text').digest() });
  await file.flush(16);
  t.equal((await file.readToBuffer()).toString(), 'hello world!text');
  await refused(t, filesystem.getFileClient('none').append('x', 0, 1), 404, 'PathNotFound');
});

t.test('create and its conditions', async (t) => {
  const { filesystem } = await lakeBench(t);
  const file = filesystem.getFileClient('f');
  t.ok((await file.createIfNotExists()).succeeded);
  t.notOk((await file.createIfNotExists()).succeeded);
  await refused(t, file.create({ conditions: { ifNoneMatch: '*' } }), 409, 'PathAlreadyExists');
  await refused(t, file.create({ conditions: { ifMatch: '"0x1"' } }), 412, 'ConditionNotMet');
  const directory = filesystem.getDirectoryClient('d/e');
  await directory.create({ permissions: '0777', umask: '0022', metadata: { kept: 'yes' } });
  await directory.getFileClient('child').create();
  await directory.create();
  t.ok(await directory.getFileClient('child').exists(), 'a folder made again keeps its children');
  t.notOk((await directory.createIfNotExists()).succeeded);
  const properties = await directory.getProperties();
  t.match(properties.metadata, { kept: 'yes', hdi_isfolder: 'true' });
  t.equal(properties.contentLength, 0);
  await refused(t, filesystem.getFileClient('f/below').create(), 409, 'PathConflict');
});

t.test('names that need escapes', async (t) => {
  const { filesystem, container } = await lakeBench(t);
  for (const name of [
    'a b',
    'ü/ö€😀',
    '50%25',
    'plus+and&',
    "semi;colon'quote",
    'x=y,z',
    '#hash?mark',
    '~._-',
  ]) {
    const file = filesystem.getFileClient(name);
    await file.upload(Buffer.from(name));
    t.equal((await file.readToBuffer()).toString(), name);
    t.equal(
      (await buffer((await container.getBlobClient(name).download()).readableStreamBody!)).toString(),
      name,
    );
    // The client does not escape the destination: a plain name there, every name as the source.
    await file.move('moved');
    await filesystem.getFileClient('moved').delete();
  }
  t.strictSame(
    (await collect(filesystem.listPaths({ recursive: true }))).map(({ name }) => name),
    ['ü'],
  );
});

t.test('lists of paths', async (t) => {
  const { filesystem } = await lakeBench(t);
  for (const name of ['a/1', 'a/2', 'a-b', 'a/sub/3', 'z']) {
    await filesystem.getFileClient(name).upload(Buffer.from(name));
  }
  const names = async (options: Parameters<typeof filesystem.listPaths>[0], size: number) => {
    const pages = await collect(filesystem.listPaths(options).byPage({ maxPageSize: size }));
    for (const page of pages) t.ok((page.pathItems?.length ?? 0) <= size);
    return pages
      .flatMap((page) => page.pathItems ?? [])
      .map((item) => `${item.name}${item.isDirectory ? '/' : ''}`);
  };
  const all = ['a/', 'a/1', 'a/2', 'a/sub/', 'a/sub/3', 'a-b', 'z'];
  t.strictSame((await names({ recursive: true }, 2)).toSorted(), all.toSorted());
  t.strictSame((await names({}, 1)).toSorted(), ['a-b', 'a/', 'z'].toSorted());
  t.strictSame(await names({ path: 'a' }, 5000), ['a/1', 'a/2', 'a/sub/']);
  const [first] = await collect(filesystem.listPaths({ path: 'a' }));
  t.match(first, {
    name: 'a/1',
    contentLength: 3,
    owner: String,
    group: String,
    permissions: { group: { read: true } },
  });
  t.ok(first!.lastModified instanceof Date);
  t.equal(`"${first!.etag}"`, (await filesystem.getFileClient('a/1').getProperties()).etag);
  await refused(t, collect(filesystem.listPaths({ path: 'none' })), 404, 'PathNotFound');
});

t.test('moves', async (t) => {
  const { lake, filesystem } = await lakeBench(t);
  const at = (name: string) => filesystem.getFileClient(name);
  await at('d/f').upload(Buffer.from('moved'));
  const { etag } = await at('d/f').getProperties();
  await at('d/f').move('d/g');
  t.notOk(await at('d/f').exists());
  t.equal((await at('d/g').getProperties()).etag, etag, 'the ETag survives');
  await at('other').upload(Buffer.from('other'));
  await refused(
    t,
    at('d/g').move('other', { destinationConditions: { ifNoneMatch: '*' } } as never),
    409,
    'PathAlreadyExists',
  );
  await refused(
    t,
    at('d/g').move('other', { conditions: { ifMatch: '"0x0"' } } as never),
    412,
    'SourceConditionNotMet',
  );
  await at('d/g').move('other');
  t.equal((await at('other').readToBuffer()).toString(), 'moved', 'a file is replaced');
  await refused(t, at('d/g').move('x'), 404, 'SourcePathNotFound');
  await refused(t, at('other').move('no/such/folder'), 404, 'RenameDestinationParentPathNotFound');
  await filesystem.getDirectoryClient('tree/sub').create();
  await filesystem.getFileClient('tree/sub/leaf').create();
  await refused(
    t,
    filesystem.getDirectoryClient('tree').move('tree/sub/tree'),
    409,
    'InvalidRenameSourcePath',
  );
  await filesystem.getDirectoryClient('tree').move('wood');
  t.ok(await at('wood/sub/leaf').exists());
  await lake.getFileSystemClient('second').create();
  await at('other').move('second', 'arrived');
  t.ok(await lake.getFileSystemClient('second').getFileClient('arrived').exists());
});

t.test('deletes', async (t) => {
  const { filesystem } = await lakeBench(t);
  const directory = filesystem.getDirectoryClient('d');
  await directory.getFileClient('f').create();
  await refused(t, directory.delete(false), 409, 'DirectoryNotEmpty');
  await directory.delete(true);
  t.notOk((await directory.deleteIfExists()).succeeded);
  await refused(t, directory.delete(), 404, 'PathNotFound');
  const file = filesystem.getFileClient('f');
  const { etag } = await file.create();
  await refused(t, file.delete(false, { conditions: { ifMatch: '"0x0"' } }), 412, 'ConditionNotMet');
  await file.delete(false, { conditions: { ifMatch: etag! } });
  t.notOk(await file.exists());
});

t.test('access control', async (t) => {
  const { filesystem } = await lakeBench(t);
  const directory = filesystem.getDirectoryClient('d');
  await directory.create();
  for (const name of ['1', '2', 'sub/3']) await directory.getFileClient(name).create();
  const read = { read: true, write: false, execute: false };
  const all = { read: true, write: true, execute: true };
  const base: PathAccessControlItem[] = [
    { accessControlType: 'user', entityId: '', defaultScope: false, permissions: all },
    { accessControlType: 'group', entityId: '', defaultScope: false, permissions: read },
    { accessControlType: 'other', entityId: '', defaultScope: false, permissions: read },
  ];
  const named: PathAccessControlItem = {
    accessControlType: 'user',
    entityId: '0f0e0d0c-0000-4000-8000-000000000001',
    defaultScope: false,
    permissions: read,
  };
  await directory.setAccessControl([...base, named], { owner: 'ann', group: 'staff' });
  const access = await directory.getAccessControl();
  t.match(access, { owner: 'ann', group: 'staff', permissions: { extendedAcls: true } });
  t.ok(access.acl.some((item) => item.entityId === named.entityId));
  t.ok(access.acl.some((item) => item.accessControlType === 'mask'));
  const file = directory.getFileClient('1');
  await file.setPermissions({ owner: all, group: read, other: read, stickyBit: false, extendedAcls: false });
  t.match((await file.getAccessControl()).permissions, { owner: all, group: read, other: read });
  const counts = await directory.setAccessControlRecursive(base, { batchSize: 2 });
  t.strictSame(counts.counters, { changedDirectoriesCount: 2, changedFilesCount: 3, failedChangesCount: 0 });
  await directory.updateAccessControlRecursive([named]);
  t.ok((await file.getAccessControl()).acl.some((item) => item.entityId === named.entityId));
  const { permissions: _, ...unnamed } = named;
  await directory.removeAccessControlRecursive([unnamed]);
  t.notOk((await file.getAccessControl()).acl.some((item) => item.entityId === named.entityId));
  t.match(
    await filesystem.getDirectoryClient('').getAccessControl(),
    { owner: String },
    'the root has an ACL',
  );
});

t.test('leases and expiry', async (t) => {
  const { filesystem } = await lakeBench(t);
  const file = filesystem.getFileClient('f');
  await file.upload(Buffer.from('text'));
  const lease = file.getDataLakeLeaseClient();
  const { leaseId } = await lease.acquireLease(15);
  t.ok(leaseId);
  t.match(await file.getProperties(), {
    leaseState: 'leased',
    leaseStatus: 'locked',
    leaseDuration: 'fixed',
  });
  await refused(t, file.setMetadata({ a: 'b' }), 412, 'LeaseIdMissing');
  await refused(t, file.delete(), 412, 'LeaseIdMissing');
  await refused(t, file.getDataLakeLeaseClient().acquireLease(15), 409, 'LeaseAlreadyPresent');
  await file.setMetadata({ a: 'b' }, { conditions: { leaseId: leaseId! } });
  await lease.renewLease();
  const next = '11111111-2222-4333-8444-555555555555';
  t.equal((await lease.changeLease(next)).leaseId, next);
  await lease.releaseLease();
  const forever = file.getDataLakeLeaseClient();
  await forever.acquireLease(-1);
  t.equal((await file.getProperties()).leaseDuration, 'infinite');
  t.equal((await forever.breakLease(0)).leaseTime, 0);
  await file.setMetadata({ c: 'd' });
  const { etag } = await file.getProperties();
  await file.setExpiry('RelativeToNow', { timeToExpireInMs: 3_600_000 });
  const expiring = await file.getProperties();
  t.ok(expiring.expiresOn! > new Date(Date.now() + 3_000_000));
  t.equal(expiring.etag, etag, 'the ETag stays');
  await file.setExpiry('NeverExpire');
  t.equal((await file.getProperties()).expiresOn, undefined);
  const container = filesystem.getDataLakeLeaseClient();
  await container.acquireLease(15);
  await container.releaseLease();
});

t.test('the Blob client on the same files', async (t) => {
  const { blobs, container, filesystem } = await lakeBench(t);
  const blob = container.getBlockBlobClient('dir/blob');
  const put = await blob.upload('put', 3, {
    blobHTTPHeaders: { blobContentType: 'text/x' },
    metadata: { k: 'v' },
  });
  t.match(put.etag, /^"[^"]+"$/);
  await refused(t, blob.upload('no', 2, { conditions: { ifNoneMatch: '*' } }), 409, 'BlobAlreadyExists');
  t.match(await blob.getProperties(), { contentType: 'text/x', metadata: { k: 'v' }, blobType: 'BlockBlob' });
  const [one, two] = ['one', 'two'].map((name) => Buffer.from(name).toString('base64')) as [string, string];
  await blob.stageBlock(two, 'world', 5);
  await blob.stageBlock(one, 'hello ', 6);
  t.equal((await blob.downloadToBuffer()).toString(), 'put', 'blocks are not seen');
  await blob.commitBlockList([one, two], { metadata: { m: 'n' } });
  t.equal((await blob.downloadToBuffer()).toString(), 'hello world');
  t.match((await blob.getProperties()).metadata, { m: 'n' });
  const unknown = Buffer.from('who').toString('base64');
  await refused(t, blob.commitBlockList([unknown]), 400, 'InvalidBlockList');
  const bytes = Buffer.alloc(700_000, 'block ');
  await container
    .getBlockBlobClient('many')
    .uploadData(bytes, { blockSize: 100_000, maxSingleShotSize: 1000, concurrency: 4 });
  t.ok(bytes.equals(await container.getBlobClient('many').downloadToBuffer()));
  t.equal((await filesystem.getFileClient('many').getProperties()).contentLength, bytes.length);

  const flat = await collect(container.listBlobsFlat({ includeMetadata: true }));
  t.strictSame(
    flat.map(({ name }) => name),
    ['dir', 'dir/blob', 'many'],
  );
  t.equal(flat[0]!.metadata?.hdi_isfolder, 'true');
  t.match(flat[1], { metadata: { m: 'n' }, properties: { contentLength: 11, blobType: 'BlockBlob' } });
  const level = await collect(container.listBlobsByHierarchy('/'));
  t.ok(level.some((item) => item.kind === 'prefix' && item.name === 'dir/'));
  const inside = await collect(container.listBlobsByHierarchy('/', { prefix: 'dir/' }));
  t.match(inside, [{ kind: 'blob', name: 'dir/blob' }]);
  t.strictSame(
    (await collect(container.listBlobsFlat({ prefix: 'ma' }))).map(({ name }) => name),
    ['many'],
  );
  const pages = await collect(container.listBlobsFlat().byPage({ maxPageSize: 1 }));
  t.strictSame(
    pages.flatMap((page) => page.segment.blobItems).map(({ name }) => name),
    ['dir', 'dir/blob', 'many'],
  );
  t.strictSame(await collect(filesystem.listDeletedPaths()), [], 'nothing is kept of what was deleted');

  const copy = container.getBlobClient('copy');
  const poller = await copy.beginCopyFromURL(blob.url);
  t.equal((await poller.pollUntilDone()).copyStatus, 'success');
  t.equal((await copy.downloadToBuffer()).toString(), 'hello world');
  await copy.delete();
  await refused(t, copy.delete(), 404, 'BlobNotFound');
  await refused(t, copy.getProperties(), 404, 'BlobNotFound');
  await refused(t, container.getBlobClient('dir').delete(), 409, 'DirectoryIsNotEmpty');
  const { etag } = await blob.getProperties();
  const fresh = await blob
    .getProperties({ conditions: { ifNoneMatch: etag! } })
    .catch((error) => error.statusCode);
  t.equal(fresh, 304, 'a read whose ETag is still the same');
  t.match(await blobs.getAccountInfo(), { skuName: 'Standard_LRS', accountKind: 'StorageV2' });
  t.match(await collect(blobs.listContainers()), [{ name: 'lake' }]);
});

t.test('a wrong key', async (t) => {
  const wrong = Buffer.from('a key that nobody knows').toString('base64');
  const { store, filesystem } = await bench(t, wrong);
  await refused(t, filesystem.create(), 403, 'AuthenticationFailed');
  await refused(t, filesystem.getFileClient('f').create(), 403, 'AuthenticationFailed');
  const ctx = {
    requestId: 'r',
    caller: {},
    signal: new AbortController().signal,
    trail: {},
    protocol: 'dfs',
  } as const;
  t.strictSame(
    (await store.query({ verb: 'list', path: '/', recursive: false, limit: 10 }, ctx)).entries,
    [],
  );
});
