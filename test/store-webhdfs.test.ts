// The WebHDFS driver against servers made for one purpose each: redirects, broken connections, bodies that break off.
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Ctx } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { createWebhdfsStore, type WebhdfsStoreOptions } from '../src/stores/webhdfs/webhdfs-store.ts';
import { bodyOfBytes, createFixture, kindOf, patternBytes } from './contract/fixture.ts';
import { json, namenode, remote, type Seen, serve } from './one-purpose-server.ts';

function open(test: Test, url: string, more: Partial<WebhdfsStoreOptions> = {}) {
  const store = createWebhdfsStore({ name: 'hdfs', url, user: 'svc', ...more });
  test.teardown(() => store.close!());
  return createFixture(store, '/fs');
}

const fileStatus = (length = 5) => ({
  FileStatus: {
    type: 'FILE',
    length,
    modificationTime: 1000,
    permission: '644',
    owner: 'o',
    group: 'g',
    fileId: 7,
  },
});

t.test('a write goes to the DataNode, unasked 100 Continue and all', async (test) => {
  const got: { url: string; body: Buffer; authorization?: string | undefined }[] = [];
  const datanode = await serve(test, (request, response) => {
    response.writeContinue();
    void buffer(request).then((body) => {
      got.push({ url: request.url!, body, authorization: request.headers.authorization });
      response.writeHead(201).end();
    });
  });
  const decomposed = '/fs/a\u0308 +%#?.txt';
  const first: string[] = [];
  const url = await serve(
    test,
    namenode({
      CREATE: (response, { path, request }) => {
        first.push(`${path} ${request.headers['content-length'] ?? 'none'} ${request.headers.authorization}`);
        // A NameNode puts the path into composed form.
        const location = `${datanode}/webhdfs/v1/fs/%C3%A4%20%2B%25%23%3F.txt?op=CREATE&token=x`;
        response.writeHead(307, { location }).end();
      },
    }),
  );
  const { store } = open(test, url, { authorization: async () => 'Bearer secret' });
  const bytes = patternBytes(1_000_000);
  for (const [index, body] of [
    bodyOfBytes('small'),
    bodyOfBytes(bytes),
    { stream: Readable.from([bytes]) },
  ].entries()) {
    await store.mutate({ verb: 'create', path: decomposed, parents: 'all', body }, ownCtx('test'));
    test.equal(got[index]!.url, '/webhdfs/v1/fs/a%CC%88%20%2B%25%23%3F.txt?op=CREATE&token=x');
    test.equal(got[index]!.authorization, undefined, 'the DataNode gets no credentials of the NameNode');
  }
  test.same(
    got.map(({ body }) => body.length),
    [5, 1_000_000, 1_000_000],
  );
  test.ok(got[1]!.body.equals(bytes));
  test.match(first[0]!, /^\/webhdfs\/v1\/fs\/a%CC%88%20%2B%25%23%3F\.txt 0 Bearer secret$/);
});

t.test('nobody listening: surely nothing happened', async (test) => {
  const url = await serve(test, () => undefined);
  const port = Number(new URL(url).port);
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const free = (gone.address() as AddressInfo).port;
  await new Promise((done) => gone.close(done));
  test.not(port, free);
  const { mutate, failure } = open(test, `http://127.0.0.1:${free}`);
  const error = await failure(mutate({ verb: 'delete', path: '/fs/a', recursive: false }));
  test.match([error.kind, error.applied, error.temporary], ['unavailable', 'no', true]);
});

t.test('a connection lost under a change: nobody knows', async (test) => {
  const url = await serve(
    test,
    namenode({
      DELETE: (_, { request }) => void request.socket.destroy(),
      GETFILESTATUS: (_, { request }) => void request.socket.destroy(),
    }),
  );
  const { mutate, stat, failure } = open(test, url);
  const lost = await failure(mutate({ verb: 'delete', path: '/fs/a', recursive: false }));
  test.match([lost.kind, lost.applied], ['unavailable', 'unknown']);
  const query = await failure(stat('/fs/a'));
  test.match([query.kind, query.applied], ['unavailable', 'no']);
});

t.test('a caller that leaves takes its connection along', async (test) => {
  const arrived = new PassThrough();
  let socket: Socket | undefined;
  const url = await serve(
    test,
    namenode({
      DELETE: (_, { request }) => {
        socket = request.socket;
        arrived.end();
      },
    }),
  );
  const { mutate, failure } = open(test, url);
  const caller = new AbortController();
  const deleting = failure(
    mutate({ verb: 'delete', path: '/fs/a', recursive: false }, { signal: caller.signal }),
  );
  await buffer(arrived);
  const closed = once(socket!, 'close');
  caller.abort();
  const error = await deleting;
  test.match([error.kind, error.applied], ['aborted', 'unknown']);
  await closed;
});

t.test('no answer in time', async (test) => {
  const url = await serve(test, namenode({ DELETE: () => undefined }));
  const { mutate, failure } = open(test, url, { headersTimeoutMs: 50 });
  const error = await failure(mutate({ verb: 'delete', path: '/fs/a', recursive: false }));
  test.match([error.kind, error.applied], ['timeout', 'unknown']);
});

/** A store whose second step is given to `receive`. */
async function twoStep(test: Test, receive: RequestListener, answers: Parameters<typeof namenode>[0] = {}) {
  const datanode = await serve(test, receive);
  const seen: string[] = [];
  const redirect = (response: ServerResponse, { request }: Seen): void => {
    response.writeHead(307, { location: datanode + request.url! }).end();
  };
  const url = await serve(test, namenode({ CREATE: redirect, APPEND: redirect, ...answers }, seen));
  return { ...open(test, url), seen };
}

t.test('a body that breaks off is taken back', async (test) => {
  const deleted = (response: ServerResponse) => json(response, 200, { boolean: true });
  const { mutate, failure, seen } = await twoStep(test, (request) => void request.resume(), {
    DELETE: deleted,
  });
  async function* chunks(): AsyncGenerator<Buffer> {
    yield patternBytes(300_000);
    yield patternBytes(300_000);
    throw new Error('gone');
  }
  const body = { stream: Readable.from(chunks(), { objectMode: false }) };
  const error = await failure(mutate({ verb: 'create', path: '/fs/a', parents: 'all', body }));
  test.match([error.kind, error.applied], ['aborted', 'no']);
  test.equal(seen.at(-1), 'DELETE DELETE');
  const small = await failure(
    mutate({
      verb: 'create',
      path: '/fs/a',
      parents: 'all',
      body: { ...bodyOfBytes('abc'), lengthBytes: 5 },
    }),
  );
  test.match([small.kind, small.applied], ['aborted', 'no']);
  test.equal(seen.at(-1), 'GET GETFILESTATUS', 'of a small one nothing was sent');
});

t.test('the last chunk waits for the word', async (test) => {
  let received = 0;
  const { mutate, failure } = await twoStep(
    test,
    (request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      request.on('end', () => response.writeHead(201).end());
    },
    { DELETE: (response) => json(response, 200, { boolean: true }) },
  );
  const bytes = patternBytes(655_360);
  let before = -1;
  const beforeCommit = async (): Promise<void> => {
    before = received;
  };
  const create = (ctx: Partial<Ctx>) =>
    mutate(
      { verb: 'create', path: '/fs/a', parents: 'all', body: bodyOfBytes(bytes) },
      { wantEntry: false, ...ctx },
    );
  await create({ beforeCommit });
  test.ok(before <= bytes.length - 65_536, `${before} of ${bytes.length} bytes had come`);
  test.equal(received, bytes.length);
  const no = new StoreError('exists', 'the primary says no');
  const error = await failure(create({ beforeCommit: () => Promise.reject(no) }));
  test.match([error.kind, error.applied], ['exists', 'no']);
});

t.test('a refusal in the middle of a body is heard', async (test) => {
  const { mutate, failure } = await twoStep(test, (request, response) => {
    request.once('data', () => remote(response, 403, 'DSQuotaExceededException', 'full'));
  });
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
  const error = await failure(
    mutate({ verb: 'create', path: '/fs/a', parents: 'all', body: { stream: endless } }),
  );
  test.match([error.kind, error.applied], ['too-large', 'no']);
  test.ok(endless.destroyed);
});

t.test('a server without LISTSTATUS_BATCH is listed whole', async (test) => {
  const names = ['b', '\u00e9', 'a\u00e9', 'ab', '\u{1f600}', '\uff41'];
  const FileStatus = names.map((pathSuffix) => ({ ...fileStatus().FileStatus, pathSuffix }));
  const seen: string[] = [];
  const url = await serve(
    test,
    namenode(
      {
        LISTSTATUS: (response) => json(response, 200, { FileStatuses: { FileStatus } }),
        LISTSTATUS_BATCH: (response) =>
          remote(
            response,
            400,
            'IllegalArgumentException',
            'Invalid value for webhdfs parameter "op": No enum',
          ),
      },
      seen,
    ),
  );
  const store = open(test, url);
  const ordered = ['ab', 'a\u00e9', 'b', '\u00e9', '\uff41', '\u{1f600}'];
  test.same(await store.names('/fs'), ordered);
  test.same(await store.names('/fs', { limit: 2 }), ordered);
  test.same(await store.names('/fs', { after: 'a\u00e9' }), ordered.slice(2));
  test.equal(seen.filter((op) => op === 'GET LISTSTATUS_BATCH').length, 1, 'it is asked once');
});

t.test('HttpFS starts every batch at the beginning', async (test) => {
  const names = ['\u00e9', '\u{1f600}', 'a\u00e9', 'ab', 'ac', 'b'];
  const FileStatus = names.map((pathSuffix) => ({ ...fileStatus().FileStatus, pathSuffix }));
  const FileStatuses = { FileStatus };
  const url = await serve(
    test,
    namenode({
      CREATE: (response, { path }) =>
        json(response, 200, { Location: `http://h${path}?op=CREATE&data=true` }),
      LISTSTATUS: (response) => json(response, 200, { FileStatuses }),
      LISTSTATUS_BATCH: (response) =>
        json(response, 200, {
          DirectoryListing: { partialListing: { FileStatuses }, remainingEntries: 0 },
        }),
    }),
  );
  const store = open(test, url);
  const ordered = ['ab', 'ac', 'a\u00e9', 'b', '\u00e9', '\u{1f600}'];
  for (const limit of [1, 2, 3, 100]) test.same(await store.names('/fs', { limit }), ordered);
});

t.test('a read that comes short is an error', async (test) => {
  const url = await serve(
    test,
    namenode({
      GETFILESTATUS: (response) => json(response, 200, fileStatus(5)),
      // HttpFS does not say how much it sends.
      OPEN: (response) => {
        response.write('abc');
        response.end();
      },
      GETXATTRS: (response) => json(response, 200, { XAttrs: [] }),
    }),
  );
  const { query, failure } = open(test, url);
  const { body } = await query({ verb: 'read', path: '/fs/a', offset: 0 });
  test.equal(kindOf(await failure(buffer(body)), 'unavailable'), 'unavailable');
});

t.test('a file that is replaced between the look and the read is read as the new one', async (test) => {
  let length = 5;
  const url = await serve(
    test,
    namenode({
      GETFILESTATUS: (response) => json(response, 200, fileStatus(length)),
      OPEN: (response) => {
        length = 7;
        response.end('replace');
      },
      GETXATTRS: (response) => json(response, 200, { XAttrs: [] }),
    }),
  );
  const { query } = open(test, url);
  const { entry, body } = await query({ verb: 'read', path: '/fs/a', offset: 0 });
  test.same([entry.lengthBytes, (await buffer(body)).toString()], [7, 'replace']);
});

t.test('raw requests carry the user of the gateway, and redirects stay inside', async (test) => {
  const got: string[] = [];
  const datanode = await serve(test, (request, response) => {
    void text(request).then((body) => {
      got.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(201, { 'set-cookie': 'hadoop.auth=x', location: 'hdfs://nn/a' }).end('done');
    });
  });
  const url = await serve(test, (request, response) => {
    got.push(`${request.method} ${request.url}`);
    response.writeHead(307, { location: `${datanode}/webhdfs/v1/fs/a?step=2` }).end();
  });
  const { store } = open(test, url, { doAs: true });
  const ctx = ownCtx('test');
  const direct = store.direct!('/fs/a', { ...ctx, caller: { user: 'ann' } })!;
  const search = 'op=CREATE&user.name=ann&noredirect=true&x=1';
  const body = Readable.from(['bytes'], { objectMode: false });
  const raw = { method: 'PUT', path: '/fs/a', search, headers: { 'content-length': '5' }, body };
  const answer = await direct.forward(raw, ctx.signal);
  test.equal(answer.status, 201);
  test.equal(await text(answer.body), 'done');
  test.equal(answer.headers['set-cookie'], undefined);
  test.equal(answer.headers.location, undefined);
  test.same(got, [
    'PUT /webhdfs/v1/fs/a?op=CREATE&x=1&user.name=svc&doas=ann',
    'PUT /webhdfs/v1/fs/a?step=2 bytes',
  ]);
});
