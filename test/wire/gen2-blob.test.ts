// The facts of docs/wire/gen2.md about the Blob API.
import { bench } from '../face-dfs-bench.ts';
import { factsOf, type Send, type WireAnswer } from './facts.ts';

const fact = factsOf('gen2.md', () => bench().face);
const xml = { accept: 'application/xml' };
const block = { 'x-ms-blob-type': 'BlockBlob' };

const lake = (send: Send) => send('PUT /acct/lake?restype=container', xml);
const put = (send: Send, path: string, body: string, headers = {}) =>
  send(`PUT /acct/lake/${path}`, { ...xml, ...block, ...headers }, body);
const get = (send: Send, path: string) => send(`GET /acct/lake/${path}`, xml);
const head = (send: Send, path: string) => send(`HEAD /acct/lake/${path}`, xml);
const list = async (send: Send, more = '') =>
  (await send(`GET /acct/lake?restype=container&comp=list${more}`, xml)).body;
const code = ({ status, headers }: WireAnswer) => `${status} ${headers['x-ms-error-code']}`;

fact('B1', async (t, send) => {
  await lake(send);
  await put(send, 'f', 'hello');
  for (const answer of [await head(send, 'f'), await get(send, 'f')])
    t.match(answer.headers, {
      'content-length': '5',
      'accept-ranges': 'bytes',
      etag: /^"0x[0-9A-F]+"$/,
      'last-modified': / GMT$/,
      'x-ms-blob-type': 'BlockBlob',
      'x-ms-lease-state': 'available',
      'x-ms-lease-status': 'unlocked',
      'x-ms-server-encrypted': 'true',
      'x-ms-creation-time': / GMT$/,
      'x-ms-access-tier': 'Hot',
      'x-ms-access-tier-inferred': 'true',
      'x-ms-owner': /./,
      'x-ms-group': /./,
      'x-ms-permissions': /^rw-/,
      'x-ms-resource-type': 'file',
    });
});

fact('B2', async (t, send) => {
  await lake(send);
  await send('PUT /acct/lake/d?resource=directory');
  t.match(await head(send, 'd'), {
    status: 200,
    headers: {
      'content-length': '0',
      'x-ms-blob-type': 'BlockBlob',
      'x-ms-meta-hdi_isfolder': 'true',
      'x-ms-resource-type': 'directory',
    },
  });
});

fact('B3', async (t, send) => {
  await lake(send);
  t.equal(code(await head(send, 'none')), '404 BlobNotFound');
  t.match((await get(send, 'none')).body, /<Error><Code>BlobNotFound<\/Code><Message>/);
  t.equal(code(await send('GET /acct/none/f', xml)), '404 ContainerNotFound');
});

fact('B4', async (t, send) => {
  await lake(send);
  t.equal((await put(send, 'd/f', 'one')).status, 201);
  t.equal((await head(send, 'd')).headers['x-ms-resource-type'], 'directory');
  t.equal(code(await put(send, 'd/f', 'two', { 'if-none-match': '*' })), '409 BlobAlreadyExists');
  t.equal((await get(send, 'd/f')).body, 'one');
});

fact('B5', async (t, send) => {
  await lake(send);
  for (const [id, body] of [
    ['MQ==', 'one '],
    ['Mg==', 'two '],
  ]) {
    const path = `/acct/lake/f?comp=block&blockid=${encodeURIComponent(id!)}`;
    t.equal((await send(`PUT ${path}`, xml, body)).status, 201);
  }
  t.equal(code(await head(send, 'f')), '404 BlobNotFound');
  const order = '<BlockList><Latest>Mg==</Latest><Latest>MQ==</Latest></BlockList>';
  t.equal((await send('PUT /acct/lake/f?comp=blocklist', xml, order)).status, 201);
  t.equal((await get(send, 'f')).body, 'two one ');
});

fact('B6', async (t, send) => {
  await lake(send);
  const { etag } = (await put(send, 'f', 'x')).headers;
  const set = await send('PUT /acct/lake/f?comp=expiry', {
    'x-ms-expiry-option': 'RelativeToNow',
    'x-ms-expiry-time': '86400000',
  });
  t.equal(set.status, 200);
  const { headers } = await head(send, 'f');
  t.equal(headers.etag, etag);
  t.match(headers['x-ms-expiry-time'], / GMT$/);
});

fact('B7', async (t, send) => {
  await lake(send);
  await put(send, 'd/f', 'x');
  const remove = (path: string) => send(`DELETE /acct/lake/${path}`, xml);
  t.equal(code(await remove('d')), '409 DirectoryIsNotEmpty');
  t.equal((await remove('d/f')).status, 202);
  t.equal((await remove('d')).status, 202);
});

fact('B8', async (t, send) => {
  await lake(send);
  for (const line of [
    'GET /acct/?restype=account&comp=properties',
    'HEAD /acct/lake?restype=account&comp=properties',
  ])
    t.match(await send(line, xml), {
      status: 200,
      headers: { 'x-ms-is-hns-enabled': 'true', 'x-ms-account-kind': 'StorageV2' },
    });
});

fact('B9', async (t, send) => {
  await lake(send);
  await put(send, 'd/f', 'x');
  await put(send, 'g', 'x');
  const flat = await list(send, '&include=metadata');
  t.match(
    flat,
    /<Name>d<\/Name>.*<ResourceType>directory<.*<hdi_isfolder>true<.*<Name>d\/f<\/Name>.*<Name>g</s,
  );
  const levels = await list(send, '&delimiter=%2F');
  t.match(levels, /<BlobPrefix>.*<Name>d\/<\/Name>/s);
  t.notMatch(levels, /<Name>d\/f</);
});

fact('B10', async (t, send) => {
  await lake(send);
  await put(send, 'f', 'x');
  const deleted = await list(send, '&showonly=deleted');
  t.match(deleted, /<EnumerationResults/);
  t.notMatch(deleted, /<Name>/);
});

fact('B11', async (t, send) => {
  await lake(send);
  t.equal((await head(send, '%2F')).status, 200);
});

fact('B12', async (t, send) => {
  await lake(send);
  await put(send, 'a', 'x');
  const part = (id: number, name: string) =>
    `--batch\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: ${id}\r\n\r\n` +
    `DELETE /lake/${name} HTTP/1.1\r\nx-ms-date: now\r\nContent-Length: 0\r\n\r\n`;
  const body = `${part(0, 'a')}${part(1, 'none')}--batch--\r\n`;
  const type = { 'content-type': 'multipart/mixed; boundary=batch' };
  const answer = await send('POST /acct/lake?restype=container&comp=batch', { ...xml, ...type }, body);
  t.equal(answer.status, 202);
  t.match(answer.body, /Content-ID: 0\r\n\r\nHTTP\/1\.1 202 .*Content-ID: 1\r\n\r\nHTTP\/1\.1 404 /is);
});

fact('B13', async (t, send) => {
  await lake(send);
  await put(send, 'f', 'x');
  const lease = (headers: Record<string, string>) =>
    send('PUT /acct/lake/f?comp=lease', { ...xml, ...headers });
  const taken = await lease({ 'x-ms-lease-action': 'acquire', 'x-ms-lease-duration': '-1' });
  t.match(taken, { status: 201, headers: { 'x-ms-lease-id': /^[0-9a-f-]{36}$/ } });
  t.equal(code(await put(send, 'f', 'y')), '412 LeaseIdMissing');
  const id = { 'x-ms-lease-id': taken.headers['x-ms-lease-id']! };
  t.equal((await put(send, 'f', 'y', id)).status, 201);
  t.match(await lease({ 'x-ms-lease-action': 'break' }), {
    status: 202,
    headers: { 'x-ms-lease-time': '0' },
  });
});

fact('B14', async (t, send) => {
  await lake(send);
  await put(send, 'f', 'hello');
  const host = 'acct.blob.core.windows.net';
  const source = { host, 'x-ms-copy-source': `http://${host}/lake/f` };
  t.match(await send('PUT /lake/g', { ...xml, ...source }), {
    status: 202,
    headers: { 'x-ms-copy-id': /./, 'x-ms-copy-status': 'success' },
  });
  t.equal((await get(send, 'g')).body, 'hello');
});

fact('B15', async (t, send) => {
  await lake(send);
  await put(send, 'f', 'x', { 'x-ms-meta-a': '1' });
  t.equal((await send('PUT /acct/lake/f?comp=metadata', { ...xml, 'x-ms-meta-b': '2' })).status, 200);
  const { headers } = await head(send, 'f');
  t.strictSame([headers['x-ms-meta-a'], headers['x-ms-meta-b']], [undefined, '2']);
  const dfs = await send('HEAD /acct/lake/f', { accept: 'application/json' });
  t.equal(dfs.headers['x-ms-properties'], 'b=Mg==');
});
