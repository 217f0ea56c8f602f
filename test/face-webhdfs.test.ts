// The WebHDFS dialect of the face over the memory store: two steps, every operation, and the npm client over a socket.
import { Readable } from 'node:stream';
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import { linkLifetimeMs } from '../src/faces/webhdfs/links.ts';
import { ask } from './face-request.ts';
import { serveFace } from './face-server.ts';
import { webhdfsBench } from './face-webhdfs-bench.ts';

t.test('CREATE and APPEND take two steps with a reusable link', async (t) => {
  const { face, get, mutations, ctxs, clock } = webhdfsBench();
  const body = new Readable({ read: () => t.fail('the first step read the body') });
  const target = '/webhdfs/v1/d/a%20b.txt?op=create&user.name=ann&overwrite=true&permission=0640';
  const first = await ask(face, { method: 'PUT', target, body });
  t.equal(first.status, 307);
  t.equal(first.bytes.length, 0);
  t.equal(mutations.length, 0, 'the first step changes nothing');
  const location = new URL(first.headers.location!);
  t.equal(location.origin, 'http://gateway.test:8080');
  t.equal(location.pathname, '/webhdfs/v1/d/a%20b.txt');
  t.equal(location.searchParams.get('user.name'), 'ann');
  const second = {
    method: 'PUT',
    target: `${location.pathname}${location.search}&user.name=bob&offset=0`,
    body: 'one',
  };
  const created = await ask(face, second);
  t.equal(created.status, 201);
  t.equal(created.headers.location, 'webhdfs://gateway.test:8080/webhdfs/v1/d/a%20b.txt');
  t.match(mutations[0], {
    verb: 'create',
    path: '/d/a b.txt',
    parents: 'all',
    attributes: { permission: 0o640 },
  });
  t.equal(ctxs[0]!.caller.user, 'ann', 'the signed user, not the repeated one');

  const append = await ask(face, {
    method: 'POST',
    target: '/webhdfs/v1/d/a%20b.txt?op=APPEND&user.name=ann&noredirect=true',
  });
  t.equal(append.status, 200);
  const again = append.json.Location.replace('http://gateway.test:8080', '');
  for (const part of ['two', 'three']) {
    const reply = await ask(face, {
      method: 'POST',
      target: `${again}&overwrite=true`,
      body: Readable.from([Buffer.from(part)]),
    });
    t.equal(reply.status, 200);
  }
  t.equal((await get('/d/a%20b.txt?op=OPEN')).text, 'onetwothree');
  t.equal(
    (await ask(face, { method: 'POST', target: again, body: '' })).status,
    200,
    'nothing may be appended',
  );

  for (const [why, wrong] of [
    ['another path', again.replace('a%20b', 'other')],
    ['another operation', again.replace('op=APPEND', 'op=CREATE')],
    ['a changed signature', again.replace(/.$/, (last: string) => (last === 'A' ? 'B' : 'A'))],
    ['no signature', again.replace(/twinlake\.link=.*$/, 'twinlake.link=x')],
  ] as const) {
    const method = wrong.includes('CREATE') ? 'PUT' : 'POST';
    const reply = await ask(face, { method, target: wrong, body: 'x' });
    t.match([reply.status, reply.json.RemoteException.exception], [403, 'AccessControlException'], why);
  }
  clock.nowMs += linkLifetimeMs + 1;
  t.equal((await ask(face, { method: 'POST', target: again, body: 'late' })).status, 403, 'expired');
});

t.test('links carry the app, and the public URL wins over Host', async (t) => {
  const { face, ctxs } = webhdfsBench({
    publicUrl: () => 'https://lake.example/',
    appOf: (caller) => `app-of-${caller.user}`,
  });
  const first = await ask(face, { method: 'PUT', target: '/webhdfs/v1/x?op=CREATE&user.name=ann' });
  const location = first.headers.location!;
  t.ok(location.startsWith('https://lake.example/webhdfs/v1/x?'));
  await ask(face, { method: 'PUT', target: location, body: 'x' });
  t.equal(ctxs[0]!.caller.app, 'app-of-ann');
  const noHost = await ask(webhdfsBench().face, {
    method: 'PUT',
    target: '/webhdfs/v1/x?op=CREATE',
    headers: { host: 'a b' },
  });
  t.equal(noHost.status, 400);
});

t.test('HttpFS clients: data=true is the second step', async (t) => {
  const { face, get } = webhdfsBench();
  const target = '/webhdfs/v1/h?op=CREATE&data=true&user.name=ann';
  t.equal((await ask(face, { method: 'PUT', target, body: 'h' })).status, 201);
  t.equal((await get('/h?op=OPEN')).text, 'h');
});

t.test('OPEN redirects, then answers ranges with their length', async (t) => {
  const { face, get, write } = webhdfsBench();
  await write('/f', '0123456789');
  const first = await ask(face, { target: '/webhdfs/v1/f?op=OPEN&offset=2' });
  t.equal(first.status, 307);
  t.match(first.headers.location, /op=OPEN&offset=2&user\.name=dr\.who&twinlake\.link=/);
  for (const [range, text] of [
    ['', '0123456789'],
    ['&offset=3', '3456789'],
    ['&offset=3&length=2', '34'],
    ['&offset=8&length=100', '89'],
    ['&length=null&offset=9', '9'],
    ['&length=0', ''],
    ['&offset=10', ''],
    ['&offset=10&length=5', ''],
  ] as const) {
    const reply = await get(`/f?op=OPEN${range}`);
    t.match(
      [reply.status, reply.text, reply.headers['content-length']],
      [200, text, String(text.length)],
      range,
    );
  }
  const beyond = await get('/f?op=OPEN&offset=11');
  t.match([beyond.status, beyond.json.RemoteException.exception], [403, 'IOException']);
  t.match(beyond.json.RemoteException.message, /out of the range/);
  const folder = await get('/?op=OPEN');
  t.match([folder.status, folder.json.RemoteException.message], [404, 'Path is not a file: /']);
  await write('/empty', '');
  t.equal((await get('/empty?op=OPEN&offset=0&length=9')).status, 200);
});

t.test('status of files and folders has the keys of a NameNode', async (t) => {
  const { get, put, write, clock } = webhdfsBench();
  await put('/d?op=MKDIRS&permission=1777&user.name=ann');
  await write('/d/f', 'abc');
  const file = (await get('/d/f?op=GETFILESTATUS')).json.FileStatus;
  t.strictSame(Object.keys(file), [
    ...['accessTime', 'blockSize', 'childrenNum', 'fileId', 'group', 'length', 'modificationTime'],
    ...['owner', 'pathSuffix', 'permission', 'replication', 'storagePolicy', 'type'],
  ]);
  t.match(file, {
    length: 3,
    pathSuffix: '',
    permission: '644',
    type: 'FILE',
    modificationTime: clock.nowMs,
  });
  const folder = (await get('/d?op=GETFILESTATUS')).json.FileStatus;
  t.match(folder, { length: 0, blockSize: 0, replication: 0, permission: '1777', type: 'DIRECTORY' });
  const missing = await get('/nope?op=GETFILESTATUS');
  t.equal(missing.status, 404);
  t.strictSame(missing.json, {
    RemoteException: {
      exception: 'FileNotFoundException',
      javaClassName: 'java.io.FileNotFoundException',
      message: 'File does not exist: /nope',
    },
  });
  t.match((await get('/?op=GETCONTENTSUMMARY')).json.ContentSummary, {
    directoryCount: 2,
    fileCount: 1,
    length: 3,
  });
  t.equal((await get('/d/f?op=GETQUOTAUSAGE')).json.QuotaUsage.fileAndDirectoryCount, 1);
  t.match((await get('/d/f?op=GETFILEBLOCKLOCATIONS')).json.BlockLocations.BlockLocation, [
    { length: 3, offset: 0 },
  ]);
  const sum = (await get('/d/f?op=GETFILECHECKSUM')).json.FileChecksum;
  t.equal(sum.length, sum.bytes.length / 2);
  t.match((await get('/d/f?op=GETFILECHECKSUM&noredirect=true')).json.Location, /op=GETFILECHECKSUM/);
  t.equal((await get('/d/f?op=CHECKACCESS&fsaction=r--')).status, 200);
});

t.test('LISTSTATUS gives a whole folder, whatever its size; LISTSTATUS_BATCH goes by name', async (t) => {
  const { face, get, store } = webhdfsBench();
  const ctx = ownCtx('test');
  const names = Array.from({ length: 2300 }, (_, i) => `n${String(i).padStart(5, '0')}`);
  for (const name of names) await store.mutate({ verb: 'create', path: `/big/${name}`, parents: 'all' }, ctx);
  const whole = await get('/big?op=LISTSTATUS');
  t.equal(whole.headers['content-length'], undefined, 'streamed');
  t.strictSame(
    whole.json.FileStatuses.FileStatus.map((one: { pathSuffix: string }) => one.pathSuffix),
    names,
  );
  const batched: string[] = [];
  for (let remaining = 1; remaining > 0; ) {
    const after = batched.length > 0 ? `&startAfter=${batched.at(-1)}` : '';
    const { DirectoryListing } = (await ask(face, { target: `/webhdfs/v1/big?op=LISTSTATUS_BATCH${after}` }))
      .json;
    batched.push(
      ...DirectoryListing.partialListing.FileStatuses.FileStatus.map(
        (one: { pathSuffix: string }) => one.pathSuffix,
      ),
    );
    remaining = DirectoryListing.remainingEntries;
  }
  t.strictSame(batched, names);
  t.match((await get('/big/n00000?op=LISTSTATUS')).json.FileStatuses.FileStatus, [
    { pathSuffix: '', type: 'FILE' },
  ]);
  await store.mutate({ verb: 'mkdir', path: '/none', parents: 'all' }, ctx);
  t.equal((await get('/none?op=LISTSTATUS')).text, '{"FileStatuses":{"FileStatus":[]}}');
  t.equal((await get('/missing?op=LISTSTATUS')).status, 404);
});

t.test('RENAME: booleans without options, exceptions with', async (t) => {
  const { get, put, write } = webhdfsBench();
  await write('/a/f', 'f');
  await write('/a/g', 'g');
  await put('/dir?op=MKDIRS');
  const rename = async (from: string, to: string, options = '') => {
    const reply = await put(`${from}?op=RENAME&destination=${encodeURIComponent(to)}${options}`);
    return reply.json.boolean ?? `${reply.status} ${reply.json.RemoteException.exception}`;
  };
  t.equal(await rename('/missing', '/x'), false);
  t.equal(await rename('/a/f', '/a/g'), false, 'onto a file');
  t.equal(await rename('/a/f', '/no/parent'), false);
  t.equal(await rename('/a/f', '/a/f'), true, 'a file onto itself');
  t.equal(await rename('/a', '/a'), false, 'a folder onto itself');
  t.equal(await rename('/a', '/a/inside'), false);
  t.equal(await rename('/', '/x'), false);
  t.equal(await rename('/a/f', 'dir'), true, 'into a folder, named without a slash');
  t.equal((await get('/dir/f?op=OPEN')).text, 'f');
  t.equal(await rename('/missing', '/x', '&renameoptions=overwrite'), '404 FileNotFoundException');
  t.equal(await rename('/dir/f', '/a/g', '&renameoptions=NONE'), '403 FileAlreadyExistsException');
  t.equal(await rename('/dir/f', '/a/g', '&renameoptions=overwrite'), true, 'HdfsCLI writes it so');
  t.equal((await get('/a/g?op=OPEN')).text, 'f');
  t.equal(await rename('/a/g', '/b', '&renameoptions=SOMEHOW'), '400 IllegalArgumentException');
});

t.test('DELETE and MKDIRS', async (t) => {
  const { face, put, write } = webhdfsBench();
  await write('/d/f', 'x');
  const remove = (path: string) => ask(face, { method: 'DELETE', target: `/webhdfs/v1${path}` });
  const full = await remove('/d?op=DELETE');
  t.match([full.status, full.json.RemoteException.exception], [403, 'PathIsNotEmptyDirectoryException']);
  t.equal((await remove('/d?op=DELETE&recursive=TRUE')).text, '{"boolean":true}');
  t.equal((await remove('/d?op=DELETE&recursive=true')).text, '{"boolean":false}');
  t.equal((await remove('/?op=DELETE&recursive=true')).text, '{"boolean":false}', 'never the root');
  t.equal((await put('/?op=MKDIRS')).text, '{"boolean":true}');
  t.equal((await put('/m/n?op=mkdirs')).text, '{"boolean":true}');
  t.equal((await put('/m/n?OP=MKDIRS')).text, '{"boolean":true}', 'again');
  await write('/file', 'x');
  t.equal((await put('/file?op=MKDIRS')).status, 403, 'over a file');
  t.equal((await put('/file/below?op=MKDIRS')).status, 403, 'below a file');
});

t.test('attributes, ACLs and xattrs', async (t) => {
  const { get, put, write, mutations } = webhdfsBench();
  await write('/f', 'x', '&permission=640');
  const empty = await put('/f?op=SETPERMISSION&permission=600');
  t.match(
    [empty.status, empty.bytes.length, empty.headers['content-type']],
    [200, 0, 'application/octet-stream'],
  );
  await put('/f?op=SETOWNER&owner=bob&group=staff');
  await put('/f?op=SETTIMES&modificationtime=1500000000000');
  t.match((await get('/f?op=GETFILESTATUS')).json.FileStatus, {
    permission: '600',
    owner: 'bob',
    group: 'staff',
    modificationTime: 1_500_000_000_000,
  });
  const before = mutations.length;
  t.equal((await put('/f?op=SETTIMES&modificationtime=-1&accesstime=-1')).status, 200);
  t.equal(mutations.length, before, 'nothing to change');
  t.equal((await put('/f?op=SETOWNER')).status, 400);
  t.equal((await put('/f?op=SETREPLICATION&replication=2')).text, '{"boolean":true}');
  await put('/f?op=MODIFYACLENTRIES&aclspec=user:carl:r-x');
  const { AclStatus } = (await get('/f?op=GETACLSTATUS')).json;
  t.strictSame(Object.keys(AclStatus), ['entries', 'group', 'owner', 'permission', 'stickyBit']);
  t.strictSame(AclStatus.entries, ['user:carl:r-x', 'group::---'], 'without user, mask and other');
  t.equal((await get('/f?op=GETFILESTATUS')).json.FileStatus.aclBit, true);
  await put('/f?op=REMOVEACLENTRIES&aclspec=user:carl:');
  await put('/f?op=REMOVEACL');
  t.strictSame((await get('/f?op=GETACLSTATUS')).json.AclStatus.entries, []);
  t.equal((await put('/f?op=SETACL&aclspec=user::rwq')).status, 400);
  t.equal((await put('/f?op=SETACL')).status, 400);

  t.equal((await put('/f?op=SETXATTR&xattr.name=user.a-b&xattr.value=%22v%22&flag=CREATE')).status, 200);
  t.equal((await put('/f?op=SETXATTR&xattr.name=user.a-b&xattr.value=x&flag=CREATE')).status, 403);
  await put('/f?op=SETXATTR&xattr.name=user.twinlake.colour&xattr.value=0x726564');
  t.strictSame((await get('/f?op=GETXATTRS&xattr.name=user.a-b&encoding=text')).json.XAttrs, [
    { name: 'user.a-b', value: '"v"' },
  ]);
  t.strictSame(JSON.parse((await get('/f?op=LISTXATTRS')).json.XAttrNames), [
    'user.twinlake.colour',
    'user.a-b',
  ]);
  t.match(mutations.at(-1), { properties: { colour: 'red' } });
  t.equal((await put('/f?op=REMOVEXATTR&xattr.name=user.a-b')).status, 200);
  t.equal((await get('/f?op=GETXATTRS&xattr.name=user.a-b')).status, 400);
  t.equal((await put('/f?op=SETXATTR&xattr.name=trusted.x&xattr.value=1')).status, 400);
});

t.test('CONCAT, and answers that need no store', async (t) => {
  const { face, get, write } = webhdfsBench();
  for (const name of ['a', 'b', 'c']) await write(`/c/${name}`, name);
  const concat = (query: string) =>
    ask(face, { method: 'POST', target: `/webhdfs/v1/c/a?op=CONCAT${query}` });
  t.equal((await concat('&sources=/c/b,/c/c')).status, 200);
  t.equal((await get('/c/a?op=OPEN')).text, 'abc');
  t.equal((await get('/c/b?op=GETFILESTATUS')).status, 404);
  for (const wrong of ['', '&sources=,', '&sources=/c/a', '&sources=/c/b,/c/b', '&sources=/c/../b']) {
    t.equal((await concat(wrong)).status, 400, wrong);
  }
  t.equal((await get('/?op=GETHOMEDIRECTORY&user.name=ann')).json.Path, '/user/ann');
  t.equal((await get('/?op=GETTRASHROOT')).json.Path, '/user/dr.who/.Trash');
  t.equal(
    (await get('/?op=GETSTATUS')).text,
    '{"FsStatus":{"used":0,"remaining":9223372036854775807,"capacity":9223372036854775807}}',
  );
  t.equal((await get('/?op=GETDELEGATIONTOKEN')).text, '{"Token":null}');
  t.equal((await get('/?op=GETSERVERDEFAULTS')).json.FsServerDefaults.bytesPerChecksum, 512);
});

t.test('the npm client works over a socket', async (t) => {
  // No types come with it.
  // @ts-expect-error
  const { default: WebHDFS } = await import('webhdfs');
  const { face } = webhdfsBench();
  const server = await serveFace(face);
  t.teardown(() => server.close());
  const client = WebHDFS.createClient({
    user: 'ann',
    host: '127.0.0.1',
    port: server.port,
    path: '/webhdfs/v1',
  });
  const call = (name: string, ...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      client[name](...args, (error: Error | null, value: unknown) =>
        error ? reject(error) : resolve(value),
      );
    });
  const big = Buffer.alloc(3_000_000, 'twinlake ');
  await call('mkdir', '/npm');
  await call('writeFile', '/npm/50%.txt', big);
  t.ok(big.equals((await call('readFile', '/npm/50%.txt')) as Buffer), 'an unescaped % is the name');
  await call('writeFile', '/npm/a b', 'one');
  await call('appendFile', '/npm/a b', 'two');
  t.equal(String(await call('readFile', '/npm/a b')), 'onetwo');
  await call('rename', '/npm/a b', '/npm/c');
  t.match(await call('readdir', '/npm'), [
    { pathSuffix: '50%.txt' },
    { pathSuffix: 'c', length: 6, owner: 'ann' },
  ]);
  await call('chmod', '/npm/c', '0600');
  t.match(await call('stat', '/npm/c'), { permission: '600', type: 'FILE' });
  await t.rejects(call('stat', '/npm/none'), /does not exist/);
  await call('unlink', '/npm/c');
  await call('rmdir', '/npm', true);
  await t.rejects(call('readFile', '/npm/c'), /does not exist/);
});
