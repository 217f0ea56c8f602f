// The embedded journal: state in memory, one ordered queue to the SQLite thread, one fsync for all that wait (group commit).
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../core/store-error.ts';
import type { Change, Intent, Journal } from './journal.ts';
import { createPathIndex } from './path-index.ts';
import { recover } from './recover.ts';
import type { Answer, Batch, Statement } from './sqlite-worker.ts';

/** Options of the embedded journal. */
export interface SqliteJournalOptions {
  /** Path of the file; its folder is made if missing. */
  file: string;
  /** How long a request of the former process may still land, milliseconds. */
  zombieMs: number;
  /** How long to wait before a failed commit is tried again, milliseconds. Default 1,000. */
  retryMs?: number;
  now?: () => number;
  /** Told after each commit. */
  onCommit?: (seconds: number) => void;
  /** Told when the file stops or begins to take writes. */
  onWritable?: (writable: boolean, reason?: string) => void;
}

interface Queued {
  statements: Statement[];
  done: (() => void) | undefined;
  /** Present if the caller must not act unless this is durable: on failure it is taken out of the queue. */
  fail: ((error: StoreError) => void) | undefined;
}

type Start = Extract<Answer, { batch: 0 }>;

/**
 * Opens the journal, takes its exclusive lock, and turns what the former process left open into divergences.
 * @throws StoreError `unavailable` if the file is damaged, locked by another process or cannot be written
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  const now = options.now ?? Date.now;
  await mkdir(dirname(options.file), { recursive: true });
  const { worker, start } = await startWorker(options.file);
  const index = createPathIndex();
  const meta = new Map(Object.entries((start as Start).meta));
  let lastId = (start as Start).lastId;
  let queue: Queued[] = [];
  let inFlight: Queued[] | undefined;
  let writable = true;
  let retryTimer: NodeJS.Timeout | undefined;

  const setWritable = (value: boolean, reason?: string): void => {
    if (writable === value) return;
    writable = value;
    options.onWritable?.(value, reason);
  };
  const pump = (): void => {
    if (inFlight || queue.length === 0 || retryTimer) return;
    inFlight = queue;
    queue = [];
    worker.postMessage({ batch: 1, statements: inFlight.flatMap((item) => item.statements) } satisfies Batch);
  };
  const committed = (answer: Answer): void => {
    const batch = inFlight ?? [];
    inFlight = undefined;
    if ('error' in answer) {
      setWritable(false, answer.error);
      const error = (): StoreError =>
        new StoreError('unavailable', `the journal cannot be written: ${answer.error}`);
      for (const item of batch) item.fail?.(error());
      // What is only asked for lazily stays in order and is tried again; nobody acted on the rest.
      queue = [...batch.filter((item) => !item.fail), ...queue];
      if (queue.length === 0) queue.push(probe());
      retryTimer = setTimeout(() => {
        retryTimer = undefined;
        pump();
      }, options.retryMs ?? 1000);
    } else {
      setWritable(true);
      if ('seconds' in answer) options.onCommit?.(answer.seconds);
      for (const item of batch) item.done?.();
    }
    pump();
  };
  const crashed = (error: Error): void => {
    setWritable(false, error.message);
    const failed = [...(inFlight ?? []), ...queue];
    inFlight = undefined;
    queue = [];
    for (const item of failed)
      item.fail?.(new StoreError('unavailable', `the journal ended: ${error.message}`));
  };
  worker.on('message', committed);
  worker.on('error', crashed);

  // Something must be written for the journal to learn that it can be written again.
  const probe = (): Queued => ({
    statements: [{ do: 'meta', key: 'probe', value: String(now()) }],
    done: undefined,
    fail: undefined,
  });
  const enqueue = (statements: Statement[]): Promise<void> =>
    new Promise((resolve) => {
      queue.push({ statements, done: resolve, fail: undefined });
      pump();
    });
  const apply = (statements: Statement[], changes: Change[]): Promise<void> => {
    for (const change of changes) {
      if (change.do === 'meta') meta.set(change.key, change.value);
      else index.apply(change);
    }
    return enqueue([...statements, ...changes]);
  };

  const began = start as Start;
  const changes = recover(began, now(), now() + options.zombieMs);
  const id = meta.get('journal_id') ?? randomUUID();
  const epoch = Number(meta.get('epoch') ?? 0) + 1;
  changes.push(
    { do: 'meta', key: 'journal_id', value: id },
    { do: 'meta', key: 'epoch', value: String(epoch) },
  );
  const closing = began.intents.map((intent): Statement => ({ do: 'close', id: intent.id }));
  await apply(closing, changes);

  return {
    id,
    epoch,
    open(intent) {
      const opened: Intent = { ...intent, id: ++lastId, openedMs: now() };
      if (!writable) {
        return Promise.reject(new StoreError('unavailable', 'the journal cannot be written'));
      }
      index.addIntent(opened);
      return new Promise((resolve, reject) => {
        queue.push({
          statements: [{ do: 'open', intent: opened }],
          done: () => resolve(opened),
          fail: (error) => {
            index.removeIntent(opened);
            reject(error);
          },
        });
        pump();
      });
    },
    settle(intent, settled) {
      index.removeIntent(intent);
      return apply([{ do: 'close', id: intent.id }], settled);
    },
    apply: (wanted) => apply([], wanted),
    state: async (path) => index.state(path),
    below: async (folder, page) => index.below(folder, page),
    async divergences({ after, limit }) {
      const all = [...index.divergences()].sort((a, b) => (a.path < b.path ? -1 : 1));
      const rest = after === undefined ? all : all.filter((row) => row.path > after);
      return { total: all.length, items: rest.slice(0, limit) };
    },
    uploads: async () => [...index.uploads()],
    meta: async (key) => meta.get(key),
    gauges() {
      const { intents, divergences, uploads, oldestSinceMs } = index.counts();
      const gauges = { openIntents: intents, divergentPaths: divergences, openUploads: uploads, writable };
      return oldestSinceMs === undefined ? gauges : { ...gauges, oldestSinceMs };
    },
    async close() {
      clearTimeout(retryTimer);
      retryTimer = undefined;
      if (writable && (queue.length > 0 || inFlight)) await Promise.race([enqueue([]), exited(worker)]);
      worker.postMessage('close');
      await exited(worker);
    },
  };
}

function exited(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
  });
}

async function startWorker(file: string): Promise<{ worker: Worker; start: Answer }> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    workerData: { file },
    execArgv: [],
  });
  try {
    const start = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    worker.removeAllListeners('error');
    return { worker, start };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError('unavailable', `the journal ${file} cannot be opened: ${reason}`, { cause: error });
  }
}
