// What ships beside the code: generated dashboard and rules, Dockerfile, Kubernetes manifests.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { generated } from '../config/generate.ts';
import { ruleCases } from '../config/prometheus/rule-cases.ts';
import { adminRoutes } from '../src/admin/admin-schemas.ts';
import { loadGatewayConfig } from '../src/config/gateway-config.ts';
import { loadRoutes } from '../src/config/routes.ts';
import { allAlerts, metricRows, panelsInOrder } from '../src/telemetry/metric-table.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const run = promisify(execFile);

t.test('generated files are up to date', async (t) => {
  for (const [path, content] of generated()) {
    t.equal(await read(join('config', path)), content, `${path}: run \`npm run generate\``);
  }
});

t.test('every alert is unit-tested, every expression names metrics of the table', (t) => {
  t.strictSame(
    Object.keys(ruleCases).sort(),
    allAlerts()
      .map(({ name }) => name)
      .sort(),
  );
  const known = new Set(
    metricRows.flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const exprs = [
    ...allAlerts(),
    ...panelsInOrder().flatMap(({ targets }) => targets.map(([expr]) => ({ expr }))),
  ];
  for (const { expr } of exprs) {
    for (const name of expr.match(/\b(?:twinlake|process)_[a-z_]+/g) ?? [])
      t.ok(known.has(name), `${name} in ${expr}`);
  }
  t.end();
});

const datasourceVariable = `\${datasource}`;

interface Target {
  expr: string;
  datasource: { uid: string };
}
interface PanelModel {
  id: number;
  type: string;
  title: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
}
interface DashboardModel {
  id: null;
  uid: string;
  schemaVersion: number;
  panels: PanelModel[];
  templating: { list: { name: string; type: string; query: unknown }[] };
}

t.test('the dashboard is one that a stock Grafana loads', async (t) => {
  const model = JSON.parse(await read('config/grafana/dashboards/twinlake.json')) as DashboardModel;
  t.match(model, { id: null, uid: 'twinlake', title: 'Twinlake', schemaVersion: Number });
  t.ok(model.schemaVersion >= 36, 'uid references to data sources came with 36');
  t.strictSame(
    model.templating.list.map(({ name, type }) => [name, type]),
    [
      ['datasource', 'datasource'],
      ['instance', 'query'],
      ['app', 'query'],
    ],
  );
  const panels = model.panels.filter(({ type }) => type !== 'row');
  t.equal(panels.length, panelsInOrder().length);
  t.equal(new Set(model.panels.map(({ id }) => id)).size, model.panels.length, 'ids are unique');
  for (const panel of panels) {
    // The core plugins only: a stock Grafana has no others.
    t.ok(['timeseries', 'state-timeline'].includes(panel.type), panel.title);
    t.strictSame(panel.datasource, { type: 'prometheus', uid: datasourceVariable }, panel.title);
    for (const { expr, datasource } of panel.targets!) {
      t.equal(datasource.uid, datasourceVariable);
      t.notMatch(
        expr.replaceAll(/\$(?:__rate_interval|instance|app)\b/g, ''),
        /\$/,
        'only variables that exist',
      );
    }
    t.ok(panel.gridPos.x + panel.gridPos.w <= 24, `${panel.title} is inside the grid`);
  }
  const first = panels.filter(({ gridPos }) => gridPos.y === panels[0]!.gridPos.y);
  t.strictSame(
    first.map(({ title }) => title),
    ['Divergent paths', 'Oldest divergence', 'Reads by side', 'Acked writes by side', 'Breakers'],
  );
});

t.test('provisioning points at what is there', async (t) => {
  const [sources] = parseAllDocuments(await read('config/grafana/provisioning/datasources/prometheus.yaml'));
  t.match(sources!.toJS(), {
    apiVersion: 1,
    datasources: [{ type: 'prometheus', isDefault: true, uid: String }],
  });
  const [providers] = parseAllDocuments(await read('config/grafana/provisioning/dashboards/twinlake.yaml'));
  t.match(providers!.toJS(), {
    apiVersion: 1,
    providers: [{ type: 'file', options: { path: /^\/var\/lib\/grafana/ } }],
  });
  const [prometheus] = parseAllDocuments(await read('config/prometheus/prometheus.yml'));
  t.match(prometheus!.toJS(), {
    rule_files: ['twinlake.rules.yml'],
    scrape_configs: [{ job_name: /^twinlake/ }],
  });
});

t.test('the Dockerfile is valid and does what an operator expects', async (t) => {
  const text = await read('Dockerfile');
  t.strictSame(
    validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
    [],
  );
  t.not(validate(text.replace('EXPOSE 8080', 'EXPOSE eighty')).length, 0, 'the validator sees a bad port');
  t.match(text, /^USER 10001:10001$/m);
  t.match(text, /^EXPOSE 8080 9090$/m);
  t.match(text, /^VOLUME \/var\/lib\/twinlake$/m);
  t.match(text, /^CMD \["serve", "--config", "\/etc\/twinlake"\]$/m);
  t.match(text, `${adminRoutes.live.path}\``);
  const user = text.lastIndexOf('\nUSER ');
  t.notMatch(text.slice(user), /^RUN /m, 'nothing runs as root after the user is set');
  const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, what]) => what!.split(' '));
  const allowed = (await read('.dockerignore')).split('\n').filter((line) => line.startsWith('!'));
  for (const what of copied)
    t.ok(allowed.includes(`!${what.replace('*', '')}`), `${what} reaches the builder`);
});

t.test('the health check of the image speaks JavaScript', async (t) => {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    response.writeHead(request.url === adminRoutes.live.path ? 200 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const command = /CMD (\["node", "-e".*\])/.exec(await read('Dockerfile'))![1]!;
  const [, ...args] = JSON.parse(command) as string[];
  const check = (portText: string) =>
    run(process.execPath, args, { env: { TWINLAKE_ADMIN_PORT: portText } }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  t.equal(await check(String(port)), 0, 'healthy');
  t.equal(await check('1'), 1, 'nobody answers');
});

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [key: string]: unknown;
}

const manifestsOf = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml, { strict: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.toJS() as Manifest;
  });

/** The manifests as they are on disk: without what kustomize adds. */
async function manifestsOnDisk(): Promise<Manifest[]> {
  const names = (await readdir(join(root, 'k8s'))).filter(
    (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
  );
  return (await Promise.all(names.map((name) => read(join('k8s', name))))).flatMap(manifestsOf);
}

/** Types and required fields, as the API server's own schemas have them. */
async function validateTypes(t: Test, manifests: Manifest[]): Promise<void> {
  for (const manifest of manifests) {
    const models = (await import(`kubernetes-models/${manifest.apiVersion}`)) as Record<
      string,
      new (
        data: unknown,
      ) => { validate(): void }
    >;
    const Model = models[manifest.kind]!;
    t.doesNotThrow(() => new Model(manifest).validate(), `${manifest.kind} ${manifest.metadata.name}`);
  }
}

/** Unknown fields, which `validate()` lets pass and a cluster refuses, as the compiler sees them. */
async function unknownFields(t: Test, manifests: Manifest[]): Promise<string> {
  const lines = manifests.map((manifest) => {
    const type = `import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind}`;
    return `(${JSON.stringify(manifest)}) satisfies ${type};`;
  });
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: 'nodenext',
    target: 'esnext',
    skipLibCheck: true,
    types: [],
  };
  const dir = t.testdir({
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['manifests.ts'] }),
    'manifests.ts': `${lines.join('\n')}\nexport {};\n`,
  });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  // Without the loaders that tap gives to every child: they cannot load the compiler.
  return run('env', ['-u', 'NODE_OPTIONS', process.execPath, tsc, '-p', dir]).then(
    () => '',
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  );
}

t.test('Kubernetes manifests have no wrong, missing or unknown field', async (t) => {
  const manifests = await manifestsOnDisk();
  t.strictSame(manifests.map(({ kind }) => kind).sort(), [
    'Namespace',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Service',
    'Service',
    'ServiceAccount',
    'StatefulSet',
  ]);
  await validateTypes(t, manifests);
  t.equal(await unknownFields(t, manifests), '');
  const set = manifests.find(({ kind }) => kind === 'StatefulSet')!;
  const typo = { ...set, spec: { ...(set.spec as object), replcas: 1 } };
  t.match(await unknownFields(t, [typo]), /replcas/, 'a typo would be seen');
});

interface PodSpec {
  containers: {
    image: string;
    ports: { name: string; containerPort: number }[];
    volumeMounts: { name: string; mountPath: string }[];
    [key: string]: unknown;
  }[];
  volumes: { name: string }[];
  securityContext: Record<string, unknown>;
}
interface SetSpec {
  replicas: number;
  serviceName: string;
  selector: { matchLabels: Record<string, string> };
  template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  volumeClaimTemplates: { metadata: { name: string } }[];
}

t.test('the manifests fit each other, the image and the admin API', async (t) => {
  const manifests = await manifestsOnDisk();
  const { spec } = manifests.find(({ kind }) => kind === 'StatefulSet') as unknown as { spec: SetSpec };
  const pod = spec.template.spec;
  const [container] = pod.containers;
  t.equal(spec.replicas, 1);
  t.match(container, {
    args: ['serve', '--config', '/etc/twinlake'],
    livenessProbe: { httpGet: { path: adminRoutes.live.path, port: 'admin' } },
    startupProbe: { httpGet: { path: adminRoutes.live.path, port: 'admin' } },
    readinessProbe: { httpGet: { path: adminRoutes.ready.path, port: 'admin' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  });
  t.match(
    pod.securityContext,
    { runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001 },
    'the user of the Dockerfile',
  );
  const volumes = [
    ...pod.volumes.map(({ name }) => name),
    ...spec.volumeClaimTemplates.map(({ metadata }) => metadata.name),
  ];
  t.strictSame(container!.volumeMounts.map(({ name }) => name).sort(), volumes.sort());
  const services = manifests.filter(({ kind }) => kind === 'Service') as unknown as {
    metadata: { name: string };
    spec: {
      selector: Record<string, string>;
      clusterIP?: string;
      ports: { port: number; targetPort: string }[];
    };
  }[];
  t.ok(
    services.some(
      ({ metadata, spec: { clusterIP } }) => metadata.name === spec.serviceName && clusterIP === 'None',
    ),
  );
  for (const service of services) {
    t.match(spec.template.metadata.labels, service.spec.selector);
    for (const { port, targetPort } of service.spec.ports) {
      t.ok(
        container!.ports.some(({ name, containerPort }) => name === targetPort && containerPort === port),
        `${service.metadata.name}: ${targetPort}`,
      );
    }
  }
  const config = loadGatewayConfig(join(root, 'k8s/config'), {});
  t.match(config.listen, { data: { host: '0.0.0.0', port: 8080 }, admin: { host: '0.0.0.0', port: 9090 } });
  t.equal(config.state.dir, container!.volumeMounts.find(({ name }) => name === 'state')!.mountPath);
  t.ok(loadRoutes(join(root, 'k8s/config'), config.stores).routes.has('default'));
});

t.test('kustomize builds the base, and what it builds is valid', async (t) => {
  const built = await run('kubectl', ['kustomize', join(root, 'k8s')], { maxBuffer: 2 ** 24 }).catch(
    (error) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    },
  );
  if (!built) {
    t.comment('NOT CHECKED: kubectl is not on this machine, so the kustomize build was not run');
    return;
  }
  t.equal(built.stderr, '', 'no warning');
  const manifests = manifestsOf(built.stdout);
  await validateTypes(t, manifests);
  t.equal(await unknownFields(t, manifests), '');
  for (const { kind, metadata } of manifests)
    if (kind !== 'Namespace') t.equal(metadata.namespace, 'twinlake', `${kind} ${metadata.name}`);
  const maps = manifests.filter(({ kind }) => kind === 'ConfigMap');
  const named = (start: string) => maps.find(({ metadata }) => metadata.name.startsWith(start))!;
  t.equal(named('twinlake-dashboard').metadata.labels?.grafana_dashboard, '1');
  t.equal(named('twinlake-routes').metadata.name, 'twinlake-routes', 'a change of routes restarts nothing');
  t.match(named('twinlake-gateway').metadata.name, /^twinlake-gateway-\w+$/, 'a change of the rest does');
  t.match(built.stdout, `name: ${named('twinlake-gateway').metadata.name}\n`, 'and the pod refers to it');
  t.strictSame(named('twinlake-dashboard').data, {
    'twinlake.json': await read('config/grafana/dashboards/twinlake.json'),
  });
  // kubectl apply keeps the whole object in an annotation of at most 256 KiB.
  t.ok(Math.max(...manifests.map((manifest) => JSON.stringify(manifest).length)) < 200_000);
});

t.test('nothing secret and no path of a developer is in them', async (t) => {
  const files = [
    'Dockerfile',
    '.dockerignore',
    ...[...generated().keys()].map((path) => join('config', path)),
  ];
  for (const dir of ['k8s', 'k8s/config', 'config/grafana']) {
    const entries = await readdir(join(root, dir), { withFileTypes: true });
    files.push(...entries.filter((entry) => entry.isFile()).map((entry) => join(dir, entry.name)));
  }
  for (const file of files) {
    t.notMatch(
      await read(file),
      /\/(?:work|home|root|Users)\/|AccountKey|BEGIN [A-Z ]*PRIVATE|kind: Secret/,
      file,
    );
  }
});
