// The Gen2 face under Microsoft's own clients: lists, access control, leases, and the Blob API on the same files.
import type { PathAccessControlItem } from '@azure/storage-file-datalake';
import t from 'tap';
import { bench, collect, lakeBench, refused } from './face-dfs-sdk-bench.ts';

t.test('pages that end at names beyond ASCII', async (t) => {
  const { filesystem, container } = await lakeBench(t);
  const names = ['-', 'ä', '語', '😀'];
  for (const name of names)
    await filesystem.getFileClient(name).create({ metadata: { a_b: '1', ab: '2', a1: '3' } });
  const paths = await collect(filesystem.listPaths().byPage({ maxPageSize: 1 }));
  t.strictSame(
    paths.flatMap((page) => page.pathItems ?? []).map(({ name }) => name),
    names,
  );
  const pages = await collect(container.listBlobsFlat({ includeMetadata: true }).byPage({ maxPageSize: 1 }));
  const blobs = pages.flatMap((page) => page.segment.blobItems);
  t.strictSame(
    blobs.map(({ name, metadata }) => [name, metadata?.a_b]),
    names.map((name) => [name, '1']),
  );
  await container.getBlobClient('-').setMetadata({ a_b: '1', ab: '2', a1: '3', a_1: '4' });
  const result = await filesystem.getDirectoryClient('').setAccessControlRecursive(
    [
      {
        accessControlType: 'user',
        entityId: '',
        defaultScope: false,
        permissions: { read: true, write: true, execute: true },
      },
      {
        accessControlType: 'group',
        entityId: '',
        defaultScope: false,
        permissions: { read: true, write: false, execute: true },
      },
      {
        accessControlType: 'other',
        entityId: '',
        defaultScope: false,
        permissions: { read: false, write: false, execute: false },
      },
    ],
    { batchSize: 1 },
  );
  t.match(result.counters, { changedDirectoriesCount: 1, changedFilesCount: 4 });
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

t.test('a batch of deletes', async (t) => {
  const { blobs, container } = await lakeBench(t);
  const names = ['a', 'b c', 'ü'];
  for (const name of names) await container.getBlockBlobClient(name).upload('x', 1);
  const clients = ['a', 'none', 'b c', 'ü'].map((name) => container.getBlobClient(name));
  const done = await blobs.getBlobBatchClient().deleteBlobs(clients);
  t.strictSame(
    done.subResponses.map(({ status, errorCode }) => [status, errorCode]),
    [
      [202, undefined],
      [404, 'BlobNotFound'],
      [202, undefined],
      [202, undefined],
    ],
  );
  t.strictSame(await collect(container.listBlobsFlat()), []);
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
