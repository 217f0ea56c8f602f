// gateway.yaml and TWINLAKE_* variables: what is accepted, what is refused and on which line; `config check`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { runConfigCheck } from '../src/cli/config-check.ts';
import { loadGatewayConfig, parseGatewayConfig } from '../src/config/gateway-config.ts';
import { loadRoutes } from '../src/config/routes.ts';
import { devstoreKey } from '../src/config/secret.ts';
import { refusal } from './config-refusal.ts';

const sample = resolve(import.meta.dirname, '../config');

const stores = `
state: { dir: state }
stores:
  source: { type: webhdfs, url: http://nn:9870 }
  target: { type: adls-gen2, url: https://acct.dfs.core.windows.net }
`;

const brokenGateways: [what: string, text: string, env: Record<string, string>, problems: string[]][] = [
  ['nothing', '', {}, ['g:1:1: is empty']],
  [
    'nothing said',
    '{}',
    {},
    ["g:1:1: missing key 'stores'", "g:1:1: missing key 'dir' (or set TWINLAKE_STATE_DIR)"],
  ],
  [
    'an unknown store side',
    `state: { dir: x }\nstores:\n  sorce: { type: memory }\n  target: { type: memory }\n`,
    {},
    ["g:2:1: missing key 'source'", "g:3:3: unknown key 'sorce': did you mean 'source'?"],
  ],
  [
    'an unknown store type, and keys of another type',
    `state: { dir: x }\nstores:\n  source: { type: hdfs, url: x }\n  target: { type: memory, url: http://x }\n`,
    {},
    [
      "g:3:19: 'hdfs' must be a store type: webhdfs, adls-gen1",
      "g:4:27: unknown key 'url': known keys are type",
    ],
  ],
  [
    'limits',
    `${stores}writes: { lagMs: -1, lagBytes: 1.5, zombieMs: soon, lockWait: 3 }\n`,
    {},
    [
      "g:6:18: '-1' must be >= 0",
      "g:6:32: '1.5' must be a whole number",
      "g:6:47: 'soon' must be a whole number",
      "g:6:53: unknown key 'lockWait': did you mean 'lockWaitMs'?",
    ],
  ],
  [
    'lags and idle times that contradict',
    `${stores}writes: { lagBytes: 100000, lagTotalBytes: 70000, blocksIdleMs: 70 }\n`,
    {},
    ['g:6:44: must be at least lagBytes', 'g:6:65: must be at least uploadIdleMs'],
  ],
  ['backoffs that contradict', `${stores}repair: { backoffMaxMs: 1 }\n`, {}, ['g:6:25: must be at least']],
  [
    'one port twice',
    `${stores}listen: { data: { port: 9090 } }\n`,
    {},
    ['g:6:1: the data listener has this port'],
  ],
  [
    'TLS files',
    `${stores}listen: { data: { tls: { certFile: no.pem, keyFile: no.key } } }\n`,
    {},
    ['g:6:36: there is no file', 'g:6:53: there is no file'],
  ],
  [
    'variables',
    stores,
    { TWINLAKE_DATA_PORT: '80x', TWINLAKE_ADMIN_PORT: 'tcp://10.0.0.1:9090', TWINLAKE_LOG_LEVEL: 'loud' },
    [
      "TWINLAKE_ADMIN_PORT: 'tcp://10.0.0.1:9090' must be a port: 0 to 65535; this comes from a Kubernetes Service",
      "TWINLAKE_DATA_PORT: '80x' must be a port: 0 to 65535",
      "TWINLAKE_LOG_LEVEL: 'loud' must be one of",
    ],
  ],
  [
    'a variable that the store has no key for',
    'state: { dir: x }\nstores: { source: { type: memory }, target: { type: memory } }\n',
    { TWINLAKE_SOURCE_URL: 'http://x' },
    ["TWINLAKE_SOURCE_URL: unknown key 'url'"],
  ],
  [
    'references that lead nowhere',
    `${stores}log: { level: '\${env:NONE}' }\naccounts: ['\${file:none}', '\${what}']\n`,
    {},
    [
      'g:6:15: the environment variable NONE is not set',
      `g:7:12: the file ${join(sample, 'none')} cannot be read (ENOENT)`,
      `g:7:28: \${what} is no reference`,
    ],
  ],
];

t.test('broken gateway files and variables are refused with every problem at its place', async (t) => {
  for (const [what, text, env, problems] of brokenGateways) {
    const lines = refusal(() => parseGatewayConfig(text, { file: 'g', dir: sample, env })).split('\n');
    t.equal(lines.length, problems.length, `${what}: ${lines.join(' | ')}`);
    for (const [i, problem] of problems.entries()) {
      t.ok(lines[i]?.startsWith(problem), `${what}: ${lines[i]} begins with ${problem}`);
    }
  }
});

t.test('secrets come by reference and are never printed', async (t) => {
  const dir = t.testdir({ 'account.key': 'from-file\n' });
  const of = (target: string): string =>
    `state: { dir: s }\nstores:\n  source: { type: adls-gen1, url: https://a.example, identity: { kind: client-secret, tenantId: t, clientId: c, clientSecret: '\${env:S}' } }\n  target: { type: adls-gen2, url: 'https://\${env:A}.dfs.core.windows.net', ${target} }\n`;
  const env = { S: 'hunter2', A: 'acct' };
  const parse = (target: string) => parseGatewayConfig(of(target), { file: 'g', dir, env });

  const config = parse(`key: '\${file:account.key}'`);
  const { source, target } = config.stores;
  if (source.type !== 'adls-gen1' || target.type !== 'adls-gen2') throw new Error('other types than written');
  t.equal(source.identity.clientSecret?.reveal(), 'hunter2');
  t.equal(target.key?.reveal(), 'from-file');
  t.equal(target.account, 'acct');
  t.equal(target.identity, undefined);
  const printed = `${inspect(config, { depth: 9 })} ${JSON.stringify(config)} ${target.key}`;
  t.notMatch(printed, /hunter2|from-file/);
  t.match(printed, /\[secret\]/);

  t.match(parse('layers: { timeoutMs: 5 }').stores.target, { identity: { kind: 'default' } });
  t.match(
    refusal(() => parse('key: plain')),
    /^g:4:\d+: a secret must not stand in this file: write \$\{env:NAME\}/,
  );
  t.match(
    refusal(() => parse(`key: 'x\${env:S}'`)),
    /a secret must not stand/,
  );
  t.match(
    refusal(() => parse(`key: '\${env:S}', sas: '\${env:S}'`)),
    /one of key, sas must go/,
  );
  t.notMatch(
    refusal(() => parse(`key: '\${env:S}', account: '\${env:S}!'`)),
    /hunter2/,
  );
  const inUrl = stores.replace('http://nn:9870', 'http://root:hunter2@nn:9870');
  t.match(
    refusal(() => parseGatewayConfig(inUrl, { file: 'g', dir, env })),
    /^g:4:\d+: must be an http or https URL without user/,
  );
  t.match(
    refusal(() =>
      parseGatewayConfig(of('key: devstore').replace('clientId: c, ', ''), { file: 'g', dir, env }),
    ),
    /missing key 'clientId'/,
  );
});

t.test('the sample config, its defaults and the variables', async (t) => {
  const config = loadGatewayConfig(sample, {});
  t.match(config, {
    listen: { data: { host: '127.0.0.1', port: 8080 }, admin: { host: '127.0.0.1', port: 9090 } },
    state: { dir: resolve(sample, '../state') },
    accounts: ['devstoreaccount1'],
    writes: { lagMs: 2000, lagBytes: 8388608, lagTotalBytes: 268435456, zombieMs: 5000 },
    emulators: {
      webhdfs: { port: 9870, dir: resolve(sample, '../state/emulators/webhdfs') },
      dfs: { port: 10004 },
    },
    stores: {
      source: {
        type: 'webhdfs',
        url: 'http://127.0.0.1:9870',
        user: 'twinlake',
        layers: { timeoutMs: 30000 },
      },
      target: {
        type: 'adls-gen2',
        url: 'http://127.0.0.1:10004/devstoreaccount1',
        account: 'devstoreaccount1',
      },
    },
  });
  t.equal(config.emulators.dfs.accounts.devstoreaccount1?.reveal(), devstoreKey);
  t.equal(loadRoutes(sample, config.stores).match({})?.app, 'default');

  const moved = loadGatewayConfig(sample, {
    TWINLAKE_DATA_PORT: '0',
    TWINLAKE_ADMIN_HOST: '0.0.0.0',
    TWINLAKE_STATE_DIR: 'elsewhere',
    TWINLAKE_EMULATOR_DFS_PORT: '12345',
    TWINLAKE_EMULATOR_WEBHDFS_PORT: '12346',
    TWINLAKE_SOURCE_URL: 'http://127.0.0.1:9870',
    TWINLAKE_LOG_LEVEL: '',
  });
  t.match(moved, {
    listen: { data: { port: 0 }, admin: { host: '0.0.0.0' } },
    state: { dir: resolve('elsewhere') },
    log: { level: 'info' },
    emulators: { webhdfs: { port: 12346 } },
    stores: {
      source: { url: 'http://127.0.0.1:9870' },
      target: { url: 'http://127.0.0.1:12345/devstoreaccount1' },
    },
  });
});

t.test('config check', async (t) => {
  const run = async (dir: string): Promise<{ code: number; lines: string[] }> => {
    const lines: string[] = [];
    const code = await runConfigCheck(dir, (line) => lines.push(line), {});
    return { code, lines };
  };
  const good = await run(sample);
  t.equal(good.code, 0, good.lines.join('\n'));
  t.ok(
    good.lines.includes('default  source  both    primary  reads     /lake -> /lake'),
    good.lines.join('\n'),
  );

  const dir = t.testdir({ 'gateway.yaml': readFileSync(join(sample, 'gateway.yaml')) });
  const missing = await run(dir);
  t.equal(missing.code, 1);
  t.same(missing.lines, [`${dir}/routes.yaml: cannot be read: there is no such file`, '1 problem']);

  writeFileSync(
    join(dir, 'routes.yaml'),
    'mounts: [{ source: /a, target: /A }]\napps:\n  a: { reads: source, writes: both }\n',
  );
  t.same(
    (await run(dir)).lines[0],
    `${dir}/routes.yaml:1:32: 'A' is no filesystem name (3 to 63 lower-case letters, digits and single hyphens)`,
  );

  writeFileSync(join(dir, 'gateway.yaml'), 'stat: 1\n');
  const both = await run(dir);
  t.equal(both.code, 1);
  t.match(both.lines.at(-1), /^3 problems$/, both.lines.join('\n'));
});
