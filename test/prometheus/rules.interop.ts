// Real Prometheus against a live /metrics: every expression of dashboard and rules runs on scraped data,
// names and rules are judged by promtool. `npm run interop`; installs Debian's `prometheus` if it is missing.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { stringify } from 'yaml';
import { createAdmin } from '../../src/admin/admin-server.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { allAlerts, metricRows, panelsInOrder } from '../../src/telemetry/metric-table.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';

const run = promisify(execFile);
const config = new URL('../../config/prometheus/', import.meta.url);
/** Prometheus starts and scrapes three times in a second; a busy machine gets a minute. */
const patienceMs = 60_000;

async function present(command: string): Promise<boolean> {
  return run(command, ['--version']).then(
    () => true,
    () => false,
  );
}

async function installPrometheus(): Promise<void> {
  if ((await present('prometheus')) && (await present('promtool'))) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'prometheus'], { env });
}

/** What a gateway with two apps, one of them cut over, would have counted. */
function work(metrics: Metrics): void {
  for (const app of ['billing', 'hr']) {
    for (const side of ['source', 'target'] as const) {
      for (const outcome of ['acked', 'refused', 'unknown', 'skipped'] as const)
        metrics.mutations.child(app, 'create', side, outcome).inc(3);
      for (const outcome of ['ok', 'refused', 'failed'] as const)
        metrics.queries.child(app, 'read', side, outcome).inc(5);
    }
    metrics.secondaryLetGo.child(app, 'lag-time').inc();
    for (const result of ['ok', 'forwarded', 'unsupported'] as const)
      metrics.operations.child(app, 'webhdfs', 'GETSTORAGEPOLICY', result).inc();
    metrics.fidelityLosses.child(app, 'expiry').inc();
  }
  for (const side of ['source', 'target'] as const)
    for (const verb of ['create', 'read']) metrics.storeSeconds.child(side, verb).observe(0.02);
  for (const status of ['200', '503']) metrics.httpRequests.child('data', 'dfs', 'GET', status).inc();
  metrics.refusedRequests.child('webhdfs', 'unsupported').inc();
  metrics.scrapeFailures.child('twinlake_open_uploads').inc(0);
  metrics.repairs.child('cleared').inc();
  metrics.repairedBytes.child().inc(4096);
  metrics.collapsedDivergences.child().inc();
  metrics.chaosFaults.child('target', 'refuse').inc();
  metrics.journalCommits.child().inc();
  metrics.journalCommitSeconds.child().observe(0.004);
}

function observe(metrics: Metrics): void {
  metrics.observe({
    divergentPaths: () => 12,
    oldestDivergenceSeconds: () => 30,
    pinnedPaths: () => 1,
    repairsWaiting: () => 3,
    journalBytes: () => 65_536,
    openIntents: () => 2,
    openUploads: () => 1,
    openSagas: () => [['source', 1]],
    lockWaiters: () => 0,
    journalWritable: () => 1,
    routesValid: () => 1,
    httpInFlight: () => 4,
    certificateExpires: () => 4_000_000_000,
    breakerState: () => [
      ['source', 0],
      ['target', 2],
    ],
    routeReads: () => [
      ['billing', 'source', 1],
      ['billing', 'target', 0],
      ['hr', 'source', 0],
      ['hr', 'target', 1],
    ],
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Ends a child and waits until it is gone. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

async function startPrometheus(
  target: string,
): Promise<{ url: string; stop(): Promise<void>; log(): string }> {
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-prometheus-'));
  const rules = await readFile(new URL('twinlake.rules.yml', config), 'utf8');
  await writeFile(join(dir, 'twinlake.rules.yml'), rules);
  await writeFile(
    join(dir, 'prometheus.yml'),
    stringify({
      global: { scrape_interval: '300ms', scrape_timeout: '300ms', evaluation_interval: '300ms' },
      rule_files: ['twinlake.rules.yml'],
      scrape_configs: [{ job_name: 'twinlake', static_configs: [{ targets: [target] }] }],
    }),
  );
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk));
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(dir, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}`, stop, log: () => log };
}

interface Answer {
  status: string;
  error?: string;
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

async function ask(url: string, expr: string): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
  return (await response.json()) as Answer;
}

/** Polls, with the work going on, until the expression has a result. */
async function until(url: string, expr: string, meanwhile: () => void, log: () => string): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (Date.now() < giveUpAt) {
    meanwhile();
    const answer = await ask(url, expr).catch(() => undefined);
    if (answer && answer.data?.result.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no result for ${expr} in ${patienceMs} ms; Prometheus said:\n${log()}`);
}

/** What Grafana would send with All chosen. */
const filledIn = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*').replaceAll('$app', '.*');

const namesIn = (expr: string): string[] => [...new Set(expr.match(/\b(?:twinlake|process)_[a-z_]+/g) ?? [])];

await installPrometheus();
const metrics = createMetrics('0.0.0-interop');
observe(metrics);
const admin = await createAdmin({
  host: '127.0.0.1',
  port: 0,
  metrics,
  logger: createLogger({ level: 'silent' }),
  sources: {
    ready: () => ({ ready: true }),
    stores: () => [],
    journal: () => ({ writable: true }),
    apps: () => [],
    census: () => undefined,
    divergences: () => ({ total: 0, items: [] }),
    recover: async () => [],
    settle: async () => ({ settled: false }),
  },
});
t.teardown(() => admin.close());
const prometheus = await startPrometheus(new URL(admin.url).host);
t.teardown(() => prometheus.stop());
// Three scrapes with work between them, so that every rate has two points.
await until(prometheus.url, 'count_over_time(up[1m]) >= 3 and up == 1', () => work(metrics), prometheus.log);
await until(prometheus.url, 'rate(twinlake_mutations_total[1m]) > 0', () => work(metrics), prometheus.log);

t.test('every metric of the table arrives', async (t) => {
  for (const { name, type } of metricRows) {
    const { data } = await ask(prometheus.url, type === 'histogram' ? `${name}_count` : name);
    t.ok(data.result.length > 0, name);
  }
});

t.test('every expression of the dashboard gives data', async (t) => {
  for (const { title, targets } of panelsInOrder()) {
    for (const [expr] of targets) {
      const answer = await ask(prometheus.url, filledIn(expr));
      t.equal(answer.status, 'success', `${title}: ${answer.error ?? expr}`);
      t.ok(answer.data?.result.length > 0, `${title}: has series`);
      t.notOk(
        answer.data?.result.some(({ value }) => value[1] === 'NaN'),
        `${title}: has numbers`,
      );
    }
  }
  for (const variable of ['twinlake_build_info', 'twinlake_route_reads']) {
    t.ok(
      (await ask(prometheus.url, variable)).data.result.length > 0,
      `the variable of ${variable} has values`,
    );
  }
});

t.test('every alert expression is executed, on names that exist', async (t) => {
  for (const { name, expr } of allAlerts()) {
    const answer = await ask(prometheus.url, expr);
    t.equal(answer.status, 'success', `${name}: ${answer.error ?? 'executed'}`);
    for (const metric of namesIn(expr)) {
      t.ok((await ask(prometheus.url, metric)).data.result.length > 0, `${name}: ${metric} exists`);
    }
    // Without its comparison an expression shows its value: proof that it selects what is there.
    const bare = expr.replace(/ (?:[<>]|==) [\d.]+/g, '');
    t.ok(
      (await ask(prometheus.url, bare)).data.result.length > 0 || /absent|unless/.test(expr),
      `${name}: ${bare}`,
    );
  }
});

t.test('Prometheus itself has loaded the rules and evaluates them without error', async (t) => {
  const pending = 'ALERTS{alertname="TwinlakeStoreDown"}';
  await until(prometheus.url, pending, () => work(metrics), prometheus.log);
  const response = await fetch(`${prometheus.url}/api/v1/rules`);
  const { data } = (await response.json()) as {
    data: { groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[] };
  };
  const rules = data.groups.flatMap((group) => group.rules);
  t.strictSame(
    rules.map(({ name }) => name).sort(),
    allAlerts()
      .map(({ name }) => name)
      .sort(),
  );
  for (const rule of rules) t.equal(rule.lastError, undefined, rule.name);
  const down = rules.find(({ name }) => name === 'TwinlakeStoreDown')!;
  t.equal(down.state, 'pending', 'the open breaker is seen');
});

t.test('promtool: rules, their unit tests, configuration and the live exposition', async (t) => {
  const { body } = await metrics.expose();
  const lint = run('promtool', ['check', 'metrics']);
  lint.child.stdin!.end(body);
  const { stdout, stderr } = await lint;
  t.equal(stdout + stderr, '', 'names and types are clean');
  const at = (name: string): string => new URL(name, config).pathname;
  for (const [command, what, file] of [
    ['check', 'rules', 'twinlake.rules.yml'],
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'twinlake.rules.test.yml'],
  ] as const) {
    const result = await run('promtool', [command, what, at(file)]).catch(
      (error) => error as { stderr: string },
    );
    t.match(result, { stdout: /SUCCESS/ }, `promtool ${command} ${what}: ${result.stderr}`);
    t.notOk(result instanceof Error, result.stderr);
  }
});
