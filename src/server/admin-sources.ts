// What the admin API shows, read from the running parts.
import type { AdminSources, CensusView, RouteView, StoreHealth } from '../admin/admin-server.ts';
import type { Route } from '../core/route.ts';
import type { Side } from '../core/store.ts';
import type { Journal } from '../journal/journal.ts';
import type { Repair } from '../sync/repair.ts';
import type { Census } from '../telemetry/census.ts';
import type { MountStamps } from './mount-stamps.ts';
import type { ServedSide } from './side.ts';
import type { TableInForce } from './table-in-force.ts';

function viewOf(route: Route): RouteView {
  const { reads, writes, ack, failover, mounts } = route;
  return { reads, writes, ack, failover, mounts };
}

function healthOf(served: ServedSide): StoreHealth {
  const error = served.lastError();
  const health = {
    side: served.side,
    name: served.name,
    breaker: served.breaker(),
    reachable: error === undefined,
  };
  return error
    ? { ...health, lastError: { message: error.message, at: new Date(error.atMs).toISOString() } }
    : health;
}

function censusView(app: string, census: Census): CensusView {
  const { operations, ...rest } = census.of(app) ?? {
    operations: [],
    names: {},
    longestSegmentBytes: 0,
    deepestSegments: 0,
  };
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    app,
    since: iso(census.sinceMs),
    ...rest,
    operations: operations.map(({ firstMs, lastMs, ...operation }) => ({
      ...operation,
      first: iso(firstMs),
      last: iso(lastMs),
    })),
  };
}

/** How long an operator waits for one path, milliseconds. */
const settleMs = 10_000;

/** Sources of the admin listener. It is up only after the data listener, so readiness is a table in force (semantics C4). */
export function adminSources(
  sides: Record<Side, ServedSide>,
  census: Census,
  current: () => {
    journal: Journal;
    repair: Pick<Repair, 'settleNow'>;
    table: TableInForce;
    stamps: MountStamps;
  },
): AdminSources {
  const heldBecause = (route: Route | undefined): string | undefined =>
    route?.writes === 'both'
      ? route.mounts
          .map(({ target }) => current().stamps.heldBecause(target))
          .find((reason) => reason !== undefined)
      : undefined;
  return {
    ready() {
      const { journal, table } = current();
      // The process that has it knows what diverges; until it ends clients are better off there.
      if (journal.unopened === 'locked') return { ready: false, reason: 'another process has the journal' };
      if (table.current().routes.size === 0) return { ready: false, reason: 'no routing table in force' };
      return { ready: true };
    },
    stores: () => [healthOf(sides.source), healthOf(sides.target)],
    journal() {
      const { writable, refusing } = current().journal.gauges();
      return refusing === undefined ? { writable } : { writable, reason: refusing };
    },
    apps: () =>
      current()
        .table.status()
        .map(({ app, desired, effective, reason }) => {
          const held = heldBecause(effective);
          return {
            app,
            desired: desired ? viewOf(desired) : null,
            effective: effective ? viewOf(effective) : null,
            ...(reason === undefined ? {} : { reason }),
            ...(held === undefined ? {} : { held }),
          };
        }),
    census: (app) => {
      const isKnown = current()
        .table.status()
        .some((status) => status.app === app);
      return isKnown || census.of(app) ? censusView(app, census) : undefined;
    },
    async settle({ path }) {
      const { repair, journal } = current();
      await repair.settleNow([path], settleMs);
      const { divergence } = await journal.state(path);
      return { settled: divergence?.path !== path };
    },
    recover: ({ truth, mount }) => current().stamps.recover(truth, mount),
    async divergences(page) {
      const { total, items } = await current().journal.divergences(page);
      return {
        total,
        items: items.map(({ path, truth, reason, sinceMs, generation, subtree, pinned, moved }) => ({
          path,
          truth,
          reason,
          since: new Date(sinceMs).toISOString(),
          generation,
          subtree,
          ...(pinned === undefined ? {} : { pinned }),
          ...(moved ? { movedFrom: moved.from } : {}),
        })),
      };
    },
  };
}
