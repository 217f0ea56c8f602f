// Puts the gateway together and starts it: sides, journal, assembly, faces, listeners. Read it as the table of contents.
import { join } from 'node:path';
import { type Admin, createAdmin } from '../admin/admin-server.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { findMount } from '../core/mount.ts';
import type { Side, Store } from '../core/store.ts';
import { createDfsFace } from '../faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../faces/webhdfs/webhdfs-face.ts';
import { createUnderWay } from '../gateway/under-way.ts';
import type { Journal } from '../journal/journal.ts';
import { createLocks } from '../journal/locks.ts';
import { openOrRefuse } from '../journal/refusing-journal.ts';
import { withAuthorization } from '../layers/authorization.ts';
import { type Census, createCensus } from '../telemetry/census.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { adminSources } from './admin-sources.ts';
import { type Assembly, assemble, type Surroundings } from './assembly.ts';
import { createDataListener } from './data-listener.ts';
import { warnOfDrill } from './drill.ts';
import { formerTable } from './follow-routes.ts';
import { challengeOf, confinedBy, identifyOf, isLoopbackHost } from './inbound.ts';
import { leaseTableIn } from './lease-table.ts';
import { noteServed, observeGauges } from './metering.ts';
import { sagaTableIn } from './saga-table.ts';
import { openSide, type ServedSide } from './side.ts';
import { linkKey, makeStateDir } from './state-dir.ts';
import { holdLateUploads, uploadTableIn } from './upload-table.ts';
import { version } from './version.ts';

/** A running gateway. */
export interface RunningGateway {
  dataUrl: string;
  adminUrl: string;
  close(): Promise<void>;
}

/** Everything that is made before anything listens. */
interface Parts extends Surroundings {
  stateDir: string;
  census: Census;
  /** Another one once a journal that could not be opened at the start is open. */
  current(): Assembly;
  close(): Promise<void>;
}

function openJournal(
  stateDir: string,
  { config, metrics, logger, locks }: Pick<Surroundings, 'config' | 'metrics' | 'logger' | 'locks'>,
  mayCollapse: (folder: string) => boolean,
): Promise<Journal> {
  return openOrRefuse({
    file: join(stateDir, 'journal.db'),
    zombieMs: config.writes.zombieMs,
    ...config.journal,
    mayCollapse,
    isBusy: locks.isHeld,
    onCollapse: (rows) => metrics.collapsedDivergences.child().inc(rows),
    onCommit: (seconds) => {
      metrics.journalCommits.child().inc();
      metrics.journalCommitSeconds.child().observe(seconds);
    },
    onWritable: (writable, reason) =>
      writable ? logger.info('the journal can be written again') : logger.error({ reason }, unwritable),
  });
}

const unwritable = 'the journal cannot be written: writes to two stores are refused, reads go on';

async function openSides(config: GatewayConfig, journal: () => Journal, metrics: Metrics, logger: Logger) {
  const open = (side: Side): Promise<ServedSide> => {
    const { chaos } = config.stores[side].layers;
    if (chaos) warnOfDrill(logger, `stores.${side}`, chaos);
    const { zombieMs } = config.writes;
    const leases = leaseTableIn(journal, side);
    const kept = { uploads: uploadTableIn(journal, side), sagas: sagaTableIn(journal, side) };
    const tables = { leases, ...kept, zombieMs };
    return openSide(side, config.stores[side], metrics, tables, (state) =>
      logger.warn({ side, state }, 'breaker'),
    );
  };
  return { source: await open('source'), target: await open('target') };
}

async function makeParts(dir: string, config: GatewayConfig, logger: Logger): Promise<Parts> {
  const metrics = createMetrics(version);
  const stateDir = await makeStateDir(config.state.dir);
  const locks = createLocks({
    waitMs: config.writes.lockWaitMs,
    maxWaiters: config.writes.maxLockWaiters,
    onTimeout: () => metrics.lockTimeouts.child().inc(),
  });
  let current: Assembly | undefined;
  const open = async (): Promise<Journal> => {
    const opened = await openJournal(stateDir, { config, metrics, logger, locks }, (folder) =>
      Boolean(findMount(current?.table.mounts() ?? [], 'target', folder)),
    );
    const former = await formerTable(opened, config, logger);
    const mounts = [...(former?.routes.values() ?? [])].flatMap((route) => route.mounts);
    const clock = { nowMs: Date.now(), zombieMs: config.writes.zombieMs };
    if (!opened.unopened) await holdLateUploads(opened, mounts, clock);
    return opened;
  };
  let journal = await open();
  const sides = await openSides(config, () => journal, metrics, logger);
  const stores = { source: sides.source.store, target: sides.target.store };
  const around = { dir, config, logger, metrics, locks, sides, stores, underWay: createUnderWay() };
  current = await assemble(around, journal);
  const waiting = journal.unopened
    ? keepTrying(config.journal.retryMs, async () => {
        const opened = await open();
        if (opened.unopened) return false;
        const before = current;
        journal = opened;
        current = await assemble(around, opened);
        await before?.close();
        logger.info('the journal is open now: writes to two stores are taken');
        return true;
      })
    : undefined;
  if (waiting) logger.error({ reason: journal.gauges().refusing }, unwritable);
  return {
    ...around,
    stateDir,
    census: createCensus(Date.now),
    current: () => current!,
    async close() {
      await waiting?.stop();
      await current?.close();
    },
  };
}

/** Tries from time to time until it is done. */
function keepTrying(everyMs: number, attempt: () => Promise<boolean>): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const schedule = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = attempt().then((done) => (done ? undefined : schedule()), schedule);
    }, everyMs);
  };
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** The store that the faces serve, whichever assembly there is. */
function servedBy(current: () => Assembly): Store {
  return {
    ...current().gateway,
    query: (query, ctx) => current().gateway.query(query, ctx),
    mutate: (mutation, ctx) => current().gateway.mutate(mutation, ctx),
    direct: (path, ctx) => current().gateway.direct?.(path, ctx),
  };
}

async function listen({ config, logger, metrics, census, current, stateDir }: Parts) {
  const { host, port, publicUrl, tls, auth } = config.listen.data;
  const onRefused = (face: 'webhdfs' | 'dfs') => (reason: string) =>
    metrics.refusedRequests.child(face, reason).inc();
  const table = () => current().table.current();
  const identify = await identifyOf(config.listen.data, ({ subject }, reason) =>
    onRefused(subject ? 'dfs' : 'webhdfs')(reason),
  );
  const challenge = challengeOf(auth);
  const asked = { identify, ...(challenge === undefined ? {} : { challenge }) };
  if (auth.schemes.includes('none') && !isLoopbackHost(host))
    logger.warn({ host }, 'requests without a credential are taken from other machines (listen.data.auth)');
  const gateway = withAuthorization(
    servedBy(current),
    (ctx) => confinedBy(table(), ctx),
    ({ protocol }) => onRefused(protocol)('not-allowed'),
  );
  const onServed = (face: 'webhdfs' | 'dfs') => noteServed(face, metrics, census, table);
  const webhdfs = createWebhdfsFace({
    store: gateway,
    links: createLinkSigner(await linkKey(stateDir)),
    ...asked,
    appOf: (caller) => current().table.current().match(caller)?.app,
    onRefused: onRefused('webhdfs'),
    onServed: onServed('webhdfs'),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  });
  const dfs = createDfsFace({
    store: gateway,
    accounts: [...config.accounts, ...Object.keys(auth.accounts)],
    ...asked,
    onRefused: onRefused('dfs'),
    onServed: onServed('dfs'),
  });
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
  const { config, logger, metrics, sides, census, current } = parts;
  const sources = adminSources(sides, census, current);
  return createAdmin({ ...config.listen.admin, metrics, logger, sources, version });
}

/** Starts everything; rejects with a `ConfigError` or `StoreError` if it cannot. */
export async function startGateway(
  dir: string,
  config: GatewayConfig,
  logger: Logger,
): Promise<RunningGateway> {
  const parts = await makeParts(dir, config, logger);
  const { stores, sides, metrics, locks, current } = parts;
  observeGauges(metrics, locks, sides, current);
  const data = await listen(parts);
  const { certificates } = data;
  if (certificates) metrics.observe({ certificateExpires: () => certificates.expiresMs() / 1000 });
  const admin = await listenForOperators(parts);
  return {
    dataUrl: data.url,
    adminUrl: admin.url,
    async close() {
      await data.close();
      await admin.close();
      await parts.close();
      await Promise.all([stores.source.close?.(), stores.target.close?.()]);
    },
  };
}
