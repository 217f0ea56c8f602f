// The data listener over real sockets, with faces that do as a test says.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { StoreError } from '../src/core/store-error.ts';
import {
  createDataListener,
  type DataListenerOptions,
  type ServedRequest,
} from '../src/server/data-listener.ts';
import type { Face, FaceReply, FaceRequest } from '../src/wire/http.ts';

const silent = pino({ level: 'silent' });

async function listen(t: Test, faces: DataListenerOptions['faces'], more: Partial<DataListenerOptions> = {}) {
  const listener = await createDataListener({ faces, host: '127.0.0.1', port: 0, logger: silent, ...more });
  t.teardown(() => listener.close());
  return listener;
}

const echo =
  (name: string): Face =>
  async ({ method, target, body, headers }) => ({
    status: 200,
    headers: { 'x-face': name },
    body: JSON.stringify({ name, method, target, type: headers['content-type'], body: await text(body) }),
  });

/** A raw connection whose whole input can be awaited. */
function dial(
  t: Test,
  port: number,
): { socket: Socket; until(pattern: RegExp): Promise<string>; all(): Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  let seen = '';
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1');
  });
  return {
    socket,
    async until(pattern) {
      while (!pattern.test(seen)) {
        if (socket.destroyed || socket.readableEnded) throw new Error(`the connection ended after: ${seen}`);
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      }
      const match = pattern.exec(seen)!;
      const part = seen.slice(0, match.index + match[0].length);
      seen = seen.slice(part.length);
      return part;
    },
    async all() {
      if (!socket.destroyed) await once(socket, 'close');
      return seen;
    },
  };
}

interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
  agent?: Agent;
}

function send(port: number, sent: Sent): Promise<IncomingMessage> {
  const { method = 'GET', path, headers = {}, body, agent } = sent;
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      method,
      path,
      headers,
      ...(agent ? { agent } : { agent: false as const }),
    };
    httpRequest(options, resolve).on('error', reject).end(body);
  });
}

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

/** A face whose requests a test can wait for and answer. */
function heldFace(): {
  face: Face;
  next(): Promise<{ request: FaceRequest; answer(reply: FaceReply): void }>;
} {
  const arrived: { request: FaceRequest; answer(reply: FaceReply): void }[] = [];
  let wake = (): void => {};
  return {
    face: (request) =>
      new Promise((answer) => {
        arrived.push({ request, answer });
        wake();
      }),
    async next() {
      while (arrived.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return arrived.shift()!;
    },
  };
}

t.test('a client that goes away ends body and signal', async (t) => {
  const { face, next } = heldFace();
  const served: ServedRequest[] = [];
  const { port } = await listen(t, { dfs: face }, { onRequest: (one) => served.push(one) });
  const { socket } = dial(t, port);
  socket.write('PUT /fs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  const { request, answer } = await next();
  t.notOk(request.signal.aborted);
  const aborted = once(request.signal, 'abort');
  socket.destroy();
  await t.rejects(
    buffer(request.body),
    new StoreError('aborted', 'the request ended before its body was complete'),
  );
  await aborted;
  t.match(request.signal.reason, { kind: 'aborted' });
  const late = Readable.from(['late']);
  answer({ status: 400, headers: {}, body: late });
  await once(late, 'close');
  while (served.length === 0) await new Promise(setImmediate);
  t.equal(served[0]!.status, 499);
});

t.test('a chunked body that breaks off is an error', async (t) => {
  const { face, next } = heldFace();
  const { port } = await listen(t, { dfs: face });
  const { socket } = dial(t, port);
  socket.write('PUT /fs/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
  const { request, answer } = await next();
  socket.end();
  await t.rejects(
    buffer(request.body),
    new StoreError('aborted', 'the request ended before its body was complete'),
  );
  answer({ status: 400, headers: {} });
});

t.test('a chunk that nobody can read ends the body, and is answered', async (t) => {
  const { face, next } = heldFace();
  const { port } = await listen(t, { dfs: face });
  const { socket, all } = dial(t, port);
  socket.write('PUT /fs/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n');
  const { request, answer } = await next();
  await t.rejects(
    buffer(request.body),
    new StoreError('aborted', 'the request ended before its body was complete'),
  );
  answer({ status: 400, headers: {}, body: 'no' });
  t.match(await all(), /^HTTP\/1.1 400 Bad Request.*no$/s);
});

t.test('more bytes than promised: the answer is the last', async (t) => {
  const { port } = await listen(t, { dfs: echo('dfs') });
  const { socket, all } = dial(t, port);
  socket.write('PUT /fs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello, world\r\n');
  const seen = await all();
  t.match(seen, /^HTTP\/1.1 200 OK/);
  t.match(seen, /"body":"hello"/);
});

t.test('a body that stands still is cut', async (t) => {
  const face: Face = async ({ body }) => {
    try {
      await buffer(body);
    } catch (error) {
      return { status: 408, headers: {}, body: (error as Error).message };
    }
    return { status: 200, headers: {} };
  };
  const { port } = await listen(t, { dfs: face }, { bodyIdleMs: 50 });
  const { socket, until } = dial(t, port);
  socket.write('PUT /fs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  t.match(await until(/50 ms/), /^HTTP\/1.1 408/);
  socket.destroy();
});

t.test('a refused body leaves the connection usable or closes it', async (t) => {
  const refuse: Face = async ({ body, target }) => {
    if (target === '/destroy') body.destroy();
    return { status: 409, headers: {}, body: 'refused' };
  };
  const { port } = await listen(t, { dfs: refuse, webhdfs: echo('webhdfs') });
  for (const path of ['/unread', '/destroy']) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    const small = await send(port, { method: 'PUT', path, body: Buffer.alloc(300_000), agent });
    t.equal(small.statusCode, 409);
    const { localPort } = small.socket;
    t.equal(await text(small), 'refused');
    const next = await send(port, { path: '/webhdfs/v1/after', agent });
    t.equal(next.socket.localPort, localPort, 'the same connection');
    t.match(await text(next), /after/);
    const large = await send(port, { method: 'PUT', path, body: Buffer.alloc(8_000_000), agent });
    t.equal(large.headers.connection, 'close');
    t.equal(await text(large), 'refused');
  }
  const pipelined = dial(t, port);
  const put = `PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n......`;
  pipelined.socket.write(`${put}GET /webhdfs/v1/second HTTP/1.1\r\nHost: x\r\n\r\n`);
  const seen = await pipelined.until(/second/);
  t.notMatch(seen, /evil/);
  const chunked = dial(t, port);
  chunked.socket.write('PUT /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
  t.match(await chunked.until(/refused/), /Connection: close/i);
  chunked.socket.end('0\r\n\r\n');
  await chunked.all();
});

t.test('100 Continue is sent when the body is read, not before', async (t) => {
  const stepOne: Face = async () => ({ status: 307, headers: { location: '/there' } });
  const { port } = await listen(t, { webhdfs: stepOne, dfs: echo('dfs') });
  const head = (path: string) =>
    `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
  const unread = dial(t, port);
  unread.socket.write(head('/webhdfs/v1/x'));
  const seen = await unread.all();
  t.match(seen, /^HTTP\/1.1 307/);
  t.match(seen, /Connection: close/i);
  const read = dial(t, port);
  read.socket.write(head('/fs/x'));
  t.match(await read.until(/\r\n\r\n/), /^HTTP\/1.1 100 Continue/);
  read.socket.write('hello');
  t.match(await read.until(/\}/), /"body":"hello"/);
});

t.test('an answer that breaks off or lies about its length is seen as broken', async (t) => {
  const half = async function* () {
    yield Buffer.alloc(100_000);
    throw new Error('the store has gone');
  };
  const { port } = await listen(t, {
    dfs: async ({ target }) => ({
      status: 200,
      headers: target === '/chunked' ? {} : { 'content-length': 200_000 },
      body: target === '/short' ? Readable.from([Buffer.alloc(100_000)]) : Readable.from(half()),
    }),
  });
  for (const path of ['/known', '/chunked', '/short']) {
    await t.rejects(
      send(port, { path }).then((answer) => buffer(answer)),
      { code: 'ECONNRESET' },
      path,
    );
  }
});

t.test('a slow reader holds the answer back, a gone one ends it', async (t) => {
  let given = 0;
  let ended = false;
  const endless = async function* () {
    try {
      for (;;) {
        given += 65_536;
        yield Buffer.alloc(65_536);
      }
    } finally {
      ended = true;
    }
  };
  const { port } = await listen(
    t,
    { dfs: async () => ({ status: 200, headers: {}, body: Readable.from(endless()) }) },
    { bodyIdleMs: 200 },
  );
  const { socket } = dial(t, port);
  socket.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  socket.pause();
  while (!ended) await new Promise((resolve) => setTimeout(resolve, 20));
  t.ok(given < 64 * 1024 * 1024, `${given} bytes were given to a client that reads none`);
});

t.test('close lets requests in flight end and destroys what stays', async (t) => {
  const { face, next } = heldFace();
  const listener = await listen(t, { dfs: face });
  const pending = send(listener.port, { path: '/slow' });
  const { answer } = await next();
  const closed = listener.close();
  await t.rejects(
    (async () => {
      for (;;) await send(listener.port, { path: '/refused' });
    })(),
    { code: 'ECONNREFUSED' },
  );
  answer({ status: 200, headers: {}, body: 'done' });
  const response = await pending;
  t.equal(response.headers.connection, 'close');
  t.equal(await text(response), 'done');
  await closed;

  const stuck = heldFace();
  const second = await listen(t, { dfs: stuck.face }, { closeGraceMs: 20 });
  const lost = send(second.port, { path: '/stuck' });
  const held = await stuck.next();
  lost.catch(() => {});
  await second.close();
  await t.rejects(lost);
  if (!held.request.signal.aborted) await once(held.request.signal, 'abort');
  held.answer({ status: 200, headers: {} });
});
