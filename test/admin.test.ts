// The admin listener over HTTP: every path, every refusal.
import t, { type Test } from 'tap';
import { adminRoutes, defaultPage, maxPage } from '../src/admin/admin-schemas.ts';
import { type AdminSources, createAdmin, type DivergenceItem, type Page } from '../src/admin/admin-server.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

const route = {
  reads: 'source',
  writes: 'both',
  ack: 'primary',
  failover: 'reads',
  mounts: [{ source: '/clusters/billing', target: '/billing' }],
} as const;

const divergences: DivergenceItem[] = Array.from({ length: 3 }, (_, i) => ({
  path: `/lake/${i}`,
  truth: 'source',
  reason: 'secondary unknown',
  since: new Date(1_700_000_000_000 + i).toISOString(),
  generation: i + 1,
  subtree: i === 2,
}));

const page = ({ limit, after = '' }: { limit: number; after?: string }): Page => ({
  total: divergences.length,
  items: divergences.filter(({ path }) => path > after).slice(0, limit),
});

async function start(t: Test, overrides: Partial<AdminSources> = {}) {
  const lines: string[] = [];
  const metrics = createMetrics('1.2.3');
  const admin = await createAdmin({
    host: '127.0.0.1',
    port: 0,
    metrics,
    logger: createLogger({ destination: { write: (line) => void lines.push(line) } }),
    version: '1.2.3',
    sources: {
      ready: () => ({ ready: true }),
      stores: () => [{ side: 'source', name: 'old', breaker: 'closed', reachable: true }],
      journal: () => ({ writable: true }),
      apps: () => [{ app: 'billing', desired: route, effective: route }],
      census: () => undefined,
      divergences: page,
      recover: async () => [],
      settle: async ({ path }) => ({ settled: path === '/lake/x' }),
      ...overrides,
    },
  });
  t.teardown(() => admin.close());
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${admin.url}${path}`, init);
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: json ? JSON.parse(text) : undefined,
    };
  };
  return { admin, metrics, get, lines };
}

t.test('metrics in the format of Prometheus', async (t) => {
  const { get, metrics, admin } = await start(t);
  metrics.observe({ divergentPaths: () => 7 });
  const { status, headers, text } = await get('/metrics');
  t.equal(status, 200);
  t.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.match(text, /^twinlake_divergent_paths 7$/m);
  t.match(text, /^twinlake_build_info\{version="1\.2\.3",node="24\.[\d.]+"\} 1$/m);
  t.equal(admin.url, `http://127.0.0.1:${admin.port}`);
});

t.test('live, ready and not ready', async (t) => {
  let ready = true;
  const { get } = await start(t, {
    ready: () => (ready ? { ready } : { ready, reason: 'no valid routing table' }),
  });
  t.match(await get('/health/live'), { status: 200, body: { status: 'live' } });
  t.match(await get('/health/ready'), { status: 200, body: { ready: true } });
  ready = false;
  t.match(await get('/health/ready'), {
    status: 503,
    body: { ready: false, reason: 'no valid routing table' },
  });
});

t.test('stores: 503 with the same shape if one is down', async (t) => {
  const well = { side: 'source', name: 'old', breaker: 'closed', reachable: true } as const;
  const down = {
    side: 'target',
    name: 'new',
    breaker: 'open',
    reachable: false,
    lastError: { message: 'connect ECONNREFUSED', at: '2026-01-01T00:00:00.000Z' },
  } as const;
  let stores: (typeof well | typeof down)[] = [well];
  const { get } = await start(t, { stores: async () => stores });
  t.match(await get('/health/stores'), { status: 200, body: { healthy: true, stores: [well] } });
  stores = [well, down];
  const answer = await get('/health/stores');
  t.equal(answer.status, 503);
  t.strictSame(answer.body, { healthy: false, stores: [well, down], journal: { writable: true } });
});

t.test('apps show desired and effective route', async (t) => {
  const apps = [
    {
      app: 'billing',
      desired: { ...route, reads: 'target' as const },
      effective: route,
      reason: 'gate: 3 divergences',
    },
    { app: 'gone', desired: null, effective: route, reason: 'divergences need its source' },
    { app: 'new', desired: route, effective: null },
  ];
  const { get } = await start(t, { apps: () => apps });
  const answer = await get('/v1/apps');
  t.equal(answer.status, 200);
  t.strictSame(answer.body, apps);
  t.equal(answer.headers.get('cache-control'), 'no-store');
});

t.test('the census of an app, and of none', async (t) => {
  const census = {
    app: 'a b',
    since: '2026-01-01T00:00:00.000Z',
    operations: [
      {
        face: 'webhdfs',
        op: 'CREATE',
        results: { ok: 2, redirected: 2 },
        parameters: { replication: 1 },
        cannotExpress: { replication: { count: 1, example: '/x' } },
        first: '2026-01-01T00:00:01.000Z',
        last: '2026-01-01T00:00:02.000Z',
      },
    ],
    names: { space: { count: 1, example: '/a b' } },
    longestSegmentBytes: 3,
    deepestSegments: 1,
  };
  const { get } = await start(t, { census: (app) => (app === 'a b' ? census : undefined) });
  const answer = await get('/v1/apps/a%20b/census');
  t.equal(answer.status, 200);
  t.strictSame(answer.body, census);
  t.match(await get('/v1/apps/other/census'), { status: 404, body: { error: { code: 'not-found' } } });
  t.equal((await get('/v1/apps/other/census', { method: 'POST' })).status, 405);
  t.equal((await get('/v1/apps/other/census?x=1')).status, 400);
  const { parameters } = (await get('/v1/openapi.json')).body.paths['/v1/apps/{app}/census'].get;
  t.match(parameters, [{ name: 'app', in: 'path', required: true }]);
});

t.test('divergences page by page', async (t) => {
  const { get } = await start(t);
  const all = await get('/v1/divergences');
  t.strictSame(all.body, { total: 3, items: divergences });
  const first = await get('/v1/divergences?limit=2');
  t.strictSame(first.body, { total: 3, items: divergences.slice(0, 2), next: '/lake/1' });
  const second = await get(`/v1/divergences?limit=2&after=${encodeURIComponent(first.body.next)}`);
  t.strictSame(second.body, { total: 3, items: divergences.slice(2) });
});

t.test('a page has its default and its limit', async (t) => {
  const asked: unknown[] = [];
  const { get } = await start(t, {
    divergences: (query) => {
      asked.push({ ...query });
      return page(query);
    },
  });
  await get('/v1/divergences');
  t.equal((await get(`/v1/divergences?limit=${maxPage}`)).status, 200);
  t.strictSame(asked, [{ limit: defaultPage }, { limit: maxPage }]);
});

t.test('wrong parameters are 400 in JSON and reach no source', async (t) => {
  const { get } = await start(t, { divergences: () => Promise.reject(new Error('must not be asked')) });
  const wrong = [
    'limit=0',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    `limit=${maxPage + 1}`,
    'limit=1&limit=2',
  ];
  for (const query of [...wrong, 'after=lake', 'after=/a&after=/b', 'limt=5', 'limit=1e999']) {
    const { status, body } = await get(`/v1/divergences?${query}`);
    t.equal(status, 400, query);
    t.match(body, { error: { code: 'invalid', message: /querystring/ } }, query);
  }
  t.equal((await get('/v1/apps?app=billing')).status, 400);
});

t.test('an operator has one path tried again', async (t) => {
  const { get } = await start(t);
  const post = (query: string) => get(`/v1/settle${query}`, { method: 'POST' });
  t.match(await post('?path=/lake/x'), { status: 200, body: { settled: true } });
  t.match(await post('?path=/lake/y'), { status: 200, body: { settled: false } });
  t.equal((await post('')).status, 400);
  t.equal((await post('?path=lake')).status, 400);
});

t.test('unknown paths, methods and odd requests are refused in JSON', async (t) => {
  const { get, lines } = await start(t);
  for (const path of [
    '/',
    '/v1',
    '/v1/nope',
    '/metrics/x',
    '/health',
    '/v1/apps/../../etc/passwd',
    '/%zz',
    '/%00',
  ]) {
    const { status, body, text } = await get(path);
    t.ok(status === 404 || status === 400, `${path}: ${status}`);
    t.match(body, { error: { code: String, message: String } }, path);
    t.notMatch(text, /node_modules|\.ts:/, 'no stack');
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const { status, headers, body } = await get('/v1/apps', {
      method,
      body: '{',
      headers: { 'content-type': 'x/y' },
    });
    t.equal(status, 405, method);
    t.equal(headers.get('allow'), 'GET, HEAD');
    t.match(body, { error: { code: 'method-not-allowed' } });
  }
  t.match(await get('/metrics', { method: 'HEAD' }), { status: 200, text: '' });
  t.strictSame(lines, [], 'mistakes of clients are no errors of ours');
});

t.test('a source that fails is 503 without its inside, and logged', async (t) => {
  const { get, lines } = await start(t, {
    apps: () => {
      throw new Error('journal closed at /secret/place');
    },
  });
  const { status, body, text } = await get('/v1/apps');
  t.equal(status, 503);
  t.match(body, { error: { code: 'unavailable' } });
  t.notMatch(text, /secret/);
  t.match(lines.join(''), /journal closed/);
  t.equal((await get('/health/live')).status, 200);
});

t.test('a truth is named for mounts whose journal was lost', async (t) => {
  const asked: unknown[] = [];
  const { get } = await start(t, {
    recover: async (query) => {
      asked.push({ ...query });
      return query.mount === '/none' ? [] : ['/lake'];
    },
  });
  const post = (query: string) => get(`/v1/recover?${query}`, { method: 'POST' });
  t.match(await post('truth=target&mount=/lake'), { status: 200, body: { mounts: ['/lake'] } });
  t.match(await post('truth=target&mount=/none'), { status: 400, body: { error: { code: 'invalid' } } });
  t.same(asked, [
    { truth: 'target', mount: '/lake' },
    { truth: 'target', mount: '/none' },
  ]);
  for (const query of ['', 'truth=both', 'truth=source&mount=lake', 'truth=source&force=1'])
    t.equal((await post(query)).status, 400, query);
  const wrong = await get('/v1/recover?truth=source');
  t.equal(wrong.status, 405);
  t.equal(wrong.headers.get('allow'), 'POST');
});

t.test('OpenAPI lists every operation with resolvable answers', async (t) => {
  const { get } = await start(t);
  const { body, status } = await get('/v1/openapi.json');
  t.equal(status, 200);
  t.equal(body.openapi, '3.1.0');
  t.equal(body.info.version, '1.2.3');
  t.strictSame(
    Object.keys(body.paths).sort(),
    Object.values(adminRoutes)
      .map(({ path }) => path)
      .sort(),
  );
  const parameters = body.paths['/v1/divergences'].get.parameters;
  t.match(parameters, [
    { name: 'limit', in: 'query', required: false, schema: { type: 'integer', maximum: maxPage } },
    { name: 'after', in: 'query', required: false },
  ]);
  const schema = body.paths['/v1/divergences'].get.responses[200].content['application/json'].schema;
  t.strictSame(schema.required, ['total', 'items']);
  const ids = Object.values<Record<string, { operationId: string }>>(body.paths).flatMap((operations) =>
    Object.values(operations).map(({ operationId }) => operationId),
  );
  t.equal(new Set(ids).size, ids.length);
});

t.test('a taken port is refused, close ends idle connections', async (t) => {
  const { admin, metrics } = await start(t);
  const sources: AdminSources = {
    ready: () => ({ ready: true }),
    stores: () => [],
    journal: () => ({ writable: true }),
    apps: () => [],
    census: () => undefined,
    divergences: page,
    recover: async () => [],
    settle: async () => ({ settled: false }),
  };
  const logger = createLogger({ level: 'silent' });
  await t.rejects(createAdmin({ host: '127.0.0.1', port: admin.port, metrics, logger, sources }), {
    code: 'EADDRINUSE',
  });
  await (await fetch(`${admin.url}/health/live`)).text();
  await admin.close();
  await t.rejects(fetch(`${admin.url}/health/live`));
});
