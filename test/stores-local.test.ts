// What only a local store has: plain files, restarts, other hands in its directory.
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { coalesced } from '../src/stores/local/coalesced.ts';
import { homeName } from '../src/stores/local/disk.ts';
import { fsError } from '../src/stores/local/fs-errors.ts';
import { createLocalStore } from '../src/stores/local/local-store.ts';
import { openSidecar } from '../src/stores/local/sidecar.ts';
import {
  bodyOfBytes,
  brokenBody,
  createFixture,
  type Fixture,
  kindOf,
  patternBytes,
} from './contract/fixture.ts';

interface Rig {
  dir: string;
  store: Store;
  fixture: Fixture;
  reopen(): Promise<void>;
}

async function openRig(t: Test, fsync = false): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-local-'));
  const open = () => createLocalStore({ name: 'local', dir, fsync });
  const store = await open();
  const rig: Rig = {
    dir,
    store,
    fixture: createFixture(store, '/lake'),
    async reopen() {
      await rig.store.close?.();
      rig.store = await open();
      rig.fixture = createFixture(rig.store, '/lake');
    },
  };
  await rig.fixture.mkdir('/lake');
  t.teardown(async () => {
    await rig.store.close?.();
    await rm(dir, { recursive: true });
  });
  return rig;
}

t.test('files are plain files', async (t) => {
  const { dir, fixture } = await openRig(t, true);
  await fixture.write('/lake/a/b.txt', 'for everybody');
  t.equal(await readFile(join(dir, 'lake/a/b.txt'), 'utf8'), 'for everybody');
  await fixture.mutate({ verb: 'append', path: '/lake/a/b.txt', body: bodyOfBytes('!') });
  t.equal(await readFile(join(dir, 'lake/a/b.txt'), 'utf8'), 'for everybody!');
  await fixture.mutate({ verb: 'delete', path: '/lake/a', recursive: true });
  t.same(await readdir(join(dir, 'lake')), []);
});

t.test('everything survives a restart', async (t) => {
  const rig = await openRig(t, true);
  const { mkdir, write, mutate, stat } = rig.fixture;
  const leaseId = '11111111-2222-3333-4444-555555555555';
  const attributes = {
    properties: { a: '1' },
    permission: 0o1640,
    owner: 'alice',
    group: 'staff',
    content: { contentType: 'text/plain' },
    expiresMs: 4_000_000_000_000,
  };
  await write('/lake/f', 'content', { attributes });
  await mutate({ verb: 'set-attributes', path: '/lake/f', modifiedMs: 1_400_000_000_007 });
  await mutate({ verb: 'lease', path: '/lake/f', action: 'acquire', proposedId: leaseId });
  await mkdir('/lake/d', { properties: { on: 'folder' } });
  await write('/lake/d/up');
  await mutate({ verb: 'stage', path: '/lake/d/up', position: 3, body: bodyOfBytes('def') });
  await mutate({ verb: 'stage', path: '/lake/d/up', position: 0, body: bodyOfBytes('abc') });
  await mutate({ verb: 'stage-block', path: '/lake/blob', blockId: 'QQ==', body: bodyOfBytes('block') });
  const before = [await stat('/lake/f', true), await stat('/lake/d', true), await stat('/lake/d/up', true)];
  await rig.reopen();
  const { fixture } = rig;
  const after = [];
  for (const entry of before) after.push(await fixture.stat(entry.path, true));
  t.same(after, before);
  t.match(after[0], { owner: 'alice', modifiedMs: 1_400_000_000_007, lease: { state: 'leased' } });
  const renamed = { verb: 'rename', path: '/lake/d', destination: '/lake/e', replace: 'none' } as const;
  await fixture.mutate({ ...renamed, intoDirectory: false });
  await fixture.mutate({ verb: 'flush', path: '/lake/e/up', position: 6, retain: false, close: true });
  t.equal((await fixture.read('/lake/e/up')).toString(), 'abcdef');
  t.same((await fixture.stat('/lake/e', true)).properties, { on: 'folder' });
  await fixture.mutate({ verb: 'commit-blocks', path: '/lake/blob', parents: 'all', blockIds: ['QQ=='] });
  t.equal((await fixture.read('/lake/blob')).toString(), 'block');
  t.same(await readdir(join(rig.dir, homeName, 'staged')), [], 'nothing is left of the upload');
  t.same(await readdir(join(rig.dir, homeName, 'blocks')), []);
});

t.test('the store keeps its own folder to itself', async (t) => {
  const { fixture } = await openRig(t);
  const { names, exists, write, mutate, failure, read } = fixture;
  t.same(await names(''), ['lake']);
  t.notOk(await exists(`/${homeName}`));
  t.notOk(await exists(`/${homeName}/attributes.db`));
  t.equal((await failure(write(`/${homeName}/f`, 'x'))).kind, 'invalid');
  t.equal((await failure(mutate({ verb: 'mkdir', path: `/${homeName}`, parents: 'all' }))).kind, 'invalid');
  await write('/lake/f', 'x');
  const rename = { verb: 'rename', path: '/lake/f', replace: 'any', intoDirectory: true } as const;
  await failure(mutate({ ...rename, destination: `/${homeName}` }));
  t.equal((await read('/lake/f')).toString(), 'x');
  await write('/.twinlake/uploads/1/block', 'the gateway may use this name');
  t.same(await names(''), ['.twinlake', 'lake']);
});

t.test('symbolic links are neither shown nor followed', async (t) => {
  const { dir, fixture } = await openRig(t);
  const outside = await mkdtemp(join(tmpdir(), 'twinlake-outside-'));
  t.teardown(() => rm(outside, { recursive: true }));
  await writeFile(join(outside, 'secret'), 'secret');
  await symlink(outside, join(dir, 'lake/folder'));
  await symlink(join(outside, 'secret'), join(dir, 'lake/file'));
  const { names, exists, write, failure, read } = fixture;
  t.same(await names('/lake', { recursive: true }), []);
  for (const path of ['/lake/folder', '/lake/file', '/lake/folder/secret']) t.notOk(await exists(path), path);
  await failure(write('/lake/folder/new', 'x'));
  t.same(await readdir(outside), ['secret']);
  await write('/lake/file', 'replaces the link');
  t.equal((await read('/lake/file')).toString(), 'replaces the link');
  t.equal(await readFile(join(outside, 'secret'), 'utf8'), 'secret');
});

t.test('files that somebody else put there or changed', async (t) => {
  const { dir, fixture } = await openRig(t);
  const { read, stat: entryOf, names, write, mutate } = fixture;
  await mkdir(join(dir, 'lake/foreign'));
  await writeFile(join(dir, 'lake/foreign/f'), 'from outside', { mode: 0o640 });
  t.same(await names('/lake', { recursive: true }), ['foreign', 'foreign/f']);
  t.equal((await read('/lake/foreign/f')).toString(), 'from outside');
  const foreign = await entryOf('/lake/foreign/f', true);
  t.match(foreign, { owner: '$superuser', permission: 0o640, etag: /^0x8D/ });
  await mutate({ verb: 'append', path: '/lake/foreign/f', body: bodyOfBytes('+') });
  t.equal((await read('/lake/foreign/f')).toString(), 'from outside+');
  t.not((await entryOf('/lake/foreign/f')).etag, foreign.etag);
  await write('/lake/own', 'mine', { attributes: { properties: { a: '1' } } });
  const { etag } = await entryOf('/lake/own');
  await appendFile(join(dir, 'lake/own'), ' and yours');
  const changed = await entryOf('/lake/own', true);
  t.not(changed.etag, etag, 'the ETag of what others changed is another');
  t.same(changed.properties, { a: '1' });
  t.equal(changed.lengthBytes, 14);
  await rename(join(dir, 'lake/own'), join(dir, 'lake/moved'));
  t.same((await entryOf('/lake/moved', true)).properties, { a: '1' }, 'attributes belong to the inode');
});

t.test('an inode that is used again brings no attributes along', async (t) => {
  const { dir, fixture } = await openRig(t);
  for (let index = 0; index < 20; index++) {
    await fixture.write('/lake/f', 'x', { attributes: { properties: { old: '1' } } });
    await rm(join(dir, 'lake/f'));
    await writeFile(join(dir, 'lake/g'), 'y');
    t.same((await fixture.stat('/lake/g', true)).properties, {});
    await rm(join(dir, 'lake/g'));
  }
});

t.test('one process at a time', async (t) => {
  const { dir } = await openRig(t);
  await t.rejects(createLocalStore({ name: 'second', dir }), {
    kind: 'unavailable',
    message: /another process/,
  });
});

t.test('what a killed process left half done is put right', async (t) => {
  const rig = await openRig(t);
  const { dir, fixture } = rig;
  const home = join(dir, homeName);
  await fixture.write('/lake/log', 'acked');
  await fixture.write('/lake/from/f', 'x');
  await rig.store.close?.();
  const sidecar = await openSidecar(join(home, 'attributes.db'), false);
  const { ino, birthtimeNs } = await stat(join(dir, 'lake/log'), { bigint: true });
  sidecar.putGrowing(`${ino}.${birthtimeNs}`, '/lake/log', 5);
  sidecar.putDisplaced({ aside: join(home, 'trash/aside'), path: '/lake/to' });
  await sidecar.close();
  await appendFile(join(dir, 'lake/log'), ' torn');
  await writeFile(join(home, 'trash/aside'), 'stood there');
  await writeFile(join(home, 'incoming/half'), 'half a body');
  await writeFile(join(home, 'staged/1.2'), 'of no file');
  await mkdir(join(home, 'trash/folder/inner'), { recursive: true });
  await rig.reopen();
  t.equal((await rig.fixture.read('/lake/log')).toString(), 'acked');
  t.equal((await rig.fixture.read('/lake/to')).toString(), 'stood there', 'the rename did not happen');
  for (const kind of ['incoming', 'trash', 'staged']) t.same(await readdir(join(home, kind)), [], kind);
});

t.test('a flush of a new file copies nothing', async (t) => {
  const { dir, fixture } = await openRig(t);
  const bytes = patternBytes(3_000_000);
  await fixture.write('/lake/f');
  const half = 1_500_000;
  for (const at of [half, 0]) {
    const body = bodyOfBytes(bytes.subarray(at, at + half));
    await fixture.mutate({ verb: 'stage', path: '/lake/f', position: at, body });
  }
  const staged = join(dir, homeName, 'staged');
  const { ino } = await stat(join(staged, (await readdir(staged))[0]!));
  const { fileId } = await fixture.stat('/lake/f');
  await fixture.mutate({
    verb: 'flush',
    path: '/lake/f',
    position: bytes.length,
    retain: false,
    close: true,
  });
  t.equal((await stat(join(dir, 'lake/f'))).ino, ino, 'the staged file itself');
  t.equal((await fixture.stat('/lake/f')).fileId, fileId, 'under the same id');
  t.ok((await fixture.read('/lake/f')).equals(bytes));
});

t.test('a flush beside a body that is still coming', async (t) => {
  const { fixture } = await openRig(t);
  const { mutate, read } = fixture;
  await fixture.write('/lake/f');
  await mutate({ verb: 'stage', path: '/lake/f', position: 0, body: bodyOfBytes('abc') });
  let flushed: Promise<unknown> = Promise.resolve();
  // The flush comes while this body is received: its bytes must not end up in the file by themselves.
  const beforeCommit = async (): Promise<void> => {
    flushed = mutate({ verb: 'flush', path: '/lake/f', position: 3, retain: true, close: false });
    await flushed;
  };
  const late = { verb: 'stage', path: '/lake/f', position: 3, body: bodyOfBytes('def') } as const;
  await mutate(late, { beforeCommit });
  t.equal((await read('/lake/f')).toString(), 'abc');
  await mutate({ verb: 'flush', path: '/lake/f', position: 6, retain: false, close: true });
  t.equal((await read('/lake/f')).toString(), 'abcdef');
});

t.test('an append that breaks off leaves the file', async (t) => {
  const { dir, fixture } = await openRig(t);
  await fixture.write('/lake/f', 'whole');
  const { etag } = await fixture.stat('/lake/f');
  const body = brokenBody('part', 10);
  const error = await fixture.failure(fixture.mutate({ verb: 'append', path: '/lake/f', body }));
  t.equal(kindOf(error, 'aborted'), 'aborted');
  t.equal(await readFile(join(dir, 'lake/f'), 'utf8'), 'whole');
  t.equal((await fixture.stat('/lake/f')).etag, etag);
});

t.test('a file that is cut while it is read', async (t) => {
  const { dir, fixture } = await openRig(t);
  await fixture.write('/lake/f', patternBytes(2_000_000));
  const { body } = await fixture.query({ verb: 'read', path: '/lake/f', offset: 0 });
  await truncate(join(dir, 'lake/f'), 10);
  const reading = async (): Promise<void> => {
    for await (const chunk of body) t.ok((chunk as Buffer).length > 0);
  };
  await t.rejects(reading(), { name: 'StoreError', kind: 'internal' });
});

t.test('many names in one folder', async (t) => {
  const { dir, fixture } = await openRig(t);
  await fixture.mkdir('/lake/many');
  const expected = Array.from({ length: 3_000 }, (_, index) => `f${String(index).padStart(5, '0')}`);
  for (const name of expected) await writeFile(join(dir, 'lake/many', name), '');
  t.same(await fixture.names('/lake/many', { limit: 700 }), expected);
  const { entries } = await fixture.page('/lake/many', { after: 'f02990', limit: 100 });
  t.equal(entries.length, 9);
});

t.test('errors of the file system', async (t) => {
  const of = (code: string) => fsError(Object.assign(new Error(`${code}: /secret/path`), { code }));
  for (const [code, kind] of [
    ['ENOSPC', 'unavailable'],
    ['EACCES', 'denied'],
    ['ENOTDIR', 'not-directory'],
    ['ENAMETOOLONG', 'invalid'],
    ['ENOENT', 'not-found'],
    ['EEXIST', 'exists'],
    ['ENOTEMPTY', 'not-empty'],
  ]) {
    const error = of(code!);
    t.match({ kind: error.kind, applied: error.applied }, { kind, applied: 'no' }, code!);
    t.notMatch(error.message, /secret/);
  }
  t.ok(of('ENOSPC').temporary);
  t.match({ ...of('EIO') }, { kind: 'internal', applied: 'unknown' });
  const own = StoreError.invalid('x');
  t.equal(fsError(own), own);
  const deep = await openRig(t);
  const path = `/lake${'/directory-with-a-long-name'.repeat(200)}`;
  t.equal((await deep.fixture.failure(deep.fixture.mkdir(path))).kind, 'invalid', 'longer than PATH_MAX');
});

t.test('calls that wait share one run', async (t) => {
  const runs: (() => void)[] = [];
  const sync = coalesced(() => new Promise<void>((resolve) => runs.push(resolve)));
  const first = sync();
  const waiting = [sync(), sync(), sync()];
  t.equal(runs.length, 1);
  runs[0]!();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(runs.length, 2, 'all that came meanwhile share the next');
  runs[1]!();
  await Promise.all(waiting);
  const failing = coalesced(() => Promise.reject(new Error('disk')));
  const outcomes = await Promise.allSettled([failing(), failing(), failing()]);
  t.ok(outcomes.every(({ status }) => status === 'rejected'));
});
