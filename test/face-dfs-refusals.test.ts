// The Gen2 face asked what it must refuse: bad input, bodies that lie, wrong signatures, operations that it does not know.
import { Readable } from 'node:stream';
import t from 'tap';
import type { Store } from '../src/core/store.ts';
import { signSharedKey } from '../src/wire/dfs/shared-key.ts';
import { bench, json, key, lakeBench, shown, xml } from './face-dfs-bench.ts';
import { signedBy } from './signed-accounts.ts';

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
    ['GET /acct/lake/%zz', '400 InvalidInput'],
    ['GET /acct/lake/%ff', '400 InvalidInput'],
    ['PUT /acct/lake/..%2f..%2fetc?resource=file', '400 InvalidUri'],
    ['PUT /acct/lake/a/../b?resource=file', '400 InvalidUri'],
    ['PUT /acct/lake/nul%00?resource=file', '400 InvalidUri'],
    [`PUT /acct/lake/${longName}?resource=file`, '400 InvalidUri'],
    [`PUT /acct/lake/${'d/'.repeat(1100)}f?resource=file`, '400 InvalidUri'],
    ['GET /acct/lake/f?resource=%zz', '400 InvalidInput'],
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
  const { send, write, refusals, names } = await lakeBench();
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
  await write('f', 'text');
  const block = encodeURIComponent(Buffer.from('1').toString('base64'));
  const half: [line: string, headers: Record<string, string>][] = [
    ['DELETE /acct/lake/f?snapshot=2026-01-01T00:00:00.0000000Z', xml],
    ['DELETE /acct/lake/f?versionid=2026-01-01T00:00:00.0000000Z', xml],
    ['DELETE /acct/lake/f', { ...xml, 'x-ms-delete-snapshots': 'only' }],
    ['DELETE /acct/lake/f', { ...xml, 'x-ms-if-tags': "a = 'b'" }],
    [
      `PUT /acct/lake/f?comp=block&blockid=${block}`,
      { 'x-ms-copy-source': 'http://gateway.test:8080/lake/f' },
    ],
    ['PUT /acct/lake/g', { 'x-ms-copy-source': 'http://elsewhere.test/lake/f' }],
    ['PUT /acct/lake/f?resource=file', { 'x-ms-encryption-key': 'AAAA' }],
    ['PUT /acct/lake/f', { 'x-ms-blob-type': 'AppendBlob' }],
    ['PATCH /acct/lake/f?action=flush&position=4', { 'x-ms-lease-action': 'release' }],
  ];
  for (const [line, headers] of half) t.match(shown(t, await send(line, headers)), /^501 /, line);
  t.match(shown(t, await send('GET /acct/lake/f?snapshot=2026-01-01T00:00:00.0000000Z')), /^400 /);
  t.equal((await send('GET /acct/lake/f')).text, 'text');
  t.strictSame(await names(), ['f']);
  await send('DELETE /acct/lake/f');
  t.ok(refusals.length >= lines.length + half.length - 2, 'each is counted');
  t.match(shown(t, await send('GET /acct/lake/f?comp=blocklist')), /^400 /);
  t.match(shown(t, await send('GET /acct')), /^400 /);
  t.strictSame(await names(), []);
});

t.test('batches that are none, and parts that may not be', async (t) => {
  const { send, write, names } = await lakeBench();
  await write('f', 'text');
  const type = { 'content-type': 'multipart/mixed; boundary=b' };
  const post = (body: string, headers: Record<string, string> = type) =>
    send('POST /acct/lake?restype=container&comp=batch', headers, body);
  const part = (line: string) =>
    `--b\r\nContent-Type: application/http\r\nContent-ID: 7\r\n\r\n${line}\r\n\r\n`;
  const deletion = 'DELETE /acct/lake/f HTTP/1.1';
  for (const body of [
    '',
    'rubbish',
    '--b--',
    part(deletion),
    `${part('no request')}--b--`,
    part(deletion).repeat(257),
  ]) {
    t.match(shown(t, await post(body)), /^400 /, body.slice(0, 60));
  }
  t.match(shown(t, await post(`${part(deletion)}--b--`, { 'content-type': 'text/plain' })), /^400 /);
  t.match(shown(t, await post('x'.repeat(4_194_305))), /^413 /);
  const other = await post(`${part('PUT /acct/lake/f?comp=tier HTTP/1.1')}--b--`);
  t.equal(other.status, 202);
  t.match(other.text, /Content-ID: 7\r\n\r\nHTTP\/1.1 501 /);
  t.strictSame(await names(), ['f']);
  t.match((await post(`${part(deletion)}--b--\r\n`)).text, /HTTP\/1.1 202 Accepted/);
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
  const { send } = bench(signedBy({ acct: key }));
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
  t.equal(
    shown(t, await signed('PUT /other/lake/c?resource=file')),
    '404 FilesystemNotFound',
    'no account of ours: a filesystem',
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
