// What the parts of the gateway share: the two sides, the journal, the locks, the table in force, and who is told what.
import type { RoutingTable } from '../core/route.ts';
import type { Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Journal } from '../journal/journal.ts';
import type { Locks } from '../journal/locks.ts';
import type { AnsweredAlone } from './answered-alone.ts';
import type { KnownFolders } from './known-folders.ts';
import type { ReadMarks } from './read-marks.ts';
import type { Outcome } from './settle.ts';
import type { LagBudget, LetGo } from './tee.ts';
import type { UnderWay } from './under-way.ts';

/** One side of the migration: its store behind all layers, and whether its breaker is open. */
export interface GatewaySide {
  store: Store;
  isDown(): boolean;
}

/** Told about everything that is counted; must not throw. */
export interface GatewayEvents {
  onMutation?(app: string, verb: string, outcomes: Partial<Record<Side, Outcome>>): void;
  onQuery?(app: string, verb: string, side: Side, outcome: 'ok' | 'refused' | 'failed'): void;
  onLetGo?(app: string, reason: LetGo): void;
  /** A divergence was written: repair may want to look. */
  onDivergence?(path: string): void;
  /** Something went wrong after the client was answered. */
  onError?(what: string, error: unknown): void;
}

/** Limits of the gateway's own work, milliseconds. */
export interface GatewayLimits {
  /** How long paths with two truths may take to settle before the mutation is refused. */
  settleMs: number;
  /** How long an append out of order may wait. */
  orderWaitMs: number;
  /** How long a request without an answer may still land. */
  zombieMs: number;
  /** How long an upload may stand still before its record is closed. */
  uploadIdleMs: number;
}

/** Everything the gateway is made of. */
export interface GatewayParts {
  sides: Record<Side, GatewaySide>;
  journal: Journal;
  locks: Locks;
  /** The routing table in force. */
  table(): RoutingTable;
  lag: LagBudget;
  limits: GatewayLimits;
  events: GatewayEvents;
  marks: ReadMarks;
  answeredAlone: AnsweredAlone;
  folders: KnownFolders;
  underWay: UnderWay;
  /** Why nothing may be written to two sides at a canonical path; undefined if it may (semantics D1). */
  heldBecause(path: string): string | undefined;
  now(): number;
  /** Tries to settle these divergences now; resolves when tried. */
  settleNow(paths: readonly string[], withinMs: number): Promise<void>;
}

/** @throws StoreError `unavailable` where two sides may not be written (semantics D1) */
export function refuseHeld(parts: GatewayParts, twoSided: boolean, path: string): void {
  const reason = twoSided ? parts.heldBecause(path) : undefined;
  if (reason !== undefined)
    throw new StoreError('unavailable', reason, { code: 'journal-lost', retryAfterMs: heldRetryMs });
}

/** When a client may ask again where an operator has to act first, milliseconds. */
const heldRetryMs = 30_000;

/** Breakers that are open. */
export function sidesDown(parts: GatewayParts): ReadonlySet<Side> {
  const down = new Set<Side>();
  if (parts.sides.source.isDown()) down.add('source');
  if (parts.sides.target.isDown()) down.add('target');
  return down;
}
