// Wires what the gateway tells to the metrics.

import type { RoutingTable } from '../core/route.ts';
import type { Side } from '../core/store.ts';
import type { GatewayEvents } from '../gateway/gateway-parts.ts';
import type { Journal } from '../journal/journal.ts';
import type { Locks } from '../journal/locks.ts';
import type { Repair } from '../sync/repair.ts';
import type { Census } from '../telemetry/census.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type Metrics, noValue } from '../telemetry/metrics.ts';
import type { Served } from '../wire/served.ts';
import type { ServedSide } from './side.ts';
import type { TableInForce } from './table-in-force.ts';

/** Counters that the gateway moves. */
export function gatewayEvents(metrics: Metrics, logger: Logger, onDivergence: () => void): GatewayEvents {
  return {
    onMutation(app, verb, outcomes) {
      for (const side of ['source', 'target'] as const) {
        const outcome = outcomes[side];
        if (outcome) metrics.mutations.child(app, verb, side, outcome).inc();
      }
    },
    onQuery: (app, verb, side, outcome) => metrics.queries.child(app, verb, side, outcome).inc(),
    onLetGo: (app, reason) => metrics.secondaryLetGo.child(app, reason).inc(),
    onDivergence,
    onError: (what, error) => logger.error({ err: error }, `after the answer: ${what}`),
  };
}

/** Counts each answer, and what it means for the migration. */
export function noteServed(
  face: 'webhdfs' | 'dfs',
  metrics: Metrics,
  census: Census,
  table: () => RoutingTable,
): (served: Served) => void {
  return ({ op, result, parameters, path, caller, trail }) => {
    const app = trail.app ?? (caller && table().match(caller)?.app) ?? noValue;
    const losses = trail.losses ?? [];
    metrics.operations.child(app, face, op, result).inc();
    census.note(app, { face, op, result, parameters, losses, ...(path === undefined ? {} : { path }) });
    const isMirrored =
      result === 'ok' && trail.changed === true && table().routes.get(app)?.writes === 'both';
    if (isMirrored) for (const loss of losses) metrics.fidelityLosses.child(app, loss).inc();
  };
}

/** Gauges that are read when they are scraped. */
export function observeGauges(
  metrics: Metrics,
  locks: Locks,
  sides: Record<Side, Pick<ServedSide, 'sagas'>>,
  current: () => { journal: Journal; repair: Pick<Repair, 'waiting'>; table: TableInForce },
): void {
  const gauges = () => current().journal.gauges();
  metrics.observe({
    openIntents: () => gauges().openIntents,
    divergentPaths: () => gauges().divergentPaths,
    pinnedPaths: () => gauges().pinnedPaths,
    repairsWaiting: () => current().repair.waiting(),
    oldestDivergenceSeconds: () => {
      const { oldestSinceMs } = gauges();
      return oldestSinceMs === undefined ? 0 : Math.max(0, (Date.now() - oldestSinceMs) / 1000);
    },
    openUploads: () => gauges().openUploads,
    openSagas: () => (['source', 'target'] as const).map((side) => [side, sides[side].sagas.open()]),
    journalBytes: () => gauges().bytes,
    journalWritable: () => (gauges().writable ? 1 : 0),
    lockWaiters: () => locks.waiters(),
    routeReads: () => routeReads(current().table),
  });
}

function* routeReads(table: TableInForce): Generator<readonly [string, Side, number]> {
  for (const route of table.current().routes.values()) {
    for (const side of ['source', 'target'] as const) yield [route.app, side, route.reads === side ? 1 : 0];
  }
}
