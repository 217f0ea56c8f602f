// A broken routes.yaml is refused with file, line and reason, and changes nothing: not while the gateway runs, not when it starts.
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { adminView, until } from './admin-view.ts';
import { webhdfsClient } from './clients.ts';
import { type Lake, routesOf, startLake } from './lake.ts';
import { projectRoot } from './server-process.ts';

t.setTimeout(300_000);

/** A routes.yaml with a mistake, the line it is in, and what the message has to say. */
interface Broken {
  name: string;
  text: string;
  line: number;
  says: RegExp;
}

const mounts = 'mounts:\n  - { source: /lake, target: /lake }\n';
const broken: readonly Broken[] = [
  {
    name: 'bad YAML',
    text: `${mounts}apps:\n  default: { reads: target, writes: both\n`,
    line: 5,
    says: /flow map|\}/i,
  },
  {
    name: 'an unknown key',
    text: `${mounts}apps:\n  default:\n    reads: target\n    writes: both\n    fallover: reads\n`,
    line: 7,
    says: /fallover.*failover/s,
  },
  {
    name: 'an unknown store',
    text: `${mounts}apps:\n  default:\n    reads: archive\n    writes: both\n`,
    line: 5,
    says: /archive.*source.*target|source.*target/s,
  },
  {
    name: 'two apps that match the same host',
    text:
      `${mounts}apps:\n` +
      '  one:\n    match: { hosts: [lake.example.com] }\n    reads: target\n    writes: both\n' +
      '  two:\n    match: { hosts: [LAKE.example.com] }\n    reads: source\n    writes: both\n',
    line: 8,
    says: /one.*two|two.*one/s,
  },
];

/** `npx twinlake ARGS` as a user types it in the project's folder. */
function npx(...args: string[]): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('npx', ['twinlake', ...args], {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { code: status, out: stdout + stderr };
}

/** The route in force, as the admin API shows it. */
async function effective(lake: Lake): Promise<unknown> {
  const [app] = await adminView(lake.gateway.adminUrl).apps();
  return app?.effective;
}

/** A write and a read; the side that the read came from. */
async function traffic(lake: Lake, name: string): Promise<string | null | undefined> {
  const client = webhdfsClient(lake.gateway.url);
  await client.write(`/lake/${name}`, name);
  return (await client.read(`/lake/${name}`))?.servedBy;
}

async function refused(t: Test, lake: Lake, { name, text, line, says }: Broken): Promise<void> {
  const admin = adminView(lake.gateway.adminUrl);
  const reloads = (outcome: string) => admin.metric('twinlake_routes_reloads_total', { outcome });
  const [applied, counted] = [await reloads('applied'), await reloads('refused')];
  const before = await effective(lake);
  const logged = lake.gateway.log.length;

  await lake.setRoutes(text);
  await until(`${name} is refused`, async () => (await reloads('refused')) > counted, 10_000);
  t.equal(await admin.metric('twinlake_routes_valid'), 0, 'twinlake_routes_valid says so');
  t.equal(await reloads('applied'), applied, 'nothing was put in force');
  const message = await until('the log says why', () =>
    lake.gateway.log.slice(logged).find((entry) => entry.msg?.includes('routes.yaml')),
  );
  t.match(message.msg, new RegExp(`routes\\.yaml:${line}:\\d+: `), `the log names file and line ${line}`);
  t.match(message.msg, says, 'and the reason');
  t.strictSame(await effective(lake), before, '/v1/apps shows the old route');
  t.equal(await traffic(lake, `during-${line}`), 'source', 'traffic goes on under it');
}

async function healed(t: Test, lake: Lake, side: 'source' | 'target'): Promise<void> {
  const admin = adminView(lake.gateway.adminUrl);
  await lake.setRoutes(routesOf({ reads: side }));
  await until(
    'a good file is taken',
    async () => (await admin.metric('twinlake_routes_valid')) === 1,
    10_000,
  );
  t.match(await effective(lake), { reads: side }, '/v1/apps shows it');
}

t.test('a broken file changes nothing until a good one replaces it', async (t) => {
  const lake = await startLake(t);
  t.equal(await traffic(lake, 'before'), 'source');
  for (const each of broken) await t.test(each.name, (t) => refused(t, lake, each));
  await t.test('`npx twinlake config check` says the same', async (t) => {
    const { line } = broken.at(-1)!;
    const check = npx('config', 'check', lake.configDir);
    t.equal(check.code, 1);
    t.match(check.out, new RegExp(`routes\\.yaml:${line}:\\d+: `));
    t.match(check.out, /^1 problem$/m);
  });
  await t.test('one broken file after another, then a good one', async (t) => {
    await healed(t, lake, 'target');
    t.equal(await traffic(lake, 'after'), 'target');
    const check = npx('config', 'check', lake.configDir);
    t.equal(check.code, 0, '`npx twinlake config check` succeeds');
    t.match(check.out, /default\s+target\s+both/, 'and shows the table');
  });
  await t.test('a file that has gone is refused like a broken one', async (t) => {
    const admin = adminView(lake.gateway.adminUrl);
    await rm(join(lake.configDir, 'routes.yaml'));
    await until('it is refused', async () => (await admin.metric('twinlake_routes_valid')) === 0, 10_000);
    t.equal(await traffic(lake, 'without-a-file'), 'target');
    await healed(t, lake, 'source');
  });
});

t.test('a gateway that starts on a broken file goes on with the table in its journal', async (t) => {
  const lake = await startLake(t, { routes: routesOf({ reads: 'target' }) });
  t.equal(await traffic(lake, 'before'), 'target');
  t.equal(await lake.gateway.stop(), 0, 'it stops cleanly');
  const [first] = broken;
  await writeFile(join(lake.configDir, 'routes.yaml'), first!.text);
  await lake.gateway.start();
  const admin = adminView(lake.gateway.adminUrl);
  t.match(await effective(lake), { reads: 'target' }, '/v1/apps shows the table of the former process');
  t.equal(await admin.metric('twinlake_routes_valid'), 0);
  t.ok(
    lake.gateway.log.some((entry) => /routes\.yaml:\d+:\d+: /.test(entry.msg ?? '')),
    'the log names file and line',
  );
  t.equal((await fetch(`${lake.gateway.adminUrl}/health/ready`)).status, 200, 'it is ready');
  t.equal(await traffic(lake, 'after'), 'target', 'traffic follows it');
  await healed(t, lake, 'source');
  t.equal(await traffic(lake, 'healed'), 'source');
});

t.test('a first start on a broken file fails with file, line and reason', async (t) => {
  await t.rejects(startLake(t, { routes: broken[1]!.text }), /routes\.yaml:7:\d+: .*fallover/);
});
