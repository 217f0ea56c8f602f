// The facts of docs/wire/gen2.md about the DFS API.
import { createHash } from 'node:crypto';
import { bench } from '../face-dfs-bench.ts';
import { factsOf, type Send, type WireAnswer } from './facts.ts';

const fact = factsOf('gen2.md', () => bench().face);
const json = { accept: 'application/json' };
const anyEtag = /^"0x[0-9A-F]+"$/;

const lake = (send: Send) => send('PUT /acct/lake?resource=filesystem');
const file = (send: Send, path: string, headers = {}) =>
  send(`PUT /acct/lake/${path}?resource=file`, headers);
const folder = (send: Send, path: string, headers = {}) =>
  send(`PUT /acct/lake/${path}?resource=directory`, headers);
const append = (send: Send, path: string, position: number, body: string, more = '', headers = {}) =>
  send(`PATCH /acct/lake/${path}?action=append&position=${position}${more}`, headers, body);
const flush = (send: Send, path: string, position: number, headers = {}) =>
  send(`PATCH /acct/lake/${path}?action=flush&position=${position}&close=true`, headers);
const write = async (send: Send, path: string, content: string) => {
  await file(send, path);
  if (content !== '') await append(send, path, 0, content);
  return flush(send, path, content.length);
};
const get = (send: Send, path: string, headers = {}) =>
  send(`GET /acct/lake/${path}`, { ...json, ...headers });
const head = (send: Send, path: string, query = '') => send(`HEAD /acct/lake/${path}${query}`, json);
const list = (send: Send, more = '') =>
  send(`GET /acct/lake?resource=filesystem&recursive=true${more}`, json);
const code = ({ status, headers }: WireAnswer) => `${status} ${headers['x-ms-error-code']}`;

fact('D1', async (t, send) => {
  const id = 'corr:req:fs:root:op:GA:0';
  const { headers } = await send('PUT /acct/lake?resource=filesystem', {
    'x-ms-version': '2019-12-12',
    'x-ms-client-request-id': id,
  });
  t.match(headers, {
    date: / GMT$/,
    'x-ms-request-id': /^[0-9a-f-]{36}$/,
    'x-ms-version': '2019-12-12',
    'x-ms-client-request-id': id,
    server: /^Windows-Azure-HDFS\/1\.0 /,
  });
});

fact('D2', async (t, send) => {
  for (const { headers } of [await lake(send), await file(send, 'f')])
    t.match(headers, {
      etag: anyEtag,
      'last-modified': /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
    });
});

fact('D3', async (t, send) => {
  t.match(await lake(send), { status: 201, headers: { 'x-ms-namespace-enabled': 'true' } });
  t.equal(code(await lake(send)), '409 FilesystemAlreadyExists');
  t.equal((await send('DELETE /acct/lake?resource=filesystem')).status, 202);
  t.equal((await lake(send)).status, 201, 'an emulator removes at once');
});

fact('D4', async (t, send) => {
  await lake(send);
  t.match(await file(send, 'd/f'), {
    status: 201,
    body: '',
    headers: {
      etag: anyEtag,
      'last-modified': / GMT$/,
      'content-length': '0',
      'x-ms-request-server-encrypted': 'true',
    },
  });
});

fact('D5', async (t, send) => {
  await lake(send);
  const once = { 'if-none-match': '*' };
  await write(send, 'd/f', 'old');
  const again = await file(send, 'd/f', once);
  t.strictSame(
    [code(again), again.headers['x-ms-existing-resource-type']],
    ['409 PathAlreadyExists', 'file'],
  );
  const there = await folder(send, 'd', once);
  t.strictSame(
    [code(there), there.headers['x-ms-existing-resource-type']],
    ['409 PathAlreadyExists', 'directory'],
  );
  t.equal((await get(send, 'd/f')).body, 'old');
});

fact('D6', async (t, send) => {
  await lake(send);
  const { etag } = (await write(send, 'f', 'text')).headers;
  t.equal(code(await file(send, 'f', { 'if-match': '"0x0"' })), '412 ConditionNotMet');
  t.equal((await get(send, 'f', { 'if-match': etag! })).status, 200);
  t.equal((await get(send, 'f', { 'if-match': etag!.replaceAll('"', '') })).status, 200);
});

fact('D7', async (t, send) => {
  await lake(send);
  await file(send, 'd/f');
  t.equal((await head(send, 'd/f')).headers['x-ms-permissions'], 'rw-r-----');
  t.equal((await head(send, 'd')).headers['x-ms-permissions'], 'rwxr-x---');
});

fact('D8', async (t, send) => {
  await lake(send);
  await write(send, 'd/f', 'text');
  t.equal((await folder(send, 'd')).status, 201);
  t.equal((await get(send, 'd/f')).body, 'text');
});

fact('D9', async (t, send) => {
  await lake(send);
  const { etag } = (await file(send, 'f')).headers;
  const appended = await append(send, 'f', 0, 'hello');
  t.strictSame([appended.status, appended.headers.etag, appended.body], [202, undefined, '']);
  const seen = await head(send, 'f');
  t.strictSame([seen.headers['content-length'], seen.headers.etag], ['0', etag]);
});

fact('D10', async (t, send) => {
  await lake(send);
  const { etag } = (await file(send, 'f')).headers;
  const all = await Promise.all([
    append(send, 'f', 6, 'world'),
    append(send, 'f', 3, 'lo '),
    append(send, 'f', 0, 'hel'),
  ]);
  t.strictSame(
    all.map(({ status }) => status),
    [202, 202, 202],
  );
  const flushed = await flush(send, 'f', 11, { 'if-match': etag! });
  t.match(flushed, { status: 200, headers: { etag: anyEtag, 'content-length': '0' } });
  t.not(flushed.headers.etag, etag);
  t.equal((await get(send, 'f')).body, 'hello world');
});

fact('D11', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  const done = await append(send, 'f', 0, 'text', '&flush=true&close=true');
  t.match(done, { status: 202, headers: { etag: anyEtag, 'last-modified': / GMT$/ } });
  t.equal((await get(send, 'f')).body, 'text');
});

fact('D12', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  t.equal(code(await append(send, 'f', 0, '')), '400 InvalidHeaderValue');
  t.equal((await append(send, 'f', 0, '', '&flush=true&close=true')).status, 202);
  t.equal((await get(send, 'f')).body, '');
});

fact('D13', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  await append(send, 'f', 5, 'world');
  t.equal(code(await flush(send, 'f', 10)), '400 InvalidFlushPosition', 'a gap');
  await append(send, 'f', 0, 'hello');
  t.equal(code(await flush(send, 'f', 11)), '400 InvalidFlushPosition', 'more than there is');
  t.equal((await flush(send, 'f', 10)).status, 200);
});

fact('D14', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  const answer = await send('PATCH /acct/lake/f?action=flush&position=0', {}, 'x');
  t.equal(code(answer), '400 ContentLengthMustBeZero');
});

fact('D15', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  const override = { 'x-http-method-override': 'PATCH', 'content-type': 'application/json' };
  const put = (query: string, body?: string) => send(`PUT /acct/lake/f?${query}&timeout=90`, override, body);
  t.equal((await put('action=append&position=0', '{')).status, 202);
  t.equal((await put('action=flush&position=1')).status, 200);
  t.equal((await get(send, 'f')).body, '{');
});

fact('D16', async (t, send) => {
  await lake(send);
  const { etag } = (await write(send, 'd/f', 'twelve bytes')).headers;
  const { paths } = (await list(send)).json;
  t.match(paths[0], { name: 'd', isDirectory: 'true', contentLength: '0' });
  t.match(paths[1], { name: 'd/f', contentLength: '12', etag: etag!.replaceAll('"', '') });
  t.notOk('isDirectory' in paths[1]);
  for (const path of paths) for (const value of Object.values(path)) t.type(value, 'string');
});

fact('D17', async (t, send) => {
  await lake(send);
  for (const name of ['d/b', 'd/a', 'd/sub/x', 'd.e', 'a%20b']) await file(send, name);
  const names = async (more: string) =>
    (await list(send, more)).json.paths.map(({ name }: { name: string }) => name).join();
  t.equal(await names(''), 'a b,d,d/a,d/b,d/sub,d/sub/x,d.e');
  t.equal(await names('&directory=d'), 'd/a,d/b,d/sub,d/sub/x');
});

fact('D18', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  const [path] = (await list(send)).json.paths;
  t.match(path, { creationTime: /^1\d{17}$/, expiryTime: '0' });
});

fact('D19', async (t, send) => {
  await lake(send);
  for (const name of ['a', 'b', 'c']) await file(send, name);
  const first = await list(send, '&maxResults=2');
  const token = first.headers['x-ms-continuation'];
  t.ok(token);
  t.equal(first.json.paths.length, 2);
  const second = await list(send, `&maxResults=2&continuation=${encodeURIComponent(token!)}`);
  t.match(second.json.paths, [{ name: 'c' }]);
  t.notOk(second.headers['x-ms-continuation']);
});

fact('D20', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  t.equal(code(await list(send, '&directory=none')), '404 PathNotFound');
  t.match((await list(send, '&directory=')).json.paths, [{ name: 'f' }]);
});

fact('D21', async (t, send) => {
  await lake(send);
  await write(send, 'd/f', 'text');
  let [from, to] = ['f', 'g'];
  for (const source of ['/lake/d/', '/acct/lake/d/', '/lake/d%2F', '%2Flake%2Fd%2F']) {
    const rename = { 'x-ms-rename-source': source + from, 'x-ms-source-lease-id': '' };
    t.equal((await send(`PUT /acct/lake/d/${to}?mode=legacy`, rename)).status, 201, source);
    [from, to] = [to, from];
  }
  const sas = { 'x-ms-rename-source': `/lake/d/${from}?sv=2020-01-01&sig=x%2By` };
  t.equal(
    (await send(`PUT /lake/d/${to}?mode=legacy`, sas)).status,
    201,
    'a destination without the account (JS)',
  );
  t.equal((await get(send, `d/${to}`)).body, 'text');
});

fact('D22', async (t, send) => {
  await lake(send);
  await write(send, 'f', 'text');
  const rename = (from: string, to: string) =>
    send(`PUT /acct/lake/${to}`, { ...json, 'x-ms-rename-source': `/lake/${from}` });
  t.equal(code(await rename('none', 'g')), '404 SourcePathNotFound');
  t.equal(code(await rename('f', 'none/g')), '404 RenameDestinationParentPathNotFound');
});

fact('D23', async (t, send) => {
  await lake(send);
  await file(send, 'd/f');
  const remove = (path: string) => send(`DELETE /acct/lake/${path}`, json);
  t.equal(code(await remove('d')), '409 DirectoryNotEmpty');
  t.equal((await remove('d?recursive=true')).status, 200);
  t.equal(code(await remove('d?recursive=true')), '404 PathNotFound');
});

fact('D24', async (t, send) => {
  await lake(send);
  await file(send, 'f', { 'x-ms-properties': 'a=YQ==,b=Yg==' });
  t.equal((await head(send, 'f')).headers['x-ms-properties'], 'a=YQ==,b=Yg==');
  const set = await send('PATCH /acct/lake/f?action=setProperties', { 'x-ms-properties': 'c=Yw==' });
  t.equal(set.status, 200);
  t.equal((await head(send, 'f')).headers['x-ms-properties'], 'c=Yw==');
});

fact('D25', async (t, send) => {
  await lake(send);
  const root = await head(send, '', '?action=getAccessControl&upn=false&timeout=90');
  t.equal(root.status, 200);
  t.match(root.headers, { 'x-ms-owner': /./, 'x-ms-group': /./, 'x-ms-acl': /^user::rwx,group::/ });
  await file(send, 'f');
  const acl = { 'x-ms-acl': 'user::rw-,user:ann:r--,group::r--,other::---' };
  t.equal((await send('PATCH /acct/lake/f?action=setAccessControl', acl)).status, 200);
  t.match((await head(send, 'f', '?action=getAccessControl')).headers, {
    'x-ms-permissions': /\+$/,
    'x-ms-acl': 'user::rw-,user:ann:r--,group::r--,mask::r--,other::---',
  });
});

fact('D26', async (t, send) => {
  await lake(send);
  for (const name of ['d/1/a', 'd/1/b', 'd/2/c', 'd/2/e']) await file(send, name);
  const change = (more: string) =>
    send(`PATCH /acct/lake/d?action=setAccessControlRecursive&mode=modify${more}`, {
      'x-ms-acl': 'user:ann:r-x',
    });
  t.equal(
    (await change('')).body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ''),
    '{"directoriesSuccessful":3,"failedEntries":[],"failureCount":0,"filesSuccessful":4}',
  );
  let calls = 0;
  let token: string | undefined = '';
  for (; token !== undefined; calls++) {
    const page: WireAnswer = await change(`&maxRecords=2&continuation=${encodeURIComponent(token)}`);
    token = page.headers['x-ms-continuation'];
  }
  t.equal(calls, 4);
});

fact('D27', async (t, send) => {
  await lake(send);
  const answer = await get(send, 'none');
  t.equal(code(answer), '404 PathNotFound');
  t.match(answer.headers['content-type'], /^application\/json/);
  t.match(answer.json, {
    error: {
      code: 'PathNotFound',
      message: /^The specified path does not exist\.\nRequestId:\S+\nTime:\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    },
  });
  const silent = await head(send, 'none');
  t.strictSame([code(silent), silent.body], ['404 PathNotFound', '']);
});

fact('D28', async (t, send) => {
  await lake(send);
  await write(send, 'f', 'hello');
  const range = (path: string, bytes: string) => get(send, path, { range: `bytes=${bytes}` });
  t.match(await range('f', '1-3'), { status: 206, body: 'ell', headers: { 'content-range': 'bytes 1-3/5' } });
  t.match(await range('f', '3-99'), { status: 206, body: 'lo', headers: { 'content-range': 'bytes 3-4/5' } });
  t.equal(code(await range('f', '5-9')), '416 InvalidRange');
  await write(send, 'empty', '');
  t.equal(code(await range('empty', '0-9')), '416 InvalidRange');
});

fact('D29', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  t.equal((await file(send, 'f/below')).status, 409);
});

fact('D30', async (t, send) => {
  await lake(send);
  for (const [headers, status] of [
    [json, 200],
    [{ accept: 'application/xml' }, 202],
    [{}, 202],
  ] as const) {
    await file(send, 'f');
    t.equal((await send('DELETE /acct/lake/f', headers)).status, status, JSON.stringify(headers));
  }
});

const md5 = (content: string) => createHash('md5').update(content).digest('base64');

fact('D31', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  const wrong = await append(send, 'f', 0, 'hello', '', { 'content-md5': md5('other') });
  t.equal(code(wrong), '400 Md5Mismatch');
  const right = await append(send, 'f', 0, 'hello', '', { 'content-md5': md5('hello') });
  t.strictSame([right.status, right.headers['content-md5']], [202, md5('hello')]);
});

fact('D32', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  await append(send, 'f', 0, 'hello');
  const content = { 'x-ms-content-type': 'text/plain', 'x-ms-cache-control': 'no-cache' };
  await flush(send, 'f', 5, { ...content, 'x-ms-content-md5': md5('hello') });
  t.match((await head(send, 'f')).headers, {
    'content-type': 'text/plain',
    'cache-control': 'no-cache',
    'content-md5': md5('hello'),
  });
});

fact('D33', async (t, send) => {
  await lake(send);
  await write(send, 'd%2Fa+b%20c%25%23', 'text');
  t.equal((await get(send, 'd/a%2Bb%20c%25%23')).body, 'text');
  t.match((await list(send)).json.paths, [{ name: 'd' }, { name: 'd/a+b c%#' }]);
});

fact('D35', async (t, send) => {
  await lake(send);
  await write(send, 'f', 'hello');
  const both = await get(send, 'f', { range: 'bytes=0-0', 'x-ms-range': 'bytes=1-2' });
  t.strictSame([both.status, both.body], [206, 'el']);
  const sum = { 'x-ms-range': 'bytes=1-2', 'x-ms-range-get-content-md5': 'true' };
  t.equal((await get(send, 'f', sum)).headers['content-md5'], md5('el'));
});

fact('D36', async (t, send) => {
  await lake(send);
  const { etag } = (await write(send, 'f', 'hello')).headers;
  await send('PUT /acct/lake/g?mode=legacy', { 'x-ms-rename-source': '/lake/f' });
  t.equal((await head(send, 'g')).headers.etag, etag);
});
