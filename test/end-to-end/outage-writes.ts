// Writes of every kind, by both protocols, for a store to miss; and what has to be read afterwards.
import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import { type lakeFilesystem, sdkRead, type WebhdfsClient } from './clients.ts';

/** The SDK's client of a filesystem. */
export type Filesystem = ReturnType<typeof lakeFilesystem>;

/** Bytes that only this seed gives. */
export function bytesOf(seed: string, length: number): Buffer {
  const block = createHash('sha512').update(seed).digest();
  return Buffer.alloc(length, block);
}

/** What is there before the outage, for the writes during it to work on. */
export async function before(hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  for (const folder of ['moved-folder/deep', 'doomed/deep', 'kept/deep']) {
    for (let i = 0; i < 3; i++)
      await hdfs.write(`/lake/${folder}/file-${i}`, bytesOf(`${folder} ${i}`, 3000));
  }
  for (const name of [
    'overwritten',
    'appended',
    'renamed',
    'deleted',
    'restricted',
    'uploaded-over',
    'described',
    'log',
  ]) {
    await lake.getFileClient(name).upload(bytesOf(name, 2000));
  }
  await lake.getFileClient('undescribed').upload(bytesOf('undescribed', 5), { metadata: { old: 'yes' } });
  await lake.getDirectoryClient('handing-down').create();
  await lake.getDirectoryClient('was-handing-down').create();
  const aclspec = 'user:eve:rwx,default:user:eve:rwx';
  await hdfs.call('PUT', '/lake/was-handing-down', 'MODIFYACLENTRIES', { aclspec });
}

/** Rights, metadata and content headers, by both protocols. */
async function attributes(hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  await hdfs.call('PUT', '/lake/kept/deep', 'MODIFYACLENTRIES', { aclspec: 'user:eve:r-x' });
  await hdfs.call('PUT', '/lake/handing-down', 'MODIFYACLENTRIES', { aclspec: 'default:group:audit:r-x' });
  await hdfs.write('/lake/handing-down/heir', 'its rights come from its folder');
  await hdfs.call('PUT', '/lake/was-handing-down', 'REMOVEACL');
  const described = lake.getFileClient('described');
  await described.setMetadata({ team: 'billing', empty: '' });
  await described.setHttpHeaders({ contentType: 'text/csv', contentLanguage: 'de' });
  await lake.getDirectoryClient('kept').setMetadata({ owner: 'nobody in particular' });
  await lake.getFileClient('undescribed').setMetadata({});
  const options = { metadata: { fresh: 'yes' }, pathHttpHeaders: { contentType: 'text/plain' } };
  await lake.getFileClient('new/described').upload(bytesOf('described', 10), options);
}

/** Every kind of write, by both protocols. Rejects if one of them fails. */
export async function everyKindOfWrite(hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  const upload = async (path: string, data: Buffer): Promise<void> => {
    await lake.getFileClient(path).upload(data, { chunkSize: 40_000, maxConcurrency: 4 });
  };
  await hdfs.write('/lake/new/by-webhdfs', bytesOf('new', 5000));
  await upload('new/by-sdk', bytesOf('sdk', 150_000));
  await hdfs.write('/lake/overwritten', bytesOf('overwritten again', 1000));
  await upload('uploaded-over', bytesOf('uploaded over', 100_000));
  await hdfs.append('/lake/appended', bytesOf('tail', 700));
  await hdfs.append('/lake/appended', bytesOf('longer tail', 900));
  const log = lake.getFileClient('log');
  await log.append(bytesOf('log line', 300), 2000, 300);
  await log.flush(2300);
  await hdfs.call('PUT', '/lake/renamed', 'RENAME', { destination: '/lake/new/renamed' });
  await lake.getDirectoryClient('moved-folder').move('new-place');
  await hdfs.write('/lake/new-place/deep/file-1', bytesOf('changed after the move', 100));
  await hdfs.call('DELETE', '/lake/doomed', 'DELETE', { recursive: true });
  await lake.getFileClient('deleted').delete();
  await hdfs.call('PUT', '/lake/made/deep/folder', 'MKDIRS');
  await lake.getDirectoryClient('made-by-sdk').create();
  await hdfs.call('PUT', '/lake/restricted', 'SETPERMISSION', { permission: '640' });
  await lake.getDirectoryClient('kept').setPermissions({
    owner: { read: true, write: true, execute: true },
    group: { read: true, write: false, execute: true },
    other: { read: false, write: false, execute: false },
    stickyBit: false,
    extendedAcls: false,
  });
  await attributes(hdfs, lake);
  await hdfs.call('PUT', '/lake/restricted', 'SETOWNER', { owner: 'eve', group: 'audit' });
  await hdfs.write('/lake/short-lived', 'x');
  await hdfs.call('DELETE', '/lake/short-lived', 'DELETE');
}

/** What was written is what is read, whatever side gives it. */
export async function readsEverything(t: Test, hdfs: WebhdfsClient, lake: Filesystem): Promise<void> {
  const is = async (path: string, expected: Buffer | undefined): Promise<void> => {
    const [byWebhdfs, bySdk] = [await hdfs.read(`/lake/${path}`), await sdkRead(lake, path)];
    t.ok(expected ? byWebhdfs?.bytes.equals(expected) : !byWebhdfs, `${path} by WebHDFS`);
    t.ok(expected ? bySdk?.bytes.equals(expected) : !bySdk, `${path} by the SDK`);
  };
  await is('new/by-webhdfs', bytesOf('new', 5000));
  await is('new/by-sdk', bytesOf('sdk', 150_000));
  await is('overwritten', bytesOf('overwritten again', 1000));
  await is('uploaded-over', bytesOf('uploaded over', 100_000));
  const tails = [bytesOf('tail', 700), bytesOf('longer tail', 900)];
  await is('appended', Buffer.concat([bytesOf('appended', 2000), ...tails]));
  await is('log', Buffer.concat([bytesOf('log', 2000), bytesOf('log line', 300)]));
  await is('new/renamed', bytesOf('renamed', 2000));
  await is('renamed', undefined);
  await is('new-place/deep/file-0', bytesOf('moved-folder/deep 0', 3000));
  await is('new-place/deep/file-1', bytesOf('changed after the move', 100));
  await is('moved-folder/deep/file-0', undefined);
  await is('doomed/deep/file-0', undefined);
  await is('deleted', undefined);
}
