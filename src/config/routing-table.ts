// The routing table that the gateway holds: finds the app of a caller, and knows whether two tables mean the same.
import { createHash } from 'node:crypto';
import type { Route, RoutingTable } from '../core/route.ts';
import { callerHas, type MatchKey } from './match-keys.ts';

interface TableApp {
  route: Route;
  keys: readonly MatchKey[];
}

/** The table of apps between which there are no ties. */
export function tableOf(apps: readonly TableApp[]): RoutingTable {
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
function digestOf(apps: readonly TableApp[]): string {
  const meaning = apps
    .map(({ route, keys }) => {
      const { mounts, app, reads, writes, ack, ackFallback, failover, namespace = null, access } = route;
      return {
        route: [app, reads, writes, ack, ackFallback, failover, namespace],
        mounts: mounts.map(({ source, target }) => `${source}\0${target}`).sort(),
        ...(access
          ? { access: [access.readOnly, [access.schemes].flat().sort(), [access.paths].flat().sort()] }
          : {}),
        keys: keys.map(({ kind, name, values }) => [kind, name, ...[...values].sort()].join('\0')).sort(),
      };
    })
    .sort((a, b) => (a.route[0]! < b.route[0]! ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(meaning)).digest('hex');
}
