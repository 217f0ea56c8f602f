// routes.yaml: from text to the routing table, or everything that is wrong with it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '../core/mount.ts';
import { normalizePath } from '../core/path.ts';
import type { Route, RoutingTable } from '../core/route.ts';
import type { Side } from '../core/store.ts';
import { ConfigError, type ConfigProblem, type KeyPath } from './config-error.ts';
import { callerHas, commonCaller, type MatchKey, matchKeys } from './match-keys.ts';
import { conflictOn, crossAppConflict, gen2RootProblem } from './mount-rules.ts';
import { type AppEntry, type RoutesFile, routesSchema } from './routes-schema.ts';
import { type SchemaNode, withDefaults } from './schema-node.ts';
import { schemaProblems } from './schema-problems.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

/** Name of the file in the config directory. */
export const routesFileName = 'routes.yaml';

/** What the stores are, as far as routes depend on it; a side that is left out is not checked against its type. */
export type StoreTypes = Partial<Record<Side, { type: string }>>;

/** Apps are metric labels and journal columns, so their names are short and plain. */
const appName = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/;

const routesNode = routesSchema as SchemaNode;

/** A mount, normalised, with the key it stands at. */
interface PlacedMount extends Mount {
  at: KeyPath;
}

interface PlacedApp {
  at: KeyPath;
  route: Route;
  keys: MatchKey[];
  mounts: PlacedMount[];
}

/**
 * The routing table of a text.
 * @param from.file the name that problems carry
 * @throws ConfigError with every problem the text has
 */
export function parseRoutes(text: string, from: { file: string; stores?: StoreTypes }): RoutingTable {
  const source = parseYaml(text, from.file);
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  if (source.value === null || source.value === undefined)
    throw new ConfigError([source.problem([], 'the file is empty: it needs `apps`')]);
  const value = withDefaults(routesNode, source.value);
  const problems = schemaProblems(routesNode, value, source);
  if (problems.length > 0) throw new ConfigError(problems);

  const file = value as RoutesFile;
  const shared = (file.mounts ?? []).map((mount, i) =>
    placeMount(mount, ['mounts', i], from.stores, source, problems),
  );
  const apps = Object.entries(file.apps).map(([name, entry]) =>
    placeApp(name, entry, shared, from.stores, source, problems),
  );
  if (problems.length === 0) {
    problems.push(...tieProblems(apps, source), ...mountProblems(apps, shared, source));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return tableOf(apps);
}

/**
 * The routing table of `routes.yaml` in a config directory.
 * @throws ConfigError
 */
export function loadRoutes(dir: string, stores?: StoreTypes): RoutingTable {
  const file = join(dir, routesFileName);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([unreadable(file, error)]);
  }
  return parseRoutes(text, stores ? { file, stores } : { file });
}

/** The problem of a file that cannot be read at all. */
export function unreadable(file: string, error: unknown): ConfigProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'there is no such file' : message;
  return { file, line: 0, column: 0, path: '', reason: `cannot be read: ${why}` };
}

function placeMount(
  mount: Mount,
  at: KeyPath,
  stores: StoreTypes | undefined,
  source: YamlSource,
  problems: ConfigProblem[],
): PlacedMount {
  const root = (side: Side): string => {
    let path = mount[side];
    try {
      path = normalizePath(path);
    } catch (error) {
      problems.push(source.problem([...at, side], `'${path}' is no root: ${(error as Error).message}`));
    }
    const reason = stores?.[side]?.type === 'adls-gen2' ? gen2RootProblem(path) : undefined;
    if (reason) problems.push(source.problem([...at, side], reason));
    return path;
  };
  return { source: root('source'), target: root('target'), at };
}

function placeApp(
  name: string,
  entry: AppEntry,
  shared: readonly PlacedMount[],
  stores: StoreTypes | undefined,
  source: YamlSource,
  problems: ConfigProblem[],
): PlacedApp {
  const at = ['apps', name];
  const note = (path: KeyPath, reason: string, place: 'key' | 'value' = 'value'): void => {
    problems.push(source.problem([...at, ...path], reason, place));
  };
  if (!appName.test(name))
    note([], `'${name}' is no app name: a letter, then up to 62 letters, digits, '.', '_' or '-'`, 'key');
  if (entry.writes !== 'both' && entry.writes !== entry.reads) {
    const allowed = entry.reads === 'source' ? 'source or both' : 'both or target';
    const pair = `reads: ${entry.reads} (line ${source.lineOf([...at, 'reads'])}) with writes: ${entry.writes}`;
    note(
      ['writes'],
      `${pair} would never read its own writes: with reads: ${entry.reads} writes must be ${allowed}`,
    );
  }
  checkMatch(entry, note);
  const mounts = entry.mounts?.map((mount, i) =>
    placeMount(mount, [...at, 'mounts', i], stores, source, problems),
  );
  if (!mounts && shared.length === 0)
    note([], `app '${name}' has no mounts, and there are none at the top of the file`, 'key');
  const used = mounts ?? shared;
  return { at, route: routeOf(name, entry, used), keys: matchKeys(entry.match), mounts: [...used] };
}

function checkMatch(
  entry: AppEntry,
  note: (path: KeyPath, reason: string, place?: 'key' | 'value') => void,
): void {
  const { match } = entry;
  if (!match) return;
  if (matchKeys(match).length === 0)
    note(
      ['match'],
      'match has no keys: name hosts, headers, users or clients, or remove it for the default app',
      'key',
    );
  for (const [i, host] of (match.hosts ?? []).entries()) {
    // A host is compared without its port, so a port here would never decide anything.
    if (/[\s/*]|:\d+$/.test(host.replace(/^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f.]*$/i, '')))
      note(['match', 'hosts', i], `'${host}' must be a host name without a port, path or wildcard`);
  }
  const seen = new Map<string, string>();
  for (const name of Object.keys(match.headers ?? {})) {
    const earlier = seen.get(name.toLowerCase());
    if (earlier) note(['match', 'headers', name], `'${name}' is the same header as '${earlier}'`, 'key');
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      note(['match', 'headers', name], `'${name}' is no header name`, 'key');
    seen.set(name.toLowerCase(), name);
  }
}

function routeOf(app: string, entry: AppEntry, mounts: readonly PlacedMount[]): Route {
  // With one side there is no second ack to wait for and no equal copy to fail over to.
  const twoSided = entry.writes === 'both';
  return Object.freeze({
    app,
    reads: entry.reads,
    writes: entry.writes,
    ack: twoSided ? entry.ack : 'primary',
    ackFallback: entry.ackFallback,
    failover: twoSided ? entry.failover : 'none',
    mounts: Object.freeze(mounts.map(({ source, target }) => Object.freeze({ source, target }))),
    ...(entry.namespace ? { namespace: entry.namespace } : {}),
  });
}

function tieProblems(apps: readonly PlacedApp[], source: YamlSource): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [i, app] of apps.entries()) {
    for (const earlier of apps.slice(0, i)) {
      if (app.keys.length !== earlier.keys.length) continue;
      const caller = commonCaller(earlier.keys, app.keys);
      if (caller === undefined) continue;
      const who = `'${app.route.app}' and '${earlier.route.app}' (line ${source.lineOf(earlier.at)})`;
      const reason =
        app.keys.length === 0
          ? `apps ${who} are both the default app: only one may be without match`
          : `apps ${who} both match a caller with ${caller}`;
      problems.push(source.problem(app.at, reason, 'key'));
    }
  }
  return problems;
}

function mountProblems(
  apps: readonly PlacedApp[],
  shared: readonly PlacedMount[],
  source: YamlSource,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (mount: PlacedMount, other: PlacedMount, reason: string): void => {
    const problem = source.problem(
      mount.at,
      `${reason} (the other mount is on line ${source.lineOf(other.at)})`,
    );
    if (!problems.some(({ path }) => path === problem.path)) problems.push(problem);
  };
  for (const list of new Set([shared, ...apps.map(({ mounts }) => mounts)])) {
    for (const [i, mount] of list.entries()) {
      for (const earlier of list.slice(0, i)) {
        const same = mount.source === earlier.source && mount.target === earlier.target;
        const conflict = conflictOn('source', earlier, mount) ?? conflictOn('target', earlier, mount);
        if (same) add(mount, earlier, 'this mount is there already');
        else if (conflict) add(mount, earlier, conflict);
      }
    }
  }
  if (problems.length > 0) return problems;
  for (const [i, app] of apps.entries()) {
    for (const earlier of apps.slice(0, i)) {
      for (const mount of app.mounts) {
        for (const other of earlier.mounts) {
          const conflict = crossAppConflict(earlier.route, other, app.route, mount);
          if (!conflict) continue;
          // A shared mount is not wrong by itself: the app that uses it is.
          if (mount.at !== other.at) add(mount, other, conflict);
          else problems.push(source.problem([...app.at, 'writes'], `mount ${mount.source}: ${conflict}`));
        }
      }
    }
  }
  return problems;
}

function tableOf(apps: readonly PlacedApp[]): RoutingTable {
  const routes = new Map(apps.map(({ route }) => [route.app, route]));
  const byKeys = [...apps].sort((a, b) => b.keys.length - a.keys.length);
  return Object.freeze({
    digest: digestOf(apps),
    routes,
    match(caller) {
      if (caller.app !== undefined) return routes.get(caller.app);
      // Without ties at most one app of each number of keys fits, so the first is the only one.
      return byKeys.find(({ keys }) => callerHas(keys, caller))?.route;
    },
  } satisfies RoutingTable);
}

/** Of the meaning, not of the text: order, comments and defaults written out do not change it. */
function digestOf(apps: readonly PlacedApp[]): string {
  const meaning = apps
    .map(({ route, keys }) => {
      const { mounts, app, reads, writes, ack, ackFallback, failover, namespace = null } = route;
      return {
        route: [app, reads, writes, ack, ackFallback, failover, namespace],
        mounts: mounts.map(({ source, target }) => `${source}\0${target}`).sort(),
        keys: keys.map(({ kind, name, values }) => [kind, name, ...[...values].sort()].join('\0')).sort(),
      };
    })
    .sort((a, b) => (a.route[0]! < b.route[0]! ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(meaning)).digest('hex');
}
