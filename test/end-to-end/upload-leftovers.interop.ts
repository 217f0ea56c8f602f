// Uploads across a killed gateway, over a primary that only appends: one goes on where it was, and what nobody goes on with is removed.
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import t from 'tap';
import { devstoreKey } from '../../src/config/secret.ts';
import { adminView, drained, until } from './admin-view.ts';
import { account, lakeFilesystem, sdkRead, webhdfsClient } from './clients.ts';
import { startLake } from './lake.ts';

// Real processes on a busy machine.
t.setTimeout(120_000);

t.test('a killed gateway in the middle of uploads', async (t) => {
  const writes: Record<string, number> = {};
  const lake = await startLake(t, { writes });
  const { url, adminUrl } = lake.gateway;
  const gen2 = lakeFilesystem(url);
  const hdfs = webhdfsClient(lake.source.url);
  const file = gen2.getFileClient('goes-on');
  await file.create();
  await file.append('first ', 0, 6);
  const credential = new StorageSharedKeyCredential(account, devstoreKey);
  const blobs = new BlobServiceClient(`${url}/${account}`, credential).getContainerClient('lake');
  await blobs.getBlockBlobClient('given-up').stageBlock('YQ==', 'never committed', 15);
  const pieces = async (): Promise<boolean> => {
    const answer = await fetch(`${lake.source.url}/webhdfs/v1/lake/.twinlake/uploads?op=LISTSTATUS`);
    await answer.body?.cancel();
    return answer.status === 200;
  };
  t.ok(await pieces(), 'the store that only appends has the block in a file');
  await drained(t, adminView(adminUrl));
  await lake.gateway.kill();
  await lake.gateway.start();
  const shown = async () => (await sdkRead(gen2, 'goes-on'))?.bytes.toString();
  t.equal(await shown(), '', 'what is not flushed is not shown');
  await file.append('second', 6, 6);
  await file.flush(12);
  t.equal(await shown(), 'first second');
  await drained(t, adminView(adminUrl));
  t.equal((await hdfs.read('/lake/goes-on'))?.bytes.toString(), 'first second');
  t.ok(await pieces(), 'the block may still be committed');

  Object.assign(writes, { uploadIdleMs: 1, blocksIdleMs: 1 });
  await lake.setChaos({});
  await lake.gateway.stop();
  await lake.gateway.start();
  await until('the block is removed', async () => !(await pieces()));
  const message = 'uploads that were never finished are removed';
  const said = await until('it is said', () => lake.gateway.log.find(({ msg }) => msg === message));
  t.match(said, { side: 'source', folders: 1 });
});
