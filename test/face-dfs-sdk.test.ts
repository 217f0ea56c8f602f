// The Gen2 face under Microsoft's own clients: filesystems, uploads, reads, names, moves, deletes.
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { bench, collect, lakeBench, refused } from './face-dfs-sdk-bench.ts';

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
