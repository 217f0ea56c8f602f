// One gateway over one journal: table in force, stamps, repair, dual store. A journal that is opened later gets a new one.
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { ownCtx } from '../core/ctx.ts';
import type { Side, Store } from '../core/store.ts';
import { createGateway } from '../gateway/gateway.ts';
import { closeIdleUploads, createRestorer } from '../gateway/idle-uploads.ts';
import { writtenRoots } from '../gateway/places.ts';
import type { UnderWay } from '../gateway/under-way.ts';
import type { Journal } from '../journal/journal.ts';
import type { Locks } from '../journal/locks.ts';
import { type Repair, startRepair } from '../sync/repair.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { followRoutes, formerTable } from './follow-routes.ts';
import { gatewayEvents } from './metering.ts';
import { ensureRoots, isRootEmpty } from './mount-roots.ts';
import { createMountStamps, type MountStamps } from './mount-stamps.ts';
import type { ServedSide } from './side.ts';
import { createTableInForce, type TableInForce } from './table-in-force.ts';
import { uploadTableIn } from './upload-table.ts';

/** How often held changes of the table and idle uploads are looked at, milliseconds. */
const housekeepingMs = 1000;

/** What stays the same whichever journal there is. */
export interface Surroundings {
  /** Folder of the config. */
  dir: string;
  config: GatewayConfig;
  logger: Logger;
  metrics: Metrics;
  locks: Locks;
  sides: Record<Side, ServedSide>;
  stores: Record<Side, Store>;
  underWay: UnderWay;
}

/** A gateway and what operators ask of it. */
export interface Assembly {
  gateway: Store;
  journal: Journal;
  table: TableInForce;
  stamps: MountStamps;
  repair: Repair;
  /** Ends all work of its own, and its journal. */
  close(): Promise<void>;
}

interface Parts extends Surroundings {
  journal: Journal;
  table: TableInForce;
  stamps: MountStamps;
  repair: Repair;
}

function startRepairOf(parts: Omit<Parts, 'repair' | 'table'>, table: () => TableInForce): Repair {
  const { config, metrics, logger, sides, stores, journal, locks, stamps } = parts;
  const { concurrency, pollMs, backoffMs, backoffMaxMs } = config.repair;
  return startRepair(
    {
      stores,
      journal,
      locks,
      isDown: (side) => sides[side].breaker() === 'open',
      mounts: () => table().mounts(),
      writtenRoots: (side) => writtenRoots(table().current().routes.values(), side),
      isHeld: (path) => stamps.heldBecause(path) !== undefined,
      now: Date.now,
      zombieMs: config.writes.zombieMs,
      lagMs: config.writes.lagMs,
      ctx: () => ownCtx('repair'),
      onOwnerRefused: (path, error) =>
        logger.warn({ path, err: error }, 'the owner is not carried over: the other store refuses it'),
      onKept: (path, keptPath) => logger.warn({ path, keptPath }, 'what the other store had was put aside'),
      onBytes: (bytes) => metrics.repairedBytes.child().inc(bytes),
    },
    {
      concurrency,
      pollMs,
      backoffMs,
      maxBackoffMs: backoffMaxMs,
      onOutcome: (outcome) => metrics.repairs.child(outcome).inc(),
      // While a store is away this is said for every path and every try: the metrics say it better.
      onError: ({ path, truth }, error) =>
        logger[error.temporary ? 'debug' : 'warn']({ path, truth, err: error }, 'not settled yet'),
    },
  );
}

/** Nothing is stamped for a journal that is not there: it has no name, and whose the mounts are is not asked. */
function noStamps({ gauges }: Journal): MountStamps {
  return {
    claim: async () => undefined,
    retry: async () => undefined,
    heldBecause: () => gauges().refusing,
    recover: async () => [],
  };
}

async function makeParts(around: Surroundings, journal: Journal): Promise<Parts> {
  const { config, logger, stores, underWay } = around;
  const table = createTableInForce({
    journal,
    former: await formerTable(journal, config, logger),
    isEmpty: (mount, truth) => isRootEmpty(stores[truth], mount[truth]),
    now: Date.now,
    zombieMs: config.writes.zombieMs,
    claim: (routes) => stamps.claim(routes),
    mutationsEnded: () => underWay.ended(),
    onDivergence: () => repair.wake(),
  });
  const stamps = journal.unopened
    ? noStamps(journal)
    : createMountStamps({
        target: stores.target,
        journal,
        now: Date.now,
        logger,
        onChange: () => repair.wake(),
      });
  const made = { ...around, journal, stamps };
  const repair = journal.unopened ? noRepair : startRepairOf(made, () => table);
  return { ...made, table, repair };
}

const noRepair: Repair = {
  wake: () => undefined,
  settleNow: async () => undefined,
  waiting: () => 0,
  close: async () => undefined,
};

function makeGateway({
  config,
  logger,
  metrics,
  journal,
  locks,
  sides,
  stores,
  table,
  stamps,
  underWay,
  repair,
}: Parts): Store {
  const gatewaySide = (side: Side) => ({
    store: stores[side],
    isDown: () => sides[side].breaker() === 'open',
  });
  return createGateway({
    sides: { source: gatewaySide('source'), target: gatewaySide('target') },
    journal,
    locks,
    table: () => table.current(),
    lag: { limits: config.writes, heldBytes: 0, waiting: { source: 0, target: 0 } },
    limits: config.writes,
    events: gatewayEvents(metrics, logger, () => repair.wake()),
    now: Date.now,
    underWay,
    heldBecause: stamps.heldBecause,
    settleNow: (paths, withinMs) => repair.settleNow(paths, withinMs),
  });
}

/** How often pieces of uploads that nobody goes on with are looked for, and how long that may take, milliseconds. */
const sweepEveryMs = 3_600_000;
const sweepMs = 60_000;

/** Removes them on one side; what does not go now goes the next time. */
async function sweepPieces({ table, stamps, sides, config, logger }: Parts, side: Side): Promise<void> {
  const isHeld = (path: string): boolean => stamps.heldBecause(path) !== undefined;
  const below = writtenRoots(table.current().routes.values(), side, isHeld);
  const beforeMs = Date.now() - config.writes.blocksIdleMs;
  try {
    const ctx = ownCtx('sweep', AbortSignal.timeout(sweepMs));
    const folders = (await sides[side].sweepPieces?.(below, beforeMs, ctx)) ?? 0;
    if (folders > 0) logger.info({ side, folders }, 'uploads that were never finished are removed');
  } catch (error) {
    logger.warn({ side, err: error }, 'uploads that were never finished could not all be removed');
  }
}

/** What has to be looked at from time to time. */
function keepHouse(parts: Parts): () => void {
  const { table, stamps, journal, locks, stores, sides, config, logger } = parts;
  const { backoffMs, backoffMaxMs } = config.repair;
  const restoreFlushed = createRestorer({
    stores,
    journal,
    locks,
    mounts: () => table.mounts(),
    forget: async (side, path) => sides[side].forgetUpload?.(path),
    ctx: () => ownCtx('upload'),
    now: Date.now,
    backoffMs,
    maxBackoffMs: backoffMaxMs,
    goneMs: config.writes.uploadIdleMs,
  });
  const look = async (): Promise<void> => {
    await table.retry();
    await stamps.retry();
    await closeIdleUploads(journal, config.writes.uploadIdleMs, Date.now());
    for (const side of ['source', 'target'] as const) {
      const kept = await uploadTableIn(() => journal, side).all();
      await restoreFlushed(
        side,
        kept.map(({ shown }) => shown.path),
      );
    }
  };
  const nextSweepMs = { source: 0, target: 0 };
  const sweep = async (): Promise<void> => {
    const due = (['source', 'target'] as const).filter(
      (side) => !journal.unopened && sides[side].breaker() !== 'open' && nextSweepMs[side] <= Date.now(),
    );
    for (const side of due) nextSweepMs[side] = Date.now() + sweepEveryMs;
    await Promise.all(due.map((side) => sweepPieces(parts, side)));
  };
  const carryOn = async (): Promise<void> => {
    if (journal.unopened) return;
    const healthy = Object.values(sides).filter(({ breaker }) => breaker() !== 'open');
    await Promise.all(healthy.map(({ sagas }) => sagas.carryOn()));
  };
  // What waits for one store does not hold up the rest.
  const timer = setInterval(
    () =>
      Promise.all([look(), carryOn(), sweep()]).catch((error) =>
        logger.error({ err: error }, 'housekeeping'),
      ),
    housekeepingMs,
  );
  return () => clearInterval(timer);
}

/**
 * Everything over one journal, at work when it resolves. Over a journal that could not be opened nothing is begun: no root is made, no
 * row is repaired, and the table stays what it is.
 * @throws ConfigError if there is no valid table at all
 */
export async function assemble(around: Surroundings, journal: Journal): Promise<Assembly> {
  const { dir, config, metrics, logger, stores } = around;
  const parts = await makeParts(around, journal);
  const { table, stamps, repair } = parts;
  const gateway = makeGateway(parts);
  // With a bad file the table of the journal goes on.
  await stamps.claim([...table.current().routes.values()]);
  const roots = journal.unopened ? undefined : ensureRoots(stores, () => table.current(), logger);
  const onTable = (): void => void roots?.makeNow();
  const stopFollowing = await followRoutes({ dir, config, table, metrics, logger, onTable });
  if (journal.unopened) stopFollowing();
  await roots?.makeNow();
  const stopHousekeeping = keepHouse(parts);
  return {
    gateway,
    journal,
    table,
    stamps,
    repair,
    async close() {
      stopHousekeeping();
      stopFollowing();
      roots?.stop();
      await repair.close();
      await journal.close();
    },
  };
}
