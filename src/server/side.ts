// One side of the gateway: a driver from the config, behind its layers, with what is known of its health.
import type { LayersConfig, StoreConfig } from '../config/store-schema.ts';
import type { Side, Store } from '../core/store.ts';
import { type BreakerState, withBreaker } from '../layers/breaker.ts';
import { withChaos } from '../layers/chaos.ts';
import { type LeaseTable, withLeases } from '../layers/leases.ts';
import { withLimit } from '../layers/limit.ts';
import { withObserver } from '../layers/observe.ts';
import type { SagaTable } from '../layers/sagas/saga.ts';
import { withSagas } from '../layers/sagas.ts';
import type { UploadTable } from '../layers/staging/uploads.ts';
import { type StoreWithStaging, withStaging } from '../layers/staging.ts';
import { withTimeout } from '../layers/timeout.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { makeStore } from './make-store.ts';

/** A side with its health. */
export interface ServedSide {
  side: Side;
  name: string;
  store: Store;
  breaker(): BreakerState;
  /** Changes of several requests that are not at their end, and a way there for those that nobody waits for (semantics A8). */
  sagas: { open(): number; carryOn(): Promise<void> };
  /** Absent where the store itself forgets what nobody goes on with. */
  sweepPieces: StoreWithStaging['sweepPieces'];
  forgetUpload: StoreWithStaging['forgetUpload'];
  /** The latest temporary failure, if no answer came after it. */
  lastError(): { message: string; atMs: number } | undefined;
}

/** Names of the numbers that Prometheus gets for a breaker. */
const breakerNumber: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

/** Observe · breaker · limit · timeout around the driver (design §2); innermost the faults of a drill, if there is one. */
export async function openSide(
  side: Side,
  config: StoreConfig,
  metrics: Metrics,
  tables: { leases: LeaseTable; uploads: UploadTable; sagas: SagaTable; zombieMs: number },
  onBreaker: (state: BreakerState) => void,
): Promise<ServedSide> {
  let lastError: { message: string; atMs: number } | undefined;
  const { chaos } = config.layers;
  const bare = await makeStore(side, config);
  const faulty = chaos
    ? withChaos(bare, chaos, { onFault: (fault) => metrics.chaosFaults.child(side, fault).inc() })
    : bare;
  const driver = withSagas(faulty, tables.sagas, { zombieMs: tables.zombieMs, now: Date.now });
  const staged: StoreWithStaging = withStaging(driver, { table: tables.uploads, zombieMs: tables.zombieMs });
  const leased = staged.supports.leases ? staged : withLeases(staged, tables.leases);
  const layers: LayersConfig = config.layers;
  const limited = withLimit(withTimeout(leased, layers), layers);
  metrics.breakerState.child(side).set(breakerNumber.closed);
  const guarded = withBreaker(limited, layers.breaker, (state) => {
    metrics.breakerState.child(side).set(breakerNumber[state]);
    onBreaker(state);
  });
  const store = withObserver(guarded.store, (verb, seconds, error) => {
    metrics.storeSeconds.child(side, verb).observe(seconds);
    if (!error) lastError = undefined;
    else if (error.temporary) lastError = { message: error.message, atMs: Date.now() };
  });
  return {
    side,
    name: `${config.type} ${driver.name}`,
    store,
    breaker: guarded.state,
    sweepPieces: staged.sweepPieces,
    forgetUpload: staged.forgetUpload,
    sagas: { open: driver.openSagas, carryOn: driver.carrySagasOn },
    lastError: () => lastError,
  };
}
