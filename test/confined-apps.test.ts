// Apps that are confined to folders, or to reading, through both faces: every path that a request can name, and what stays as it was.
import t, { type Test } from 'tap';
import { both, inboundGateway } from './inbound-bench.ts';

const gen2 = { accept: 'application/json', 'x-ms-version': '2023-11-03' };
const empty = { ...gen2, 'content-length': '0' };
const confined = { 'x-app': 'confined' };

/** `default` may do everything; `x-app` chooses one that may not. Source /old is target /lake. */
async function bench(t: Test, access = 'paths: [/lake/in]') {
  const gateway = await inboundGateway(
    t,
    'auth: {}',
    `  default: { ${both} }\n  confined: { ${both}, match: { headers: { x-app: confined } }, access: { ${access} } }`,
  );
  const { ask } = gateway;
  const write = async (path: string, text: string) =>
    t.equal((await ask(`PUT /webhdfs/v1/old/${path}?op=CREATE&user.name=ann`, {}, text)).status, 201, path);
  for (const path of ['in/f', 'in/part', 'out/f', 'inner/f']) await write(path, path);
  const tree = async () => {
    const { text } = await ask('GET /acct/lake?resource=filesystem&recursive=true', gen2);
    const { paths } = JSON.parse(text) as { paths: { name: string; contentLength?: string; etag: string }[] };
    return paths.map(({ name, contentLength, etag }) => `${name} ${contentLength} ${etag}`);
  };
  const status = async (line: string, headers: Record<string, string> = {}, body?: string) =>
    (await ask(line, { ...headers, ...confined }, body)).status;
  return { ask, status, tree };
}

const webhdfs = (path: string, query: string) => `/webhdfs/v1${path}?user.name=ann&${query}`;

t.test('inside its folder an app does what it wants, through both faces', async (t) => {
  const { status, ask } = await bench(t);
  t.equal(await status(`PUT ${webhdfs('/old/in/w', 'op=CREATE')}`, {}, 'x'), 201);
  t.equal(await status(`POST ${webhdfs('/old/in/w', 'op=APPEND')}`, {}, 'y'), 200);
  t.equal(await status(`PUT ${webhdfs('/old/in/w', 'op=RENAME&destination=/old/in/v')}`), 200);
  t.equal(await status(`POST ${webhdfs('/old/in/f', 'op=CONCAT&sources=/old/in/part')}`), 200);
  t.equal((await ask(`GET ${webhdfs('/old/in/f', 'op=OPEN')}`, confined)).text, 'in/fin/part');
  t.equal(await status(`GET ${webhdfs('/old/in', 'op=LISTSTATUS')}`), 200);
  t.equal(await status(`GET ${webhdfs('/old', 'op=GETFILESTATUS')}`), 200, 'attributes of a folder above');
  t.equal(await status('PUT /acct/lake/in/g?resource=file', empty), 201);
  t.equal(await status('PUT /acct/lake/in/h', { ...empty, 'x-ms-rename-source': '/lake/in/g' }), 201);
  t.equal(await status('PUT /acct/lake/in/c', { ...empty, 'x-ms-copy-source': '/acct/lake/in/h' }), 202);
  t.equal(await status('GET /acct/lake?resource=filesystem&recursive=false&directory=in', gen2), 200);
  t.equal(await status('DELETE /acct/lake/in/h', gen2), 200);
});

t.test('outside, WebHDFS is refused with 403 in its own shape, and nothing changes', async (t) => {
  const { ask, status, tree } = await bench(t);
  const before = await tree();
  for (const path of ['/old/out/f', '/old/inner/f', '/old', '/old/out']) {
    for (const op of [
      'op=CREATE&overwrite=true',
      'op=MKDIRS',
      'op=SETPERMISSION&permission=0',
      'op=SETOWNER&owner=eve',
    ])
      t.equal(await status(`PUT ${webhdfs(path, op)}`, {}, 'x'), 403, `${op} ${path}`);
    t.equal(await status(`POST ${webhdfs(path, 'op=APPEND')}`, {}, 'x'), 403, `append ${path}`);
    t.equal(await status(`POST ${webhdfs(path, 'op=TRUNCATE&newlength=0')}`), 403, `truncate ${path}`);
    t.equal(await status(`DELETE ${webhdfs(path, 'op=DELETE&recursive=true')}`), 403, `delete ${path}`);
    t.equal(await status(`GET ${webhdfs(path, 'op=LISTSTATUS')}`), 403, `list ${path}`);
    t.equal(await status(`GET ${webhdfs(path, 'op=OPEN')}`), 403, `read ${path}`);
    t.equal(await status(`GET ${webhdfs(path, 'op=GETCONTENTSUMMARY')}`), 403, `summary ${path}`);
  }
  const paths = [
    '/old/out/stolen',
    '/old/inner',
    '/old/in%2F..%2Fout%2Fg',
    '/old/in/../out/g',
    '//old//out//g',
  ];
  for (const destination of paths)
    t.ok(
      (await status(`PUT ${webhdfs('/old/in/f', `op=RENAME&destination=${destination}`)}`)) >= 400,
      destination,
    );
  for (const source of ['/old/out/f', '/old/in/part,/old/out/f', '/old/inner/f'])
    t.equal(await status(`POST ${webhdfs('/old/in/f', `op=CONCAT&sources=${source}`)}`), 403, source);
  t.equal(await status(`PUT ${webhdfs('/old/out/f', 'op=RENAME&destination=/old/in/stolen')}`), 403);
  t.equal(await status(`GET ${webhdfs('/old/in%2F..%2Fout/f', 'op=OPEN')}`), 400);
  const { text } = await ask(`DELETE ${webhdfs('/old/out/f', 'op=DELETE')}`, confined);
  t.match(JSON.parse(text), { RemoteException: { javaClassName: /AccessControlException$/ } });
  t.strictSame(await tree(), before);
});

t.test('outside, Gen2 is refused with 403 in its own shape, and nothing changes', async (t) => {
  const { ask, status, tree } = await bench(t);
  const before = await tree();
  for (const path of [
    '/acct/lake/out/f',
    '/lake/out/f',
    '/acct/lake/inner/f',
    '/acct/lake%2Fout%2Ff',
    '/acct/lake//out/f',
  ]) {
    t.equal(await status(`PUT ${path}?resource=file`, empty), 403, `create ${path}`);
    t.equal(await status(`PUT ${path}?resource=directory`, empty), 403, `mkdir ${path}`);
    t.equal(await status(`PATCH ${path}?action=append&position=5`, gen2, 'x'), 403, `append ${path}`);
    t.equal(await status(`PATCH ${path}?action=flush&position=0`, empty), 403, `flush ${path}`);
    t.equal(
      await status(`PATCH ${path}?action=setProperties`, { ...empty, 'x-ms-properties': '' }),
      403,
      path,
    );
    t.equal(
      await status(`PATCH ${path}?action=setAccessControl`, { ...empty, 'x-ms-owner': 'eve' }),
      403,
      path,
    );
    t.equal(await status(`DELETE ${path}`, gen2), 403, `delete ${path}`);
    t.equal(await status(`GET ${path}`, gen2), 403, `read ${path}`);
    t.equal(await status(`HEAD ${path}`, gen2), 403, `head ${path}`);
    t.equal(
      await status(`PUT ${path}`, { ...empty, 'x-ms-blob-type': 'BlockBlob' }),
      403,
      `put blob ${path}`,
    );
    t.equal(await status(`PUT ${path}?comp=block&blockid=AA%3D%3D`, gen2, 'x'), 403, `put block ${path}`);
  }
  for (const source of [
    '/lake/out/f',
    '/acct/lake/out/f',
    '%2Flake%2Fout%2Ff',
    'lake//out/f',
    '/lake/inner/f',
  ])
    t.equal(await status('PUT /acct/lake/in/s', { ...empty, 'x-ms-rename-source': source }), 403, source);
  for (const source of [
    '/acct/lake/out/f',
    '/acct/lake/in/../out/f',
    '/acct/lake/in%2F..%2F..%2Flake%2Fout/f',
  ])
    t.ok((await status('PUT /acct/lake/in/s', { ...empty, 'x-ms-copy-source': source })) >= 400, source);
  t.equal(await status('PUT /acct/lake/out/s', { ...empty, 'x-ms-rename-source': '/lake/in/f' }), 403);
  t.equal(await status('GET /acct/lake?resource=filesystem&recursive=true', gen2), 403);
  t.equal(await status('GET /acct/lake?resource=filesystem&recursive=true&directory=out', gen2), 403);
  t.equal(await status('DELETE /acct/lake?resource=filesystem', gen2), 403);
  t.equal(await status('GET /acct/?comp=list', gen2), 403);
  t.equal(await status('PUT /acct/other?resource=filesystem', empty), 403);
  const { text, headers } = await ask('DELETE /acct/lake/out/f', { ...gen2, ...confined });
  t.equal(headers.get('x-ms-error-code'), 'AuthorizationFailure');
  t.match(JSON.parse(text), { error: { code: 'AuthorizationFailure' } });
  t.strictSame(await tree(), before);
});

t.test('a batch of deletes goes no further than a delete', async (t) => {
  const { status, tree } = await bench(t);
  const part = (path: string) =>
    `--b\r\ncontent-type: application/http\r\n\r\nDELETE ${path} HTTP/1.1\r\n\r\n\r\n`;
  const body = `${part('/acct/lake/out/f')}${part('/acct/lake/in/part')}--b--\r\n`;
  const headers = { ...gen2, 'content-type': 'multipart/mixed; boundary=b' };
  t.equal(await status('POST /acct/?comp=batch', headers, body), 202);
  const names = (await tree()).map((line) => line.split(' ')[0]);
  t.strictSame(names, ['in', 'in/f', 'inner', 'inner/f', 'out', 'out/f'], 'its parts are the same app’s');
  const forged = body.replaceAll(' HTTP/1.1', ' HTTP/1.1\r\nx-app: default');
  await status('POST /acct/?comp=batch', headers, forged);
  t.match(await tree(), { length: 6 }, 'whatever they say');
});

t.test('an app that may only read', async (t) => {
  const { status, tree } = await bench(t, 'readOnly: true');
  const before = await tree();
  t.equal(await status(`GET ${webhdfs('/old/out/f', 'op=OPEN')}`), 200);
  t.equal(await status(`GET ${webhdfs('/', 'op=LISTSTATUS')}`), 200);
  t.equal(await status('GET /acct/lake/out/f', gen2), 200);
  t.equal(await status('GET /acct/lake?resource=filesystem&recursive=true', gen2), 200);
  for (const line of [
    'CREATE&overwrite=true',
    'MKDIRS',
    'RENAME&destination=/old/g',
    'SETTIMES&modificationtime=1',
  ])
    t.equal(await status(`PUT ${webhdfs('/old/out/f', `op=${line}`)}`, {}, 'x'), 403, line);
  t.equal(await status(`DELETE ${webhdfs('/old/out/f', 'op=DELETE')}`), 403);
  t.equal(await status('PUT /acct/lake/out/g?resource=file', empty), 403);
  t.equal(await status('PUT /acct/lake/out/f?comp=lease', { ...empty, 'x-ms-lease-action': 'break' }), 403);
  t.equal(await status('DELETE /acct/lake/out/f', gen2), 403);
  t.strictSame(await tree(), before);
});
