// The journal's disk is lost: nothing is made equal until the operator says which side is true, and then nothing is lost either.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { adminView, drained } from './admin-view.ts';
import { lakeFilesystem, sdkRead, webhdfsClient } from './clients.ts';
import { startLake } from './lake.ts';
import { nodeBinary, projectRoot } from './server-process.ts';

t.setTimeout(300_000);

/** `twinlake recover` as an operator runs it; its output. */
async function recover(adminUrl: string, ...args: string[]): Promise<string> {
  const main = resolve(projectRoot, 'src/main.ts');
  const { stdout } = await promisify(execFile)(nodeBinary, [main, 'recover', '--admin', adminUrl, ...args]);
  return stdout;
}

t.test('a lost journal', async (t) => {
  const lake = await startLake(t);
  const admin = adminView(lake.gateway.adminUrl);
  const hdfs = webhdfsClient(lake.gateway.url);
  const files = lakeFilesystem(lake.gateway.url);
  const source = webhdfsClient(lake.source.url);
  const target = lakeFilesystem(lake.target.url);
  await hdfs.write('/lake/same', 'on both');
  await hdfs.write('/lake/differs', 'as it was');
  await drained(t, admin);

  await lake.gateway.kill();
  // What the lost journal may have known: that the target has the newest state of one file, and the source one of its own.
  await target.getFileClient('differs').upload(Buffer.from('newest, on the target'));
  await source.write('/lake/only-source', 'nobody else has it');
  await rm(join(lake.configDir, '../state'), { recursive: true });
  await lake.gateway.start();

  t.match(await admin.apps(), [{ app: 'default', held: /twinlake recover/ }]);
  const refusal = (write: Promise<unknown>) =>
    write.then(
      () => undefined,
      (error: unknown) => error,
    );
  t.match(await refusal(hdfs.write('/lake/new', 'x')), { status: 503 }, 'WebHDFS writes are refused');
  t.match(await refusal(files.getFileClient('new').create()), { statusCode: 503 }, 'Gen2 writes are refused');
  t.equal((await hdfs.read('/lake/same'))?.bytes.toString(), 'on both', 'reads go on');
  t.equal((await admin.divergences()).total, 0);

  t.match(await recover(lake.gateway.adminUrl, '--truth', 'target'), /^\/lake: /);
  await drained(t, admin);
  t.equal((await hdfs.read('/lake/differs'))?.bytes.toString(), 'newest, on the target');
  t.equal((await source.read('/lake/differs'))?.bytes.toString(), 'newest, on the target');
  t.equal(
    (await source.read('/lake/only-source'))?.bytes.toString(),
    'nobody else has it',
    'extras are kept',
  );
  const kept = await source.call('GET', '/lake/.twinlake/kept', 'LISTSTATUS');
  const [folder] = kept.json.FileStatuses.FileStatus;
  const replaced = await source.read(`/lake/.twinlake/kept/${folder.pathSuffix}/differs`);
  t.equal(replaced?.bytes.toString(), 'as it was', 'what was replaced is put aside');
  await hdfs.write('/lake/new', 'goes on');
  t.equal((await sdkRead(files, 'new'))?.bytes.toString(), 'goes on');
  t.match(
    await refusal(recover(lake.gateway.adminUrl, '--truth', 'target')),
    { code: 1 },
    'nothing waits any more',
  );
});
