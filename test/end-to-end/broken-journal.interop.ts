// The journal's disk is full, damaged, or another process has it: no write goes to two stores unjournaled, reads go on, and when the
// disk is well again so is the gateway.
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { adminView, drained, until } from './admin-view.ts';
import { HttpError, lakeFilesystem, sdkRead, webhdfsClient } from './clients.ts';
import { type Lake, startLake } from './lake.ts';
import { sameTrees } from './trees.ts';

// Real processes on a busy machine.
t.setTimeout(300_000);

const routes = `mounts:
  - { source: /lake, target: /lake }
apps:
  default: { reads: source, writes: both }
  lone:
    match: { users: [lone] }
    mounts: [{ source: /lone, target: /lone }]
    reads: source
    writes: source
`;

/** Hands requests on to a store and writes down those that change something. */
async function watched(t: Test, behind: string, changes: string[]): Promise<string> {
  const server = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming;
    // The gateway's own: roots of mounts, hidden folders that repair made.
    const own = /^\/webhdfs\/v1\/\w+\?op=MKDIRS|^\/\w+\/\w+\?restype=container|\/\.twinlake/.test(url);
    if (method !== 'GET' && method !== 'HEAD' && !own) changes.push(`${method} ${url}`);
    const onwards = httpRequest(`${behind}${url}`, { method, headers }, (given) => {
      answer.writeHead(given.statusCode!, given.rawHeaders);
      given.pipe(answer);
    });
    onwards.on('error', () => answer.destroy());
    incoming.pipe(onwards);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  return `http://127.0.0.1:${port}`;
}

interface Installation {
  lake: Lake;
  hdfs: ReturnType<typeof webhdfsClient>;
  lone: ReturnType<typeof webhdfsClient>;
  gen2: ReturnType<typeof lakeFilesystem>;
  admin: ReturnType<typeof adminView>;
  changes: string[];
}

async function install(t: Test): Promise<Installation> {
  const changes: string[] = [];
  const watching = (url: string) => watched(t, url, changes);
  const lake = await startLake(t, { routes, roads: { source: watching, target: watching } });
  const hdfs = webhdfsClient(lake.gateway.url);
  const gen2 = lakeFilesystem(lake.gateway.url);
  await hdfs.write('/lake/d/old', 'old');
  await gen2.getFileClient('gen2').upload(Buffer.from('by gen2'));
  const admin = adminView(lake.gateway.adminUrl);
  await drained(t, admin);
  return {
    lake,
    hdfs,
    lone: webhdfsClient(lake.gateway.url, 'lone'),
    gen2,
    admin,
    changes,
  };
}

const statusOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'done',
    (error) => (error instanceof HttpError ? error.status : error.statusCode),
  );

/** Every kind of two-sided write is refused on both faces and reaches no store; reads and the one-sided app go on. */
async function refusesTwoSidedWrites(
  t: Test,
  { hdfs, lone, gen2, lake, changes }: Installation,
): Promise<void> {
  const before = changes.length;
  const file = gen2.getFileClient('gen2');
  const asked = {
    create: () => hdfs.write('/lake/d/new', 'new'),
    append: () => hdfs.append('/lake/d/old', 'more'),
    mkdir: () => hdfs.call('PUT', '/lake/made', 'MKDIRS'),
    rename: () => hdfs.call('PUT', '/lake/d/old', 'RENAME', { destination: '/lake/d/moved' }),
    delete: () => hdfs.call('DELETE', '/lake/d', 'DELETE', { recursive: true }),
    permission: () => hdfs.call('PUT', '/lake/d/old', 'SETPERMISSION', { permission: '600' }),
    gen2Create: () => gen2.getFileClient('other').create(),
    gen2Append: () => file.append('x', 7, 1),
    gen2Delete: () => file.delete(),
    gen2Rename: () => file.move('elsewhere'),
    gen2Metadata: () => file.setMetadata({ a: 'b' }),
  };
  for (const [what, ask] of Object.entries(asked)) t.equal(await statusOf(ask()), 503, `${what} is refused`);
  t.strictSame(changes.slice(before), [], 'no store has heard of any of them');
  const raw = await fetch(`${lake.gateway.url}/webhdfs/v1/lake/made?op=MKDIRS&user.name=ann`, {
    method: 'PUT',
  });
  t.match(await raw.json(), { RemoteException: { exception: 'RetriableException' } }, 'WebHDFS’s own shape');
  t.ok(raw.headers.get('retry-after'), 'and when to come again');
  const code = await file.setMetadata({}).catch((error) => error.code);
  t.equal(code, 'ServerBusy', 'Gen2’s own shape');
  t.equal((await hdfs.read('/lake/d/old'))?.bytes.toString(), 'old', 'reads go on');
  t.equal((await sdkRead(gen2, 'gen2'))?.bytes.toString(), 'by gen2');
  t.equal(await statusOf(lone.write('/lone/x', 'alone')), 'done', 'an app of one side goes on');
  t.equal((await lone.read('/lone/x'))?.bytes.toString(), 'alone');
}

async function saysSo({ lake, admin }: Installation, t: Test): Promise<void> {
  t.equal(await admin.metric('twinlake_journal_writable'), 0, 'the metric says so');
  const health = await fetch(`${lake.gateway.adminUrl}/health/stores`);
  t.equal(health.status, 503);
  t.match(
    await health.json(),
    { healthy: false, journal: { writable: false, reason: /./ } },
    'so does health',
  );
}

async function isWell(t: Test, { lake, hdfs, gen2, admin }: Installation): Promise<void> {
  await until(
    'the journal takes entries',
    async () => (await admin.metric('twinlake_journal_writable')) === 1,
  );
  await until(
    'writes are taken again',
    async () => (await statusOf(hdfs.write('/lake/d/after', 'x'))) === 'done',
  );
  await gen2.getFileClient('gen2-after').upload(Buffer.from('after'));
  t.equal((await fetch(`${lake.gateway.adminUrl}/health/ready`)).status, 200);
  await drained(t, admin);
  await sameTrees(t, lake);
}

const limitFiles = ({ lake }: Installation, bytes: string): void => {
  execFileSync('prlimit', ['--pid', String(lake.gateway.pid()), `--fsize=${bytes}`]);
};
const journalOf = ({ lake }: Installation): string => join(lake.configDir, '../state/journal.db');

/** Root may write to whatever is not mounted read-only; others may not write where no permission says so. */
async function readOnly(dir: string): Promise<{ writable(): Promise<void> } | undefined> {
  const files = (await readdir(dir)).map((name) => join(dir, name));
  const chmodAll = async (folder: number, file: number): Promise<void> => {
    await chmod(dir, 0o700);
    for (const path of files) await chmod(path, file);
    await chmod(dir, folder);
  };
  if (process.getuid?.() !== 0) {
    await chmodAll(0o500, 0o400);
    return { writable: () => chmodAll(0o700, 0o600) };
  }
  try {
    execFileSync('mount', ['--bind', dir, dir], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  let mounted = true;
  const writable = async (): Promise<void> => {
    // Lazily: what the gateway has open goes on being read-only.
    if (mounted) execFileSync('umount', ['--lazy', dir]);
    mounted = false;
  };
  execFileSync('mount', ['-o', 'remount,ro,bind', dir]);
  return { writable };
}

t.test('the disk is full', async (t) => {
  const one = await install(t);
  limitFiles(one, '1:');
  await refusesTwoSidedWrites(t, one);
  await saysSo(one, t);
  limitFiles(one, 'unlimited:');
  await isWell(t, one);
});

t.test('the disk is read-only', async (t) => {
  const one = await install(t);
  await one.lake.gateway.kill();
  const disk = await readOnly(dirname(journalOf(one)));
  if (!disk) return t.pass('read-only', { skip: 'root may write to everything, and here it may not mount' });
  t.teardown(disk.writable);
  await one.lake.gateway.start();
  await refusesTwoSidedWrites(t, one);
  await saysSo(one, t);
  await disk.writable();
  await isWell(t, one);
});

t.test('another process has the journal', async (t) => {
  const one = await install(t);
  await one.lake.gateway.kill();
  const other = new DatabaseSync(journalOf(one));
  other.exec('pragma locking_mode = exclusive; begin exclusive');
  await one.lake.gateway.start();
  await refusesTwoSidedWrites(t, one);
  await saysSo(one, t);
  t.equal(
    (await fetch(`${one.lake.gateway.adminUrl}/health/ready`)).status,
    503,
    'clients are better off there',
  );
  other.exec('rollback');
  other.close();
  await isWell(t, one);
});

t.test('the file is damaged: in the database, or in its log', async (t) => {
  const one = await install(t);
  const file = journalOf(one);
  // A clean stop leaves everything in the database.
  await one.lake.gateway.stop();
  await copyFile(file, `${file}.whole`);
  const bytes = await readFile(file);
  for (let page = 1; page < bytes.length / 4096; page++) bytes.fill(0xa5, page * 4096, page * 4096 + 64);
  await writeFile(file, bytes);
  await one.lake.gateway.start();
  await refusesTwoSidedWrites(t, one);
  await saysSo(one, t);
  await copyFile(`${file}.whole`, file);
  await isWell(t, one);
  // Of a log whose middle is damaged SQLite takes what comes before, as after a power cut; whoever loses more than that has lost
  // the journal, and its stamp says so.
  await one.lake.gateway.kill();
  const log = await readFile(`${file}-wal`);
  t.ok((await stat(`${file}-wal`)).size > 4096);
  log.fill(0x5a, 40, 4096);
  await writeFile(`${file}-wal`, log);
  await one.lake.gateway.start();
  await refusesTwoSidedWrites(t, one);
});
