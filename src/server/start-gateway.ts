// Puts the gateway together and starts it: journal, sides, table, dual store, faces, listeners. Read it as the table of contents.
import { join } from 'node:path';
import { type Admin, createAdmin } from '../admin/admin-server.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { ownCtx } from '../core/ctx.ts';
import { findMount, type Mount } from '../core/mount.ts';
import type { Side, Store } from '../core/store.ts';
import { createDfsFace } from '../faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../faces/webhdfs/webhdfs-face.ts';
import { createGateway } from '../gateway/gateway.ts';
import { closeIdleUploads } from '../gateway/idle-uploads.ts';
import { createUnderWay, type UnderWay } from '../gateway/under-way.ts';
import type { Journal } from '../journal/journal.ts';
import { createLocks, type Locks } from '../journal/locks.ts';
import { openSqliteJournal } from '../journal/sqlite-journal.ts';
import { type Repair, startRepair } from '../sync/repair.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { adminSources } from './admin-sources.ts';
import { createDataListener } from './data-listener.ts';
import { warnOfDrill } from './drill.ts';
import { followRoutes, formerTable } from './follow-routes.ts';
import { leaseTableIn } from './lease-table.ts';
import { gatewayEvents, observeGauges } from './metering.ts';
import { ensureRoots, isRootEmpty } from './mount-roots.ts';
import { createMountStamps, type MountStamps } from './mount-stamps.ts';
import { openSide, type ServedSide } from './side.ts';
import { linkKey, makeStateDir } from './state-dir.ts';
import { createTableInForce, type TableInForce } from './table-in-force.ts';
import { version } from './version.ts';

/** A running gateway. */
export interface RunningGateway {
  dataUrl: string;
  adminUrl: string;
  close(): Promise<void>;
}

/** How often held changes of the table and idle uploads are looked at, milliseconds. */
const housekeepingMs = 1000;

/** Everything that is made before anything listens. */
interface Parts {
  config: GatewayConfig;
  logger: Logger;
  metrics: Metrics;
  stateDir: string;
  journal: Journal;
  locks: Locks;
  sides: Record<Side, ServedSide>;
  stores: Record<Side, Store>;
  table: TableInForce;
  stamps: MountStamps;
  underWay: UnderWay;
  repair: Repair;
}

function openJournal(
  stateDir: string,
  config: GatewayConfig,
  metrics: Metrics,
  logger: Logger,
  mayCollapse: (folder: string) => boolean,
): Promise<Journal> {
  return openSqliteJournal({
    file: join(stateDir, 'journal.db'),
    zombieMs: config.writes.zombieMs,
    ...config.journal,
    mayCollapse,
    onCollapse: (rows) => metrics.collapsedDivergences.child().inc(rows),
    onCommit: (seconds) => {
      metrics.journalCommits.child().inc();
      metrics.journalCommitSeconds.child().observe(seconds);
    },
    onWritable: (writable, reason) =>
      writable
        ? logger.info('the journal can be written again')
        : logger.error(
            { reason },
            'the journal cannot be written: writes to two stores are refused, reads go on',
          ),
  });
}

async function openSides(config: GatewayConfig, journal: Journal, metrics: Metrics, logger: Logger) {
  const open = (side: Side): Promise<ServedSide> => {
    const { chaos } = config.stores[side].layers;
    if (chaos) warnOfDrill(logger, `stores.${side}`, chaos);
    return openSide(side, config.stores[side], metrics, leaseTableIn(journal, side), (state) =>
      logger.warn({ side, state }, 'breaker'),
    );
  };
  return { source: await open('source'), target: await open('target') };
}

function startRepairOf(
  parts: Omit<Parts, 'repair' | 'table' | 'underWay'>,
  table: () => TableInForce,
): Repair {
  const { config, metrics, logger, sides, stores, journal, locks, stamps } = parts;
  const { concurrency, pollMs, backoffMs, backoffMaxMs } = config.repair;
  return startRepair(
    {
      stores,
      journal,
      locks,
      isDown: (side) => sides[side].breaker() === 'open',
      mounts: () => table().mounts(),
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

async function makeParts(config: GatewayConfig, logger: Logger): Promise<Parts> {
  const metrics = createMetrics(version);
  const stateDir = await makeStateDir(config.state.dir);
  // No table is in force yet while the journal is opened.
  let mounts: () => readonly Mount[] = () => [];
  const journal = await openJournal(stateDir, config, metrics, logger, (folder) =>
    Boolean(findMount(mounts(), 'target', folder)),
  );
  const sides = await openSides(config, journal, metrics, logger);
  const stores = { source: sides.source.store, target: sides.target.store };
  const locks = createLocks({
    waitMs: config.writes.lockWaitMs,
    maxWaiters: config.writes.maxLockWaiters,
    onTimeout: () => metrics.lockTimeouts.child().inc(),
  });
  const underWay = createUnderWay();
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
  mounts = () => table.mounts();
  const stamps = createMountStamps({
    target: stores.target,
    journal,
    now: Date.now,
    logger,
    onChange: () => repair.wake(),
  });
  const made = { config, logger, metrics, stateDir, journal, locks, sides, stores, stamps };
  const repair = startRepairOf(made, () => table);
  return { ...made, table, underWay, repair };
}

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
    lag: { limits: config.writes, heldBytes: 0 },
    limits: config.writes,
    events: gatewayEvents(metrics, logger, () => repair.wake()),
    now: Date.now,
    underWay,
    heldBecause: stamps.heldBecause,
    settleNow: (paths, withinMs) => repair.settleNow(paths, withinMs),
  });
}

async function listen(parts: Parts, gateway: Store) {
  const { config, logger, metrics, table, stateDir } = parts;
  const { host, port, publicUrl, tls } = config.listen.data;
  const onRefused = (face: 'webhdfs' | 'dfs') => (reason: string) =>
    metrics.refusedRequests.child(face, reason).inc();
  const webhdfs = createWebhdfsFace({
    store: gateway,
    links: createLinkSigner(await linkKey(stateDir)),
    appOf: (caller) => table.current().match(caller)?.app,
    onRefused: onRefused('webhdfs'),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  });
  const accounts = Object.fromEntries(config.accounts.map((name) => [name, undefined]));
  const dfs = createDfsFace({ store: gateway, accounts, auth: 'none', onRefused: onRefused('dfs') });
  return createDataListener({
    faces: { webhdfs, dfs },
    host,
    port,
    bodyIdleMs: config.writes.bodyIdleMs,
    logger,
    ...(tls ? { tls } : {}),
    onRequest: ({ face, method, status }) =>
      metrics.httpRequests.child('data', face, method, String(status)).inc(),
  });
}

function listenForOperators(parts: Parts): Promise<Admin> {
  const { config, logger, metrics } = parts;
  const sources = adminSources(parts);
  return createAdmin({ ...config.listen.admin, metrics, logger, sources, version });
}

/** What has to be looked at from time to time. */
function keepHouse({ table, stamps, journal, config, logger }: Parts): () => void {
  const look = async (): Promise<void> => {
    await table.retry();
    await stamps.retry();
    await closeIdleUploads(journal, config.writes.uploadIdleMs, Date.now());
  };
  const timer = setInterval(
    () => look().catch((error) => logger.error({ err: error }, 'housekeeping')),
    housekeepingMs,
  );
  return () => clearInterval(timer);
}

/** Starts everything; rejects with a `ConfigError` or `StoreError` if it cannot. */
export async function startGateway(
  dir: string,
  config: GatewayConfig,
  logger: Logger,
): Promise<RunningGateway> {
  const parts = await makeParts(config, logger);
  const { stores, table, stamps, journal, repair, metrics, locks } = parts;
  const gateway = makeGateway(parts);
  const roots = ensureRoots(stores, () => table.current(), logger);
  // With a bad file the table of the journal goes on.
  await stamps.claim([...table.current().routes.values()]);
  const stopFollowing = await followRoutes({
    dir,
    config,
    table,
    metrics,
    logger,
    onTable: () => void roots.makeNow(),
  });
  await roots.makeNow();
  observeGauges(metrics, journal, locks, table);
  const data = await listen(parts, gateway);
  const admin = await listenForOperators(parts);
  const stopHousekeeping = keepHouse(parts);
  return {
    dataUrl: data.url,
    adminUrl: admin.url,
    async close() {
      stopHousekeeping();
      stopFollowing();
      roots.stop();
      await data.close();
      await repair.close();
      await admin.close();
      await Promise.all([stores.source.close?.(), stores.target.close?.()]);
      await journal.close();
    },
  };
}
