// The Gen2 driver on the wire: what it sends, and what becomes of broken connections, refusals and races.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { ListQuery } from '../src/core/query.ts';
import type { Ctx, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import type { Gen2Credential } from '../src/stores/adls-gen2/account.ts';
import { createAdlsGen2Store } from '../src/stores/adls-gen2/adls-gen2-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import type { Face, FaceRequest } from '../src/wire/http.ts';
import { bodyOfBytes, createFixture, patternBytes } from './contract/fixture.ts';
import { serveFace } from './face-server.ts';

const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoMGMw==';
const sharedKey: Gen2Credential = { kind: 'shared-key', account, key };

/** Driver over face over memory; `seen` are the requests, `inner` is the memory. */
async function open(t: Test, options: { around?: (face: Face) => Face; auth?: 'none' | 'shared-key' } = {}) {
  const { around = (face: Face) => face, auth = 'shared-key' } = options;
  const memory = createMemoryStore({ name: 'memory', rootFolders: 'filesystems' });
  const seen: FaceRequest[] = [];
  const face = around(createDfsFace({ store: memory, accounts: { [account]: key }, auth }));
  const server = await serveFace((request) => {
    seen.push(request);
    return face(request);
  });
  const url = `${server.url}/${account}`;
  const store = createAdlsGen2Store({ name: 'gen2', url, credential: sharedKey });
  t.teardown(async () => {
    await store.close?.();
    await server.close();
  });
  const inner = createFixture(memory, '/fsx');
  await inner.mkdir('/fsx');
  return { ...createFixture(store, '/fsx'), seen, url, inner };
}

/** Driver over a server that does as the test says. */
async function against(t: Test, listener: RequestListener): Promise<Store> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/${account}`;
  const store = createAdlsGen2Store({ name: 'gen2', url, credential: sharedKey });
  t.teardown(async () => {
    await store.close?.();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return store;
}

const requests = (seen: FaceRequest[]): string[] =>
  seen.map(({ method, target }) => `${method} ${target.replace(`/${account}`, '')}`);

t.test('a small file is three requests, each with its length', async (t) => {
  const { seen, write, at } = await open(t);
  await write(at('a b/c'), 'hello', { attributes: { permission: 0o640, properties: { k: 'v' } } });
  t.same(requests(seen), [
    'PUT /fsx/a%20b/c?resource=file',
    'PATCH /fsx/a%20b/c?position=0&action=append',
    'PATCH /fsx/a%20b/c?position=5&close=true&action=flush',
  ]);
  const [create, append, flush] = seen.map((request) => request.headers);
  t.match(create, {
    'x-ms-permissions': '0640',
    'x-ms-umask': '0000',
    'x-ms-properties': 'k=dg==',
    'content-length': '0',
  });
  t.equal(append?.['content-length'], '5');
  t.equal(append?.['transfer-encoding'], undefined);
  t.match(flush?.['if-match'], /^"0x[0-9A-F]+"$/, 'fenced with the ETag of the create');
});

t.test('a body of unknown length goes in pieces, one of known length in one', async (t) => {
  const { seen, mutate, read, at } = await open(t);
  const bytes = patternBytes(9 * 1024 * 1024 + 5);
  const { stream } = bodyOfBytes(bytes);
  await mutate({ verb: 'create', path: at('chunked'), parents: 'all', body: { stream } });
  const appends = seen.filter(({ target }) => target.includes('action=append'));
  t.same(
    appends.map(({ headers }) => Number(headers['content-length'])),
    [4_194_304, 4_194_304, 1_048_581],
  );
  t.ok((await read(at('chunked'))).equals(bytes));
  seen.length = 0;
  await mutate({ verb: 'create', path: at('known'), parents: 'all', body: bodyOfBytes(bytes) });
  const [one, ...more] = seen.filter(({ target }) => target.includes('action=append'));
  t.same([one?.headers['content-length'], more.length], [String(bytes.length), 0]);
  t.ok((await read(at('known'))).equals(bytes));
});

t.test('filesystems are the folders at the root', async (t) => {
  const { store, mkdir, mutate, write, stat, exists, failure } = await open(t);
  t.match(await mkdir('/second', { properties: { on: 'container' }, permission: 0o700 }), { created: true });
  t.match(await mkdir('/second'), { created: false, entry: { type: 'directory' } });
  t.match(await stat('/second', true), {
    properties: { on: 'container' },
    permission: 0o700,
    type: 'directory',
  });
  t.match(await stat('/'), { type: 'directory', path: '/' });
  await write('/second/d/f', 'x');
  await write('/third/g', 'y');
  const below = async (options: Partial<ListQuery> = {}) => {
    const found: string[] = [];
    let page = await store.query(
      { verb: 'list', path: '/', recursive: false, limit: 100, ...options },
      ownCtx('list'),
    );
    for (;;) {
      found.push(...page.entries.map((entry) => entry.path.slice(1)));
      if (page.token === undefined) return found;
      const more = {
        verb: 'list',
        path: '/',
        recursive: false,
        limit: 100,
        ...options,
        token: page.token,
      } as const;
      page = await store.query(more, ownCtx('list'));
    }
  };
  t.same(await below(), ['fsx', 'second', 'third']);
  t.same(await below({ limit: 1 }), ['fsx', 'second', 'third']);
  t.same(await below({ after: 'second' }), ['third']);
  const all = ['fsx', 'second', 'second/d', 'second/d/f', 'third', 'third/g'];
  t.same(await below({ recursive: true }), all);
  t.same(await below({ recursive: true, limit: 1 }), all);
  t.same(await below({ recursive: true, after: 'second/d' }), all.slice(3));
  for (const path of ['/f', '/No', '/a--b', '/xy'])
    t.equal((await failure(write(path))).kind, 'invalid', path);
  t.equal((await failure(mkdir('/Bad_Name'))).kind, 'invalid');
  t.match(await failure(mutate({ verb: 'create', path: '/none/f', parents: 'below-root-folder' })), {
    kind: 'parent-not-found',
    code: 'FilesystemNotFound',
  });
  t.match(await failure(stat('/none')), { kind: 'not-found' });
  t.match(await failure(stat('/none/f')), { kind: 'not-found', code: 'FilesystemNotFound' });
  t.equal((await failure(mutate({ verb: 'delete', path: '/second', recursive: false }))).kind, 'not-empty');
  await mutate({ verb: 'delete', path: '/second', recursive: true });
  t.notOk(await exists('/second'));
  await mutate({ verb: 'delete', path: '/third/g', recursive: false });
  await mutate({ verb: 'delete', path: '/third', recursive: false });
  t.notOk(await exists('/third'));
  const move = {
    verb: 'rename',
    path: '/fsx',
    destination: '/other',
    replace: 'none',
    intoDirectory: false,
  } as const;
  t.equal((await failure(mutate(move))).kind, 'invalid');
  t.equal(store.supports.rootFolders, 'filesystems');
});

t.test('what could not be sent is not applied', async (t) => {
  const { store, url } = await open(t);
  await store.close?.();
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
  const { port } = dead.address() as AddressInfo;
  await new Promise((resolve) => dead.close(resolve));
  const gone = createAdlsGen2Store({
    name: 'gone',
    url: url.replace(/:\d+/, `:${port}`),
    credential: sharedKey,
  });
  t.teardown(() => gone.close?.());
  const { write, stat, failure } = createFixture(gone, '/fsx');
  t.match(await failure(write('/fsx/a', 'x')), { kind: 'unavailable', applied: 'no', temporary: true });
  t.match(await failure(stat('/fsx/a')), { kind: 'unavailable', applied: 'no', temporary: true });
});

t.test('an answer that does not come leaves a change unknown', async (t) => {
  const store = await against(t, (request) => request.socket.destroy());
  const { write, stat, mkdir, mutate, failure } = createFixture(store, '/fsx');
  const unknown = { kind: 'unavailable', applied: 'unknown', temporary: true };
  t.match(await failure(write('/fsx/a', 'x')), unknown);
  t.match(await failure(mkdir('/fsx/d')), unknown);
  t.match(await failure(mutate({ verb: 'delete', path: '/fsx/d', recursive: true })), unknown);
  t.match(await failure(mutate({ verb: 'set-attributes', path: '/fsx/d', permission: 0o700 })), unknown);
  t.match(await failure(stat('/fsx/a')), { kind: 'unavailable', applied: 'no' });
});

t.test('refusals keep code, wait and outcome', async (t) => {
  let answer: { status: number; code: string; headers?: Record<string, string> };
  const store = await against(t, (request, response) => {
    const { status, code, headers } = answer;
    request.resume();
    response.writeHead(status, { 'x-ms-error-code': code, ...headers });
    response.end(
      request.method === 'HEAD' ? undefined : JSON.stringify({ error: { code, message: 'Said.\nTime:0' } }),
    );
  });
  const { stat, mutate, failure } = createFixture(store, '/fsx');
  const remove = () => failure(mutate({ verb: 'delete', path: '/fsx/f', recursive: false }));
  answer = { status: 503, code: 'ServerBusy', headers: { 'retry-after': '7' } };
  t.match(await remove(), {
    kind: 'throttled',
    temporary: true,
    retryAfterMs: 7000,
    applied: 'no',
    code: 'ServerBusy',
    message: 'Said.',
  });
  answer = { status: 500, code: 'OperationTimedOut' };
  t.match(await remove(), { temporary: true, applied: 'unknown' });
  t.match(await failure(stat('/fsx/f')), { temporary: true, applied: 'no' });
  answer = { status: 500, code: 'InternalError' };
  t.match(await remove(), { kind: 'internal', applied: 'unknown' });
  answer = { status: 403, code: 'AuthenticationFailed' };
  t.match(await remove(), { kind: 'denied', temporary: false, applied: 'no' });
  answer = { status: 401, code: 'NoAuthenticationInformation' };
  t.match(await remove(), { kind: 'unauthenticated', applied: 'no' });
  answer = { status: 412, code: 'LeaseIdMissing' };
  t.match(await remove(), { kind: 'lease-conflict', code: 'LeaseIdMissing' });
});

t.test('the signal ends what is under way', async (t) => {
  const store = await against(t, (request) => request.resume());
  const fixture = createFixture(store, '/fsx');
  const reasons: [unknown, object][] = [
    [new StoreError('timeout', 'too slow'), { kind: 'timeout', message: 'too slow' }],
    [new DOMException('late', 'TimeoutError'), { kind: 'timeout' }],
    [new Error('gone'), { kind: 'aborted' }],
  ];
  for (const [reason, expected] of reasons) {
    const aborter = new AbortController();
    const stream = new PassThrough();
    stream.write('half');
    const body = { stream, lengthBytes: 400_000 };
    const work = fixture.mutate(
      { verb: 'stage', path: '/fsx/f', position: 0, body },
      { signal: aborter.signal },
    );
    setImmediate(() => aborter.abort(reason));
    t.match(await fixture.failure(work), { ...expected, applied: 'unknown' });
    t.ok(stream.destroyed);
    const asked = fixture.query({ verb: 'stat', path: '/fsx/f' }, { signal: AbortSignal.abort(reason) });
    t.match(await fixture.failure(asked), { ...expected, applied: 'no' });
  }
});

t.test('a create that is called off takes its file away', async (t) => {
  const { mutate, inner, at, failure } = await open(t);
  const no = {
    beforeCommit: () => Promise.reject(new StoreError('condition-failed', 'the primary refused')),
  };
  const create = { verb: 'create', path: at('f'), parents: 'all' } as const;
  t.match(await failure(mutate({ ...create, body: bodyOfBytes('new') }, no)), {
    kind: 'condition-failed',
    applied: 'unknown',
  });
  t.notOk(await inner.exists(at('f')));
  t.match(await failure(mutate(create, no)), { kind: 'condition-failed', applied: 'no' });
  t.notOk(await inner.exists(at('f')));
  await inner.write(at('g'), 'kept');
  t.match(await failure(mutate({ verb: 'stage', path: at('g'), position: 4, body: bodyOfBytes('!') }, no)), {
    kind: 'condition-failed',
    applied: 'no',
  });
  const flush = { verb: 'flush', path: at('g'), position: 5, retain: false, close: true } as const;
  t.match(await failure(inner.mutate(flush)), { kind: 'invalid-flush' });
});

t.test('a body that breaks off before it is sent changes nothing', async (t) => {
  const { mutate, inner, at, failure, seen } = await open(t);
  await inner.write(at('f'), 'kept');
  const stream = Readable.from([Buffer.from('he')]);
  const error = await failure(
    mutate({ verb: 'create', path: at('f'), parents: 'all', body: { stream, lengthBytes: 5 } }),
  );
  t.match(error, { kind: 'aborted', applied: 'no' });
  t.same(requests(seen), []);
  t.equal((await inner.read(at('f'))).toString(), 'kept');
});

t.test('another writer between create and flush wins', async (t) => {
  const { mutate, inner, at, failure } = await open(t);
  const beforeCommit = async (): Promise<void> => {
    await inner.write(at('f'), 'the other one');
  };
  const body = bodyOfBytes('mine');
  const error = await failure(
    mutate({ verb: 'create', path: at('f'), parents: 'all', body }, { beforeCommit }),
  );
  t.equal(error.kind, 'condition-failed');
  t.equal((await inner.read(at('f'))).toString(), 'the other one');
  const append = { verb: 'append', path: at('f'), body: bodyOfBytes('!') } as const;
  t.equal((await failure(mutate(append, { beforeCommit }))).kind, 'bad-offset');
  t.equal((await inner.read(at('f'))).toString(), 'the other one');
});

t.test('a rename replaces only what it has seen', async (t) => {
  let meddle: (() => Promise<unknown>) | undefined;
  const { mutate, inner, at } = await open(t, {
    around: (face) => async (request) => {
      if (request.headers['x-ms-rename-source'] !== undefined) {
        const now = meddle;
        meddle = undefined;
        await now?.();
      }
      return face(request);
    },
  });
  const move = {
    verb: 'rename',
    path: at('a'),
    destination: at('b'),
    replace: 'file',
    intoDirectory: false,
  } as const;
  await inner.write(at('a'), 'moved');
  meddle = () => inner.write(at('b'), 'in between');
  await mutate(move);
  t.equal((await inner.read(at('b'))).toString(), 'moved');
  await inner.write(at('a'), 'again');
  meddle = async () => {
    await inner.mutate({ verb: 'delete', path: at('b'), recursive: false });
    await inner.mkdir(at('b'));
  };
  await t.rejects(mutate(move), StoreError);
  t.equal((await inner.stat(at('b'))).type, 'directory');
  t.equal((await inner.read(at('a'))).toString(), 'again');
});

t.test('rights are changed on what is there now', async (t) => {
  let meddle: (() => Promise<unknown>) | undefined;
  const { mutate, inner, at, stat } = await open(t, {
    around: (face) => async (request) => {
      if (request.headers['x-ms-acl'] !== undefined) {
        const now = meddle;
        meddle = undefined;
        await now?.();
      }
      return face(request);
    },
  });
  const named = (name: string) => ({
    acl: {
      mode: 'modify' as const,
      entries: [{ scope: 'access' as const, type: 'user' as const, name, permission: 4 }],
    },
  });
  await inner.write(at('f'), 'x');
  meddle = () => inner.write(at('f'), 'rewritten');
  await mutate({ verb: 'set-attributes', path: at('f'), ...named('ann'), owner: 'olga' });
  const entry = await stat(at('f'), true);
  t.equal(entry.owner, 'olga');
  t.ok(entry.acl?.some(({ name }) => name === 'ann'));
  await mutate({ verb: 'set-attributes', path: at('f'), modifiedMs: 1_500_000_000_123 });
  t.equal((await stat(at('f'), true)).properties?.twinlake_mtime, '1500000000123');
});

t.test('a change that cannot be made whole is not begun', async (t) => {
  const { mutate, inner, at, failure, stat } = await open(t);
  await inner.write(at('f'), 'x', { attributes: { permission: 0o640 } });
  const change = { verb: 'set-attributes', path: at('f'), permission: 0o600 } as const;
  t.match(await failure(mutate({ ...change, expiresMs: 1000 })), { kind: 'invalid', applied: 'no' });
  t.equal((await stat(at('f'))).permission, 0o640);
  t.match(await failure(mutate({ verb: 'set-attributes', path: at('f'), owner: '\u65e5' })), {
    kind: 'invalid',
    applied: 'no',
  });
  const later = Math.floor(Date.now() / 1000) * 1000 + 3_600_000;
  await mutate({ verb: 'set-attributes', path: at('f'), expiresMs: later });
  t.equal((await stat(at('f'))).expiresMs, later);
  await mutate({ verb: 'set-attributes', path: at('f'), expiresMs: null });
  t.equal((await stat(at('f'))).expiresMs, undefined);
});

t.test('concat keeps rights and properties and leaves nothing behind', async (t) => {
  const { mutate, inner, at, write, names, stat, read } = await open(t);
  await write(at('a'), 'one ', { attributes: { permission: 0o600, properties: { p: '1' } } });
  await write(at('s/b'), 'two ');
  await write(at('s/c'), 'three');
  const concat = { verb: 'concat' as const, sources: [at('s/b'), at('s/c')] };
  await mutate({ ...concat, path: at('a'), create: false, deleteSourceDirectory: true });
  t.equal((await read(at('a'))).toString(), 'one two three');
  t.match(await stat(at('a'), true), { permission: 0o600, properties: { p: '1' } });
  t.same(
    (await inner.names('/fsx', { recursive: true })).filter((name) => !name.startsWith('.twinlake')),
    ['a'],
  );
  t.same(await names(at('.twinlake/concat')), []);
});

t.test('a read that breaks off is an error of the store', async (t) => {
  const store = await against(t, (request, response) => {
    response.writeHead(200, {
      'content-length': 200_000,
      etag: '"0x1"',
      'x-ms-resource-type': 'file',
      'last-modified': new Date().toUTCString(),
    });
    response.write(Buffer.alloc(100_000), () => request.socket.destroy());
  });
  const { query, read, failure } = createFixture(store, '/fsx');
  t.match(await failure(read('/fsx/f')), { kind: 'unavailable', applied: 'no' });
  const { body } = await query({ verb: 'read', path: '/fsx/f', offset: 0 });
  body.destroy();
});

t.test('a listing out of order is not believed', async (t) => {
  const store = await against(t, (_request, response) => {
    const paths = ['b', 'a'].map((name) => ({
      name,
      contentLength: '0',
      lastModified: new Date().toUTCString(),
    }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ paths }));
  });
  const { page, failure } = createFixture(store, '/fsx');
  t.match(await failure(page('/fsx')), { kind: 'internal', message: /order of names/ });
});

t.test('a server without beginFrom is listed from the start', async (t) => {
  const { page, names, write, at } = await open(t, {
    around: (face) => (request) =>
      face({ ...request, target: request.target.replace(/&?beginFrom=[^&]*/, '') }),
    auth: 'none',
  });
  for (const name of ['a', 'b', 'c', 'd']) await write(at(name));
  t.same(await names('/fsx', { after: 'b', limit: 1 }), ['c', 'd']);
  t.same((await page('/fsx', { after: 'z', limit: 1 })).entries, []);
});

t.test('raw requests go on under our own name', async (t) => {
  const { store, seen, inner, at } = await open(t);
  await inner.write(at('a b'), 'hello');
  const direct = store.direct!(at('a b'), {} as Ctx)!;
  t.equal(direct.protocol, 'dfs');
  const { signal } = new AbortController();
  const headers = {
    host: 'gateway',
    authorization: 'SharedKey evil:x',
    'x-ms-version': '2021-12-02',
    connection: 'close',
    range: 'bytes=1-2',
  };
  const got = await direct.forward(
    { method: 'GET', path: at('a b'), search: 'timeout=90&sig=abc&sv=2020', headers },
    signal,
  );
  t.equal(got.status, 206);
  t.equal(await text(got.body), 'el');
  t.equal(seen[0]?.target, `/${account}/fsx/a%20b?timeout=90`);
  t.match(seen[0]?.headers.authorization, /^SharedKey devstoreaccount1:/);
  t.equal(got.headers.connection, undefined);
  const put = {
    method: 'PUT',
    path: at('new'),
    search: 'resource=file',
    headers: { 'x-ms-version': '2021-12-02' },
  };
  t.equal((await direct.forward({ ...put, body: Readable.from([]) }, signal)).status, 201);
  const append = await direct.forward(
    {
      method: 'PATCH',
      path: at('new'),
      search: 'action=append&position=0',
      headers: { 'content-length': '3' },
      body: Readable.from([Buffer.from('abc')]),
    },
    signal,
  );
  t.equal(append.status, 202);
  await buffer(append.body);
  const missing = await direct.forward({ method: 'HEAD', path: at('none'), search: '', headers: {} }, signal);
  t.equal(missing.status, 404);
});

t.test('tokens and SAS', async (t) => {
  const authorizations: unknown[] = [];
  const targets: string[] = [];
  const { url } = await open(t, {
    auth: 'none',
    around: (face) => (request) => {
      authorizations.push(request.headers.authorization);
      targets.push(request.target);
      return face(request);
    },
  });
  let asked = 0;
  const token: Gen2Credential = {
    kind: 'token',
    credential: {
      getToken: async () => {
        asked += 1;
        return { token: 'secret', expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
  };
  const withToken = createAdlsGen2Store({ name: 'token', url, credential: token });
  const first = createFixture(withToken, '/fsx');
  await first.write('/fsx/f', 'x');
  t.equal((await first.stat('/fsx/f')).lengthBytes, 1);
  t.ok(authorizations.every((value) => value === 'Bearer secret'));
  t.equal(asked, 1);
  await withToken.close?.();
  t.throws(
    () => createAdlsGen2Store({ name: 'far', url: 'http://lake.example.com/a', credential: token }),
    StoreError,
  );
  targets.length = 0;
  const withSas = createAdlsGen2Store({
    name: 'sas',
    url,
    credential: { kind: 'sas', sas: '?sv=2022-11-02&sig=abc%2Bd' },
  });
  const second = createFixture(withSas, '/fsx');
  await second.write('/fsx/g', 'x');
  t.equal((await second.stat('/fsx/g')).lengthBytes, 1);
  t.equal((await second.read('/fsx/g')).toString(), 'x');
  t.ok(
    targets.every((target) => target.includes('sig=abc%2Bd')),
    targets.join(' '),
  );
  await withSas.close?.();
});
