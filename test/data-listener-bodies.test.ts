// The data listener and bodies: broken, idle, refused, slow, and the end of the process.
import { once } from 'node:events';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import t from 'tap';
import { StoreError } from '../src/core/store-error.ts';
import type { ServedRequest } from '../src/server/data-listener.ts';
import type { Face } from '../src/wire/http.ts';

import { dial, echo, heldFace, listen, send } from './listener/rig.ts';

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
