// The data listener over real sockets, with faces that do as a test says.
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import t from 'tap';
import type { ServedRequest } from '../src/server/data-listener.ts';
import type { Face } from '../src/wire/http.ts';

import { dial, echo, listen, send } from './listener/rig.ts';

t.test('targets reach their face untouched', async (t) => {
  const { port } = await listen(t, { webhdfs: echo('webhdfs'), dfs: echo('dfs') });
  const targets: [string, string][] = [
    ['/webhdfs/v1/a%2Fb%20c+d?op=OPEN', 'webhdfs'],
    ['/webhdfs/v1%2Fdir%2Ffile', 'webhdfs'],
    ['/webhdfs/v1', 'webhdfs'],
    ['/WEBHDFS/V1/x?op=%zz', 'webhdfs'],
    ['/WebHdfsExt/x?op=SETEXPIRY', 'webhdfs'],
    ['/webhdfsext/x', 'webhdfs'],
    ['/webhdfs/v2/x', 'dfs'],
    ['/account/fs/dir%2Ffile?resource=file', 'dfs'],
    ['/fs/%zz/%00/../x', 'dfs'],
    ['//', 'dfs'],
    ['/?comp=list', 'dfs'],
  ];
  for (const [path, face] of targets) {
    const answer = await send(port, { path });
    const told = JSON.parse(await text(answer));
    t.same([told.name, told.target], [face, path], path);
  }
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'MKCOL']) {
    const told = JSON.parse(await text(await send(port, { method, path: '/webhdfs/v1/x' })));
    t.same([told.name, told.method], ['webhdfs', method]);
  }
  for (const type of ['application/json', 'application/x-www-form-urlencoded', '???', 'a/b; charset=', '']) {
    const body = Buffer.from('{ not json');
    const told = JSON.parse(
      await text(
        await send(port, { method: 'PATCH', path: '/fs/x', body, headers: { 'content-type': type } }),
      ),
    );
    t.equal(told.body, '{ not json', `body of type '${type}'`);
  }
});

t.test('a face alone answers for both', async (t) => {
  const { port } = await listen(t, { dfs: echo('dfs') });
  t.equal(JSON.parse(await text(await send(port, { path: '/webhdfs/v1/x' }))).name, 'dfs');
});

t.test('requests are told to the metrics and carry ids', async (t) => {
  const served: ServedRequest[] = [];
  const ids: string[] = [];
  const face: Face = async ({ requestId, loopback, scheme }) => {
    ids.push(requestId);
    return { status: 418, headers: {}, body: `${loopback} ${scheme}` };
  };
  const { port, url } = await listen(t, { dfs: face }, { onRequest: (one) => served.push(one) });
  t.equal(url, `http://127.0.0.1:${port}`);
  t.equal(await text(await send(port, { path: '/a' })), 'true http');
  await text(await send(port, { path: '/b' }));
  t.match(served, [{ face: 'dfs', method: 'GET', status: 418, seconds: Number }, { face: 'dfs' }]);
  t.match(ids[0], /^[0-9a-f-]{36}$/);
  t.not(ids[0], ids[1]);
});

t.test('answers have no headers but the face’s own', async (t) => {
  const { port } = await listen(t, {
    dfs: async ({ method }) => ({
      status: 200,
      headers: { ETag: '"0x1"', 'Content-Length': 5 },
      ...(method === 'HEAD' ? {} : { body: 'hello' }),
    }),
    webhdfs: async () => ({ status: 204, headers: {} }),
  });
  const head = await send(port, { method: 'HEAD', path: '/fs/a' });
  t.equal(head.headers['content-length'], '5');
  t.equal(await text(head), '');
  const get = await send(port, { path: '/fs/a' });
  t.same(Object.keys(get.headers).sort(), ['connection', 'content-length', 'date', 'etag']);
  t.equal(get.headers.etag, '"0x1"');
  await text(get);
  const empty = await send(port, { path: '/webhdfs/v1/a' });
  t.equal(empty.headers['content-length'], undefined);
  t.equal(await text(empty), '');
});

t.test('raw UTF-8 in the request line', async (t) => {
  const { port } = await listen(t, { webhdfs: echo('webhdfs'), dfs: echo('dfs') });
  const { socket, until } = dial(t, port);
  const line = (method: string, extra = '') =>
    `${method} /webhdfs/v1/d/h\xc3\xa9llo%20a+b?op=X HTTP/1.1\r\nHost: x\r\n${extra}\r\n`;
  for (let round = 0; round < 3; round++) {
    socket.write(Buffer.from(`${line('PUT', 'Content-Length: 5\r\n')}by`, 'latin1'));
    socket.write('tes');
    const answer = await until(/\{.*\}/);
    t.match(answer, /^HTTP\/1.1 200 OK/, `round ${round}`);
    t.match(JSON.parse(/\{.*\}/.exec(answer)![0]), {
      target: '/webhdfs/v1/d/h%C3%A9llo%20a+b?op=X',
      body: 'bytes',
      name: 'webhdfs',
    });
  }
  socket.write('GET /fs/plain HTTP/1.1\r\nHost: x\r\n\r\n');
  t.match(await until(/\{.*\}/), /"target":"\/fs\/plain"/);
  const first = Buffer.from(line('GET'), 'latin1');
  const cut = first.indexOf(0xa9);
  const split = dial(t, port);
  split.socket.write(first.subarray(0, cut + 1));
  await once(split.socket, 'connect');
  split.socket.write(first.subarray(cut + 1));
  t.match(await split.until(/\{.*\}|400/), /h%C3%A9llo/);
  const twoAtOnce = dial(t, port);
  twoAtOnce.socket.end(Buffer.concat([first, first]));
  t.match(await twoAtOnce.until(/\{.*\}/), /h%C3%A9llo/);
});

t.test('over TLS, raw request lines too', async (t) => {
  // A key for tests only, of nobody: localhost.
  const pem = (name: string): string => join(import.meta.dirname, 'tls', name);
  const tls = { certFile: pem('cert.pem'), keyFile: pem('key.pem') };
  const scheme: Face = async ({ scheme, target }) => ({
    status: 200,
    headers: {},
    body: `{${scheme} ${target}}`,
  });
  const { port, url } = await listen(t, { webhdfs: scheme, dfs: scheme }, { tls });
  t.match(url, /^https:/);
  const socket = tlsConnect({ port, host: '127.0.0.1', ca: readFileSync(tls.certFile) });
  t.teardown(() => socket.destroy());
  for (const path of ['/fs/a', '/webhdfs/v1/\xc3\xa9', '/fs/b', '/webhdfs/v1/\xc3\xa9']) {
    socket.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1'));
    let seen = '';
    while (!seen.includes('}')) seen += String((await once(socket, 'data'))[0]);
    t.ok(seen.endsWith(`{https ${path.replace('\xc3\xa9', '%C3%A9')}}`), seen);
  }
  await t.rejects(listen(t, { dfs: scheme }, { tls: { ...tls, keyFile: pem('none.pem') } }), {
    code: 'ENOENT',
  });
});

t.test('a certificate that changes on disk is taken without a restart', async (t) => {
  const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'tls', `${name}.pem`), 'utf8');
  const dir = t.testdir({ 'cert.pem': pem('cert'), 'key.pem': pem('key') });
  const tls = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  const { port, certificates } = await listen(t, { dfs: echo('dfs') }, { tls });
  const dialTls = async (): Promise<TLSSocket> => {
    const socket = tlsConnect({ port, host: '127.0.0.1', ca: [pem('cert'), pem('next-cert')] });
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  };
  const nameOn = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN;
  const before = await dialTls();
  t.equal(nameOn(before), 'localhost');
  const expires = certificates!.expiresMs();
  t.equal(new Date(expires).getUTCFullYear(), 2126);

  // Half of a swap: the key of another certificate.
  writeFileSync(tls.keyFile, pem('next-key'));
  await certificates!.look();
  t.equal(nameOn(await dialTls()), 'localhost', 'what does not fit together is not taken');
  writeFileSync(tls.certFile, pem('next-cert'));
  await certificates!.look();
  t.equal(nameOn(await dialTls()), 'next.localhost');
  t.not(certificates!.expiresMs(), expires);
  rmSync(tls.keyFile);
  await certificates!.look();
  t.equal(nameOn(await dialTls()), 'next.localhost', 'nor is a file that is gone');

  before.write('GET /fs/old HTTP/1.1\r\nHost: x\r\n\r\n');
  let seen = '';
  while (!seen.includes('}')) seen += String((await once(before, 'data'))[0]);
  t.match(seen, /"target":"\/fs\/old"/, 'connections that stand go on');
});

t.test('what is no HTTP gets a small answer', async (t) => {
  const { port } = await listen(t, { dfs: echo('dfs') });
  const tries: [string, RegExp][] = [
    [
      'nonsense\r\n\r\n',
      /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: text\/plain\r\nContent-Length: 12\r\nConnection: close\r\n\r\nBad Request\n$/,
    ],
    [`GET /x HTTP/1.1\r\nHost: x\r\nBig: ${'x'.repeat(140_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['\xc3\xa9 /a HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
  ];
  for (const [request, expected] of tries) {
    const { socket, all } = dial(t, port);
    socket.write(Buffer.from(request, 'latin1'));
    t.match(await all(), expected, request.slice(0, 20));
  }
});
