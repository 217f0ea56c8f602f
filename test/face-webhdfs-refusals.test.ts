// What the WebHDFS face refuses, how it words errors of the store, and what it hands on.
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { createWebhdfsFace } from '../src/faces/webhdfs/webhdfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { ask } from './face-request.ts';
import { serveFace } from './face-server.ts';
import { links, webhdfsBench } from './face-webhdfs-bench.ts';

t.test('bad input is refused in the shape of the protocol and changes nothing', async (t) => {
  const { face, mutations, write } = webhdfsBench();
  await write('/f', 'x');
  const before = mutations.length;
  const long = 'n'.repeat(256);
  const cases: [status: number, method: string, target: string][] = [
    [400, 'PUT', '/webhdfs/v1/a%zz?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1/a%E0%A4%A?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1/a%ff?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1/a?op=MKDIRS&permission=%z'],
    [400, 'PUT', '/webhdfs/v1/a%00b?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1/a/../b?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1/a/%2e%2e/b?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1%2F..%2Fb?op=MKDIRS'],
    [400, 'PUT', `/webhdfs/v1/${long}?op=MKDIRS`],
    [400, 'PUT', `/webhdfs/v1/${'d/'.repeat(1001)}?op=MKDIRS`],
    [400, 'GET', '/webhdfs/v1/f?op=NONSENSE'],
    [400, 'GET', '/webhdfs/v1/f?op=constructor'],
    [400, 'GET', '/webhdfs/v1/f'],
    [400, 'GET', '/webhdfs/v1/f?op='],
    [400, 'GET', '/webhdfs/v1/f?op=MKDIRS'],
    [400, 'PUT', '/webhdfs/v1/f?op=GETFILESTATUS'],
    [400, 'HEAD', '/webhdfs/v1/f?op=GETFILESTATUS'],
    [400, 'PUT', '/webhdfs/v1/f?op=RENAME'],
    [400, 'PUT', '/webhdfs/v1/f?op=RENAME&destination=/a/../b'],
    [400, 'GET', '/webhdfs/v1/f?op=OPEN&offset=-1'],
    [400, 'GET', '/webhdfs/v1/f?op=OPEN&offset=99999999999999999999'],
    [400, 'GET', '/webhdfs/v1/f?op=OPEN&offset=1e3'],
    [400, 'GET', '/webhdfs/v1/f?op=OPEN&length=ten'],
    [400, 'PUT', '/webhdfs/v1/g?op=CREATE&permission=999'],
    [400, 'PUT', '/webhdfs/v1/g?op=CREATE&overwrite=perhaps'],
    [400, 'PUT', '/webhdfs/v1/g?op=CREATE&blocksize=0'],
    [400, 'PUT', '/webhdfs/v1/g?op=CREATE&user.name=a%0d%0ab'],
    [400, 'GET', '/webhdfs/v1/f?op=CHECKACCESS'],
    [400, 'GET', '/webhdfs/v1/f?op=CHECKACCESS&fsaction=rwz'],
    [400, 'POST', '/webhdfs/v1/f?op=TRUNCATE'],
    [400, 'POST', '/webhdfs/v1/f?op=TRUNCATE&newlength=-1'],
    [400, 'PUT', '/webhdfs/v1/f?op=CREATESYMLINK&destination=/x'],
    [404, 'GET', '/elsewhere?op=GETFILESTATUS'],
  ];
  for (const [status, method, target] of cases) {
    const reply = await ask(face, { method, target });
    const label = `${method} ${target.slice(0, 80)}`;
    t.equal(reply.status, status, label);
    t.match(reply.json?.RemoteException, { exception: /\w+/, javaClassName: /\w+/, message: /\w+/ }, label);
    t.notMatch(reply.text, /\.ts:|node:|\\n/, 'no stack trace');
    t.equal(reply.headers['content-type'], 'application/json; charset=utf-8');
  }
  t.match(
    (await ask(face, { target: '/webhdfs/v1/f?op=NOPE' })).json.RemoteException.message,
    /^Invalid value for webhdfs parameter "op"/,
  );
  t.equal(mutations.length, before, 'no mutation reached the store');
  const gzip = {
    method: 'PUT',
    target: '/webhdfs/v1/g?op=CREATE&data=true',
    headers: { 'content-encoding': 'gzip' },
  };
  t.equal((await ask(face, { ...gzip, body: 'zz' })).status, 400);
});

t.test('a body that breaks off is an error and leaves the old file', async (t) => {
  const { face, get, write } = webhdfsBench();
  await write('/f', 'old');
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('ne');
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    })(),
  );
  const target = '/webhdfs/v1/f?op=CREATE&overwrite=true&data=true';
  const reply = await ask(face, { method: 'PUT', target, body: broken });
  t.equal(reply.status, 400);
  t.equal((await get('/f?op=OPEN')).text, 'old');
});

t.test('every error of a store has an answer, temporary ones with Retry-After', async (t) => {
  const failing = (error: unknown): Store => ({
    ...createMemoryStore({ name: 'm' }),
    query: () => Promise.reject(error),
  });
  const target = '/webhdfs/v1/x?op=GETFILESTATUS';
  const denied = await ask(webhdfsBench({ store: failing(new StoreError('denied', 'not yours')) }).face, {
    target,
  });
  t.match([denied.status, denied.json.RemoteException.exception], [403, 'AccessControlException']);
  const away = new StoreError('unavailable', 'away', { retryAfterMs: 2500 });
  const unavailable = await ask(webhdfsBench({ store: failing(away) }).face, { target });
  t.match(
    [unavailable.status, unavailable.json.RemoteException.exception, unavailable.headers['retry-after']],
    [503, 'RetriableException', '3'],
  );
  const bug = await ask(webhdfsBench({ store: failing(new TypeError('x is not a function')) }).face, {
    target,
  });
  t.match([bug.status, bug.json.RemoteException.exception], [500, 'RuntimeException']);
});

t.test(
  'answers say where they came from, errors too; what cannot be served is forwarded or refused',
  async (t) => {
    const inner = createMemoryStore({ name: 'm' });
    const refused: string[] = [];
    const forwarded: string[] = [];
    let transparent = true;
    const store: Store = {
      ...inner,
      query: (query, ctx) => {
        ctx.trail.servedBy = 'target';
        return inner.query(query, ctx);
      },
      mutate: (mutation, ctx) => {
        ctx.trail.acked = ['source', 'target'];
        return inner.mutate(mutation, ctx);
      },
      direct: () =>
        transparent
          ? {
              protocol: 'webhdfs',
              forward: async ({ method, path, search }) => {
                forwarded.push(`${method} ${path} ${search}`);
                return {
                  status: 299,
                  headers: { 'x-raw': 'yes', connection: 'close' },
                  body: Readable.from(['raw']),
                };
              },
            }
          : undefined,
    };
    const face = createWebhdfsFace({ store, links, onRefused: (reason) => refused.push(reason) });
    const missing = await ask(face, { target: '/webhdfs/v1/x?op=GETFILESTATUS' });
    t.match([missing.status, missing.headers['x-twinlake-served-by']], [404, 'target']);
    const made = await ask(face, { method: 'PUT', target: '/webhdfs/v1/x?op=MKDIRS' });
    t.equal(made.headers['x-twinlake-acked'], 'source,target');
    const raw = await ask(face, {
      method: 'PUT',
      target: '/webhdfs/v1/x%20y?op=SETSTORAGEPOLICY&storagepolicy=COLD',
    });
    t.match(
      [raw.status, raw.text, raw.headers['x-raw'], raw.headers.connection],
      [299, 'raw', 'yes', undefined],
    );
    t.strictSame(forwarded, ['PUT /x y op=SETSTORAGEPOLICY&storagepolicy=COLD']);
    transparent = false;
    const no = await ask(face, {
      method: 'PUT',
      target: '/webhdfs/v1/x?op=SETSTORAGEPOLICY&storagepolicy=COLD',
    });
    t.match([no.status, no.json.RemoteException.exception], [501, 'UnsupportedOperationException']);
    t.equal((await ask(face, { target: '/webhdfs/v1/x?op=GETSTORAGEPOLICY' })).status, 400);
    t.strictSame(refused, ['unknown-mutation', 'unknown-query']);
  },
);

t.test(
  'what HDFS has and no second store could take is refused by name, so that clients fall back',
  async (t) => {
    const operations: [method: string, ops: string][] = [
      ['GET', 'GETSTORAGEPOLICY GETALLSTORAGEPOLICY GETECPOLICY GETECPOLICIES GETECCODECS GETLINKTARGET'],
      ['GET', 'GETSNAPSHOTDIFF GETSNAPSHOTDIFFLISTING GETSNAPSHOTLIST GETSNAPSHOTTABLEDIRECTORYLIST'],
      ['GET', 'GET_BLOCK_LOCATIONS GETTRASHROOTS GETALLXATTRS'],
      [
        'PUT',
        'SETSTORAGEPOLICY SATISFYSTORAGEPOLICY SETECPOLICY SETQUOTA SETQUOTABYSTORAGETYPE CREATESYMLINK',
      ],
      ['PUT', 'ALLOWSNAPSHOT DISALLOWSNAPSHOT CREATESNAPSHOT RENAMESNAPSHOT ENABLEECPOLICY DISABLEECPOLICY'],
      ['PUT', 'RENEWDELEGATIONTOKEN CANCELDELEGATIONTOKEN'],
      ['POST', 'UNSETSTORAGEPOLICY UNSETECPOLICY'],
      ['DELETE', 'DELETESNAPSHOT'],
    ];
    const inner = createMemoryStore({ name: 'm' });
    const alone = createWebhdfsFace({ store: inner, links });
    const twoSided = createWebhdfsFace({ store: { ...inner, direct: () => undefined }, links });
    for (const [method, ops] of operations)
      for (const op of ops.split(' ')) {
        const target = `/webhdfs/v1/x?op=${op}`;
        const shape = {
          RemoteException: { exception: 'UnsupportedOperationException', message: RegExp(op) },
        };
        t.match(await ask(alone, { method, target }), { status: 400, json: shape }, op);
        const status = method === 'GET' ? 400 : 501;
        t.match(await ask(twoSided, { method, target }), { status, json: shape }, op);
      }
    const trash = [
      ['GET', '/webhdfs/v1/?op=ENUMERATEDELETEDITEMS&hint=x&api-version=2018-08-01'],
      ['PUT', '/webhdfs/v1/?op=RESTOREDELETEDITEMS&restoreToken=x&api-version=2018-08-01'],
    ] as const;
    for (const [method, target] of trash)
      t.match(await ask(alone, { method, target }), { status: 501, json: { RemoteException: {} } });
  },
);

t.test(
  'over a socket: a refused body still gets its answer, a client that goes away leaves nothing',
  async (t) => {
    const inner = createMemoryStore({ name: 'm' });
    const outcomes: Promise<unknown>[] = [];
    let arrived = Promise.withResolvers<void>();
    const store: Store = {
      ...inner,
      mutate: (mutation, ctx) => {
        const outcome = inner.mutate(mutation, ctx);
        outcomes.push(outcome.catch((error) => error));
        arrived.resolve();
        return outcome;
      },
    };
    const server = await serveFace(createWebhdfsFace({ store, links }));
    t.teardown(() => server.close());
    const target = '/webhdfs/v1/f?op=CREATE&data=true';
    const put = (body: string | Buffer) => fetch(server.url + target, { method: 'PUT', body });
    await inner.mutate({ verb: 'create', path: '/f', parents: 'all' }, ownCtx('test'));
    const refused = await put(Buffer.alloc(2_000_000));
    t.match(
      [refused.status, JSON.parse(await refused.text()).RemoteException.exception],
      [403, 'FileAlreadyExistsException'],
    );
    outcomes.length = 0;
    arrived = Promise.withResolvers();

    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`PUT ${target}&overwrite=true HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this`);
    await arrived.promise;
    socket.destroy();
    t.match(await outcomes[0], { kind: 'aborted' });
    const { entry } = await inner.query({ verb: 'stat', path: '/f' }, ownCtx('test'));
    t.equal(entry.lengthBytes, 0, 'the old file is there');
  },
);

t.test('a listing that fails half way is not a whole listing', async (t) => {
  const inner = createMemoryStore({ name: 'm' });
  const entries = [(await inner.query({ verb: 'stat', path: '/' }, ownCtx('test'))).entry];
  const query = (asked: { token?: string }) =>
    asked.token
      ? Promise.reject(new StoreError('unavailable', 'gone'))
      : Promise.resolve({ entries, token: 'x' });
  const face = createWebhdfsFace({ store: { ...inner, query: query as Store['query'] }, links });
  await t.rejects(ask(face, { target: '/webhdfs/v1/?op=LISTSTATUS' }), /gone/);
});
