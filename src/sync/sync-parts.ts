// What every way of making the sides equal shares.
import type { Mount } from '../core/mount.ts';
import type { Ctx, Side, Store } from '../core/store.ts';
import type { StoreError } from '../core/store-error.ts';
import type { Journal } from '../journal/journal.ts';
import type { Locks } from '../journal/locks.ts';

/** Names under which copies wait to be put in place. */
export interface HiddenNames {
  /** A copy is going to be put there. */
  begin(side: Side, path: string): void;
  /** It is in place, or given up. @returns false if it had not begun */
  end(side: Side, path: string): boolean;
}

/** The two sides and what guards them. */
export interface SyncParts {
  stores: Record<Side, Store>;
  isDown(side: Side): boolean;
  journal: Journal;
  locks: Locks;
  /** Mounts of all apps. */
  mounts(): readonly Mount[];
  /** Roots of mounts that some app writes on this side, all if absent: elsewhere hidden folders are another gateway's. */
  writtenRoots?(side: Side): readonly string[];
  /** True where nothing may be made equal: an operator has to say first what is true (semantics D1). */
  isHeld?(path: string): boolean;
  now(): number;
  /** How long a request without an answer may still land, milliseconds. */
  zombieMs: number;
  /** How long repair may keep a path that a client waits for, milliseconds. */
  lagMs: number;
  ctx(): Ctx;
  /** Told of every hidden name in use. */
  hidden?: HiddenNames;
  /** The other side refused an owner that the truth has: its own stays. */
  onOwnerRefused?(path: string, error: StoreError): void;
  /** What the other side had at a path was put aside there. */
  onKept?(path: string, keptPath: string): void;
  /** Bytes copied, for metrics. */
  onBytes?(bytes: number): void;
}

/** One path to be made equal, by its names on both sides. */
export interface CopyJob {
  /** Canonical path. */
  path: string;
  truth: Side;
  other: Side;
  truthPath: string;
  otherPath: string;
  /** A hidden name on the other side, for the copy before it is renamed into place. */
  hiddenPath: string;
  /** What stands only on the other side is kept. */
  keepExtras: boolean;
  /** Where what is replaced or removed on the other side is put aside; absent: it goes. */
  keptPath?: string;
  /** Owner and group are carried over too. */
  owners: boolean;
  /** Times are carried over too. */
  times: boolean;
  /** The other side's content was moved there as it was and equal before: where the lengths agree it is not read again. */
  trusted: boolean;
}
