// The Gen2 face asked by hand: the shapes that ABFS, OpenDAL, AzCopy, .NET and rclone send, and what nobody should send.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import type { Store } from '../src/core/store.ts';
import { createDfsFace, type DfsFaceOptions } from '../src/faces/dfs/dfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { signSharedKey } from '../src/wire/dfs/shared-key.ts';
import { ask, type ReadReply, type RequestWords } from './face-request.ts';

const key = Buffer.from('secret').toString('base64');
const json = { accept: 'application/json' };
const xml = { accept: 'application/xml' };

function bench(more: Partial<DfsFaceOptions> = {}, change: (store: Store) => Store = (store) => store) {
  const store = change(createMemoryStore({ name: 'memory', rootFolders: 'filesystems' }));
  const refusals: string[] = [];
  const face = createDfsFace({
    store,
    accounts: { acct: key },
    auth: 'none',
    onRefused: (reason) => refusals.push(reason),
    ...more,
  });
  const send = (line: string, headers: Record<string, string> = {}, body?: RequestWords['body']) => {
    const [method, target] = line.split(' ') as [string, string];
    return ask(face, { method, target, headers, ...(body === undefined ? {} : { body }) });
  };
  return { store, send, refusals };
}

async function lakeBench(...options: Parameters<typeof bench>) {
  const all = bench(...options);
  const made = await all.send('PUT /acct/lake?resource=filesystem');
  t.equal(made.status, 201);
  const write = async (name: string, content: string) => {
    const path = `/acct/lake/${name}`;
    const statuses = [
      await all.send(`PUT ${path}?resource=file`),
      await all.send(`PATCH ${path}?action=append&position=0`, {}, content),
      await all.send(`PATCH ${path}?action=flush&position=${Buffer.byteLength(content)}`),
    ].map(({ status }) => status);
    t.strictSame(statuses, [201, 202, 200]);
  };
  const names = async () => {
    const listed = await all.send('GET /acct/lake?resource=filesystem&recursive=true');
    return listed.json.paths.map(({ name }: { name: string }) => name) as string[];
  };
  return { ...all, write, names };
}

/** The status and the code, which must be said in the header and in the body of either API's form. */
function shown(t: Test, reply: ReadReply): string {
  const code = reply.headers['x-ms-error-code'];
  if (reply.text !== '') {
    const said = reply.json?.error?.code ?? /<Code>(\w+)<\/Code>/.exec(reply.text)?.[1];
    t.equal(said, code, 'the code in the body');
    t.match(reply.text, /RequestId:.*Time:/s);
    t.notMatch(reply.text, /\bat .*\.ts:\d+/, 'no stack trace');
  }
  return `${reply.status} ${code}`;
}

t.test('DFS or Blob on one host', async (t) => {
  const { send, write } = await lakeBench();
  const status = async (line: string, headers?: Record<string, string>) => (await send(line, headers)).status;
  for (const [headers, expected] of [
    [json, 200],
    [xml, 202],
    [{}, 202],
    [{ accept: '*/*' }, 200],
    [{ accept: '*/*', 'content-length': '0' }, 202],
    [{ accept: '*/*', host: 'acct.dfs.gw.local' }, 200],
    [{ accept: '*/*', host: 'acct.blob.gw.local' }, 202],
  ] as [Record<string, string>, number][]) {
    await write('f', 'text');
    const path = headers.host ? '/lake/f' : '/acct/lake/f';
    t.equal(await status(`DELETE ${path}`, headers), expected, JSON.stringify(headers));
  }
  await write('f', 'text');
  t.equal(await status('DELETE /acct/lake/f?recursive=false'), 200, 'a parameter of DFS decides');
  t.equal((await send('HEAD /acct/lake/none', json)).headers['x-ms-error-code'], 'PathNotFound');
  t.equal((await send('HEAD /acct/lake/none', xml)).headers['x-ms-error-code'], 'BlobNotFound');
  t.equal((await send('HEAD /acct/lake/none')).headers['x-ms-error-code'], 'BlobNotFound');
  t.match((await send('GET /acct/lake/none', json)).json, { error: { code: 'PathNotFound' } });
  t.match((await send('GET /acct/lake/none', xml)).text, /<Code>BlobNotFound<\/Code>/);
  t.equal((await send('GET /acct/none/f', json)).headers['x-ms-error-code'], 'FilesystemNotFound');
  t.equal((await send('GET /acct/none/f', xml)).headers['x-ms-error-code'], 'ContainerNotFound');
});

t.test('where the account stands', async (t) => {
  const { send, write } = await lakeBench();
  await write('d/f', 'text');
  const get = async (target: string, headers: Record<string, string> = {}) => {
    const reply = await send(`GET ${target}`, headers);
    return reply.status === 200 ? reply.text : shown(t, reply);
  };
  t.equal(await get('/acct/lake/d/f'), 'text');
  t.equal(await get('/lake/d/f'), 'text', 'custom domain');
  t.equal(await get('/lake/d/f', { host: 'acct.dfs.core.windows.net' }), 'text');
  t.equal(await get('/lake/d/f', { host: 'acct.blob.core.windows.net:443' }), 'text');
  t.equal(await get('/acct/lake/d%2Ff'), 'text', 'slashes escaped');
  t.equal(await get('/acct/lake%2Fd%2Ff'), 'text');
  t.equal(await get('http://gateway.test:8080/acct/lake/d/f'), 'text', 'absolute form');
  for (const [source, destination] of [
    ['/lake/d/f', '/acct/lake/d/g?mode=legacy'],
    ['/acct/lake/d/g', '/lake/d/f?mode=legacy'],
    ['/lake/d%2Ff', '/acct/lake/d%2Fg'],
    ['%2Flake%2Fd%2Fg', '/acct/lake/d/f'],
    ['/lake/d/f?sv=2020-01-01&sig=x%2By', '/acct/lake/d/g'],
  ]) {
    const reply = await send(`PUT ${destination}`, {
      'x-ms-rename-source': source!,
      'x-ms-source-lease-id': '',
    });
    t.equal(reply.status, 201, source);
  }
  t.equal(await get('/acct/lake/d/g'), 'text');
});

t.test('ABFS', async (t) => {
  const { send } = await lakeBench();
  const override = {
    'x-http-method-override': 'PATCH',
    accept: 'application/json, application/octet-stream',
  };
  const id = 'corr:req:fs:root:op:GA:0';
  const probe = await send('HEAD /acct/lake/?action=getAccessControl&upn=false&timeout=90', {
    'x-ms-client-request-id': id,
  });
  t.equal(probe.status, 200, 'the root has an ACL, so this is a hierarchical account');
  t.equal(probe.headers['x-ms-client-request-id'], id);
  t.match(probe.headers, { 'x-ms-owner': String, 'x-ms-group': String, 'x-ms-acl': /^user::rwx/ });
  const props = await send('HEAD /acct/lake?resource=filesystem&timeout=90', {
    'x-ms-version': '2019-12-12',
  });
  t.match(props.headers, { 'x-ms-namespace-enabled': 'true', 'x-ms-version': '2019-12-12', etag: /^".+"$/ });
  const put = (query: string, headers = {}, body?: string) =>
    send(`PUT /acct/lake/d/f?${query}&timeout=90`, headers, body);
  t.equal((await put('resource=file', { 'if-none-match': '*' })).status, 201);
  const again = await put('resource=file', { 'if-none-match': '*' });
  t.equal(shown(t, again), '409 PathAlreadyExists');
  t.equal(again.headers['x-ms-existing-resource-type'], 'file');
  const directory = await send('PUT /acct/lake/d?resource=directory&timeout=90', { 'if-none-match': '*' });
  t.match(directory.headers, { 'x-ms-existing-resource-type': 'directory' });
  t.equal((await send('PUT /acct/lake/d?resource=directory')).status, 201);
  t.equal((await put('action=append&position=5', override, 'world')).status, 202);
  t.equal((await put('action=append&position=0', override, 'hello')).status, 202);
  const flush = await put('action=flush&position=10&retainUncommittedData=false&close=true', override);
  t.equal(flush.status, 200);
  const bare = flush.headers.etag!.replaceAll('"', '');
  const ranged = await send('GET /acct/lake/d/f?timeout=90', { range: 'bytes=2-4', 'if-match': bare });
  t.equal(ranged.status, 206);
  t.equal(ranged.text, 'llo');
  t.match(ranged.headers, {
    'content-range': 'bytes 2-4/10',
    'content-length': '3',
    etag: flush.headers.etag!,
  });
  t.equal(shown(t, await send('GET /acct/lake/d/f', { ...json, 'if-match': '0x0' })), '412 ConditionNotMet');
  const status = await send('HEAD /acct/lake/d/f?action=getStatus&upn=false&timeout=90');
  t.match(status.headers, {
    'x-ms-resource-type': 'file',
    'content-length': '10',
    'x-ms-permissions': 'rw-r-----',
  });
  t.equal(
    (await put('action=setProperties', { ...override, 'x-ms-properties': 'a=YQ==,b=Yg==' })).status,
    200,
  );
  t.equal((await send('HEAD /acct/lake/d/f', json)).headers['x-ms-properties'], 'a=YQ==,b=Yg==');
  const acl = { ...override, 'x-ms-acl': 'user::rw-,user:ann:r--,group::r--,other::---', 'if-match': bare };
  t.equal((await put('action=setAccessControl', acl)).status, 412, 'the properties changed the ETag');
  t.equal((await put('action=setAccessControl', { ...acl, 'if-match': '*' })).status, 200);
  t.match((await send('HEAD /acct/lake/d/f?action=getAccessControl')).headers, {
    'x-ms-acl': 'user::rw-,user:ann:r--,group::r--,mask::r--,other::---',
    'x-ms-permissions': 'rw-r-----+',
  });
  t.equal((await send('HEAD /acct/lake/d/f?action=checkAccess&fsAction=r--')).status, 200);
  t.equal((await put('action=append&position=10&flush=true&close=true', override, '!')).status, 202);
  const lease = await send('POST /acct/lake/d/f?timeout=90', {
    'x-ms-lease-action': 'acquire',
    'x-ms-lease-duration': '-1',
    'x-ms-proposed-lease-id': '11111111-2222-4333-8444-555555555555',
  });
  t.equal(lease.status, 201);
  t.equal(lease.headers['x-ms-lease-id'], '11111111-2222-4333-8444-555555555555');
  t.equal(shown(t, await put('action=flush&position=11', override)), '412 LeaseIdMissing');
  const released = await send('POST /acct/lake/d/f', {
    'x-ms-lease-action': 'release',
    'x-ms-lease-id': lease.headers['x-ms-lease-id']!,
  });
  t.equal(released.status, 200);
  t.equal(
    (await send('PUT /acct/lake/e', { 'x-ms-rename-source': '/lake/d/f', 'if-none-match': '*' })).status,
    201,
  );
  const lost = await send('PUT /acct/lake/e2', { 'x-ms-rename-source': '/lake/d/f', 'if-none-match': '*' });
  t.equal(shown(t, lost), '404 SourcePathNotFound');
  await send('PUT /acct/lake/d/x?resource=file');
  const full = await send('DELETE /acct/lake/d?recursive=false&timeout=90');
  t.equal(shown(t, full), '409 DirectoryNotEmpty');
  t.match(
    full.json.error.message,
    /^The recursive query parameter value must be true to delete a non-empty directory/,
  );
  t.equal((await send('DELETE /acct/lake/d?recursive=true&timeout=90')).status, 200);
  t.equal((await send('DELETE /acct/lake?resource=filesystem')).status, 202);
});

t.test('lists are JSON of strings', async (t) => {
  const { send, write } = await lakeBench({ now: () => 1_700_000_000_000 });
  await write('d/f', 'twelve bytes');
  const list = (query: string) => send(`GET /acct/lake?resource=filesystem&${query}`, { accept: '*/*' });
  const root = await list('directory=&recursive=false&maxResults=5000&upn=false');
  t.match(root.headers['content-type'], /^application\/json/);
  t.strictSame(Object.keys(root.json.paths[0]).toSorted(), [
    ...['contentLength', 'creationTime', 'etag', 'expiryTime', 'group', 'isDirectory'],
    ...['lastModified', 'name', 'owner', 'permissions'],
  ]);
  t.match(root.json.paths[0], { name: 'd', isDirectory: 'true', contentLength: '0', expiryTime: '0' });
  const [file] = (await list('directory=d&recursive=false')).json.paths;
  t.match(file, { name: 'd/f', contentLength: '12', permissions: 'rw-r-----', creationTime: /^\d{18}$/ });
  t.notOk('isDirectory' in file, 'files do not say that they are no folders');
  t.notMatch(file.etag, /"/);
  t.strictSame((await list('directory=%2Fd&recursive=true')).json.paths.length, 1);
  t.equal(shown(t, await list('directory=none&recursive=true')), '404 PathNotFound');
  t.equal(
    shown(t, await send('GET /acct/none?resource=filesystem&recursive=true')),
    '404 FilesystemNotFound',
  );
  t.equal(shown(t, await list('maxResults=1')), '400 MissingRequiredQueryParameter');
  t.equal(shown(t, await list('recursive=perhaps')), '400 InvalidQueryParameterValue');
  t.match(shown(t, await list('recursive=true&maxResults=0')), /^400 OutOfRange/);
  t.match(shown(t, await list('recursive=true&maxResults=many')), /^400 Invalid/);
  t.match(shown(t, await list('recursive=true&continuation=rubbish')), /^400 /);
  t.equal((await send('GET /acct?resource=account')).json.filesystems[0].name, 'lake');
});

t.test('reads', async (t) => {
  const { send, write } = await lakeBench();
  await write('f', '0123456789');
  await send('PUT /acct/lake/empty?resource=file');
  await send('PUT /acct/lake/d?resource=directory');
  const get = (name: string, headers: Record<string, string>) => send(`GET /acct/lake/${name}`, headers);
  t.equal((await get('f', { range: 'bytes=8-' })).text, '89');
  const clipped = await get('f', { range: 'bytes=8-20' });
  t.match(clipped.headers, { 'content-range': 'bytes 8-9/10' });
  t.equal((await get('f', { range: 'bytes=0-1', 'x-ms-range': 'bytes=5-6' })).text, '56');
  const past = await get('f', { range: 'bytes=10-' });
  t.equal(shown(t, past), '416 InvalidRange');
  t.equal(past.headers['content-range'], 'bytes */10');
  t.equal(shown(t, await get('empty', { range: 'bytes=0-99' })), '416 InvalidRange');
  t.equal(shown(t, await get('f', { range: 'bytes=99999999999999999999-' })), '416 InvalidRange');
  t.equal((await get('empty', {})).headers['content-length'], '0');
  const digest = createHash('md5').update('23').digest('base64');
  const md5 = await get('f', { range: 'bytes=2-3', 'x-ms-range-get-content-md5': 'true' });
  t.match(md5.headers, { 'content-md5': digest });
  const big = await get('f', { range: 'bytes=0-9999999', 'x-ms-range-get-content-md5': 'true' });
  t.match(shown(t, big), /^400 /);
  t.match(shown(t, await get('d', json)), /^4\d\d /);
  const folder = await get('d', xml);
  t.equal(folder.status, 200);
  t.match(folder.headers, {
    'content-length': '0',
    'x-ms-meta-hdi_isfolder': 'true',
    'x-ms-resource-type': 'directory',
  });
  const head = await send('HEAD /acct/lake/d');
  t.match(
    head.headers,
    { 'content-length': '0', 'x-ms-resource-type': 'directory' },
    'AzCopy needs a length',
  );
  const { etag } = (await send('HEAD /acct/lake/f')).headers;
  t.equal((await get('f', { 'if-none-match': etag! })).status, 304);
  t.equal((await get('f', { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() })).status, 304);
  t.equal((await send('HEAD /acct/lake/%2F', xml)).status, 200, 'Trino asks whether the root is a folder');
});

t.test('uploads of OpenDAL, AzCopy and Go', async (t) => {
  const { send, names } = await lakeBench();
  const path = '/acct/lake/f';
  await send(`PUT ${path}?resource=file`);
  const empty = await send(`PATCH ${path}?action=append&close=true&flush=true&position=0`, {
    'content-length': '0',
  });
  t.equal(empty.status, 202, 'OpenDAL writes an empty file so');
  t.equal(
    shown(t, await send(`PATCH ${path}?action=append&position=0`, { 'content-length': '0' })),
    '400 InvalidHeaderValue',
  );
  t.equal((await send(`PATCH ${path}?action=append&position=0`, {}, 'azcopy')).status, 202);
  const flush = await send(`PATCH ${path}?action=flush&position=6&close=true&retainUncommittedData=false`, {
    'x-ms-content-md5': '',
  });
  t.equal(flush.status, 200);
  t.equal((await send(`GET ${path}`)).text, 'azcopy');
  const framed = {
    'x-ms-structured-body': 'XSM/1.0; properties=crc64',
    'x-ms-structured-content-length': '4',
  };
  t.match(shown(t, await send(`PATCH ${path}?action=append&position=6`, framed, 'text')), /^400 /);
  t.equal(
    shown(t, await send(`PATCH ${path}?action=flush&position=6`, {}, 'body')),
    '400 ContentLengthMustBeZero',
  );
  const chunked = await send(
    `PATCH ${path}?action=append&position=6&flush=true`,
    {},
    Readable.from([Buffer.from(' chunk'), Buffer.from('ed')]),
  );
  t.equal(chunked.status, 202);
  t.equal((await send(`GET ${path}`)).text, 'azcopy chunked');
  t.strictSame(await names(), ['f']);
});

t.test('a body that is not what was promised changes nothing', async (t) => {
  const { send, write, names } = await lakeBench();
  await write('f', 'before');
  const broken = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('the client broke off');
      })(),
    );
  const lie = { 'content-length': '10' };
  const lines = {
    append: 'PATCH /acct/lake/f?action=append&position=6&flush=true',
    put: 'PUT /acct/lake/f',
    block: `PUT /acct/lake/f?comp=block&blockid=${encodeURIComponent(Buffer.from('1').toString('base64'))}`,
  };
  for (const [name, line] of Object.entries(lines)) {
    const kind: Record<string, string> = name === 'put' ? { 'x-ms-blob-type': 'BlockBlob' } : {};
    for (const reply of [
      await send(line, kind, broken()),
      await send(line, { ...kind, ...lie }, Readable.from([Buffer.from('short')])),
      await send(line, { ...kind, ...lie }, Readable.from([Buffer.from('much longer than promised')])),
      await send(line, { ...kind, 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'other'),
    ]) {
      t.match(shown(t, reply), /^400 /, `${name}: ${reply.text.split('\n')[0]}`);
    }
  }
  t.equal((await send('GET /acct/lake/f')).text, 'before');
  t.equal((await send('PATCH /acct/lake/f?action=flush&position=6')).status, 200);
  t.equal((await send('GET /acct/lake/f')).text, 'before');
  t.strictSame(await names(), ['f']);
});

t.test('what nobody should send', async (t) => {
  const { send, write, names } = await lakeBench();
  await write('f', 'text');
  const longName = 'n'.repeat(300);
  const cases: [line: string, expected: string, headers?: Record<string, string>, body?: string][] = [
    ['GET /acct/lake/%zz', '400 InvalidUri'],
    ['GET /acct/lake/%ff', '400 InvalidUri'],
    ['PUT /acct/lake/..%2f..%2fetc?resource=file', '400 InvalidUri'],
    ['PUT /acct/lake/a/../b?resource=file', '400 InvalidUri'],
    ['PUT /acct/lake/nul%00?resource=file', '400 InvalidUri'],
    [`PUT /acct/lake/${longName}?resource=file`, '400 InvalidUri'],
    [`PUT /acct/lake/${'d/'.repeat(1100)}f?resource=file`, '400 InvalidUri'],
    ['GET /acct/lake/f?resource=%zz', '400 InvalidUri'],
    ['PUT /acct/Bad_Name?resource=filesystem', '400 InvalidResourceName'],
    ['PUT /acct/lake/x?resource=thing', '400 InvalidQueryParameterValue'],
    ['PUT /acct/lake/x?mode=sideways', '400 InvalidQueryParameterValue', { 'x-ms-rename-source': '/lake/f' }],
    ['PUT /acct/lake/x?mode=legacy', '400 InvalidSourceUri', { 'x-ms-rename-source': '/lake/%zz' }],
    ['PUT /acct/lake/x?mode=legacy', '400 InvalidSourceUri', { 'x-ms-rename-source': '/' }],
    ['PUT /acct/lake/x?mode=legacy', '404 SourcePathNotFound', { 'x-ms-rename-source': '/lake/none' }],
    ['PUT /acct/lake/x?resource=file', '400 ContentLengthMustBeZero', {}, 'body'],
    ['PUT /acct/lake/x?resource=file', '400 InvalidHeaderValue', { 'x-ms-umask': '9' }],
    ['PUT /acct/none/x?resource=file', '404 FilesystemNotFound'],
    ['PATCH /acct/lake/f?action=append', '400 MissingRequiredQueryParameter', {}, 'x'],
    ['PATCH /acct/lake/f?action=flush', '400 MissingRequiredQueryParameter'],
    ['PATCH /acct/lake/f?action=append&position=-1', '400 OutOfRangeQueryParameterValue', {}, 'x'],
    ['PATCH /acct/lake/f?action=append&position=1e3', '400 InvalidQueryParameterValue', {}, 'x'],
    [
      'PATCH /acct/lake/f?action=append&position=99999999999999999999999',
      '400 InvalidQueryParameterValue',
      {},
      'x',
    ],
    [
      'PATCH /acct/lake/f?action=append&position=9999999999999999',
      '400 OutOfRangeQueryParameterValue',
      {},
      'x',
    ],
    ['PATCH /acct/lake/f?action=flush&position=99', '400 InvalidFlushPosition'],
    [
      'PATCH /acct/lake/f?action=append&position=0',
      '400 InvalidHeaderValue',
      { 'content-length': '-4' },
      'text',
    ],
    ['PATCH /acct/lake/f?action=setProperties', '400 InvalidPropertyName', { 'x-ms-properties': '=x' }],
    ['HEAD /acct/lake/f?action=checkAccess', '400 MissingRequiredQueryParameter'],
    ['HEAD /acct/lake/f?action=checkAccess&fsAction=abc', '400 InvalidQueryParameterValue'],
    ['PATCH /acct/lake/f?action=setAccessControlRecursive&mode=set', '400 MissingRequiredHeader'],
    ['POST /acct/lake/f?action=x', '400 MissingRequiredHeader'],
    ['POST /acct/lake/f', '400 InvalidHeaderValue', { 'x-ms-lease-action': 'borrow' }],
    ['GET /acct/lake/f', '400 InvalidHeaderValue', { ...json, 'if-modified-since': 'yesterday' }],
    ['PUT /acct/lake/b', '400 MissingRequiredHeader', {}, 'blob without a type'],
    ['PUT /acct/lake/b?comp=block', '400 MissingRequiredQueryParameter', {}, 'x'],
    ['PUT /acct/lake/b?comp=block&blockid=!!', '400 InvalidBlockId', {}, 'x'],
    ['PUT /acct/lake/b?comp=blocklist', '400 InvalidXmlDocument', {}, '<BlockList><Latest>'],
    ['PUT /acct/lake/b?comp=blocklist', '400 InvalidXmlDocument', {}, '<Other/>'],
    ['PUT /acct/lake/b?comp=blocklist', '400 InvalidXmlDocument', {}, ''],
    [
      'PUT /acct/lake/b?comp=blocklist',
      '400 InvalidBlockList',
      {},
      '<BlockList><Latest>d2hv</Latest></BlockList>',
    ],
    ['PUT /acct/lake/f/below', '409 PathConflict', { 'x-ms-blob-type': 'BlockBlob' }, 'x'],
    ['GET /acct/lake?restype=container&comp=list&delimiter=x', '400 InvalidQueryParameterValue'],
    ['GET /acct/lake?restype=container&comp=list&maxresults=0', '400 OutOfRangeQueryParameterValue'],
    ['GET /acct/none?restype=container&comp=list', '404 ContainerNotFound'],
  ];
  for (const [line, expected, headers = {}, body] of cases) {
    t.equal(
      shown(t, await send(line, headers, body)),
      expected,
      `${line.slice(0, 80)} ${JSON.stringify(headers)}`,
    );
  }
  for (const action of ['permissions', 'acl']) {
    const reply = await send('PATCH /acct/lake/f?action=setAccessControl', {
      [`x-ms-${action}`]: 'nonsense',
    });
    t.match(shown(t, reply), /^400 /, action);
  }
  t.strictSame(await names(), ['f']);
  t.equal((await send('GET /acct/lake/f')).text, 'text');
});

t.test('operations that the face does not know', async (t) => {
  const { send, refusals, names } = await lakeBench();
  const lines = [
    'PATCH /acct/lake/f?action=teleport',
    'PUT /acct/lake/f?comp=tier',
    'PUT /acct/lake/f?comp=undelete',
    'PUT /acct/lake/f?comp=tags',
    'POST /acct/lake/f?comp=query',
    'DELETE /acct/lake',
    'PROPFIND /acct/lake/f',
  ];
  for (const line of lines) t.match(shown(t, await send(line)), /^501 /, line);
  t.equal(refusals.length, lines.length);
  t.match(shown(t, await send('GET /acct/lake/f?comp=blocklist')), /^400 /);
  t.match(shown(t, await send('GET /acct')), /^400 /);
  t.strictSame(await names(), []);
});

t.test('what the face does not know is forwarded where the route is transparent', async (t) => {
  const forwarded: string[] = [];
  const direct: NonNullable<Store['direct']> = () => ({
    protocol: 'dfs',
    async forward({ method, path, search, headers, body }) {
      const chunks: Buffer[] = [];
      for await (const chunk of body ?? []) chunks.push(chunk as Buffer);
      forwarded.push(`${method} ${path} ${search} ${headers['x-ms-thing']} ${Buffer.concat(chunks)}`);
      return {
        status: 299,
        headers: { 'x-ms-odd': '1', connection: 'close' },
        body: Readable.from(['answer']),
      };
    },
  });
  const { send, refusals } = await lakeBench({}, (store) => ({ ...store, direct }));
  const reply = await send('PUT /acct/lake/a%20b?comp=tier&x=%20', { 'x-ms-thing': 'kept' }, 'body');
  t.equal(reply.status, 299);
  t.equal(reply.text, 'answer');
  t.equal(reply.headers['x-ms-odd'], '1');
  t.notOk(reply.headers.connection);
  t.strictSame(forwarded, ['PUT /lake/a b comp=tier&x=%20 kept body']);
  t.strictSame(refusals, []);
});

t.test('signatures', async (t) => {
  const { send } = bench({ auth: 'shared-key' });
  const signed = (line: string, headers: Record<string, string> = {}, account = 'acct', secret = key) => {
    const [method, target] = line.split(' ') as [string, string];
    const [rawPath, search = ''] = target.split('?') as [string, string?];
    const dated = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2023-11-03', ...headers };
    return send(line, {
      ...dated,
      authorization: signSharedKey(account, secret, { method, rawPath, search, headers: dated }),
    });
  };
  t.equal((await signed('PUT /acct/lake?resource=filesystem')).status, 201);
  t.equal((await signed('PUT /acct/lake/a%2Fb?resource=file', { 'x-ms-source-lease-id': '' })).status, 201);
  const wrong = Buffer.from('wrong').toString('base64');
  t.equal(
    shown(t, await signed('PUT /acct/lake/c?resource=file', {}, 'acct', wrong)),
    '403 AuthenticationFailed',
  );
  t.equal(shown(t, await signed('PUT /acct/lake/c?resource=file', {}, 'nobody')), '403 AuthenticationFailed');
  t.equal(
    shown(t, await signed('PUT /acct/lake/c?resource=file', {}, 'constructor')),
    '403 AuthenticationFailed',
  );
  t.equal(shown(t, await send('PUT /acct/lake/c?resource=file')), '401 NoAuthenticationInformation');
  t.equal(
    shown(t, await send('GET /acct/lake/c', { ...xml, authorization: 'Bearer x.y.z' })),
    '403 AuthenticationFailed',
  );
  t.equal(
    shown(t, await send('GET /acct/lake/c', { ...json, authorization: 'SharedKey acct:' })),
    '403 AuthenticationFailed',
  );
  const tampered = await signed('HEAD /acct/lake/a/b', {});
  t.equal(tampered.status, 200);
  t.equal((await signed('HEAD /acct/lake/c', json)).headers['x-ms-error-code'], 'PathNotFound');
});

t.test('headers of every answer', async (t) => {
  const now = () => Date.UTC(2026, 0, 2, 3, 4, 5);
  const { send } = bench({ now }, (store) => ({
    ...store,
    async query(query, ctx) {
      ctx.trail.servedBy = 'target';
      return store.query(query, ctx);
    },
    async mutate(mutation, ctx) {
      ctx.trail.acked = ['source', 'target'];
      return store.mutate(mutation, ctx);
    },
  }));
  const made = await send('PUT /acct/lake?resource=filesystem', { 'x-ms-client-request-id': 'mine' });
  t.match(made.headers, {
    date: 'Fri, 02 Jan 2026 03:04:05 GMT',
    'x-ms-request-id': /./,
    'x-ms-version': /^\d{4}-\d\d-\d\d$/,
    'x-ms-client-request-id': 'mine',
    'x-twinlake-acked': 'source,target',
  });
  const missing = await send('GET /acct/lake/none', { ...json, 'x-ms-version': '2099-01-01' });
  t.match(missing.headers, { 'x-ms-version': '2099-01-01', 'x-twinlake-served-by': 'target' });
});

t.test('containers and lists as XML', async (t) => {
  const { send, write } = await lakeBench();
  await write('a&b/<c>', 'text');
  await send('PUT /acct/lake/a%26b/%3Cc%3E?comp=metadata', { 'x-ms-meta-k': 'a<b' });
  const list = (query: string) => send(`GET /acct/lake?restype=container&comp=list&${query}`, xml);
  const flat = await list('include=metadata');
  t.match(flat.headers['content-type'], /xml/);
  t.match(flat.text, /<Name>a&amp;b<\/Name>/);
  t.match(flat.text, /<Name>a&amp;b\/&lt;c&gt;<\/Name>/);
  t.match(flat.text, /<hdi_isfolder>true<\/hdi_isfolder>/);
  t.match(flat.text, /<k>a&lt;b<\/k>/);
  t.match(flat.text, /<ResourceType>directory<\/ResourceType>/);
  t.match((await list('delimiter=%2F')).text, /<BlobPrefix><Name>a&amp;b\/<\/Name>/);
  t.match((await list('prefix=a%26b%2F&delimiter=%2F')).text, /<ResourceType>file<\/ResourceType>/);
  t.notMatch((await list('showonly=deleted')).text, /<Name>/);
  t.notMatch((await list('prefix=zz')).text, /<Name>/);
  t.match((await send('GET /acct?comp=list&include=', xml)).text, /<Name>lake<\/Name>/);
  for (const place of ['/acct', '/acct/lake', '/acct/lake/f']) {
    for (const method of ['GET', 'HEAD']) {
      const info = await send(`${method} ${place}?restype=account&comp=properties`);
      t.match(
        info.headers,
        { 'x-ms-is-hns-enabled': 'true', 'x-ms-account-kind': 'StorageV2' },
        `${method} ${place}`,
      );
    }
  }
  for (const method of ['GET', 'HEAD'])
    t.equal((await send(`${method} /acct/lake?restype=container`)).status, 200);
  t.equal((await send('GET /acct/lake?restype=container&comp=acl')).status, 200);
  t.equal(shown(t, await send('PUT /acct/lake?restype=container')), '409 ContainerAlreadyExists');
  t.equal((await send('DELETE /acct/lake?restype=container')).status, 202);
  t.equal((await send('GET /acct/lake?restype=container')).status, 404);
});
