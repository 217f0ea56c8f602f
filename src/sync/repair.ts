// The loop that settles known divergences: due rows first, bounded concurrency, back-off per path, nothing asked of a side that is down.
import pLimit from 'p-limit';
import { StoreError } from '../core/store-error.ts';
import type { Divergence } from '../journal/journal.ts';
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
  close(): Promise<void>;
}

interface Attempts {
  generation: number;
  failures: number;
  nextMs: number;
}

/** Starts the loop. */
export function startRepair(given: SyncParts, options: RepairOptions): Repair {
  const hidden = createHiddenFolders();
  const parts: SyncParts = { ...given, onHidden: hidden.used };
  const limit = pLimit(options.concurrency);
  const attempts = new Map<string, Attempts>();
  const running = new Map<string, Promise<void>>();
  let closed = false;
  let pass: Promise<void> | undefined;
  let again = false;

  const failed = (row: Divergence, error: StoreError): void => {
    const earlier = attempts.get(row.path);
    const failures = (earlier?.generation === row.generation ? earlier.failures : 0) + 1;
    const waitMs = Math.min(options.maxBackoffMs, options.backoffMs * 2 ** (failures - 1));
    attempts.set(row.path, { generation: row.generation, failures, nextMs: parts.now() + waitMs });
    options.onOutcome?.('failed');
    options.onError?.(row, error);
  };
  const attempt = async (row: Divergence): Promise<void> => {
    if (closed) return;
    try {
      const outcome = await repairRow(parts, row);
      attempts.delete(row.path);
      if (outcome === 'deferred') {
        attempts.set(row.path, {
          generation: row.generation,
          failures: 0,
          nextMs: parts.now() + options.backoffMs,
        });
      }
      options.onOutcome?.(outcome);
    } catch (thrown) {
      failed(row, StoreError.from(thrown));
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
    if ((row.tailUntilMs ?? 0) > nowMs || parts.isHeld?.(row.path)) return false;
    const tried = attempts.get(row.path);
    return !tried || tried.generation !== row.generation || tried.nextMs <= nowMs;
  };
  const lookForWork = async (): Promise<void> => {
    if (parts.isDown('source') || parts.isDown('target')) return;
    const jobs: Promise<void>[] = [];
    let after: string | undefined;
    do {
      const page = await parts.journal.divergences({
        limit: options.batch ?? 1000,
        ...(after === undefined ? {} : { after }),
      });
      for (const row of page.items) if (isDue(row, parts.now())) jobs.push(start(row));
      after = page.items.at(-1)?.path;
      await Promise.all(jobs.splice(0));
    } while (after !== undefined && !closed);
    if (attempts.size > 0 && parts.journal.gauges().divergentPaths === 0) attempts.clear();
    if (running.size === 0) await hidden.removeEmpty(parts);
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
    async close() {
      closed = true;
      clearInterval(timer);
      limit.clearQueue();
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
