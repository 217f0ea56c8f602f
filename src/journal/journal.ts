// Where intents, divergences and upload records live. Asynchronous and free of any database, so that a shared one can stand in.
import type { Side } from '../core/store.ts';

/** A path an operation touches; `subtree` if everything below it as well. Canonical (target) paths. */
export interface Reach {
  path: string;
  subtree: boolean;
}

/** A mutation written down before its first byte leaves. */
export interface NewIntent {
  app: string;
  verb: string;
  reaches: Reach[];
  /** The truth of its paths while it is open. */
  primary: Side;
  /** Absent if the other side is not asked. */
  secondary?: Side;
  /** True for a stage: after a crash it takes its secondary out of the upload's sides instead of making a divergence. */
  staged: boolean;
}

/** An open intent; its id is the generation of everything that comes of it. */
export interface Intent extends NewIntent {
  id: number;
  openedMs: number;
}

/**
 * A path or subtree that is known or suspected to differ between the sides. Whoever makes one row of several, or a row of another one's
 * path, leaves out `absent`, `moved`, `frozen`, `pinned` and `grownSince`: without them repair looks, compares and copies; with a wrong one it would err.
 */
export interface Divergence extends Reach {
  /** The side known to hold the newest state. */
  truth: Side;
  /** Id of the latest intent that touched it; repair clears only the generation it worked on. */
  generation: number;
  reason: string;
  sinceMs: number;
  /**
   * Not cleared before this time (epoch ms): a request without an answer may still land (design §4, "unknown has a tail").
   */
  tailUntilMs?: number;
  /** What stands only on the other side is kept, not deleted (semantics D1: a first start). */
  keepExtras?: boolean;
  /** What the other side has instead of the truth is put aside, not lost (semantics D1: a lost journal). */
  keepReplaced?: boolean;
  /**
   * An owner or group was set that the other side has not heard of. Else they are not compared: each store gives new paths the
   * identity that the gateway has there.
   */
  owners?: boolean;
  /** Times were set that the other side has not heard of, and nothing was written since. Else each store's own clock is right. */
  times?: boolean;
  /**
   * The truth has nothing here since `generation`. Left out where nobody knows without asking: after a restart, and while a request
   * without an answer may still land (semantics B1).
   */
  absent?: true;
  /**
   * The other side still has this subtree under the name `from`, where rename `generation` found it: repair moves it there instead of
   * copying (semantics A8). True only while the row at `from` is `frozen` for that rename; `from` is the row's own path once it is done.
   */
  moved?: { from: string; generation: number };
  /** What the other side has here has not been touched since this rename took it away from the truth. */
  frozen?: number;
  /** Since this generation the file was only added to at its end: what repair has read of it since then still stands in it. */
  grownSince?: number;
  /** Why the other side refuses for good what the truth has: not tried again until the path changes (semantics B4). */
  pinned?: string;
}

/** Requests that belong together: create, append, append, flush. */
export interface Upload {
  path: string;
  generation: number;
  /** ETag shown to clients from create to flush. */
  etag?: string;
  /** Sides that hold every acked byte; only shrinks. */
  sides: Side[];
  /** True while it holds acked bytes that are not flushed. */
  unflushed: boolean;
  /** A rename was open when the process ended that sent it: the file stands here or, as another record says, there. */
  movedFrom?: string;
  /** An append was open when the process ended that sent it: until then (epoch ms) it may land on either side. */
  lateUntilMs?: number;
  app: string;
  touchedMs: number;
}

/** One change of the journal's state; a list of them is one commit. */
export type Change =
  | { do: 'put'; divergence: Divergence }
  /** Removes the row if its generation is still this one. */
  | { do: 'clear'; path: string; generation: number }
  /** Removes all rows and upload records strictly below. */
  | { do: 'clear-below'; path: string }
  /** Rows and upload records at and below `from` are found at and below `to` afterwards, rows without `absent`, `frozen`, `pinned`, `grownSince`. */
  | { do: 'move'; from: string; to: string }
  | { do: 'put-upload'; upload: Upload }
  | { do: 'end-upload'; path: string }
  /** An empty value removes the row. */
  | { do: 'meta'; key: string; value: string };

/** All that decides where a path is served and written. */
export interface PathState {
  /** Nearest divergence at the path or above it (subtree). */
  divergence?: Divergence;
  /** Open intents that reach the path. */
  intents: Intent[];
  upload?: Upload;
}

/** Rows below a folder, for listings, renames and recursive deletes. */
export interface Below {
  divergences: Divergence[];
  intents: Intent[];
  uploads: Upload[];
}

/** Names directly in a folder that one truth concerns. */
export interface NamesBelow {
  /** Something of the path itself has it: its row, an intent, its upload. */
  here: Set<string>;
  /** Only something deeper has it, and the path itself has no truth of its own. */
  deeper: Set<string>;
}

/** Numbers for metrics; cheap to ask. */
export interface JournalGauges {
  openIntents: number;
  divergentPaths: number;
  /** Of them, those that one side refuses for good. */
  pinnedPaths: number;
  openUploads: number;
  /** Epoch ms of the oldest divergence that is not pinned. */
  oldestSinceMs?: number;
  writable: boolean;
  /** Why not, if it is not. */
  refusing?: string;
  /** Bytes of its file in use. */
  bytes: number;
}

/** The journal is one ordered queue: what is asked for first is durable first, awaited or not. */
export interface Journal {
  /** Identity of this journal; made once. */
  readonly id: string;
  /** Raised durably at each start. */
  readonly epoch: number;
  /**
   * Present if the journal could not be opened and this only stands in for it: every intent is refused, and what diverges is known as far
   * as it could be read. `locked`: another process has it.
   */
  readonly unopened?: 'locked' | 'unreadable';
  /** Resolves when the intent is durable. @throws StoreError `unavailable` if the journal cannot be written */
  open(intent: NewIntent): Promise<Intent>;
  /**
   * Closes an intent together with what it leaves behind, as one commit. Resolves when durable; visible at once, or with `durableFirst`
   * only then: a read must not show what a crash could still take back.
   */
  settle(intent: Intent, changes: Change[], durableFirst?: boolean): Promise<void>;
  /** Commits changes that belong to no intent. */
  apply(changes: Change[]): Promise<void>;
  /**
   * Makes one subtree divergence of what diverges below a folder, where no path gets another truth by it (semantics D2); the caller has
   * its lock. Visible at once.
   */
  collapse(folder: string): Promise<void>;
  state(path: string): Promise<PathState>;
  /** Rows strictly below `folder`; `direct` only its immediate children. At most `limit` rows of each kind, and of each truth. */
  below(folder: string, options: { direct: boolean; limit: number }): Promise<Below>;
  /** All names directly in `folder` whose truth, or that of something below them, may be this side; for listings. */
  names(folder: string, truth: Side): Promise<NamesBelow>;
  /** Divergences in order of path; cheap for any page. */
  divergences(page: { after?: string; limit: number }): Promise<{ total: number; items: Divergence[] }>;
  /** Divergences with `moved`. */
  moves(): Promise<Divergence[]>;
  uploads(): Promise<Upload[]>;
  meta(key: string): Promise<string | undefined>;
  /** Values of all keys that begin with `prefix`. */
  metas(prefix: string): Promise<string[]>;
  gauges(): JournalGauges;
  close(): Promise<void>;
}
