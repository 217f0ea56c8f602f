// What must hold between the apps and mounts of one routes.yaml; every finding is placed at the later one of the two.
import type { Mount } from '../core/mount.ts';
import type { Route } from '../core/route.ts';
import type { ConfigProblem, KeyPath } from './config-error.ts';
import { commonCaller, type MatchKey, matchKeys } from './match-keys.ts';
import { conflictOn, crossAppConflict } from './mount-rules.ts';
import type { AppEntry } from './routes-schema.ts';
import type { YamlSource } from './yaml-source.ts';

/** A mount, normalised, with the key it stands at. */
export interface PlacedMount extends Mount {
  at: KeyPath;
}

/** An app with its route, its match and the key it stands at. */
export interface PlacedApp {
  at: KeyPath;
  route: Route;
  keys: MatchKey[];
  mounts: readonly PlacedMount[];
}

/** Tells of a match that can never fit, or not as it looks. */
export function checkMatch(
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
    const hasPort = /^[^:]+:\d*$|\]:\d*$/.test(host);
    if (hasPort || /[\s/*]/.test(host))
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

/** Apps that one caller could be both of (semantics C1). */
export function tieProblems(apps: readonly PlacedApp[], source: YamlSource): ConfigProblem[] {
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

/** Mounts that cannot stand in one file (semantics C2). */
export function mountProblems(
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
