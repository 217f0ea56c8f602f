// routes.yaml: what is refused and on which line; matching and mounts against the rules written down a second time.
import fc from 'fast-check';
import t from 'tap';
import { parseRoutes, type StoreTypes } from '../src/config/routes.ts';
import { findMount, translatePath } from '../src/core/mount.ts';
import type { Caller } from '../src/core/store.ts';
import { refusal } from './config-refusal.ts';

const gen2: StoreTypes = { source: { type: 'webhdfs' }, target: { type: 'adls-gen2' } };

const top = 'mounts: [{ source: /lake, target: /lake }]\napps:\n';

const brokenRoutes: [what: string, text: string, problems: string[]][] = [
  ['nothing', '', ['r:1:1: the file is empty: it needs `apps`']],
  ['a comment only', '# later\n', ['r:1:1: the file is empty: it needs `apps`']],
  ['a list', '- a\n', ['r:1:1: must be a map with the keys `mounts` and `apps`']],
  ['no apps', 'mounts: [{ source: /a, target: /b }]\n', ["r:1:1: missing key 'apps'"]],
  ['empty apps', 'apps: {}\n', ['r:1:1: must be a map of at least one app']],
  ['bad YAML', `${top}  a: { reads: source\n  b: 1\n`, ['r:4:3: bad YAML: ']],
  ['a tab', `${top}\ta: 1\n`, ['r:3:1: bad YAML: ']],
  [
    'two documents',
    `${top}  a: { reads: source, writes: both }\n---\nx: 1\n`,
    ['r:4:1: bad YAML: one document'],
  ],
  ['an unknown tag', `${top}  a: !foo {}\n`, ['r:3:6: bad YAML: Unresolved tag: !foo']],
  ['a duplicate key', `${top}  a:\n    reads: source\n    reads: target\n`, ["r:5:5: duplicate key 'reads'"]],
  ['the same app twice', `${top}  a: {}\n  a: {}\n`, ["r:4:3: duplicate key 'a'"]],
  [
    'a mistyped key',
    `${top}  a:\n    raeds: source\n    writes: both\n`,
    ["r:3:3: missing key 'reads'", "r:4:5: unknown key 'raeds': did you mean 'reads'?"],
  ],
  [
    'a key like nothing known',
    `${top}  a:\n    reads: source\n    writes: both\n    zzz: 1\n`,
    ["r:6:5: unknown key 'zzz': known keys are match, reads"],
  ],
  [
    'an unknown top key',
    `app: {}\n${top}  a: { reads: source, writes: both }\n`,
    ["r:1:1: unknown key 'app'"],
  ],
  [
    'an unknown store',
    `${top}  a:\n    reads: azure\n    writes: both\n`,
    ["r:4:12: 'azure' must be a store: source or target"],
  ],
  [
    'a wrong word',
    `${top}  a: { reads: source, writes: both, ack: maybe }\n`,
    ["r:3:42: 'maybe' must be one of"],
  ],
  ['an empty value', `${top}  a:\n    reads:\n    writes: both\n`, ['r:4:5: is empty: give it a value']],
  [
    'a number as text',
    `${top}  a: { reads: source, writes: both, match: { users: [7] } }\n`,
    ["r:3:54: '7' must be"],
  ],
  [
    'an empty list',
    `${top}  a: { reads: source, writes: both, match: { hosts: [] } }\n`,
    ['r:3:46: must not be'],
  ],
  [
    'an empty match',
    `${top}  a: { reads: source, writes: both, match: {} }\n`,
    ['r:3:37: match has no keys'],
  ],
  [
    'hosts with port and wildcard',
    `${top}  a: { reads: source, writes: both, match: { hosts: ['a:80', '*.b', '[::1]:1', '::1'] } }\n`,
    ["r:3:54: 'a:80' must be", "r:3:62: '*.b' must be", "r:3:69: '[::1]:1' must be"],
  ],
  [
    'one header in two cases',
    `${top}  a: { reads: source, writes: both, match: { headers: { X-App: a, x-app: b, 'y z': c } } }\n`,
    ["r:3:67: 'x-app' is the same header as 'X-App'", "r:3:77: 'y z' is no header name"],
  ],
  ['an app name', `${top}  a b: { reads: source, writes: both }\n`, ["r:3:3: 'a b' is no app name"]],
  [
    'source with target',
    `${top}  a:\n    reads: source\n    writes: target\n`,
    ['r:5:13: reads: source (line 4) with writes: target would never'],
  ],
  [
    'target with source',
    `${top}  a: { reads: target, writes: source }\n`,
    ['r:3:31: reads: target (line 3)'],
  ],
  ['no mounts', 'apps:\n  a: { reads: source, writes: both }\n', ["r:2:3: app 'a' has no mounts"]],
  [
    'relative and climbing mounts',
    'mounts:\n  - { source: lake, target: /lake }\n  - { source: /a, target: /b/../c }\napps:\n  a: { reads: source, writes: both }\n',
    ["r:2:15: 'lake' must be an absolute path"],
  ],
  [
    'a mount that climbs',
    'mounts: [{ source: /a, target: /b/../c }]\napps:\n  a: { reads: source, writes: both }\n',
    ["r:1:32: '/b/../c' is no root"],
  ],
  [
    'a name that is no filesystem',
    'mounts: [{ source: /a, target: /Data_1 }]\napps:\n  a: { reads: source, writes: both }\n',
    ["r:1:32: 'Data_1' is no filesystem name"],
  ],
  [
    'two default apps',
    `${top}  a: { reads: source, writes: both }\n  b: { reads: source, writes: both }\n`,
    ["r:4:3: apps 'b' and 'a' (line 3) are both the default app"],
  ],
  [
    'two apps on one host',
    `${top}  a: { reads: source, writes: both, match: { hosts: [x, Y.com] } }\n  b: { reads: source, writes: both, match: { hosts: [y.COM] } }\n`,
    ["r:4:3: apps 'b' and 'a' (line 3) both match a caller with host 'y.com'"],
  ],
  [
    'keys of different kinds',
    `${top}  a: { reads: source, writes: both, match: { hosts: [x] } }\n  b: { reads: source, writes: both, match: { headers: { X-App: b } } }\n`,
    ["r:4:3: apps 'b' and 'a' (line 3) both match a caller with host 'x' and header 'x-app: b'"],
  ],
  [
    'one mount twice',
    'mounts:\n  - { source: /a, target: /bbb }\n  - { source: /a/, target: //bbb }\napps:\n  a: { reads: source, writes: both }\n',
    ['r:3:5: this mount is there already (the other mount is on line 2)'],
  ],
  [
    'one target for two sources',
    'mounts:\n  - { source: /a, target: /xyz }\n  - { source: /b, target: /xyz }\napps:\n  a: { reads: source, writes: both }\n',
    ['r:3:5: target /xyz would be both source /a and source /b (the other mount is on line 2)'],
  ],
  [
    'a nested mount that leads elsewhere',
    'mounts:\n  - { source: /, target: / }\n  - { source: /a, target: /bcd }\napps:\n  a: { reads: source, writes: both }\n',
    ['r:3:5: source /a would be both target /a and target /bcd (the other mount is on line 2)'],
  ],
  [
    'a swap of nested mounts',
    'mounts:\n  - { source: /abc, target: /bcd }\n  - { source: /bcd, target: /abc }\n  - { source: /, target: / }\napps:\n  a: { reads: source, writes: both }\n',
    ['r:4:5: source /abc would be both target /abc and target /bcd'],
  ],
  [
    'C2: one mount for a one-way and a two-sided app',
    `${top}  a: { reads: source, writes: both }\n  b:\n    match: { hosts: [b] }\n    reads: target\n    writes: target\n`,
    ["r:7:13: mount /lake: 'b' writes only the target there and 'a' writes the source"],
  ],
  [
    'C2: a one-way app inside the mount of another',
    `${top}  a: { reads: source, writes: both }\n  b:\n    match: { hosts: [b] }\n    mounts: [{ source: /lake/x, target: /lake/x }]\n    reads: target\n    writes: target\n`,
    ["r:6:14: 'b' writes only the target there"],
  ],
  [
    'two apps that send one source folder to two places',
    `${top}  a: { reads: source, writes: both }\n  b:\n    match: { hosts: [b] }\n    mounts: [{ source: /lake/x, target: /xyz }]\n    reads: source\n    writes: source\n`,
    ['r:6:14: source /lake/x would be both target /lake/x and target /xyz (the other mount is on line 1)'],
  ],
];

t.test('broken routes are refused with every problem at its line', async (t) => {
  for (const [what, text, problems] of brokenRoutes) {
    const lines = refusal(() => parseRoutes(text, { file: 'r', stores: gen2 })).split('\n');
    t.equal(lines.length, problems.length, `${what}: ${lines.join(' | ')}`);
    for (const [i, problem] of problems.entries()) {
      t.ok(lines[i]?.startsWith(problem), `${what}: ${lines[i]} begins with ${problem}`);
    }
  }
});

t.test('good routes', async (t) => {
  const text = `
mounts:
  - { source: /lake/, target: //lake }
apps:
  default: { reads: source, writes: both }
  moved: { match: { hosts: [Moved.example.com] }, reads: target, writes: both, ack: both, failover: full, namespace: target }
  narrow: { match: { hosts: [moved.example.com], users: [etl] }, reads: source, writes: both }
  by-client: { match: { clients: [ABCD], users: [u], headers: { X-Env: [prod, live], X-Team: t } }, reads: source, writes: source }
  eval:
    match: { hosts: [eval, eval2, '::1'], clients: [abcd], users: [u] }
    mounts: [{ source: /lake, target: /lake-eval }]
    reads: target
    writes: target
    failover: full
    ack: both
`;
  const table = parseRoutes(text, { file: 'r', stores: gen2 });
  const app = (caller: Caller): string | undefined => table.match(caller)?.app;

  t.same([...table.routes.keys()], ['default', 'moved', 'narrow', 'by-client', 'eval']);
  t.same(table.routes.get('default'), {
    app: 'default',
    reads: 'source',
    writes: 'both',
    ack: 'primary',
    ackFallback: 'degrade',
    failover: 'reads',
    mounts: [{ source: '/lake', target: '/lake' }],
  });
  t.match(table.routes.get('moved'), { ack: 'both', failover: 'full', namespace: 'target' });
  t.match(
    table.routes.get('eval'),
    { ack: 'primary', failover: 'none' },
    'one side: nothing to wait for or fail over to',
  );

  t.equal(app({}), 'default');
  t.equal(app({ host: 'MOVED.example.com:8080' }), 'moved');
  t.equal(app({ host: 'moved.example.com.' }), 'moved');
  t.equal(
    app({ host: 'moved.example.com', user: 'etl' }),
    'moved',
    'a name that anybody can claim does not count',
  );
  t.equal(app({ host: 'moved.example.com', user: 'etl', loopback: true }), 'narrow', 'more keys win');
  t.equal(app({ host: 'moved.example.com', user: 'etl', authenticated: true }), 'narrow');
  t.equal(
    app({ clientId: 'abcd', user: 'u', loopback: true, headers: { 'x-env': 'live', 'x-team': 't' } }),
    'by-client',
  );
  t.equal(
    app({ clientId: 'abcd', user: 'u', loopback: true, headers: { 'x-env': 'test', 'x-team': 't' } }),
    'default',
  );
  t.equal(app({ host: '[::1]:8080', clientId: 'ABCD', user: 'u', loopback: true }), 'eval');
  t.equal(app({ app: 'eval' }), 'eval', 'a signed link names its app');
  t.equal(app({ app: 'gone' }), undefined, 'and gets no other');

  const reworded = text.replace(
    'reads: source, writes: both }',
    'writes: both, reads: source, ack: primary } # same',
  );
  t.equal(parseRoutes(reworded, { file: 'r' }).digest, table.digest, 'the digest is of the meaning');
  const flipped = text.replace('default: { reads: source', 'default: { reads: target');
  t.not(parseRoutes(flipped, { file: 'r' }).digest, table.digest);

  const whole =
    'mounts: [{ source: /, target: / }]\napps:\n  billing: { match: { hosts: [b] }, reads: source, writes: both }\n';
  t.equal(parseRoutes(whole, { file: 'r', stores: gen2 }).match({ host: 'x' }), undefined, 'no default app');
});

const hosts = ['h1', 'h2'];
const users = ['u1', 'u2'];
const envs = ['e1', 'e2'];
const some = (values: string[]) => fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined });
const matchArb = fc
  .record({ hosts: some(hosts), users: some(users), env: some(envs) })
  .map(({ hosts, users, env }) => ({
    ...(hosts ? { hosts } : {}),
    ...(users ? { users } : {}),
    ...(env ? { headers: { 'X-Env': env } } : {}),
  }));
type Match = { hosts?: string[]; users?: string[]; headers?: { 'X-Env': string[] } };

const callers = [undefined, ...hosts, 'h3'].flatMap((host) =>
  [undefined, ...users].flatMap((user) =>
    [undefined, ...envs].map(
      (env): Caller => ({
        loopback: true,
        ...(host ? { host } : {}),
        ...(user ? { user } : {}),
        headers: env ? { 'x-env': env } : {},
      }),
    ),
  ),
);

/** The rule of matching, written down a second time: apps that fit the caller with the most keys. */
function best(apps: Match[], caller: Caller): number[] {
  const fits = apps.map(({ hosts, users, headers }) => {
    const asked = [
      hosts ? hosts.includes(caller.host ?? '') : undefined,
      users ? users.includes(caller.user ?? '') : undefined,
      headers ? headers['X-Env'].includes(String(caller.headers?.['x-env'])) : undefined,
    ].filter((each) => each !== undefined);
    return asked.every(Boolean) ? asked.length : -1;
  });
  const most = Math.max(...fits);
  return most < 0 ? [] : fits.flatMap((keys, i) => (keys === most ? [i] : []));
}

/** Runs a property under a seed, which is printed: TWINLAKE_TEST_SEED repeats it. */
function check<T>(say: (text: string) => void, property: fc.IProperty<T>): void {
  const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 2 ** 31);
  say(`seed ${seed}`);
  fc.assert(property, { seed, numRuns: 300 });
}

t.test('an accepted table has one app for a caller, the same as the model; ties never pass', async (t) => {
  check(
    (text) => t.comment(text),
    fc.property(fc.array(matchArb, { minLength: 1, maxLength: 4 }), (matches) => {
      const apps: Match[] = matches;
      const entries = apps.map((match, i) => {
        const isDefault = Object.keys(match).length === 0;
        return [`a${i}`, { reads: 'source', writes: 'both', ...(isDefault ? {} : { match }) }];
      });
      const text = JSON.stringify({
        mounts: [{ source: '/lake', target: '/lake' }],
        apps: Object.fromEntries(entries),
      });
      const why = refusal(() => parseRoutes(text, { file: 'r' }));
      if (why !== '') {
        // A refusal is a real tie: two apps of equally many keys that one caller fits.
        const torn = apps.some((a, i) =>
          apps.slice(0, i).some((b) => callers.some((caller) => best([a, b], caller).length === 2)),
        );
        return torn && /both match|both the default app/.test(why);
      }
      const table = parseRoutes(text, { file: 'r' });
      return callers.every((caller) => {
        const fits = best(apps, caller);
        const found = table.match(caller)?.app;
        return fits.length === 0 ? found === undefined : fits.length === 1 && found === `a${fits[0]}`;
      });
    }),
  );
});

t.test('accepted mounts are a bijection', async (t) => {
  const root = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 })
    .map((parts) => `/${parts.join('/')}`);
  const mountArb = fc.oneof(
    fc.record({ source: root, target: root }),
    root.map((path) => ({ source: path, target: path })),
    root.map((path) => ({ source: path, target: path === '/' ? '/t' : `/t${path}` })),
  );
  check(
    (text) => t.comment(text),
    fc.property(fc.array(mountArb, { minLength: 1, maxLength: 4 }), fc.array(root), (mounts, paths) => {
      const text = JSON.stringify({ mounts, apps: { a: { reads: 'source', writes: 'both' } } });
      if (refusal(() => parseRoutes(text, { file: 'r' })) !== '') return true;
      const list = parseRoutes(text, { file: 'r' }).routes.get('a')!.mounts;
      return (['source', 'target'] as const).every((from) => {
        const to = from === 'source' ? 'target' : 'source';
        return [...paths, ...list.map((mount) => mount[from])].every((path) => {
          const mount = findMount(list, from, path);
          if (!mount) return true;
          const there = translatePath(mount, path, from, to);
          return translatePath(findMount(list, to, there)!, there, to, from) === path;
        });
      });
    }),
  );
});
