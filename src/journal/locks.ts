// Locks on paths: two writers to one path are in one order on both sides. Fair, bounded, cancellable, without deadlock.
import { ancestorsOf } from '../core/path.ts';
import { StoreError } from '../core/store-error.ts';

/**
 * `shared`: what commutes on one path (stage). `node`: the entry itself, while others work below it (mkdir, attributes).
 * `exclusive`: the path and everything below it.
 */
export type LockMode = 'shared' | 'node' | 'exclusive';

/** One path to be locked. */
export interface LockRequest {
  path: string;
  mode: LockMode;
}

/** Held until released; releasing twice does nothing. */
export interface Lock {
  release(): void;
}

/** Asynchronous, so that locks shared between replicas can stand in. */
export interface Locks {
  /**
   * All paths or none. `onWanted` is called once, when another request waits for what this one holds.
   * @throws StoreError `unavailable` after `waitMs`, `aborted` when the signal aborts, `throttled` when too many wait
   */
  acquire(
    requests: readonly LockRequest[],
    signal: AbortSignal,
    waitMs?: number,
    onWanted?: () => void,
  ): Promise<Lock>;
  waiters(): number;
  /** True if somebody has the path itself, in any mode; those who only have something below it do not count. */
  isHeld(path: string): boolean;
}

/** Numbers of the locks in one process. */
export interface LocksOptions {
  /** Longest wait, milliseconds. */
  waitMs: number;
  /** Most requests that wait. */
  maxWaiters: number;
  onTimeout?: () => void;
}

/** `ancestor` is what every lock holds on the folders above its path. */
type Hold = LockMode | 'ancestor';

const compatible: Record<Hold, readonly Hold[]> = {
  ancestor: ['ancestor', 'shared', 'node'],
  shared: ['ancestor', 'shared'],
  node: ['ancestor'],
  exclusive: [],
};

interface Waiter {
  holds: Map<string, Hold>;
  grant: () => void;
}

const strength: Record<Hold, number> = { ancestor: 0, shared: 1, node: 2, exclusive: 3 };

/** Every node a request holds; of two holds on one node the stronger one. */
function holdsOf(requests: readonly LockRequest[]): Map<string, Hold> {
  const holds = new Map<string, Hold>();
  const add = (path: string, hold: Hold): void => {
    const held = holds.get(path);
    if (held === undefined || strength[held] < strength[hold]) holds.set(path, hold);
  };
  for (const { path, mode } of requests) {
    add(path, mode);
    for (const ancestor of ancestorsOf(path)) add(ancestor, 'ancestor');
  }
  return holds;
}

/** What is held on each path, counted by hold. */
interface Held {
  has(path: string): boolean;
  isFree(holds: Map<string, Hold>): boolean;
  take(holds: Map<string, Hold>): void;
  give(holds: Map<string, Hold>): void;
}

function createHeld(): Held {
  const held = new Map<string, Map<Hold, number>>();
  return {
    has: (path) => [...(held.get(path)?.keys() ?? [])].some((hold) => hold !== 'ancestor'),
    isFree(holds) {
      for (const [path, hold] of holds) {
        for (const other of held.get(path)?.keys() ?? []) if (!compatible[hold].includes(other)) return false;
      }
      return true;
    },
    take(holds) {
      for (const [path, hold] of holds) {
        let counts = held.get(path);
        if (!counts) {
          counts = new Map();
          held.set(path, counts);
        }
        counts.set(hold, (counts.get(hold) ?? 0) + 1);
      }
    },
    give(holds) {
      for (const [path, hold] of holds) {
        const counts = held.get(path)!;
        const left = counts.get(hold)! - 1;
        if (left > 0) counts.set(hold, left);
        else counts.delete(hold);
        if (counts.size === 0) held.delete(path);
      }
    },
  };
}

/** What waiters want, by path; what is merely passed through does not count. */
function want(holds: Map<string, Hold>, wanted: Map<string, Hold[]>): void {
  for (const [path, hold] of holds) {
    if (hold !== 'ancestor') wanted.set(path, [...(wanted.get(path) ?? []), hold]);
  }
}

/** True if the two cannot be held together. */
function conflict(holds: Map<string, Hold>, others: Map<string, Hold>): boolean {
  for (const [path, hold] of holds) {
    const other = others.get(path);
    if (other !== undefined && !compatible[hold].includes(other)) return true;
  }
  return false;
}

/** Fair on the path itself; a folder's waiting subtree lock lets newcomers below it pass (semantics A9). */
function overtakes(holds: Map<string, Hold>, wanted: Map<string, Hold[]>): boolean {
  for (const [path, hold] of holds) {
    if (hold === 'ancestor') continue;
    for (const other of wanted.get(path) ?? []) if (!compatible[hold].includes(other)) return true;
  }
  return false;
}

/** Grants every waiter that may go, in order. */
function wake(waiting: Set<Waiter>, held: Held): void {
  const passed = new Map<string, Hold[]>();
  for (const waiter of waiting) {
    if (held.isFree(waiter.holds) && !overtakes(waiter.holds, passed)) waiter.grant();
    else want(waiter.holds, passed);
  }
}

/** Locks of one process. */
export function createLocks(options: LocksOptions): Locks {
  const held = createHeld();
  const waiting = new Set<Waiter>();
  const yielding = new Set<{ holds: Map<string, Hold>; onWanted: () => void }>();
  const askToYield = (wanted: Map<string, Hold>): void => {
    for (const holder of yielding) {
      if (conflict(holder.holds, wanted) && yielding.delete(holder)) holder.onWanted();
    }
  };
  const lockOf = (holds: Map<string, Hold>, onWanted?: () => void): Lock => {
    held.take(holds);
    let open = true;
    const holder = onWanted && { holds, onWanted };
    if (holder) {
      yielding.add(holder);
      for (const waiter of waiting) askToYield(waiter.holds);
    }
    return {
      release() {
        if (!open) return;
        open = false;
        if (holder) yielding.delete(holder);
        held.give(holds);
        if (waiting.size > 0) wake(waiting, held);
      },
    };
  };
  const wait = (
    holds: Map<string, Hold>,
    signal: AbortSignal,
    waitMs: number,
    onWanted?: () => void,
  ): Promise<Lock> =>
    new Promise((resolve, reject) => {
      const waiter: Waiter = {
        holds,
        grant() {
          leave();
          resolve(lockOf(holds, onWanted));
        },
      };
      const give = (error: StoreError): void => {
        leave();
        reject(error);
        wake(waiting, held); // those who stood behind this one may be free to go
      };
      const timer = setTimeout(() => {
        options.onTimeout?.();
        give(
          new StoreError('unavailable', `the path is busy: no lock within ${waitMs} ms`, {
            retryAfterMs: 1000,
          }),
        );
      }, waitMs);
      const abort = (): void =>
        give(new StoreError('aborted', 'the caller went away while waiting for the path'));
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        waiting.delete(waiter);
      };
      signal.addEventListener('abort', abort);
      waiting.add(waiter);
      askToYield(holds);
    });
  return {
    waiters: () => waiting.size,
    isHeld: held.has,
    async acquire(requests, signal, waitMs = options.waitMs, onWanted = undefined) {
      if (signal.aborted) throw new StoreError('aborted', 'the caller went away');
      const holds = holdsOf(requests);
      const queued = new Map<string, Hold[]>();
      for (const waiter of waiting) want(waiter.holds, queued);
      if (held.isFree(holds) && !overtakes(holds, queued)) return lockOf(holds, onWanted);
      if (waiting.size >= options.maxWaiters) {
        const message = `more than ${options.maxWaiters} requests wait for paths`;
        throw new StoreError('throttled', message, { retryAfterMs: 1000 });
      }
      return wait(holds, signal, waitMs, onWanted);
    },
  };
}
