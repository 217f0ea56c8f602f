// The facts of docs/wire/gen1.md.
import { webhdfsBench } from '../face-webhdfs-bench.ts';
import { factsOf, type Send } from './facts.ts';

/** The only Gen1 operation whose body has no length. */
const chunked = { 'transfer-encoding': 'chunked' };
const fact = factsOf('gen1.md', () => webhdfsBench().face);
const api = 'api-version=2018-09-01';
/** In the future of the bench's clock. */
const later = 1_896_091_200_000;

const create = (send: Send, path: string, body = '', more = '') =>
  send(`PUT /webhdfs/v1${path}?OP=CREATE&${api}&write=true${more}`, {}, body);
const get = (send: Send, path: string, op: string, more = '') =>
  send(`GET /webhdfs/v1${path}?OP=${op}&${api}${more}`);
const read = async (send: Send, path: string) => (await get(send, path, 'OPEN', '&read=true')).body;
const mkdirs = (send: Send, path: string) => send(`PUT /webhdfs/v1${path}?op=MKDIRS&${api}`);
const append = (send: Send, path: string, body: string, more: string) =>
  send(`POST /webhdfs/v1${path}?OP=APPEND&${api}&append=true${more}`, {}, body);
const list = async (send: Send, path: string, more = '') => {
  const { continuationToken, FileStatus } = (await get(send, path, 'LISTSTATUS', more)).json.FileStatuses;
  return [FileStatus.map(({ pathSuffix }: { pathSuffix: string }) => pathSuffix).join(), continuationToken];
};
const refusal = (answer: Awaited<ReturnType<Send>>) => [
  answer.status,
  answer.json?.RemoteException?.exception,
  answer.headers.status,
];

fact('G1', async (t, send) => {
  await create(send, '/f', 'x');
  for (const prefix of ['/WebHdfsExt', '/webhdfsext', '/WEBHDFSEXT']) {
    t.equal((await send(`PUT ${prefix}/f?op=SETEXPIRY&expiryOption=NeverExpire`)).status, 200, prefix);
  }
});

fact('G2', async (t, send) => {
  await create(send, '/f', 'x');
  for (const query of ['OP=GETFILESTATUS&toOid=true', 'op=getfilestatus&TOOID=True', 'Op=GetFileStatus'])
    t.equal(
      (await send(`GET /webhdfs/v1/f?${query}&API-version=2018-09-01`)).json.FileStatus.length,
      1,
      query,
    );
  for (const name of ['aclSpec', 'aclspec'])
    t.equal(
      (await send(`PUT /webhdfs/v1/f?op=MODIFYACLENTRIES&${api}&${name}=user:a:r--`)).status,
      200,
      name,
    );
});

fact('G3', async (t, send) => {
  await mkdirs(send, '/d');
  const listed = (version: string) => send(`GET /webhdfs/v1/d?OP=LISTSTATUS&api-version=${version}`);
  for (const version of ['2018-09-01', '2018-12-01'])
    t.equal(
      (await listed(version)).body,
      '{"FileStatuses":{"continuationToken":"","FileStatus":[]}}',
      version,
    );
  for (const version of ['2016-11-01', '2018-05-01'])
    t.equal((await listed(version)).body, '{"FileStatuses":{"FileStatus":[]}}', version);
});

fact('G4', async (t, send) => {
  await create(send, '/dir/a%20file', 'x');
  for (const path of ['%2Fdir%2Fa%20file', '/dir%2Fa%20file', '/dir/a%20file', '%2fdir%2fa%20file'])
    t.equal((await get(send, path, 'GETFILESTATUS')).json.FileStatus?.length, 1, path);
  t.equal((await get(send, '/dir%252Fa%20file', 'GETFILESTATUS')).status, 404, 'decoded once');
});

fact('G5', async (t, send) => {
  for (const root of ['/', '/.', '%2F', '/%2F', ''])
    t.equal((await get(send, root, 'GETFILESTATUS')).json.FileStatus?.type, 'DIRECTORY', root);
});

fact('G6', async (t, send) => {
  await create(send, '/a+b', 'x');
  t.same(await list(send, '/'), ['a+b', '']);
  await send(`PUT /webhdfs/v1/a+b?op=RENAME&${api}&destination=/c+d`);
  t.same(await list(send, '/'), ['c d', ''], 'a space in the query');
  await create(send, '/12%2C%2B3%23456%3F50%25.txt', 'x');
  t.same(await list(send, '/'), ['12,+3#456?50%.txt,c d', '']);
});

fact('G7', async (t, send) => {
  await create(send, '/d/f', 'old');
  t.equal((await create(send, '/d/f', 'new', '&overwrite=True')).status, 201);
  t.equal((await create(send, '/d/f', 'newer', '&overwrite=true')).status, 201);
  const gone = await send(`DELETE /webhdfs/v1/d?op=DELETE&${api}&recursive=True`);
  t.equal(gone.body, '{"boolean":true}');
});

fact('G8', async (t, send) => {
  await create(send, '/d/f', 'x');
  const moved = await send(`PUT /webhdfs/v1/d/f?OP=RENAME&${api}&destination=d%2Fg`);
  t.equal(moved.body, '{"boolean":true}');
  t.equal(await read(send, '/d/g'), 'x');
});

fact('G9', async (t, send) => {
  for (const [path, status] of [
    ['/', '0x0'],
    ['/none', '0x8309000A'],
  ] as const)
    t.match((await get(send, path, 'GETFILESTATUS')).headers, {
      'cache-control': 'no-cache, no-cache, no-store, max-age=0',
      pragma: 'no-cache',
      expires: '-1',
      'x-ms-request-id': /^[0-9a-f-]{36}$/,
      'x-ms-webhdfs-version': /^\d\d\.\d\d\.\d\d\.\d\d$/,
      'x-content-type-options': 'nosniff',
      status,
    });
});

fact('G10', async (t, send) => {
  await create(send, '/f', 'x');
  const { headers } = await send('PUT /webhdfsext/f?OP=SETEXPIRY&expiryOption=NeverExpire');
  t.strictSame([headers.status, headers['x-ms-webhdfs-version']], [undefined, undefined]);
});

fact('G11', async (t, send) => {
  for (const answer of [await get(send, '/', 'LISTSTATUS'), await get(send, '/none', 'GETFILESTATUS')]) {
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
    t.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.body)));
    t.equal(answer.headers['transfer-encoding'], undefined);
  }
});

fact('G12', async (t, send) => {
  for (const answer of [
    await create(send, '/f', 'x'),
    await append(send, '/f', 'y', ''),
    await send(`PUT /webhdfs/v1/f?op=SETPERMISSION&${api}&permission=700`),
  ])
    t.strictSame(
      [answer.body, answer.headers['content-length'], answer.headers['content-type']],
      ['', '0', undefined],
    );
});

fact('G13', async (t, send) => {
  const made = await create(
    send,
    '/d/a%20b',
    'hello',
    '&overwrite=true&syncFlag=CLOSE&leaseid=L&filesessionid=L',
  );
  t.equal(made.status, 201);
  t.match(made.headers.location, /^http:\/\/127\.0\.0\.1:\d+\/webhdfs\/v1\/d\/a%20b/);
  t.equal(await read(send, '/d/a%20b'), 'hello');
});

fact('G14', async (t, send) => {
  await create(send, '/f', 'hello world');
  const part = await get(send, '/f', 'OPEN', '&read=true&offset=2&length=5&filesessionid=F');
  t.match(part, { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: 'llo w' });
  await create(send, '/empty', '');
  const empty = await get(send, '/empty', 'OPEN', '&read=true&offset=0&length=10');
  t.match(empty, { status: 200, headers: { 'content-length': '0' }, body: '' });
});

fact('G15', async (t, send) => {
  await create(send, '/f', '');
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const target = `POST /webhdfs/v1/f?op=APPEND&${api}&append=true`;
  t.equal((await send(target, form, 'a=%zz&b')).status, 200);
  t.equal((await send(target, { 'content-type': 'application/json' }, '{')).status, 200);
  t.equal(await read(send, '/f'), 'a=%zz&b{');
  const empty = await send(`PUT /webhdfs/v1/d?op=MKDIRS&${api}`, { 'content-type': 'application/json' });
  t.equal(empty.body, '{"boolean":true}');
});

fact('G16', async (t, send) => {
  await create(send, '/f', 'sixsix');
  const { body } = await get(send, '/f', 'GETFILESTATUS');
  t.match(
    body,
    new RegExp(
      '^\\{"FileStatus":\\{"length":6,"pathSuffix":"","type":"FILE","blockSize":268435456,"accessTime":\\d{13},' +
        '"modificationTime":\\d{13},"replication":1,"permission":"770","owner":"[^"]*","group":"[^"]*",' +
        '"msExpirationTime":0,"aclBit":false\\}\\}$',
    ),
  );
});

fact('G17', async (t, send) => {
  await mkdirs(send, '/d');
  const { FileStatus } = (await get(send, '/d', 'GETFILESTATUS')).json;
  t.match(FileStatus, { type: 'DIRECTORY', length: 0, blockSize: 0, replication: 0 });
  t.notOk('msExpirationTime' in FileStatus);
});

fact('G18', async (t, send) => {
  const answer = await get(send, '/none', 'GETFILESTATUS');
  t.strictSame(refusal(answer), [404, 'FileNotFoundException', '0x8309000A']);
  t.match(
    answer.body,
    /^\{"RemoteException":\{"exception":"FileNotFoundException","message":"File\/Folder does not exist: \/none.*","javaClassName":"java\.io\.FileNotFoundException"\}\}$/,
  );
});

fact('G19', async (t, send) => {
  for (const name of ['a', 'b', 'c', 'd']) await create(send, `/${name}`);
  t.strictSame(await list(send, '/', '&listSize=2'), ['a,b', 'b']);
  t.strictSame(await list(send, '/', '&listSize=2&listAfter=b'), ['c,d', 'd']);
  t.strictSame(await list(send, '/', '&listSize=2&listAfter=d'), ['', '']);
  t.strictSame(await list(send, '/', '&listSize=3&listAfter=b'), ['c,d', '']);
});

fact('G20', async (t, send) => {
  for (const name of ['b', 'B', 'a', '%C3%A9', '1']) await create(send, `/${name}`);
  t.strictSame(await list(send, '/'), ['1,B,a,b,é', '']);
  t.strictSame(await list(send, '/', '&listAfter=a'), ['b,é', '']);
  t.strictSame(await list(send, '/', '&listAfter=aa'), ['b,é', '']);
});

fact('G21', async (t, send) => {
  await create(send, '/d/f', 'x');
  t.strictSame(await list(send, '/d/f'), ['', '']);
  t.equal((await get(send, '/d/f', 'LISTSTATUS')).json.FileStatuses.FileStatus.length, 1);
  await mkdirs(send, '/e');
  t.match((await get(send, '/e', 'LISTSTATUS')).body, /"FileStatus":\[\]/);
});

fact('G22', async (t, send) => {
  await create(send, '/f', 'old');
  t.strictSame(refusal(await create(send, '/f', 'new')), [403, 'FileAlreadyExistsException', '0x83090009']);
  t.equal(await read(send, '/f'), 'old');
});

fact('G23', async (t, send) => {
  await create(send, '/f', '12345');
  for (const offset of [4, 6]) {
    const answer = await append(send, '/f', 'x', `&offset=${offset}`);
    t.strictSame(refusal(answer), [400, 'BadOffsetException', '0x83090015']);
    t.equal(answer.json.RemoteException.javaClassName, 'org.apache.hadoop.fs.adl.BadOffsetException');
  }
  t.equal((await append(send, '/f', 'x', '&offset=5')).status, 200);
  t.equal(await read(send, '/f'), '12345x');
});

fact('G24', async (t, send) => {
  await create(send, '/f', '12345');
  t.strictSame(refusal(await append(send, '/f', '', '&offset=4')), [400, 'BadOffsetException', '0x83090015']);
  t.equal((await append(send, '/f', '', '&offset=5')).status, 200);
});

fact('G25', async (t, send) => {
  await create(send, '/f', '12345');
  const grab = await append(send, '/f', '', '&offset=0&syncFlag=DATA&leaseid=L&filesessionid=L');
  t.equal(grab.status, 200);
  t.strictSame(refusal(await append(send, '/f', 'x', '&offset=0')), [
    400,
    'BadOffsetException',
    '0x83090015',
  ]);
});

fact('G26', async (t, send) => {
  const line = 'POST /WebHdfsExt/log?op=CONCURRENTAPPEND&appendMode=autocreate&syncFlag=CLOSE';
  const answer = await send(line, chunked, '4\r\none\n\r\n0\r\n\r\n');
  t.match(answer, { status: 200, headers: { 'content-type': /^application\/json/, 'content-length': '22' } });
  t.equal(answer.body, '"Operation succeeded."');
  t.equal(await read(send, '/log'), 'one\n');
});

fact('G27', async (t, send) => {
  const concat = (path: string, headers: Record<string, string>, body: string) =>
    send(`POST /webhdfs/v1${path}?OP=MSCONCAT&${api}`, headers, body);
  await create(send, '/d/a+1', 'one ');
  await create(send, '/d/b,2', 'two');
  const asJson = await concat(
    '/new/c%2Bres',
    { 'content-type': 'application/json' },
    '{"sources":["d/a+1","/d/b,2"]}',
  );
  t.strictSame([asJson.status, asJson.headers['content-length']], [200, '0']);
  t.equal(await read(send, '/new/c+res'), 'one two');
  t.strictSame(await list(send, '/d'), ['', ''], 'the sources went');
  await create(send, '/d/x%2520', 'literal');
  await create(send, '/d/y', '!');
  t.equal((await concat('/text', {}, 'sources=d/x%20,d/y')).status, 200);
  t.equal(await read(send, '/text'), 'literal!');
});

fact('G28', async (t, send) => {
  const rename = (from: string, to: string, more = '') =>
    send(`PUT /webhdfs/v1${from}?OP=RENAME&${api}&destination=${to}${more}`);
  const missing = await rename('/none', 'x');
  t.strictSame(
    [missing.status, missing.body, missing.headers.status],
    [200, '{"boolean":false}', '0x8309000A'],
  );
  await create(send, '/a', 'a');
  await create(send, '/b', 'b');
  t.equal((await rename('/a', '/b')).body, '{"boolean":false}');
  t.equal((await rename('/a', '/b', '&renameoptions=OVERWRITE')).body, '{"boolean":true}');
  t.equal(await read(send, '/b'), 'a');
});

fact('G29', async (t, send) => {
  const gone = await send(`DELETE /webhdfs/v1/none?OP=DELETE&${api}&recursive=False`);
  t.strictSame([gone.status, gone.body, gone.headers.status], [200, '{"boolean":false}', '0x8309000A']);
});

fact('G30', async (t, send) => {
  await create(send, '/d/f', 'x');
  const full = await send(`DELETE /webhdfs/v1/d?OP=DELETE&${api}`);
  t.strictSame(refusal(full), [403, 'AccessControlException', '0x83090172']);
  t.match(full.json.RemoteException.message, /Path is not empty/);
});

fact('G31', async (t, send) => {
  await create(send, '/d/a', '0123456789');
  await create(send, '/d/b', '0123456789');
  t.equal(
    (await get(send, '/d', 'GETCONTENTSUMMARY')).body,
    '{"ContentSummary":{"directoryCount":1,"fileCount":2,"length":20,"quota":-1,"spaceConsumed":20,"spaceQuota":-1}}',
  );
});

fact('G32', async (t, send) => {
  await create(send, '/f', 'x');
  const expire = (time: number) =>
    send(`PUT /webhdfsext/f?OP=SETEXPIRY&${api}&expiryOption=Absolute&expireTime=${time}`);
  const set = await expire(later);
  t.strictSame([set.status, set.body, set.headers['content-length']], [200, '', '0']);
  t.equal((await get(send, '/f', 'GETFILESTATUS')).json.FileStatus.msExpirationTime, later);
  const past = await expire(1);
  t.match(past.json.RemoteException, {
    exception: 'IllegalArgumentException',
    message: /Parameter expireTime is Invaild/,
  });
  t.equal(past.status, 400);
});

const spec = 'aclspec=user::rwx,user:9f1c:-w-,group::r-x,group:77:r--,other::---,default:user::rwx';

fact('G33', async (t, send) => {
  await mkdirs(send, '/d');
  t.equal((await send(`PUT /webhdfs/v1/d?op=SETACL&${api}&${spec}`)).status, 200);
  t.strictSame((await get(send, '/d', 'MSGETACLSTATUS')).json.AclStatus.entries, [
    ...['user::rwx', 'user:9f1c:-w-', 'group::r-x', 'group:77:r--', 'mask::rwx', 'other::---'],
    ...['default:user::rwx', 'default:group::r-x', 'default:other::---'],
  ]);
});

fact('G34', async (t, send) => {
  await mkdirs(send, '/d');
  await send(`PUT /webhdfs/v1/d?op=SETACL&${api}&${spec}`);
  t.strictSame((await get(send, '/d', 'GETACLSTATUS')).json.AclStatus.entries, [
    ...['user:9f1c:-w-', 'group::r-x', 'group:77:r--'],
    ...['default:user::rwx', 'default:group::r-x', 'default:other::---'],
  ]);
});

fact('G35', async (t, send) => {
  await create(send, '/f', 'x');
  const change = (op: string, more = '') => send(`PUT /webhdfs/v1/f?op=${op}&${api}${more}`);
  const entries = async () => (await get(send, '/f', 'MSGETACLSTATUS')).json.AclStatus.entries;
  await change('SETACL', '&aclspec=user::rwx,user:9f1c:-w-,group::r-x,other::---');
  await change('REMOVEACLENTRIES', '&aclspec=user:9f1c');
  t.ok(
    (await entries()).some((entry: string) => entry.startsWith('mask::')),
    'the mask stays',
  );
  await change('REMOVEACL');
  t.notOk(
    (await entries()).some((entry: string) => entry.startsWith('mask::')),
    'and goes',
  );
});

fact('G37', async (t, send) => {
  t.equal((await get(send, '/', 'ENUMERATEDELETEDITEMS', '&hint=x&listSize=10')).status, 501);
});

fact('G38', async (t, send) => {
  await create(send, '/a', 'a');
  await create(send, '/b', 'b');
  await mkdirs(send, '/d');
  const rename = async (from: string, to: string, more = '') =>
    (await send(`PUT /webhdfs/v1${from}?OP=RENAME&${api}&destination=${to}${more}`)).body;
  t.equal(await rename('/a', '/d'), '{"boolean":true}');
  t.equal(await rename('/b', '/d', '&renameoptions=OVERWRITE'), '{"boolean":true}');
  t.strictSame(await list(send, '/d'), ['a,b', '']);
  t.equal(await rename('/d/a', '/none/a'), '{"boolean":false}');
});

fact('G39', async (t, send) => {
  await create(send, '/f', 'x');
  const answer = await send(`DELETE /webhdfs/v1/f?OP=DELETE&${api}&fileContextId=other`);
  t.match(answer.json.RemoteException.message, /StreamID mismatch/);
  t.equal(await read(send, '/f'), 'x');
});
