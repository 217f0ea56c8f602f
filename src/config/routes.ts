// routes.yaml: from text to the routing table, or everything that is wrong with it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findMount, type Mount } from '../core/mount.ts';
import { normalizePath } from '../core/path.ts';
import type { Route, RoutingTable } from '../core/route.ts';
import type { Side } from '../core/store.ts';
import { ConfigError, type ConfigProblem, type KeyPath } from './config-error.ts';
import { matchKeys } from './match-keys.ts';
import { gen2RootProblem } from './mount-rules.ts';
import { checkMatch, mountProblems, type PlacedApp, type PlacedMount, tieProblems } from './routes-rules.ts';
import { type AppEntry, type RoutesContent, routesSchema } from './routes-schema.ts';
import { tableOf } from './routing-table.ts';
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

  const file = value as RoutesContent;
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
      return path;
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
  const paths = entry.access?.paths?.map((path, i) =>
    confinedPath(path, used, (why) => note(['access', 'paths', i], why)),
  );
  return { at, route: routeOf(name, entry, used, paths), keys: matchKeys(entry.match), mounts: used };
}

/** The normal form of a path of the target that an app is confined to. */
function confinedPath(path: string, mounts: readonly Mount[], note: (reason: string) => void): string {
  let normal = path;
  try {
    normal = normalizePath(path);
  } catch (error) {
    note(`'${path}' is no path: ${(error as Error).message}`);
    return path;
  }
  if (!path.startsWith('/')) note(`'${path}' must begin with /`);
  else if (!findMount(mounts, 'target', normal))
    note(`'${path}' lies in no mount of the app, seen from the target`);
  return normal;
}

function routeOf(
  app: string,
  entry: AppEntry,
  mounts: readonly PlacedMount[],
  paths: readonly string[] | undefined,
): Route {
  // With one side there is no second ack to wait for and no equal copy to fail over to.
  const twoSided = entry.writes === 'both';
  const { access } = entry;
  return Object.freeze({
    app,
    reads: entry.reads,
    writes: entry.writes,
    ack: twoSided ? entry.ack : 'primary',
    ackFallback: entry.ackFallback,
    failover: twoSided ? entry.failover : 'none',
    mounts: Object.freeze(mounts.map(({ source, target }) => Object.freeze({ source, target }))),
    ...(entry.namespace ? { namespace: entry.namespace } : {}),
    ...(access
      ? {
          access: Object.freeze({
            readOnly: access.readOnly,
            ...(access.schemes ? { schemes: access.schemes } : {}),
            ...(paths ? { paths } : {}),
          }),
        }
      : {}),
  });
}
