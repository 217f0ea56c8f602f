// The facts of docs/wire/webhdfs.md.
import type { Test } from 'tap';
import { webhdfsBench } from '../face-webhdfs-bench.ts';
import { factsOf, type Send, type WireAnswer } from './facts.ts';

const fact = factsOf('webhdfs.md', () => webhdfsBench().face);

const put = (send: Send, target: string) => send(`PUT /webhdfs/v1${target}`);
const get = (send: Send, target: string) => send(`GET /webhdfs/v1${target}`);
/** Where the second step goes. */
const locationOf = (answer: WireAnswer): string => {
  const { pathname, search } = new URL(answer.headers.location!);
  return pathname + search;
};
const create = async (send: Send, path: string, body: string, more = '') => {
  const first = await put(send, `${path}?op=CREATE&user.name=ann${more}`);
  return send(`PUT ${locationOf(first)}`, { 'content-type': 'application/octet-stream' }, body);
};
const read = async (send: Send, path: string) =>
  (await send(`GET ${locationOf(await get(send, `${path}?op=OPEN`))}`)).body;
const isBoolean = (t: Test, answer: WireAnswer, value: boolean, why = '') =>
  t.strictSame([answer.status, answer.body], [200, `{"boolean":${value}}`], why);

fact('W1', async (t, send) => {
  const first = await put(send, '/d/f?op=CREATE&user.name=ann&overwrite=true');
  t.strictSame([first.status, first.body, first.headers['content-length']], [307, '', '0']);
  t.match(first.headers.location, /^http:\/\/127\.0\.0\.1:\d+\/webhdfs\/v1\/d\/f\?.*op=CREATE/);
  t.equal((await send(`PUT ${locationOf(first)}&offset=0`, {}, 'x')).status, 201);
});

fact('W2', async (t, send) => {
  await create(send, '/f', '');
  const first = await send('POST /webhdfs/v1/f?op=APPEND&user.name=ann');
  t.equal(first.status, 307);
  for (const part of ['one ', 'two ', 'three'])
    t.equal((await send(`POST ${locationOf(first)}&overwrite=true`, {}, part)).status, 200);
  t.equal(await read(send, '/f'), 'one two three');
});

fact('W3', async (t, send) => {
  const first = await put(send, '/f?op=CREATE&user.name=ann&noredirect=true');
  t.equal(first.status, 200);
  t.match(first.json, { Location: /^http:.*op=CREATE/ });
});

fact('W4', async (t, send) => {
  const made = await create(send, '/f', 'one');
  t.strictSame([made.status, made.body], [201, '']);
  const step = locationOf(await send('POST /webhdfs/v1/f?op=APPEND&user.name=ann'));
  const chunked = { 'transfer-encoding': 'chunked', 'content-type': 'application/x-www-form-urlencoded' };
  const appended = await send(`POST ${step}`, chunked, '3\r\ntwo\r\n0\r\n\r\n');
  t.strictSame([appended.status, appended.body], [200, '']);
  t.equal(await read(send, '/f'), 'onetwo');
});

fact('W5', async (t, send) => {
  await create(send, '/d/f', 'x');
  t.equal((await get(send, '/d/f?OP=getFileStatus&user.name=')).json.FileStatus.length, 1);
  isBoolean(t, await send('DELETE /webhdfs/v1/d?Op=delete&RECURSIVE=True'), true);
});

fact('W6', async (t, send) => {
  // The socket writes Latin-1: these are the two bytes of é.
  isBoolean(t, await put(send, '/d/h\xc3\xa9llo%20a+b%25?op=MKDIRS'), true);
  t.equal((await get(send, '/d/h%C3%A9llo%20a+b%25?op=GETFILESTATUS')).json.FileStatus.type, 'DIRECTORY');
});

fact('W7', async (t, send) => {
  isBoolean(t, await put(send, '/50%.txt?op=MKDIRS'), true);
  t.equal((await get(send, '/50%25.txt?op=GETFILESTATUS')).status, 200);
  t.equal((await get(send, '/50%zz?op=GETFILESTATUS')).status, 400);
});

fact('W8', async (t, send) => {
  await create(send, '/f', 'four', '&permission=0640');
  const { FileStatus } = (await get(send, '/f?op=GETFILESTATUS')).json;
  t.match(FileStatus, { length: 4, type: 'FILE', permission: '640', pathSuffix: '', owner: 'ann' });
  for (const key of ['accessTime', 'blockSize', 'childrenNum', 'fileId', 'modificationTime', 'replication'])
    t.type(FileStatus[key], 'number', key);
});

fact('W9', async (t, send) => {
  for (const name of ['a', 'b', 'c']) await put(send, `/${name}?op=MKDIRS`);
  const names = (json: { FileStatuses: { FileStatus: { pathSuffix: string }[] } }) =>
    json.FileStatuses.FileStatus.map(({ pathSuffix }) => pathSuffix).join();
  const whole = (await get(send, '/?op=LISTSTATUS')).body;
  t.match(whole, /"pathSuffix":"a".*"pathSuffix":"b".*"pathSuffix":"c"/);
  const { DirectoryListing } = (await get(send, '/?op=LISTSTATUS_BATCH&startAfter=a')).json;
  t.strictSame([names(DirectoryListing.partialListing), DirectoryListing.remainingEntries], ['b,c', 0]);
});

fact('W10', async (t, send) => {
  isBoolean(t, await put(send, '/d?op=MKDIRS'), true);
  isBoolean(t, await put(send, '/d?op=MKDIRS'), true, 'again');
  isBoolean(t, await send('DELETE /webhdfs/v1/none?op=DELETE'), false);
  isBoolean(t, await put(send, '/none?op=RENAME&destination=/x'), false);
});

fact('W11', async (t, send) => {
  for (const path of ['/a', '/b', '/d/x']) await create(send, path, path);
  isBoolean(t, await put(send, '/a?op=RENAME&destination=/b'), false, 'a file is there');
  isBoolean(t, await put(send, '/a?op=RENAME&destination=/none/a'), false, 'no such folder');
  isBoolean(t, await put(send, '/a?op=RENAME&destination=/d'), true);
  t.equal(await read(send, '/d/a'), '/a');
});

fact('W12', async (t, send) => {
  await create(send, '/d/f', 'x');
  const full = await send('DELETE /webhdfs/v1/d?op=DELETE');
  t.match(full, {
    status: 403,
    json: { RemoteException: { exception: 'PathIsNotEmptyDirectoryException' } },
  });
});

fact('W13', async (t, send) => {
  const missing = await get(send, '/none?op=GETFILESTATUS');
  t.equal(missing.status, 404);
  t.equal(
    missing.body,
    '{"RemoteException":{"exception":"FileNotFoundException","javaClassName":"java.io.FileNotFoundException",' +
      '"message":"File does not exist: /none"}}',
  );
});

fact('W14', async (t, send) => {
  for (const op of ['NOPE', '']) {
    const answer = await get(send, `/?op=${op}`);
    t.equal(answer.status, 400);
    t.match(answer.json.RemoteException.message, /^Invalid value for webhdfs parameter "op"/);
  }
});

fact('W15', async (t, send) => {
  for (const op of ['GETSTORAGEPOLICY', 'GETECPOLICY', 'GETSNAPSHOTLIST', 'GETLINKTARGET'])
    t.match(await get(send, `/?op=${op}`), {
      status: 400,
      json: {
        RemoteException: {
          exception: 'UnsupportedOperationException',
          javaClassName: 'java.lang.UnsupportedOperationException',
        },
      },
    });
});

fact('W16', async (t, send) => {
  await create(send, '/f', 'x');
  const set = await put(send, '/f?op=SETXATTR&xattr.name=user.a&xattr.value=0x31&flag=CREATE');
  t.strictSame([set.status, set.body], [200, '']);
  t.equal((await get(send, '/f?op=LISTXATTRS')).body, '{"XAttrNames":"[\\"user.a\\"]"}');
  for (const [encoding, value] of [
    ['hex', '0x31'],
    ['base64', '0sMQ=='],
    ['text', '\\"1\\"'],
  ])
    t.equal(
      (await get(send, `/f?op=GETXATTRS&xattr.name=user.a&encoding=${encoding}`)).body,
      `{"XAttrs":[{"name":"user.a","value":"${value}"}]}`,
    );
});

fact('W17', async (t, send) => {
  await create(send, '/f', 'x');
  await put(send, '/f?op=SETACL&aclspec=user::rwx,user:bob:r--,group::r-x,other::---');
  const { AclStatus } = (await get(send, '/f?op=GETACLSTATUS')).json;
  t.match(AclStatus, { entries: ['user:bob:r--', 'group::r-x'], permission: '750', stickyBit: false });
});

fact('W18', async (t, send) => {
  await create(send, '/f', 'x');
  const answer = await get(send, '/f?op=CHECKACCESS&fsaction=r--&user.name=ann');
  t.strictSame([answer.status, answer.body], [200, '']);
});

fact('W19', async (t, send) => {
  t.equal((await get(send, '/?op=GETHOMEDIRECTORY&user.name=ann')).body, '{"Path":"/user/ann"}');
  t.equal((await get(send, '/?op=GETTRASHROOT&user.name=ann')).body, '{"Path":"/user/ann/.Trash"}');
});

fact('W20', async (t, send) => {
  t.equal((await get(send, '/?op=GETDELEGATIONTOKEN&renewer=ann')).body, '{"Token":null}');
});

fact('W21', async (t, send) => {
  t.match((await get(send, '/?op=GETSERVERDEFAULTS')).json.FsServerDefaults, {
    blockSize: 134_217_728,
    bytesPerChecksum: 512,
    replication: 3,
  });
  t.match((await get(send, '/?op=GETSTATUS')).body, /"capacity":9223372036854775807\}/);
});

fact('W22', async (t, send) => {
  await create(send, '/f', 'x');
  const { headers } = await put(send, '/f?op=SETPERMISSION&permission=600');
  t.match(headers, { 'content-type': 'application/octet-stream', 'content-length': '0' });
});

fact('W23', async (t, send) => {
  await put(send, '/d?op=MKDIRS');
  const isGen1 = async (more: string) =>
    'x-ms-webhdfs-version' in (await get(send, `/d?op=GETFILESTATUS${more}`)).headers;
  t.strictSame(
    await Promise.all(
      ['', '&read=false', '&api-version=2018-09-01', '&read=true', '&WRITE=True'].map(isGen1),
    ),
    [false, false, true, true, true],
  );
});
