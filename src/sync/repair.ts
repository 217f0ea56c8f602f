// The loop that settles known divergences: due rows first, bounded concurrency, back-off per path, nothing asked of a side that is down.
import pLimit from 'p-limit';
import { StoreError } from '../core/store-error.ts';
import type { Divergence } from '../journal/journal.ts';
import { isTailOver } from './fence.ts';
import { createHiddenFolders } from './hidden-folders.ts';
import { type RepairOutcome, repairRow } from './repair-row.ts';
import type { SyncParts } from './sync-parts.ts';

/** Numbers of the repair loop. */
export interface RepairOptions {
  /** Divergences settled at a time. */
  concurrency: number;
  /** How often due divergences are looked for, milliseconds. */
  pollMs: number;
  /** First and longest wait after a failed attempt, milliseconds; doubled in between. */
  backoffMs: number;
  maxBackoffMs: number;
  /** Rows looked at in one pass. */
  batch?: number;
  onOutcome?: (outcome: RepairOutcome | 'failed') => void;
  onError?: (row: Divergence, error: StoreError) => void;
}

/** The running loop. */
export interface Repair {
  /** Looks for work now instead of at the next poll. */
  wake(): void;
  /** Tries these paths' rows now; resolves when tried or when the time is up. */
  settleNow(paths: readonly string[], withinMs: number): Promise<void>;
  /** How many rows are left alone for a while. */
  waiting(): number;
  close(): Promise<void>;
}

interface Attempt {
  generation: number;
  /** In a row, without one that settled it. */
  failures: number;
  nextMs: number;
  /** It was written meanwhile: the next write does not make it due at once. */
  isBusy: boolean;
  /** The last round in which its row was there. */
  round: number;
}

/** Rows that are started before others have ended, for each that runs: enough that one which hangs holds up nothing. */
const startedPerRunning = 2;

/** Starts the loop. */
export function startRepair(given: SyncParts, options: RepairOptions): Repair {
  const hidden = createHiddenFolders(given);
  const parts: SyncParts = { ...given, hidden };
  const limit = pLimit(options.concurrency);
  const attempts = new Map<string, Attempt>();
  const running = new Map<string, Promise<void>>();
  let closed = false;
  let pass: Promise<void> | undefined;
  let again = false;
  let round = 0;

  const isAnyDown = (): boolean => parts.isDown('source') || parts.isDown('target');
  /** A path that is written all the time is left alone longer and longer too: each try would copy it in vain. */
  const leaveAlone = (row: Divergence, why: 'failed' | 'superseded' | 'deferred'): void => {
    const failures = why === 'deferred' ? 0 : (attempts.get(row.path)?.failures ?? 0) + 1;
    const waitMs = Math.min(options.maxBackoffMs, options.backoffMs * 2 ** Math.max(0, failures - 1));
    attempts.set(row.path, {
      generation: row.generation,
      failures,
      nextMs: parts.now() + waitMs,
      isBusy: why === 'superseded',
      round,
    });
  };
  const attempt = async (row: Divergence): Promise<void> => {
    // Both sides are needed: a side that went away meanwhile is not the path's failure.
    if (closed || isAnyDown()) return;
    try {
      const outcome = await repairRow(parts, row);
      if (outcome === 'deferred' || outcome === 'superseded') leaveAlone(row, outcome);
      else attempts.delete(row.path);
      options.onOutcome?.(outcome);
    } catch (thrown) {
      leaveAlone(row, 'failed');
      options.onOutcome?.('failed');
      options.onError?.(row, StoreError.from(thrown));
    }
  };
  const start = (row: Divergence): Promise<void> => {
    let job = running.get(row.path);
    if (!job) {
      job = limit(() => attempt(row)).finally(() => running.delete(row.path));
      running.set(row.path, job);
    }
    return job;
  };
  const isDue = (row: Divergence, nowMs: number): boolean => {
    const tried = attempts.get(row.path);
    if (tried) tried.round = round;
    if (!isTailOver(row, nowMs) || row.pinned !== undefined || parts.isHeld?.(row.path)) return false;
    return !tried || tried.nextMs <= nowMs || (!tried.isBusy && tried.generation !== row.generation);
  };
  const lookForWork = async (): Promise<void> => {
    if (isAnyDown()) return;
    round++;
    let after: string | undefined;
    do {
      const page = await parts.journal.divergences({
        limit: options.batch ?? 1000,
        ...(after === undefined ? {} : { after }),
      });
      for (const row of page.items) {
        while (running.size >= options.concurrency * startedPerRunning && !closed)
          await Promise.race(running.values());
        if (closed || isAnyDown()) return;
        if (isDue(row, parts.now())) void start(row);
      }
      after = page.items.at(-1)?.path;
    } while (after !== undefined && !closed);
    for (const [path, tried] of attempts) if (tried.round < round) attempts.delete(path);
    if (running.size === 0) await hidden.tidy();
  };
  const wake = (): void => {
    if (closed) return;
    if (pass) {
      again = true;
      return;
    }
    pass = lookForWork()
      .catch((error) => options.onError?.(unknownRow, StoreError.from(error)))
      .finally(() => {
        pass = undefined;
        if (again) {
          again = false;
          wake();
        }
      });
  };
  const timer = setInterval(wake, options.pollMs);
  timer.unref();
  wake();

  return {
    wake,
    async settleNow(paths, withinMs) {
      const jobs: Promise<void>[] = [];
      for (const path of paths) {
        const { divergence } = await parts.journal.state(path);
        if (divergence) jobs.push(start(divergence));
      }
      let timeout: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timeout = setTimeout(resolve, withinMs);
      });
      await Promise.race([Promise.all(jobs), late]);
      clearTimeout(timeout);
    },
    waiting: () => attempts.size,
    async close() {
      closed = true;
      clearInterval(timer);
      await Promise.race([
        Promise.allSettled([...running.values(), pass]),
        new Promise((resolve) => setTimeout(resolve, 1000).unref()),
      ]);
    },
  };
}

const unknownRow: Divergence = {
  path: '/',
  subtree: true,
  truth: 'source',
  generation: 0,
  reason: 'looking for work',
  sinceMs: 0,
};
