// The Gen1 dialect of the face, and the codec that it shares with the stores, both ways.
import { Readable } from 'node:stream';
import t from 'tap';
import { aclOfPermission, parseAcl, sortAcl } from '../src/core/acl.ts';
import type { Entry } from '../src/core/entry.ts';
import { type ErrorKind, StoreError } from '../src/core/store-error.ts';
import { fromRemoteException, toRemoteException } from '../src/wire/webhdfs/errors.ts';
import {
  type Dialect,
  fromAclStatus,
  fromContentSummary,
  fromFileChecksum,
  fromFileStatus,
  fromFileStatuses,
  toAclStatus,
  toContentSummary,
  toFileChecksum,
  toFileStatus,
} from '../src/wire/webhdfs/file-status.ts';
import { dialectOf, isWebhdfsTarget, parseTarget } from '../src/wire/webhdfs/target.ts';
import { decodeXattrValue, propertyOfXattr, xattrOfProperty } from '../src/wire/webhdfs/xattrs.ts';
import { ask, type RequestWords } from './face-request.ts';
import { webhdfsBench } from './face-webhdfs-bench.ts';

const api = 'api-version=2018-09-01';

function gen1() {
  const bench = webhdfsBench();
  const send = (method: string, target: string, more: Partial<RequestWords> = {}) =>
    ask(bench.face, { method, target: `${target}${target.includes('?') ? '&' : '?'}${api}`, ...more });
  const write = (path: string, body: string, params = '') =>
    send('PUT', `/webhdfs/v1${path}?op=CREATE&write=true${params}`, { body });
  const read = async (path: string, params = '') =>
    (await send('GET', `/webhdfs/v1${path}?OP=OPEN&read=true${params}`)).text;
  return { ...bench, send, write, read };
}

t.test('no redirects; answers carry the headers of the service', async (t) => {
  const { send, write, read } = gen1();
  const created = await write('/d/f', 'hello ', '&overwrite=True&syncFlag=DATA&leaseid=L&filesessionid=L');
  t.match([created.status, created.bytes.length], [201, 0]);
  t.match(created.headers, {
    status: '0x0',
    'content-length': '0',
    location: 'http://gateway.test:8080/webhdfs/v1/d/f',
    'x-ms-request-id': /^req-/,
    'x-ms-webhdfs-version': /^\d/,
    'cache-control': 'no-cache, no-cache, no-store, max-age=0',
    expires: '-1',
  });
  t.equal(created.headers['content-type'], undefined);
  const append = (body: string, params: string) =>
    send('POST', `/webhdfs/v1/d/f?op=APPEND&append=true${params}`, {
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  t.equal((await append('world', '&offset=6&syncFlag=DATA')).status, 200);
  t.equal(await read('/d/f'), 'hello world', 'DATA is visible at once');
  t.equal(await read('/d/f', '&offset=6&length=3'), 'wor');

  const wrong = await append('x', '&offset=5');
  t.strictSame(Object.keys(wrong.json.RemoteException), ['exception', 'message', 'javaClassName']);
  t.match(
    [wrong.status, wrong.headers.status, wrong.json.RemoteException.javaClassName],
    [400, '0x83090015', 'org.apache.hadoop.fs.adl.BadOffsetException'],
  );
  t.equal((await append('', '&offset=5')).status, 400, 'a probe at the wrong place');
  t.equal((await append('', '&offset=11')).status, 200, 'a probe at the end');
  t.equal((await append('', '&offset=0&syncFlag=DATA')).status, 200, 'a lease grab');
  t.equal((await append('x', '&offset=0')).status, 400);
  t.equal((await append('', '')).status, 200);
  t.equal(await read('/d/f'), 'hello world');
  const lost = await send('POST', '/webhdfs/v1/none?op=APPEND&append=true', { body: '' });
  t.match([lost.status, lost.headers.status], [404, '0x8309000A']);
  const there = await write('/d/f', 'x');
  t.match([there.status, there.json.RemoteException.exception], [403, 'FileAlreadyExistsException']);
  const noParent = await write('/p/q', 'x', '&CreateParent=false');
  t.equal(noParent.status, 404);
  t.match((await send('GET', '/webhdfs/v1/d/f?op=OPEN&offset=99')).status, 416);
  t.equal((await send('GET', '/webhdfs/v1/d?op=OPEN')).status, 403);
});

t.test('every way to write a path means the same file', async (t) => {
  const { send, write } = gen1();
  await write('/a b/c+d#é', 'x');
  for (const target of [
    '/webhdfs/v1/a%20b/c+d%23%C3%A9',
    '/webhdfs/v1%2Fa%20b%2Fc%2Bd%23%C3%A9',
    '/webhdfs/v1/a%20b%2Fc+d%23%c3%a9',
    '/WebHDFS/V1/a%20b//c+d%23%C3%A9/',
    'http://x.azuredatalakestore.net/webhdfs/v1/a%20b/c+d%23%C3%A9',
  ]) {
    const reply = await send('GET', `${target}?OP=getfilestatus&api-version=2018-08-01`);
    t.match([reply.status, reply.json.FileStatus?.length], [200, 1], target);
  }
  for (const root of ['/webhdfs/v1', '/webhdfs/v1/', '/webhdfs/v1%2F', '/webhdfs/v1/%2F', '/webhdfs/v1/.']) {
    t.equal((await send('GET', `${root}?op=GETFILESTATUS`)).json.FileStatus?.type, 'DIRECTORY', root);
  }
  t.equal((await send('GET', '/webhdfs/v1/50%.txt?op=GETFILESTATUS')).status, 400, 'Gen1 clients escape');
});

t.test('status and pages of a listing', async (t) => {
  const { send, write } = gen1();
  for (const name of ['a', 'b', 'c', 'd']) await write(`/l/${name}`, name);
  await send('PUT', '/webhdfs/v1/l/sub?op=MKDIRS');
  const file = (await send('GET', '/webhdfs/v1/l/a?op=GETFILESTATUS&tooid=True')).json.FileStatus;
  t.strictSame(Object.keys(file), [
    ...['length', 'pathSuffix', 'type', 'blockSize', 'accessTime', 'modificationTime', 'replication'],
    ...['permission', 'owner', 'group', 'msExpirationTime', 'aclBit'],
  ]);
  t.match(file, {
    blockSize: 268_435_456,
    replication: 1,
    permission: '770',
    msExpirationTime: 0,
    aclBit: false,
  });
  const folder = (await send('GET', '/webhdfs/v1/l/sub?op=GETFILESTATUS')).json.FileStatus;
  t.equal('msExpirationTime' in folder, false);
  t.match(folder, { blockSize: 0, replication: 0, permission: '770' });

  const page = async (params: string) => {
    const { FileStatuses } = (await send('GET', `/webhdfs/v1/l?op=LISTSTATUS${params}`)).json;
    return [
      FileStatuses.FileStatus.map((one: { pathSuffix: string }) => one.pathSuffix).join(),
      FileStatuses.continuationToken,
    ];
  };
  t.strictSame(await page('&listSize=4000'), ['a,b,c,d,sub', '']);
  t.strictSame(await page('&listSize=2'), ['a,b', 'b']);
  t.strictSame(await page('&listSize=2&listAfter=b'), ['c,d', 'd']);
  t.strictSame(await page('&listSize=5'), ['a,b,c,d,sub', 'sub'], 'a full page has a token even at the end');
  t.strictSame(await page('&listSize=5&listAfter=sub'), ['', '']);
  t.strictSame(await page('&listAfter=bb&listBefore=d'), ['c', '']);
  const listed = await send('GET', '/webhdfs/v1/l?op=LISTSTATUS');
  t.match(listed.text, /^{"FileStatuses":{"continuationToken":"","FileStatus":\[{"length":1,/);
  t.equal(Number(listed.headers['content-length']), listed.bytes.length);
  const old = await ask(webhdfsBench().face, { target: '/webhdfs/v1/?op=LISTSTATUS&api-version=2016-11-01' });
  t.equal(old.text, '{"FileStatuses":{"FileStatus":[]}}');
  t.equal((await send('GET', '/webhdfs/v1/l?op=LISTSTATUS&listSize=0')).status, 400);
  const one = (await send('GET', '/webhdfs/v1/l/a?op=LISTSTATUS&listSize=4000')).json.FileStatuses;
  t.match(one.FileStatus, [{ pathSuffix: '', length: 1 }]);
  t.strictSame((await send('GET', '/webhdfs/v1/l?op=GETCONTENTSUMMARY')).json.ContentSummary, {
    directoryCount: 2,
    fileCount: 4,
    length: 4,
    quota: -1,
    spaceConsumed: 4,
    spaceQuota: -1,
  });
});

t.test('rename and delete answer false where nothing is there', async (t) => {
  const { send, write, read } = gen1();
  await write('/a', 'a');
  await write('/b', 'b');
  const rename = (from: string, to: string, options = '') =>
    send('PUT', `/webhdfs/v1${from}?op=RENAME&destination=${to}${options}`);
  const missing = await rename('/none', 'x');
  t.match([missing.status, missing.text, missing.headers.status], [200, '{"boolean":false}', '0x8309000A']);
  t.equal((await rename('/a', 'b')).text, '{"boolean":false}');
  t.equal((await rename('/a', 'b', '&renameoptions=OVERWRITE')).text, '{"boolean":true}');
  t.equal(await read('/b'), 'a');
  const gone = await send('DELETE', '/webhdfs/v1/a?op=DELETE&recursive=False');
  t.match([gone.status, gone.text, gone.headers.status], [200, '{"boolean":false}', '0x8309000A']);
  await write('/full/f', 'x');
  const full = await send('DELETE', '/webhdfs/v1/full?op=DELETE');
  t.match(
    [full.status, full.headers.status, full.json.RemoteException.exception],
    [403, '0x83090172', 'AccessControlException'],
  );
  t.match(full.json.RemoteException.message, /Path is not empty/);
  const other = await send('DELETE', '/webhdfs/v1/b?op=DELETE&fileContextId=other');
  t.match([other.status, other.json.RemoteException.exception], [500, 'RuntimeException']);
  t.match(other.json.RemoteException.message, /StreamID mismatch/);
});

t.test('MSCONCAT takes both bodies, SETEXPIRY its four options', async (t) => {
  const { send, write, read, clock } = gen1();
  for (const name of ['a+1', 'b,2', 'c', 'd', 'e']) await write(`/seg/${encodeURIComponent(name)}`, name[0]!);
  const concat = (path: string, body: string, params = '') =>
    send('POST', `/webhdfs/v1${path}?op=MSCONCAT${params}`, { body });
  t.equal((await concat('/new/one', '{"sources":["seg/a+1","/seg/b,2"]}')).status, 200);
  t.equal(await read('/new/one'), 'ab');
  t.equal((await concat('/new/two', 'sources=seg/c,seg/d', '&deleteSourceDirectory=true')).status, 200);
  t.equal(await read('/new/two'), 'cd');
  t.equal((await send('GET', '/webhdfs/v1/seg?op=GETFILESTATUS')).status, 404, 'the folder went too');
  for (const body of [
    '',
    'x',
    '{',
    '{"sources":"a"}',
    '{"sources":[1]}',
    '{"sources":[]}',
    'sources=a,a',
    'sources=new/one',
  ]) {
    t.equal((await concat('/new/one', body)).status, 400, body);
  }
  t.equal((await concat('/new/one', `sources=${'x'.repeat(4_194_304)}`)).status, 400, 'too long');
  t.equal((await concat('/new/one', 'sources=missing')).status, 404);
  t.equal(await read('/new/one'), 'ab');

  const expire = (params: string) => send('PUT', `/webhdfsext/new/one?op=SETEXPIRY${params}`);
  const expiresAt = async () =>
    (await send('GET', '/webhdfs/v1/new/one?op=GETFILESTATUS')).json.FileStatus.msExpirationTime;
  const set = await expire('&expiryOption=RelativeToNow&expireTime=5000');
  t.match([set.status, set.headers.status, set.headers['x-ms-webhdfs-version']], [200, undefined, undefined]);
  t.equal(await expiresAt(), clock.nowMs + 5000);
  await expire(`&expiryOption=Absolute&expireTime=${clock.nowMs + 9}`);
  t.equal(await expiresAt(), clock.nowMs + 9);
  await expire('&expiryOption=RelativeToCreationDate&expireTime=7');
  t.equal(await expiresAt(), clock.nowMs + 7);
  await expire('&expiryOption=NeverExpire');
  t.equal(await expiresAt(), 0);
  for (const wrong of [
    '',
    '&expiryOption=Soon',
    '&expiryOption=Absolute',
    '&expiryOption=Absolute&expireTime=1',
    '&expiryOption=RelativeToNow&expireTime=-1',
  ]) {
    t.equal((await expire(wrong)).status, 400, wrong);
  }
  t.equal(
    (await send('PUT', '/WebHdfsExt/new?op=SETEXPIRY&expiryOption=NeverExpire')).status,
    400,
    'a folder',
  );
});

t.test('ACLs in both forms, CONCURRENTAPPEND, and errors with their codes', async (t) => {
  const { send, write, read } = gen1();
  await write('/f', '');
  const spec = 'aclspec=user::rwx,user:9f1c:-w-,group::r-x,other::---';
  t.equal((await send('PUT', `/webhdfs/v1/f?op=SETACL&${spec}`)).status, 200);
  const full = (await send('GET', '/webhdfs/v1/f?op=MSGETACLSTATUS')).json.AclStatus;
  t.strictSame(Object.keys(full), ['entries', 'owner', 'group', 'permission', 'stickyBit']);
  t.strictSame(full.entries, ['user::rwx', 'user:9f1c:-w-', 'group::r-x', 'mask::rwx', 'other::---']);
  t.strictSame((await send('GET', '/webhdfs/v1/f?op=GETACLSTATUS')).json.AclStatus.entries, [
    'user:9f1c:-w-',
    'group::r-x',
  ]);
  const chunked = { body: Readable.from([Buffer.from('one')]) };
  const appended = await send('POST', '/WebHdfsExt/log/x?op=CONCURRENTAPPEND&appendMode=autocreate', chunked);
  t.match([appended.status, appended.text], [200, '"Operation succeeded."']);
  await send('POST', '/WebHdfsExt/log/x?op=CONCURRENTAPPEND&appendMode=autocreate', { body: 'two' });
  t.equal(await read('/log/x'), 'onetwo');
  const missing = await send('GET', '/webhdfs/v1/none?op=GETFILESTATUS');
  t.equal(missing.headers.status, '0x8309000A');
  t.match(missing.json.RemoteException.message, /^File\/Folder does not exist: \/none/);
  t.equal((await send('GET', '/webhdfs/v1/f?op=ENUMERATEDELETEDITEMS&hint=x')).status, 501);
  const bad = await send('GET', '/webhdfs/v1/a%zz?op=GETFILESTATUS');
  t.match([bad.status, bad.headers['x-ms-request-id']], [400, /^req/]);
});

t.test('targets: which are ours, and who speaks', async (t) => {
  for (const target of ['/webhdfs/v1', '/webhdfs/v1%2fx', '/WEBHDFSEXT/x', 'http://h/webhdfs/v1/x'])
    t.ok(isWebhdfsTarget(target), target);
  for (const target of ['/', '/webhdfs/v10', '/webhdfs', '/lake/webhdfs/v1', '/%2Fwebhdfs/v1'])
    t.notOk(isWebhdfsTarget(target), target);
  const dialects: [string, Dialect, string?][] = [
    ['/webhdfs/v1/x?op=OPEN', 'webhdfs'],
    ['/webhdfs/v1/x?op=OPEN&Read=TRUE', 'gen1'],
    ['/webhdfs/v1/x?op=OPEN&read=false', 'webhdfs'],
    ['/webhdfs/v1/x?API-version=', 'gen1'],
    ['/webhdfsext/x', 'gen1'],
    ['/webhdfs/v1/x?op=OPEN', 'gen1', 'acc.azuredatalakestore.net:443'],
  ];
  for (const [target, dialect, host] of dialects) t.equal(dialectOf(target, host), dialect, target);
  t.equal(parseTarget('/webhdfs/v1/50%/100%?op=x&OP=y', 'webhdfs').path, '/50%/100%');
  t.equal(parseTarget('/webhdfs/v1/x?op=x&OP=y', 'webhdfs').op, 'X', 'the first of two');
});

t.test('what is written is read back', async (t) => {
  const entry: Entry = {
    path: '/d/f',
    type: 'file',
    lengthBytes: 5,
    modifiedMs: 1_600_000_000_123,
    accessedMs: 1_600_000_000_000,
    permission: 0o640,
    owner: 'ann',
    group: 'staff',
    extendedAcl: false,
    replication: 2,
    blockSizeBytes: 1_048_576,
  };
  const hadoop = fromFileStatus(
    { FileStatus: toFileStatus({ ...entry, fileId: 16_386 }, '', 'webhdfs') },
    '/d/f',
  );
  t.match(hadoop, { ...entry, fileId: 16_386, etag: /^tw-cn6-5-\w+$/ });
  const expiring = fromFileStatus(toFileStatus({ ...entry, expiresMs: 99 }, '', 'gen1'), '/d/f');
  t.match(expiring, { ...entry, expiresMs: 99 });
  const list = { FileStatuses: { continuationToken: 'f', FileStatus: [toFileStatus(entry, 'f', 'gen1')] } };
  t.match(fromFileStatuses(list, '/d'), { entries: [{ path: '/d/f' }], token: 'f' });
  for (const nonsense of [
    null,
    [],
    'x',
    {},
    { FileStatus: { type: 'FILE' } },
    { type: 'PIPE', length: 1, modificationTime: 1 },
  ]) {
    t.throws(() => fromFileStatus(nonsense, '/x'), StoreError);
  }
  const acl = sortAcl([
    ...aclOfPermission(0o770),
    ...parseAcl('user:bob:r--,group:g:rwx,mask::rwx,default:user::rwx'),
  ]);
  const folder: Entry = { ...entry, type: 'directory', lengthBytes: 0, permission: 0o1770, acl };
  for (const full of [true, false]) {
    const back = fromAclStatus(toAclStatus(folder, { full, dialect: 'webhdfs' }), true);
    t.strictSame(back, { acl, owner: 'ann', group: 'staff', permission: 0o1770 }, `full: ${full}`);
  }
  const summary = { directoryCount: 2, fileCount: 3, lengthBytes: 4 };
  t.strictSame(fromContentSummary(toContentSummary(summary, 'directory', 'webhdfs')), summary);
  const checksum = { algorithm: 'SHA-256', bytes: 'ab'.repeat(32) };
  t.strictSame(fromFileChecksum(toFileChecksum(checksum)), checksum);
  for (const property of ['colour', 'xattr_', 'xattr_user', 'a-b']) {
    t.equal(propertyOfXattr(xattrOfProperty(property)), property);
  }
  for (const xattr of ['user.a-b.c', 'user.å', 'user.twinlake.', 'user.twinlake.k']) {
    t.equal(xattrOfProperty(propertyOfXattr(xattr)), xattr);
  }
  t.strictSame(['"a"', '0x61', '0sYQ==', 'a'].map(decodeXattrValue), ['a', 'a', 'a', 'a']);
  t.throws(() => decodeXattrValue('0xff'), /UTF-8/);
});

t.test('errors keep their kind over the wire where the protocol has a word for it', async (t) => {
  const survives: ErrorKind[] = [
    ...(['not-found', 'parent-not-found', 'exists', 'not-empty', 'is-directory', 'not-directory'] as const),
    ...([
      'condition-failed',
      'source-condition-failed',
      'lease-conflict',
      'bad-offset',
      'invalid-flush',
    ] as const),
    ...(['invalid-range', 'invalid', 'too-large', 'checksum-mismatch', 'denied', 'unauthenticated'] as const),
    ...(['unsupported', 'throttled', 'unavailable', 'timeout', 'aborted', 'internal'] as const),
  ];
  for (const dialect of ['webhdfs', 'gen1'] as const) {
    for (const kind of survives) {
      const { status, exception, javaClassName, message } = toRemoteException(
        new StoreError(kind, 'what /p'),
        dialect,
      );
      const back = fromRemoteException(status, { RemoteException: { exception, javaClassName, message } });
      t.equal(back.kind, kind, `${dialect} ${kind} as ${status} ${exception}`);
      t.equal(back.temporary, new StoreError(kind, '').temporary);
    }
  }
  const named = (status: number, exception: string, message = '') =>
    fromRemoteException(status, { RemoteException: { exception, message } });
  t.equal(named(500, 'AccessControlException').kind, 'denied', 'HttpFS');
  for (const name of ['StandbyException', 'RetriableException', 'SafeModeException']) {
    t.match(named(403, name), { kind: 'unavailable', temporary: true, applied: 'no', code: name });
  }
  t.match(named(403, 'SomeIOException'), { kind: 'internal', applied: 'unknown' });
  t.equal(fromRemoteException(404, '<html>').kind, 'internal', 'not a word about the path');
  t.match(fromRemoteException(502, undefined), { kind: 'unavailable', applied: 'unknown', temporary: true });
  t.equal(fromRemoteException(401, '<html>').kind, 'unauthenticated');
});
