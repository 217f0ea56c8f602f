// The Gen2 face asked by hand: the shapes that ABFS, OpenDAL, AzCopy, .NET and rclone send.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import t from 'tap';
import { bench, json, lakeBench, shown, xml } from './face-dfs-bench.ts';

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
    t.equal(reply.status, 201, source!);
  }
  t.equal(await get('/acct/lake/d/g'), 'text');
});

t.test('a file lists itself', async (t) => {
  const { send, write } = await lakeBench();
  await write('d/f', 'text');
  for (const recursive of ['true', 'false']) {
    const query = `resource=filesystem&recursive=${recursive}&directory=d/f`;
    const { status, json: listed } = await send(`GET /acct/lake?${query}`, json);
    t.equal(status, 200);
    t.match(listed, { paths: [{ name: 'd/f', contentLength: '4' }] });
    t.strictSame([listed.paths.length, listed.paths[0].isDirectory], [1, undefined]);
  }
});

t.test(
  'a rename onto a folder goes into it, as with mv; in legacy mode it takes the place of an empty one',
  async (t) => {
    const { send, write } = await lakeBench();
    const rename = async (from: string, to: string, headers = {}): Promise<string> => {
      const reply = await send(`PUT /acct/lake/${to}`, { 'x-ms-rename-source': `/lake/${from}`, ...headers });
      return reply.status === 201 ? '201' : shown(t, reply);
    };
    const textOf = async (path: string) => (await send(`GET /acct/lake/${path}`)).text;
    await write('tree/a', 'a');
    await write('file', 'b');
    await send('PUT /acct/lake/shelf?resource=directory');
    await send('PUT /acct/lake/empty?resource=directory');
    t.equal(await rename('tree', 'shelf', { 'if-none-match': '*' }), '201');
    t.equal(await textOf('shelf/tree/a'), 'a');
    t.equal(await rename('file', 'shelf?mode=posix'), '201');
    t.equal(await textOf('shelf/file'), 'b');
    await write('tree/a', 'newer');
    t.match(
      await rename('tree', 'shelf', { 'if-none-match': '*' }),
      /^409/,
      'there is one of that name in it',
    );
    t.equal(await rename('tree', 'empty?mode=legacy'), '201');
    t.equal(await textOf('empty/a'), 'newer');
  },
);

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

t.test('folders made as empty blobs', async (t) => {
  const { send, names } = await lakeBench();
  const blob = { 'x-ms-blob-type': 'BlockBlob' };
  const empty = { ...blob, 'content-length': '0' };
  t.equal((await send('PUT /acct/lake/a/', empty)).status, 201, 'OpenDAL on azblob');
  t.equal((await send('PUT /acct/lake/b', { ...empty, 'x-ms-meta-hdi_isfolder': 'true' })).status, 201);
  t.equal((await send('PUT /acct/lake/a/f', blob, 'text')).status, 201);
  t.equal(shown(t, await send('PUT /acct/lake/c%2F', blob, 'text')), '400 ContentLengthMustBeZero');
  for (const folder of ['a', 'b']) {
    t.match((await send(`HEAD /acct/lake/${folder}`)).headers, { 'x-ms-resource-type': 'directory' });
  }
  t.strictSame(await names(), ['a', 'a/f', 'b']);
});

t.test('copies within the account', async (t) => {
  const { send, write } = await lakeBench();
  await write('f', 'text');
  await send('PUT /acct/lake/f?comp=metadata', { 'x-ms-meta-k': 'v' });
  const { etag } = (await send('HEAD /acct/lake/f')).headers;
  const copy = (to: string, headers: Record<string, string> = {}) =>
    send(`PUT /acct/lake/${to}`, { 'x-ms-copy-source': 'http://gateway.test:8080/acct/lake/f', ...headers });
  const copied = await copy('d/g', { 'x-ms-source-if-match': etag! });
  t.equal(copied.status, 202);
  t.match(copied.headers, { 'x-ms-copy-status': 'success', 'x-ms-copy-id': /./ });
  const read = await send('GET /acct/lake/d/g');
  t.equal(read.text, 'text');
  t.equal((await send('HEAD /acct/lake/d/g')).headers['x-ms-meta-k'], 'v');
  t.equal(shown(t, await copy('h', { 'x-ms-source-if-match': '"0x0"' })), '412 SourceConditionNotMet');
  t.equal(shown(t, await copy('d/g', { 'if-none-match': '*' })), '409 BlobAlreadyExists');
  t.equal((await copy('h', { 'x-ms-blob-type': 'BlockBlob' })).status, 201, 'Put Blob From URL');
  t.equal((await copy('f', { 'x-ms-meta-k': 'new' })).status, 202, 'onto itself: new metadata');
  const self = await send('GET /acct/lake/f');
  t.equal(self.text, 'text');
  t.equal((await send('HEAD /acct/lake/f')).headers['x-ms-meta-k'], 'new');
  t.match(
    shown(t, await copy('i', { 'x-ms-copy-source': 'http://gateway.test:8080/acct/lake/none' })),
    /^404 /,
  );
  t.match(shown(t, await copy('i', { 'x-ms-copy-source': 'http://[' })), /^(400|501) /);
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
