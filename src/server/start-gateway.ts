// Puts the gateway together and starts it: journal, sides, table, dual store, faces, listeners. Read it as the table of contents.
import { join } from 'node:path';
import { createAdmin } from '../admin/admin-server.ts';
import type { ConfigError } from '../config/config-error.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { parseRoutes } from '../config/routes.ts';
import { createRoutesFile } from '../config/routes-file.ts';
import { ownCtx } from '../core/ctx.ts';
import type { Mount } from '../core/mount.ts';
import type { RoutingTable } from '../core/route.ts';
import type { Side } from '../core/store.ts';
import { createDfsFace } from '../faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../faces/webhdfs/webhdfs-face.ts';
import { createGateway } from '../gateway/gateway.ts';
import type { Journal } from '../journal/journal.ts';
import { createLocks } from '../journal/locks.ts';
import { openSqliteJournal } from '../journal/sqlite-journal.ts';
import { startRepair } from '../sync/repair.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { adminSources } from './admin-sources.ts';
import { createDataListener } from './data-listener.ts';
import { gatewayEvents, observeGauges } from './metering.ts';
import { ensureRoots, isRootEmpty } from './mount-roots.ts';
import { openSide, type ServedSide } from './side.ts';
import { linkKey, makeStateDir } from './state-dir.ts';
import { createTableInForce, type TableInForce, tableRow } from './table-in-force.ts';

/** A running gateway. */
export interface RunningGateway {
  dataUrl: string;
  adminUrl: string;
  close(): Promise<void>;
}

/** How often changes of the table that had to wait are tried again, milliseconds. */
const retryMs = 1000;

/** The table the former process ended with, if it can still be read. */
async function formerTable(
  journal: Journal,
  config: GatewayConfig,
  logger: Logger,
): Promise<RoutingTable | undefined> {
  const text = await journal.meta(tableRow);
  if (text === undefined) return undefined;
  try {
    return parseRoutes(text, { file: 'the routing table in the journal', stores: config.stores });
  } catch (error) {
    logger.error({ err: error }, 'the routing table in the journal is not valid any more');
    return undefined;
  }
}

/** Follows routes.yaml: a good file is put in force, a bad one is reported and changes nothing. */
function followRoutes(
  dir: string,
  config: GatewayConfig,
  table: TableInForce,
  metrics: Metrics,
  logger: Logger,
) {
  const take = async (proposed: RoutingTable, text: string): Promise<void> => {
    await table.propose(proposed, text);
    metrics.routesReloads.child('applied').inc();
    metrics.routesValid.child().set(1);
    logger.info({ apps: [...proposed.routes.keys()] }, 'routing table in force');
  };
  const refuse = (error: ConfigError): void => {
    metrics.routesReloads.child('refused').inc();
    metrics.routesValid.child().set(0);
    logger.error(
      { problems: error.problems },
      `routes.yaml is refused, the old table stays:\n${error.message}`,
    );
  };
  const file = createRoutesFile({
    dir,
    stores: config.stores,
    onTable: (proposed, text) => {
      take(proposed, text).catch((error) =>
        logger.error({ err: error }, 'the new routing table could not be put in force'),
      );
    },
    onError: refuse,
  });
  const first = async (): Promise<void> => {
    if (file.current && file.currentText !== undefined) await take(file.current, file.currentText);
    else if (file.lastError && table.current().routes.size > 0) refuse(file.lastError);
    else throw file.lastError ?? new Error('routes.yaml has no routing table');
  };
  return { file, first };
}

/** Starts everything; rejects with a `ConfigError` or `StoreError` if it cannot. */
export async function startGateway(
  dir: string,
  config: GatewayConfig,
  logger: Logger,
): Promise<RunningGateway> {
  const metrics = createMetrics();
  const stateDir = await makeStateDir(config.state.dir);
  const { writes } = config;
  const journal = await openSqliteJournal({
    file: join(stateDir, 'journal.db'),
    zombieMs: writes.zombieMs,
    retryMs: config.journal.retryMs,
    onCommit: (seconds) => {
      metrics.journalCommits.child().inc();
      metrics.journalCommitSeconds.child().observe(seconds);
    },
    onWritable: (writable, reason) =>
      writable
        ? logger.info('the journal can be written again')
        : logger.error({ reason }, 'the journal cannot be written'),
  });
  const leases = leaseTableIn(journal);
  const onBreaker = (side: Side) => (state: string) => logger.warn({ side, state }, 'breaker');
  const sides: Record<Side, ServedSide> = {
    source: await openSide('source', config.stores.source, metrics, leases, onBreaker('source')),
    target: await openSide('target', config.stores.target, metrics, leases, onBreaker('target')),
  };
  const stores = { source: sides.source.store, target: sides.target.store };
  const isDown = (side: Side): boolean => sides[side].breaker() === 'open';
  const locks = createLocks({
    waitMs: writes.lockWaitMs,
    maxWaiters: writes.maxLockWaiters,
    onTimeout: () => metrics.lockTimeouts.child().inc(),
  });
  const table = createTableInForce({
    journal,
    former: await formerTable(journal, config, logger),
    isEmpty: (mount: Mount, truth: Side) => isRootEmpty(stores[truth], mount[truth]),
    now: Date.now,
    onDivergence: () => repair.wake(),
  });
  const repair = startRepair(
    {
      stores,
      isDown,
      journal,
      locks,
      mounts: () => table.mounts(),
      now: Date.now,
      zombieMs: writes.zombieMs,
      ctx: () => ownCtx('repair'),
      onBytes: (bytes) => metrics.repairedBytes.child().inc(bytes),
    },
    {
      concurrency: config.repair.concurrency,
      pollMs: config.repair.pollMs,
      backoffMs: config.repair.backoffMs,
      maxBackoffMs: config.repair.backoffMaxMs,
      onOutcome: (outcome) => metrics.repairs.child(outcome).inc(),
      onError: (row, error) =>
        logger.warn({ path: row.path, truth: row.truth, err: error }, 'not settled yet'),
    },
  );
  const events = gatewayEvents(metrics, logger, () => repair.wake());
  const gateway = createGateway({
    sides: {
      source: { store: stores.source, isDown: () => isDown('source') },
      target: { store: stores.target, isDown: () => isDown('target') },
    },
    journal,
    locks,
    table: () => table.current(),
    lag: { limits: writes, heldBytes: 0 },
    limits: writes,
    events,
    now: Date.now,
    settleNow: (paths, withinMs) => repair.settleNow(paths, withinMs),
  });
  const routes = followRoutes(dir, config, table, metrics, logger);
  await routes.first();
  const roots = ensureRoots(stores, () => table.current(), logger);
  await roots.first;
  observeGauges(metrics, journal, locks, table);

  const accounts = Object.fromEntries(config.accounts.map((name) => [name, undefined]));
  const { host, port, publicUrl, tls } = config.listen.data;
  const onRefused = (face: 'webhdfs' | 'dfs') => (reason: string) =>
    metrics.refusedRequests.child(face, reason).inc();
  const data = await createDataListener({
    faces: {
      webhdfs: createWebhdfsFace({
        store: gateway,
        links: createLinkSigner(await linkKey(stateDir)),
        appOf: (caller) => table.current().match(caller)?.app,
        onRefused: onRefused('webhdfs'),
        ...(publicUrl === undefined ? {} : { publicUrl }),
      }),
      dfs: createDfsFace({ store: gateway, accounts, auth: 'none', onRefused: onRefused('dfs') }),
    },
    host,
    port,
    bodyIdleMs: writes.bodyIdleMs,
    logger,
    ...(tls ? { tls } : {}),
    onRequest: ({ face, method, status }) =>
      metrics.httpRequests.child('data', face, method, String(status)).inc(),
  });
  const admin = await createAdmin({
    ...config.listen.admin,
    metrics,
    logger,
    sources: adminSources({ sides, journal, table }),
  });
  const retry = setInterval(
    () => void table.retry().catch((error) => logger.error({ err: error }, 'routing table')),
    retryMs,
  );

  return {
    dataUrl: data.url,
    adminUrl: admin.url,
    async close() {
      clearInterval(retry);
      routes.file.close();
      roots.stop();
      await data.close();
      await repair.close();
      await admin.close();
      await Promise.all([stores.source.close?.(), stores.target.close?.()]);
      await journal.close();
    },
  };
}

/** Leases of stores that have none live in the journal (semantics B3). */
function leaseTableIn(journal: Journal): Parameters<typeof openSide>[3] {
  return {
    async get(path) {
      const text = await journal.meta(`lease:${path}`);
      return text ? JSON.parse(text) : undefined;
    },
    set: (path, state) =>
      journal.apply([{ do: 'meta', key: `lease:${path}`, value: state ? JSON.stringify(state) : '' }]),
  };
}
