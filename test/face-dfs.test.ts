// The Gen2 face over memory, judged by the unmodified JavaScript SDKs and by requests in the shape of other clients.
import { randomBytes } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { DataLakeServiceClient, StorageSharedKeyCredential } from '@azure/storage-file-datalake';
import t, { type Test } from 'tap';
import { devstoreKey } from '../src/config/secret.ts';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { serveFace } from './face-server.ts';

const account = 'devstoreaccount1';
const once = { retryOptions: { maxTries: 1 } };

async function start(t: Test, auth: 'none' | 'shared-key' = 'shared-key') {
  const store = createMemoryStore({ name: 'memory', rootFolders: 'filesystems' });
  const face = createDfsFace({ store, accounts: { [account]: devstoreKey }, auth });
  const server = await serveFace(face);
  t.teardown(server.close);
  const base = server.url;
  const key = new StorageSharedKeyCredential(account, devstoreKey);
  const url = `${base}/${account}`;
  const service = new DataLakeServiceClient(url, key, once);
  const filesystem = service.getFileSystemClient('lake');
  await filesystem.create();
  return { base, url, service, filesystem, blobs: new BlobServiceClient(url, key, once), store };
}

/** A plain request to a face that looks at no signature. */
async function ask(url: string, init: RequestInit & { duplex?: 'half' } = {}) {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

t.test('the Data Lake SDK: files', async (t) => {
  const { filesystem } = await start(t);
  const file = filesystem.getFileClient('a/b c/é+%#?.bin');
  const content = randomBytes(20 * 1024 * 1024 + 17);
  await file.upload(content, {
    chunkSize: 4 * 1024 * 1024,
    maxConcurrency: 5,
    pathHttpHeaders: { contentType: 'image/x' },
  });
  t.ok((await file.readToBuffer()).equals(content), 'parallel appends, out of order');
  t.ok((await file.readToBuffer(5, 10)).equals(content.subarray(5, 15)));
  const properties = await file.getProperties();
  t.match(properties, {
    contentLength: content.length,
    contentType: 'image/x',
    permissions: { owner: { read: true } },
  });
  await file.setMetadata({ one: '1', Two: 'zwei' });
  t.match((await file.getProperties()).metadata, { one: '1' });
  await file.append('tail', content.length, 4);
  t.equal((await file.getProperties()).contentLength, content.length, 'invisible until flush');
  await file.flush(content.length + 4);
  t.equal((await file.getProperties()).contentLength, content.length + 4);
  t.equal((await file.createIfNotExists()).succeeded, false);
  const moved = filesystem.getFileClient('moved.bin');
  await file.move('moved.bin');
  t.equal(await file.exists(), false);
  t.equal(await moved.exists(), true);
  await moved.delete();
  t.equal((await moved.deleteIfExists()).succeeded, false);
  const empty = filesystem.getFileClient('empty');
  await empty.create();
  t.equal((await empty.readToBuffer()).length, 0);
});

t.test('the Data Lake SDK: folders, lists, filesystems', async (t) => {
  const { filesystem, service } = await start(t);
  const folder = filesystem.getDirectoryClient('d');
  await folder.create({ permissions: 'rwxr-x---', umask: '0000', metadata: { k: 'v' } });
  for (const name of ['a', 'b/c', 'z']) await filesystem.getFileClient(`d/${name}`).create();
  const names: (string | undefined)[] = [];
  for await (const page of filesystem.listPaths({ path: 'd', recursive: true }).byPage({ maxPageSize: 2 })) {
    for (const item of page.pathItems ?? []) names.push(`${item.name}${item.isDirectory ? '/' : ''}`);
  }
  t.same(names, ['d/a', 'd/b/', 'd/b/c', 'd/z']);
  await t.rejects(folder.delete(false), { statusCode: 409, code: 'DirectoryNotEmpty' } as never);
  await folder.delete(true);
  t.equal(await folder.exists(), false);
  t.same(
    (await all(service.listFileSystems())).map((each) => each.name),
    ['lake'],
  );
  await filesystem.setMetadata({ team: 'x' });
  t.match(await filesystem.getProperties(), { metadata: { team: 'x' } });
  await t.rejects(service.getFileSystemClient('none').getProperties(), {
    statusCode: 404,
    code: 'ContainerNotFound',
  } as never);
  await t.rejects(service.getFileSystemClient('none').getFileClient('x').create(), {
    code: 'FilesystemNotFound',
  } as never);
  t.equal((await filesystem.createIfNotExists()).succeeded, false);
  await filesystem.delete();
  t.equal(await filesystem.exists(), false);
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

t.test('the Data Lake SDK: ACLs, leases, conditions, expiry', async (t) => {
  const { filesystem } = await start(t);
  const folder = filesystem.getDirectoryClient('d');
  await folder.create();
  const file = filesystem.getFileClient('d/f');
  await file.upload(Buffer.from('x'));
  await file.setPermissions({
    owner: bits('rwx'),
    group: bits('r--'),
    other: bits('---'),
    stickyBit: false,
    extendedAcls: false,
  });
  const entries = [
    { accessControlType: 'user', entityId: '', defaultScope: false, permissions: bits('rwx') },
    { accessControlType: 'user', entityId: 'someone', defaultScope: false, permissions: bits('r-x') },
    { accessControlType: 'group', entityId: '', defaultScope: false, permissions: bits('r-x') },
    { accessControlType: 'other', entityId: '', defaultScope: false, permissions: bits('---') },
  ] as const;
  const result = await folder.setAccessControlRecursive([...entries], { batchSize: 1 });
  t.match(result.counters, { changedDirectoriesCount: 1, changedFilesCount: 1, failedChangesCount: 0 });
  t.match((await file.getAccessControl()).acl, [
    {},
    { entityId: 'someone' },
    {},
    { accessControlType: 'mask' },
    {},
  ]);
  const lease = file.getDataLakeLeaseClient();
  await lease.acquireLease(-1);
  await t.rejects(file.append('y', 1, 1), { statusCode: 412, code: 'LeaseIdMissing' } as never);
  await file.append('y', 1, 1, { conditions: { leaseId: lease.leaseId } });
  await lease.releaseLease();
  const { etag } = await file.getProperties();
  await t.rejects(file.setMetadata({}, { conditions: { ifMatch: '"0x1"' } }), { statusCode: 412 } as never);
  await file.setMetadata({ a: 'b' }, { conditions: { ifMatch: etag! } });
  await t.rejects(file.create({ conditions: { ifNoneMatch: '*' } }), {
    statusCode: 409,
    code: 'PathAlreadyExists',
  } as never);
  await file.setExpiry('RelativeToNow', { timeToExpireInMs: 60_000 });
  t.type((await file.getProperties()).expiresOn, Date);
});

function bits(text: string) {
  return { read: text[0] === 'r', write: text[1] === 'w', execute: text[2] === 'x' };
}

t.test('the Blob SDK: blocks, copies, flat and hierarchical lists', async (t) => {
  const { blobs } = await start(t);
  const container = blobs.getContainerClient('lake');
  const blob = container.getBlockBlobClient('x/y');
  await blob.upload('small', 5, { metadata: { m: '1' }, blobHTTPHeaders: { blobContentType: 'text/y' } });
  t.match(await blob.getProperties(), { contentLength: 5, contentType: 'text/y', metadata: { m: '1' } });
  const big = container.getBlockBlobClient('big');
  const content = randomBytes(3_000_000);
  await big.uploadData(content, { blockSize: 1_000_000, maxSingleShotSize: 1, concurrency: 3 });
  t.ok((await big.downloadToBuffer()).equals(content));
  await (await container.getBlobClient('copy').beginCopyFromURL(big.url)).pollUntilDone();
  t.equal((await container.getBlobClient('copy').getProperties()).contentLength, content.length);
  const flat = await all(container.listBlobsFlat({ includeMetadata: true }));
  t.same(
    flat.map((each) => [each.name, each.metadata?.hdi_isfolder]),
    [
      ['big', undefined],
      ['copy', undefined],
      ['x', 'true'],
      ['x/y', undefined],
    ],
  );
  t.match(await all(container.listBlobsByHierarchy('/')), [
    { name: 'x/', kind: 'prefix' },
    { name: 'big' },
    { name: 'copy' },
  ]);
  t.same(await all(container.listBlobsFlat({ prefix: 'nothing/here' })), []);
  t.match(await blobs.getAccountInfo(), { skuName: 'Standard_LRS', accountKind: 'StorageV2' });
  await blob.delete();
  await t.rejects(blob.getProperties(), { statusCode: 404, details: { errorCode: 'BlobNotFound' } } as never);
});

t.test('signatures: right, wrong, none', async (t) => {
  const { url } = await start(t);
  const wrong = new StorageSharedKeyCredential(account, Buffer.from('wrong').toString('base64'));
  const client = new DataLakeServiceClient(url, wrong, once).getFileSystemClient('lake');
  await t.rejects(client.getFileClient('x').create(), {
    statusCode: 403,
    code: 'AuthenticationFailed',
  } as never);
  t.match(await ask(`${url}/lake?resource=filesystem&recursive=true`), {
    status: 401,
    body: /NoAuthenticationInformation/,
  });
});

t.test('requests in the shape of ABFS, AzCopy and OpenDAL', async (t) => {
  const { url } = await start(t, 'none');
  const path = `${url}/lake/dir%2Ff`;
  t.equal((await ask(`${path}?resource=file&timeout=90`, { method: 'PUT' })).status, 201);
  const patch = {
    method: 'PUT',
    headers: { 'x-http-method-override': 'PATCH', 'content-type': 'application/json' },
  };
  t.equal((await ask(`${path}?action=append&position=0`, { ...patch, body: '{not json' })).status, 202);
  const flushed = await ask(`${path}?action=flush&position=9&close=true`, patch);
  t.equal(flushed.status, 200);
  const etag = flushed.headers.get('etag')!;
  t.match(etag, /^"0x[0-9A-F]+"$/);
  const unquoted = {
    headers: { 'if-match': etag.replaceAll('"', ''), range: 'bytes=1-3', accept: 'application/json' },
  };
  t.match(await ask(path, unquoted), { status: 206, body: 'not' });
  t.equal(
    (await ask(`${path}?action=append&position=0&flush=true&close=true`, { ...patch, body: 'short' })).status,
    400,
  );
  t.match(await ask(`${url}/lake/empty?resource=file`, { method: 'PUT' }), { status: 201 });
  t.match(
    await ask(`${url}/lake/empty?action=append&position=0&flush=true&close=true`, { method: 'PATCH' }),
    { status: 202 },
  );
  const root = await ask(`${url}/lake/?action=getAccessControl`, { method: 'HEAD' });
  t.equal(root.status, 200);
  t.ok(root.headers.get('x-ms-acl'));
  const folder = await ask(`${url}/lake/dir`, { method: 'HEAD' });
  t.equal(folder.headers.get('content-length'), '0');
  t.equal(folder.headers.get('x-ms-meta-hdi_isfolder'), 'true');
  const exists = await ask(`${url}/lake/dir?resource=directory`, {
    method: 'PUT',
    headers: { 'if-none-match': '*' },
  });
  t.match(exists, { status: 409, body: /PathAlreadyExists/ });
  t.equal(exists.headers.get('x-ms-existing-resource-type'), 'directory');
  t.match(await ask(`${url}/lake/empty`, { headers: { range: 'bytes=0-3' } }), { status: 416 });
  t.equal(
    (await ask(`${url}/lake/empty`, { method: 'DELETE', headers: { accept: 'application/json' } })).status,
    200,
  );
  t.equal((await ask(path, { method: 'DELETE', headers: { accept: 'application/xml' } })).status, 202);
  t.match(await ask(`${url}/?comp=list`), { status: 200, body: /<Name>lake<\/Name>/ });
});

t.test('bad input gets the error of the protocol and changes nothing', async (t) => {
  const { url, base, store } = await start(t, 'none');
  const put = { method: 'PUT' };
  const json = { accept: 'application/json' };
  const cases: [string, RequestInit, number, string][] = [
    [`${url}/lake/%zz?resource=file`, put, 400, 'InvalidInput'],
    [`${url}/lake/a%00b?resource=file`, put, 400, 'InvalidUri'],
    [`${url}/lake/a%2F..%2Fb?resource=file`, put, 400, 'InvalidUri'],
    [`${url}/lake/${'x'.repeat(256)}?resource=file`, put, 400, 'InvalidUri'],
    [`${url}/La_ke/x?resource=file`, put, 400, 'InvalidResourceName'],
    [`${url}/none/x?resource=file`, put, 404, 'FilesystemNotFound'],
    [`${url}/lake/x?resource=thing`, put, 400, 'InvalidQueryParameterValue'],
    [`${url}/lake/x?resource=file`, { ...put, body: 'no body here' }, 400, 'ContentLengthMustBeZero'],
    [`${url}/lake?resource=filesystem`, {}, 400, 'MissingRequiredQueryParameter'],
    [`${url}/lake?resource=filesystem&recursive=maybe`, {}, 400, 'InvalidQueryParameterValue'],
    [`${url}/lake?resource=filesystem&recursive=true&maxResults=0`, {}, 400, 'OutOfRangeQueryParameterValue'],
    [`${url}/lake?resource=filesystem&recursive=true&directory=none`, {}, 404, 'PathNotFound'],
    [
      `${url}/lake/x?action=append&position=-1`,
      { method: 'PATCH', body: 'x' },
      400,
      'OutOfRangeQueryParameterValue',
    ],
    [
      `${url}/lake/x?action=append&position=99999999999999999999`,
      { method: 'PATCH', body: 'x' },
      400,
      'InvalidQueryParameterValue',
    ],
    [`${url}/lake/x?action=append`, { method: 'PATCH', body: 'x' }, 400, 'MissingRequiredQueryParameter'],
    [`${url}/lake/x?action=append&position=0`, { method: 'PATCH', body: 'x' }, 404, 'PathNotFound'],
    [`${url}/lake/x?action=append&position=0`, { method: 'PATCH' }, 400, 'InvalidHeaderValue'],
    [`${url}/lake/x?action=fly`, { method: 'PATCH' }, 501, 'UnsupportedOperation'],
    [`${url}/lake/x`, { headers: json }, 404, 'PathNotFound'],
    [`${url}/lake/x`, { headers: { accept: 'application/xml' } }, 404, 'BlobNotFound'],
    [`${url}/lake/x?comp=tags`, {}, 400, 'InvalidQueryParameterValue'],
    [`${url}/lake/x?comp=blocklist`, { ...put, body: '<oops>' }, 400, 'InvalidXmlDocument'],
    [
      `${url}/lake/x?comp=blocklist`,
      { ...put, body: '<BlockList><Latest>AAAA</Latest></BlockList>' },
      400,
      'InvalidBlockList',
    ],
    [`${url}/lake/x?comp=block&blockid=!`, { ...put, body: 'x' }, 400, 'InvalidBlockId'],
    [
      `${url}/lake/y?mode=legacy`,
      { ...put, headers: { 'x-ms-rename-source': '/lake/none' } },
      404,
      'SourcePathNotFound',
    ],
    [
      `${url}/lake/y?mode=legacy`,
      { ...put, headers: { 'x-ms-rename-source': '/lake/%zz' } },
      400,
      'InvalidSourceUri',
    ],
    [`${base}/`, {}, 400, 'InvalidQueryParameterValue'],
  ];
  for (const [target, init, status, code] of cases) {
    const answer = await ask(target, init);
    t.equal(
      answer.status,
      status,
      `${init.method ?? 'GET'} ${target.slice(url.length, url.length + 60)}: ${answer.body.slice(0, 90)}`,
    );
    t.equal(answer.headers.get('x-ms-error-code'), code);
  }
  const page = await store.query(
    { verb: 'list', path: '/lake', recursive: true, limit: 10 },
    {
      requestId: '',
      caller: {},
      signal: new AbortController().signal,
      trail: {},
      protocol: 'dfs',
    },
  );
  t.same(page.entries, []);
});

t.test('Content-MD5 is checked before anything is complete', async (t) => {
  const { url } = await start(t, 'none');
  await ask(`${url}/lake/x?resource=file`, { method: 'PUT' });
  const wrong = { 'content-md5': Buffer.alloc(16).toString('base64') };
  const append = { method: 'PATCH', body: 'hello', headers: wrong };
  t.match(await ask(`${url}/lake/x?action=append&position=0`, append), { status: 400, body: /Md5Mismatch/ });
  const put = { method: 'PUT', body: 'hello', headers: { ...wrong, 'x-ms-blob-type': 'BlockBlob' } };
  t.match(await ask(`${url}/lake/z`, put), { status: 400, body: /Md5Mismatch/ });
  t.equal((await ask(`${url}/lake/z`, { method: 'HEAD' })).status, 404);
});
