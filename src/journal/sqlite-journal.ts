// The embedded journal: state in memory, an ordered queue to the thread that owns the SQLite file.
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../core/store-error.ts';
import { type CommitQueue, createCommitQueue } from './commit-queue.ts';
import type { Change, Intent, Journal, JournalGauges, NewIntent } from './journal.ts';
import { createPathIndex, type PathIndex } from './path-index.ts';
import { recover } from './recover.ts';
import type { Answer, Statement } from './sqlite-worker.ts';

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

/** Room for new objects of the thread that owns the file, in MiB. */
const workerYoungMiB = 12;

type Start = Extract<Answer, { batch: 0 }>;

/** What the journal's methods share. */
interface State {
  index: PathIndex;
  queue: CommitQueue;
  meta: Map<string, string>;
  lastId: number;
  now: () => number;
}

async function startWorker(file: string): Promise<{ worker: Worker; start: Start }> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    workerData: { file },
    execArgv: [],
    // It holds a batch of rows at a time; by default it would take as much room for new objects as the gateway.
    resourceLimits: { maxYoungGenerationSizeMb: workerYoungMiB },
  });
  try {
    const start = await new Promise<Start>((resolve, reject) => {
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

/** Visible at once; durable when it resolves. */
function apply({ index, meta, queue }: State, statements: Statement[], changes: Change[]): Promise<void> {
  for (const change of changes) {
    if (change.do === 'meta') meta.set(change.key, change.value);
    else index.apply(change);
  }
  return queue.add([...statements, ...changes]);
}

async function openIntent(state: State, intent: NewIntent): Promise<Intent> {
  const opened: Intent = { ...intent, id: ++state.lastId, openedMs: state.now() };
  state.index.addIntent(opened);
  try {
    await state.queue.addOrFail([{ do: 'open', intent: opened }]);
    return opened;
  } catch (error) {
    state.index.removeIntent(opened);
    throw error;
  }
}

/** What the former process left open becomes divergences; this process gets its own epoch. */
async function takeOver(
  state: State,
  start: Start,
  zombieMs: number,
): Promise<{ id: string; epoch: number }> {
  const changes = recover(start, state.now(), state.now() + zombieMs);
  const id = state.meta.get('journal_id') ?? randomUUID();
  const epoch = Number(state.meta.get('epoch') ?? 0) + 1;
  changes.push(
    { do: 'meta', key: 'journal_id', value: id },
    { do: 'meta', key: 'epoch', value: String(epoch) },
  );
  const closing = start.intents.map((intent): Statement => ({ do: 'close', id: intent.id }));
  await apply(state, closing, changes);
  return { id, epoch };
}

function gaugesOf({ index, queue }: State): JournalGauges {
  const { intents, divergences, uploads, oldestSinceMs } = index.counts();
  const writable = queue.isWritable();
  const gauges = { openIntents: intents, divergentPaths: divergences, openUploads: uploads, writable };
  return oldestSinceMs === undefined ? gauges : { ...gauges, oldestSinceMs };
}

/**
 * Opens the journal, takes its exclusive lock, and turns what the former process left open into divergences.
 * @throws StoreError `unavailable` if the file is damaged, locked by another process or cannot be written
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  await mkdir(dirname(options.file), { recursive: true });
  const { worker, start } = await startWorker(options.file);
  const queue = createCommitQueue(worker, {
    retryMs: options.retryMs ?? 1000,
    onCommit: (seconds) => options.onCommit?.(seconds),
    onWritable: (writable, reason) => options.onWritable?.(writable, reason),
  });
  const meta = new Map(Object.entries(start.meta));
  const state: State = {
    index: createPathIndex(),
    queue,
    meta,
    lastId: start.lastId,
    now: options.now ?? Date.now,
  };
  const { id, epoch } = await takeOver(state, start, options.zombieMs);
  const { index } = state;
  return {
    id,
    epoch,
    open: (intent) => openIntent(state, intent),
    settle(intent, changes) {
      index.removeIntent(intent);
      return apply(state, [{ do: 'close', id: intent.id }], changes);
    },
    apply: (changes) => apply(state, [], changes),
    state: async (path) => index.state(path),
    below: async (folder, page) => index.below(folder, page),
    async divergences({ after, limit }) {
      const all = [...index.divergences()].sort((a, b) => (a.path < b.path ? -1 : 1));
      const rest = after === undefined ? all : all.filter((row) => row.path > after);
      return { total: all.length, items: rest.slice(0, limit) };
    },
    moves: async () => [...index.moves()],
    uploads: async () => [...index.uploads()],
    meta: async (key) => meta.get(key),
    gauges: () => gaugesOf(state),
    close: () => queue.close(),
  };
}
