// The Gen2 driver on the wire: what it sends, and what becomes of broken connections, refusals and races.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { ListQuery } from '../src/core/query.ts';
import { StoreError } from '../src/core/store-error.ts';
import { createAdlsGen2Store } from '../src/stores/adls-gen2/adls-gen2-store.ts';
import { bodyOfBytes, createFixture, patternBytes } from './contract/fixture.ts';
import { against, open, requests, sharedKey } from './gen2/rig.ts';

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
