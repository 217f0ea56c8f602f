// A gateway over two stores in one process: real journal, real locks, real repair; no HTTP.
import type { Test } from 'tap';
import { ownCtx } from '../../src/core/ctx.ts';
import type { Mount } from '../../src/core/mount.ts';
import type { Route, RoutingTable } from '../../src/core/route.ts';
import type { Ctx, Side, Store } from '../../src/core/store.ts';
import { createGateway } from '../../src/gateway/gateway.ts';
import type { GatewayEvents } from '../../src/gateway/gateway-parts.ts';
import type { LagBudget } from '../../src/gateway/tee.ts';
import { createUnderWay } from '../../src/gateway/under-way.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { createLocks, type Locks } from '../../src/journal/locks.ts';
import { openSqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts';
import { type Repair, startRepair } from '../../src/sync/repair.ts';

/** Everything a test may want to look at or break. */
export interface Rig {
  gateway: Store;
  stores: Record<Side, Store>;
  journal: Journal;
  locks: Locks;
  /** What all secondaries may hold, and hold. */
  lag: LagBudget;
  repair: Repair;
  route: Route;
  /** Bytes that repair has copied. */
  copiedBytes(): number;
  /** Sides that count as down (breaker open). */
  down: Set<Side>;
  ctx(protocol?: Ctx['protocol']): Ctx;
  /** Resolves when nothing diverges and nothing is open. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** What a rig may be made with. */
export interface RigOptions {
  route?: Partial<Route>;
  mounts?: Mount[];
  wrap?: (side: Side, store: Store, journal: Journal) => Store;
  wrapJournal?: (journal: Journal) => Journal;
  stateDir?: string;
  lagMs?: number;
  zombieMs?: number;
  uploadIdleMs?: number;
  now?: () => number;
  maxDivergencesPerFolder?: number;
  events?: GatewayEvents;
}

function tableOf(route: Route): RoutingTable {
  return { digest: '', routes: new Map([[route.app, route]]), match: () => route };
}

/** A running rig; closed at the end of the test. */
export async function createRig(t: Test, options: RigOptions = {}): Promise<Rig> {
  const mounts = options.mounts ?? [{ source: '/', target: '/' }];
  const route: Route = {
    app: 'default',
    reads: 'source',
    writes: 'both',
    ack: 'primary',
    ackFallback: 'degrade',
    failover: 'none',
    mounts,
    ...options.route,
  };
  const dir = options.stateDir ?? t.testdir({});
  const zombieMs = options.zombieMs ?? 0;
  const now = options.now ?? Date.now;
  const locks = createLocks({ waitMs: 5000, maxWaiters: 1000 });
  const opened = await openSqliteJournal({
    file: `${dir}/journal.db`,
    zombieMs,
    now,
    isBusy: locks.isHeld,
    maxDivergencesPerFolder: options.maxDivergencesPerFolder ?? 10_000,
  });
  const journal = options.wrapJournal?.(opened) ?? opened;
  const wrap = options.wrap ?? ((_, store) => store);
  const stores = {
    source: wrap('source', createMemoryStore({ name: 'source' }), journal),
    target: wrap('target', createMemoryStore({ name: 'target' }), journal),
  };
  const down = new Set<Side>();
  const waiting = new Set<() => void>();
  let copiedBytes = 0;
  const repair = startRepair(
    {
      stores,
      isDown: (side) => down.has(side),
      journal,
      locks,
      mounts: () => mounts,
      now,
      zombieMs,
      lagMs: options.lagMs ?? 2000,
      ctx: () => ownCtx('repair'),
      onBytes: (bytes) => {
        copiedBytes += bytes;
      },
    },
    {
      concurrency: 4,
      pollMs: 20,
      backoffMs: 10,
      maxBackoffMs: 50,
      onOutcome: () => {
        for (const check of waiting) check();
      },
    },
  );
  const lag: LagBudget = {
    limits: { lagMs: options.lagMs ?? 2000, lagBytes: 1 << 20, lagTotalBytes: 1 << 24, lagRequests: 256 },
    heldBytes: 0,
    waiting: { source: 0, target: 0 },
  };
  const gateway = createGateway({
    sides: {
      source: { store: stores.source, isDown: () => down.has('source') },
      target: { store: stores.target, isDown: () => down.has('target') },
    },
    journal,
    locks,
    table: () => tableOf(route),
    lag,
    limits: { settleMs: 2000, orderWaitMs: 1000, zombieMs, uploadIdleMs: options.uploadIdleMs ?? 86_400_000 },
    events: {
      ...options.events,
      onDivergence: (...told) => {
        options.events?.onDivergence?.(...told);
        repair.wake();
      },
    },
    now,
    underWay: createUnderWay(),
    heldBecause: () => undefined,
    settleNow: (paths, withinMs) => repair.settleNow(paths, withinMs),
  });
  let closed = false;
  const rig: Rig = {
    gateway,
    stores,
    journal,
    locks,
    lag,
    repair,
    route,
    copiedBytes: () => copiedBytes,
    down,
    ctx: (protocol = 'webhdfs') => ({
      requestId: 'test',
      caller: {},
      signal: new AbortController().signal,
      trail: {},
      protocol,
    }),
    settled: () =>
      new Promise((resolve) => {
        const check = (): void => {
          const { divergentPaths, openIntents } = journal.gauges();
          if (divergentPaths + openIntents > 0) return;
          waiting.delete(check);
          clearInterval(poll);
          resolve();
        };
        const poll = setInterval(check, 5);
        waiting.add(check);
        check();
      }),
    async close() {
      if (closed) return;
      closed = true;
      await repair.close();
      await journal.close();
    },
  };
  t.teardown(() => rig.close());
  return rig;
}
