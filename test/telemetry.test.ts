// Metrics, the table they are made from, and logs.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { createLogger, redact } from '../src/telemetry/logger.ts';
import { panelRows } from '../src/telemetry/metric-row.ts';
import {
  allAlerts,
  type MetricKey,
  metricRows,
  metricTable,
  panelsInOrder,
} from '../src/telemetry/metric-table.ts';
import { createMetrics, maxSeriesPerMetric, noValue, otherValue } from '../src/telemetry/metrics.ts';

const bodyOf = async (metrics: ReturnType<typeof createMetrics>): Promise<string> =>
  (await metrics.expose()).body;

/** Lines of one metric without comments. */
const linesOf = (body: string, name: string): string[] =>
  body.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

t.test('counters, gauges and histograms of the table', async (t) => {
  const metrics = createMetrics('0.1.0');
  const acked = metrics.mutations.child('billing', 'create', 'source', 'acked');
  acked.inc();
  acked.inc(2);
  t.equal(metrics.mutations.child('billing', 'create', 'source', 'acked'), acked, 'made once');
  metrics.httpInFlight.child().inc();
  metrics.httpInFlight.child().inc();
  metrics.httpInFlight.child().dec();
  metrics.breakerState.child('target').set(2);
  metrics.storeSeconds.child('source', 'read').observe(0.03);
  const body = await bodyOf(metrics);
  t.strictSame(linesOf(body, 'twinlake_mutations_total'), [
    'twinlake_mutations_total{app="billing",verb="create",side="source",outcome="acked"} 3',
  ]);
  t.strictSame(linesOf(body, 'twinlake_http_in_flight'), ['twinlake_http_in_flight 1']);
  t.strictSame(linesOf(body, 'twinlake_breaker_state'), ['twinlake_breaker_state{side="target"} 2']);
  t.match(body, 'twinlake_store_seconds_bucket{le="0.025",side="source",verb="read"} 0');
  t.match(body, 'twinlake_store_seconds_bucket{le="0.05",side="source",verb="read"} 1');
  t.match(body, 'twinlake_store_seconds_count{side="source",verb="read"} 1');
  t.strictSame(
    linesOf(await bodyOf(metrics), 'twinlake_mutations_total').length,
    1,
    'a second scrape is the same',
  );
});

t.test('enumerated counters start at zero, gauges not before they are known', async (t) => {
  const body = await bodyOf(createMetrics());
  t.strictSame(linesOf(body, 'twinlake_repairs_total').length, 5);
  t.strictSame(linesOf(body, 'twinlake_journal_commits_total'), ['twinlake_journal_commits_total 0']);
  for (const name of ['twinlake_divergent_paths', 'twinlake_journal_writable', 'twinlake_breaker_state']) {
    t.strictSame(linesOf(body, name), [], name);
  }
});

t.test('observed values are read at each scrape, concurrent scrapes do not add up', async (t) => {
  const metrics = createMetrics();
  let reads: 'source' | 'target' = 'source';
  let apps = ['billing', 'hr'];
  let commits = 5;
  metrics.observe({ divergentPaths: () => 3, journalCommits: async () => commits });
  metrics.observe({
    openIntents: async () => 1,
    routeReads: () =>
      apps.flatMap((app) => [
        [app, 'source', Number(reads === 'source')] as const,
        [app, 'target', Number(reads === 'target')] as const,
      ]),
    breakerState: () => new Map([['source', 0] as const]),
  });
  let [body] = await Promise.all([bodyOf(metrics), bodyOf(metrics), bodyOf(metrics)]);
  t.strictSame(linesOf(body, 'twinlake_divergent_paths'), ['twinlake_divergent_paths 3']);
  t.strictSame(linesOf(body, 'twinlake_open_intents'), ['twinlake_open_intents 1']);
  t.strictSame(linesOf(body, 'twinlake_journal_commits_total'), ['twinlake_journal_commits_total 5']);
  t.strictSame(linesOf(body, 'twinlake_route_reads').length, 4);
  reads = 'target';
  apps = ['billing'];
  commits = 6;
  body = await bodyOf(metrics);
  t.strictSame(linesOf(body, 'twinlake_route_reads'), [
    'twinlake_route_reads{app="billing",side="source"} 0',
    'twinlake_route_reads{app="billing",side="target"} 1',
  ]);
  t.strictSame(linesOf(body, 'twinlake_journal_commits_total'), ['twinlake_journal_commits_total 6']);
});

t.test('a source that throws costs its own series only, and is counted', async (t) => {
  const metrics = createMetrics();
  metrics.observe({
    openIntents: () => {
      throw new Error('closed');
    },
    openUploads: () => Promise.reject(new Error('closed')),
    divergentPaths: () => 1,
  });
  await bodyOf(metrics);
  const body = await bodyOf(metrics);
  t.strictSame(linesOf(body, 'twinlake_open_intents'), []);
  t.strictSame(linesOf(body, 'twinlake_open_uploads'), []);
  t.strictSame(linesOf(body, 'twinlake_divergent_paths'), ['twinlake_divergent_paths 1']);
  t.match(body, /twinlake_scrape_failures_total\{metric="twinlake_open_intents"\} [12]/);
});

t.test('cardinality is bounded, empty values have a name', async (t) => {
  const metrics = createMetrics();
  metrics.queries.child('', 'read', 'source', 'ok').inc();
  for (let i = 0; i < maxSeriesPerMetric + 50; i++)
    metrics.queries.child(`app${i}`, 'read', 'target', 'ok').inc();
  metrics.queries.child('app1', 'read', 'target', 'ok').inc();
  const lines = linesOf(await bodyOf(metrics), 'twinlake_queries_total');
  t.equal(lines.length, maxSeriesPerMetric + 1);
  t.equal(lines[0], `twinlake_queries_total{app="${noValue}",verb="read",side="source",outcome="ok"} 1`);
  t.ok(
    lines.includes(
      `twinlake_queries_total{app="${otherValue}",verb="${otherValue}",side="target",outcome="ok"} 51`,
    ),
  );
  t.ok(lines.includes('twinlake_queries_total{app="app1",verb="read",side="target",outcome="ok"} 2'));
});

t.test('label values are escaped', async (t) => {
  const metrics = createMetrics();
  metrics.refusedRequests.child('dfs', 'a "b"\\\nc').inc();
  t.match(await bodyOf(metrics), 'twinlake_refused_requests_total{face="dfs",reason="a \\"b\\"\\\\\\nc"} 1');
});

t.test('two sets of metrics do not know each other', async (t) => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.repairedBytes.child().inc(10);
  t.match(await bodyOf(one), /^twinlake_repaired_bytes_total 10$/m);
  t.match(await bodyOf(two), /^twinlake_repaired_bytes_total 0$/m);
});

t.test('the table is consistent', (t) => {
  const names = metricRows.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, 'names are unique');
  const places = panelsInOrder().map(({ row, place }) => `${panelRows.indexOf(row)}.${place}`);
  t.equal(new Set(places).size, places.length, 'no two panels at one place');
  const alerts = allAlerts().map(({ name }) => name);
  t.equal(new Set(alerts).size, alerts.length, 'alert names are unique');
  const rowOf = (panel: string) =>
    metricRows.find(({ panels = [] }) => panels.some(({ title }) => title === panel))!;
  t.strictSame(
    panelsInOrder()
      .slice(0, 5)
      .map(({ title }) => rowOf(title).name),
    [
      metricTable.divergentPaths,
      metricTable.oldestDivergenceSeconds,
      metricTable.queries,
      metricTable.mutations,
      metricTable.breakerState,
    ].map(({ name }) => name),
    'the first row tells the story',
  );
  for (const { name, type, labels, help } of metricRows) {
    t.match(name, /^(twinlake|process)_[a-z_]+$/, name);
    t.equal(name.endsWith('_total'), type === 'counter', name);
    t.match(help, /\.$/, name);
    for (const [label] of labels) t.match(label, /^[a-z]+$/);
  }
  t.end();
});

t.test('types refuse what the table does not have', (t) => {
  const metrics = createMetrics();
  // @ts-expect-error an outcome that is not in the table
  metrics.repairs.child('won');
  // @ts-expect-error a label is missing
  metrics.storeSeconds.child('source');
  // @ts-expect-error a counter does not fall
  metrics.repairedBytes.child().dec;
  const key: MetricKey = 'openIntents';
  t.ok(metricTable[key]);
  t.end();
});

/** Runs promtool if this machine has it. */
async function promtool(t: Test, args: string[], input: string): Promise<string | undefined> {
  const running = promisify(execFile)('promtool', args);
  running.child.stdin?.on('error', () => {}).end(input);
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
    t.comment(
      'promtool is not on this machine: the names were not linted here (npm run interop installs it)',
    );
    return undefined;
  }
}

t.test('promtool finds nothing to say about the names', async (t) => {
  const said = await promtool(t, ['check', 'metrics'], await bodyOf(createMetrics()));
  t.ok(said === undefined || said === '', said ?? 'not linted');
});

t.test('logs have level names, ISO times and no secrets', (t) => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==';
  logger.child({ requestId: 'r1' }).info(
    {
      headers: { authorization: `Bearer ${secret}`, host: 'lake' },
      url: `/lake/x?sv=2026-06-06&sig=${encodeURIComponent(secret)}&se=2030`,
      nested: { deep: { Authorization: `SharedKey acct:${secret}`, accountKey: secret } },
    },
    `asked https://h/x?delegation=${secret}&op=OPEN`,
  );
  logger.error({ err: new Error(`PUT http://h/x?a=b&sig=${secret} failed`) });
  logger.debug(`upstream said: Authorization SharedKey acct:${secret} is wrong`);
  const text = lines.join('');
  t.notMatch(text, /c2VjcmV0/);
  const [first, second] = lines.map((line) => JSON.parse(line));
  t.match(first, {
    level: 'info',
    requestId: 'r1',
    time: /^\d{4}-\d\d-\d\dT/,
    headers: { authorization: '[redacted]', host: 'lake' },
    url: '/lake/x?sv=2026-06-06&sig=[redacted]&se=2030',
    msg: 'asked https://h/x?delegation=[redacted]&op=OPEN',
  });
  t.match(second, { err: { type: 'Error', message: 'PUT http://h/x?a=b&sig=[redacted] failed' } });
  t.end();
});

t.test('redaction leaves the rest alone', (t) => {
  for (const line of [
    '{"msg":"Bearer token authentication is not permitted"}',
    '{"path":"/lake/sigma=1/signature.txt","op":"OPEN"}',
    '{"token_count":3,"user":"x"}',
  ]) {
    t.equal(redact(line), line);
  }
  t.equal(
    redact('{"a":"u?url=http%3A%2F%2Fh%2F%3Fsig%3Dabcdef"}'),
    '{"a":"u?url=http%3A%2F%2Fh%2F%3Fsig%3D[redacted]"}',
  );
  t.equal(
    redact('{"password":"a\\"b","x":1}'),
    '{"password":"[redacted]","x":1}',
    'an escaped quote does not end it',
  );
  t.equal(
    redact('{"u":"?op=CREATE&twinlake.link=a.b.c.d&x=1"}'),
    '{"u":"?op=CREATE&twinlake.link=[redacted]&x=1"}',
  );
  t.end();
});

t.test('silent writes nothing', (t) => {
  const lines: string[] = [];
  createLogger({ level: 'silent', destination: { write: (line) => void lines.push(line) } }).fatal('x');
  t.strictSame(lines, []);
  t.end();
});
