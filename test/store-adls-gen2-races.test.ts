// The Gen2 driver when others write too, when bodies break, and what it sends by itself.
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import t from 'tap';
import type { Ctx } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { withSagas } from '../src/layers/sagas.ts';
import type { Gen2Credential } from '../src/stores/adls-gen2/account.ts';
import { createAdlsGen2Store } from '../src/stores/adls-gen2/adls-gen2-store.ts';
import { bodyOfBytes, createFixture } from './contract/fixture.ts';
import { account, against, open, requests } from './gen2/rig.ts';

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
  const opened = await open(t);
  const { inner } = opened;
  const { mutate, at, write, stat, read } = createFixture(withSagas(opened.store), '/fsx');
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
  t.same(await inner.names('/fsx/.twinlake', { recursive: true }), []);
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
