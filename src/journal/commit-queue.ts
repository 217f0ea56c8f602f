// The ordered queue to the SQLite thread: one message is one commit, and all that wait share its fsync (group commit).
import type { Worker } from 'node:worker_threads';
import { StoreError } from '../core/store-error.ts';
import type { Answer, Batch, Statement } from './sqlite-worker.ts';

interface Queued {
  statements: Statement[];
  done: (() => void) | undefined;
  /** Present if the caller must not act unless this is durable: on failure it is taken out of the queue. */
  fail: ((error: StoreError) => void) | undefined;
}

/** How the queue behaves and whom it tells. */
export interface CommitQueueOptions {
  /** How long to wait before a failed commit is tried again, milliseconds. */
  retryMs: number;
  /** @param bytes of the file in use after the commit */
  onCommit: (seconds: number, bytes: number) => void;
  onWritable: (writable: boolean, reason?: string) => void;
}

/** Statements in order; what is asked first is durable first. */
export interface CommitQueue {
  /** Durable when it resolves; kept and tried again if the file cannot be written; never resolves once the thread has ended. */
  add(statements: Statement[]): Promise<void>;
  /** The same, but given up if the file cannot be written. @throws StoreError `unavailable` */
  addOrFail(statements: Statement[]): Promise<void>;
  /** Why the file cannot be written; undefined if it can. */
  refusing(): string | undefined;
  /** Commits what is left if the file can be written, and ends the thread. */
  close(): Promise<void>;
}

// Something must be written for the queue to learn that the file can be written again.
const probe = (): Queued => ({
  statements: [{ do: 'meta', key: 'probe', value: 'x' }],
  done: undefined,
  fail: undefined,
});

/** Mutable state of one queue. */
interface State {
  queue: Queued[];
  inFlight: Queued[] | undefined;
  /** Why the file cannot be written. */
  refusing: string | undefined;
  retryTimer: NodeJS.Timeout | undefined;
  /** Nothing is committed any more. */
  ended: boolean;
}

function pump(state: State, worker: Worker): void {
  if (state.inFlight || state.queue.length === 0 || state.retryTimer) return;
  state.inFlight = state.queue;
  state.queue = [];
  const statements = state.inFlight.flatMap((item) => item.statements);
  worker.postMessage({ batch: 1, statements } satisfies Batch);
}

function unwritable(reason: string): StoreError {
  return new StoreError('unavailable', `the journal cannot be written: ${reason}`, { retryAfterMs: 1000 });
}

function failBatch(state: State, batch: Queued[], reason: string): void {
  for (const item of batch) item.fail?.(unwritable(reason));
  // What is only asked for lazily stays in order and is tried again; nobody acted on the rest.
  state.queue = [...batch.filter((item) => !item.fail), ...state.queue];
  if (state.queue.length === 0) state.queue.push(probe());
}

/** A queue over a started thread. */
export function createCommitQueue(worker: Worker, options: CommitQueueOptions): CommitQueue {
  const state: State = {
    queue: [],
    inFlight: undefined,
    refusing: undefined,
    retryTimer: undefined,
    ended: false,
  };
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      state.ended = true;
      resolve();
    });
  });
  const refuse = (reason: string | undefined): void => {
    const changed = (state.refusing === undefined) !== (reason === undefined);
    state.refusing = reason;
    if (changed) options.onWritable(reason === undefined, reason);
  };
  worker.on('message', (answer: Answer) => {
    const batch = state.inFlight ?? [];
    state.inFlight = undefined;
    if ('error' in answer) {
      refuse(answer.error);
      failBatch(state, batch, answer.error);
      state.retryTimer = setTimeout(() => {
        state.retryTimer = undefined;
        pump(state, worker);
      }, options.retryMs);
    } else {
      refuse(undefined);
      if ('seconds' in answer) options.onCommit(answer.seconds, answer.bytes);
      for (const item of batch) item.done?.();
    }
    pump(state, worker);
  });
  worker.on('error', (error) => {
    refuse(error.message);
    failBatch(state, [...(state.inFlight ?? []), ...state.queue.splice(0)], error.message);
  });
  const enqueue = (item: Queued): void => {
    state.queue.push(item);
    pump(state, worker);
  };
  const add = (statements: Statement[]): Promise<void> =>
    new Promise((resolve) => enqueue({ statements, done: resolve, fail: undefined }));
  return {
    add,
    addOrFail(statements) {
      if (state.ended) return Promise.reject(unwritable('it is closed'));
      if (state.refusing !== undefined) return Promise.reject(unwritable(state.refusing));
      return new Promise((resolve, fail) => enqueue({ statements, done: resolve, fail }));
    },
    refusing: () => state.refusing,
    async close() {
      clearTimeout(state.retryTimer);
      state.retryTimer = undefined;
      if (state.refusing === undefined && (state.queue.length > 0 || state.inFlight))
        await Promise.race([add([]), exited]);
      worker.postMessage('close');
      await exited;
    },
  };
}
