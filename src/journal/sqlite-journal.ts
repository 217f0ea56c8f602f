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
import { createSizeLimits, type SizeLimits, type SizeLimitsOptions } from './size-limits.ts';
import type { Answer, Start, Statement } from './sqlite-worker.ts';

/** Options of the embedded journal. */
export interface SqliteJournalOptions {
  /** Path of the file; its folder is made if missing. */
  file: string;
  /** How long a request of the former process may still land, milliseconds. */
  zombieMs: number;
  /** How long to wait before a failed commit is tried again, milliseconds. Default 1,000. */
  retryMs?: number;
  /** Most names in a folder that diverge with one truth before the folder does as a whole. Default 10,000. */
  maxDivergencesPerFolder?: number;
  /** Most bytes of the file in use. Default 128 MiB. */
  maxBytes?: number;
  /** False where a folder must not diverge as a whole. Default: it may anywhere. */
  mayCollapse?: SizeLimitsOptions['mayCollapse'];
  /** True while somebody has the lock of the folder itself. Default: nobody ever has. */
  isBusy?: SizeLimitsOptions['isBusy'];
  now?: () => number;
  /** Told what the file held, before anything is written; it may turn out that nothing can be. */
  onLoaded?: (index: PathIndex, meta: ReadonlyMap<string, string>) => void;
  /** Told how many rows became one. */
  onCollapse?: SizeLimitsOptions['onCollapse'];
  /** Told after each commit. */
  onCommit?: (seconds: number) => void;
  /** Told when the file stops or begins to take writes. */
  onWritable?: (writable: boolean, reason?: string) => void;
}

/** Room for new objects of the thread that owns the file, in MiB. */
const workerYoungMiB = 12;

/** What the journal's methods share. */
interface State {
  index: PathIndex;
  queue: CommitQueue;
  limits: SizeLimits;
  /** Of the file in use. */
  bytes: number;
  /** Collapsing because of its size is under way. */
  shrinking: boolean;
  meta: Map<string, string>;
  lastId: number;
  now: () => number;
}

/** Starts the thread; `divergences` go into `index` as they come. */
async function startWorker(file: string, index: PathIndex): Promise<{ worker: Worker; start: Start }> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    workerData: { file },
    execArgv: [],
    // It holds a batch of rows at a time; by default it would take as much room for new objects as the gateway.
    resourceLimits: { maxYoungGenerationSizeMb: workerYoungMiB },
  });
  try {
    const start = await new Promise<Start>((resolve, reject) => {
      worker.on('message', (answer: Answer) => {
        if ('start' in answer) resolve(answer.start);
        if (!('divergences' in answer)) return;
        for (const divergence of answer.divergences) index.apply({ do: 'put', divergence });
      });
      worker.once('error', reject);
    });
    worker.removeAllListeners('error');
    worker.removeAllListeners('message');
    return { worker, start };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `the journal ${file} cannot be opened: ${reason}`;
    const code = reason.includes('database is locked') ? 'journal-locked' : 'journal-unreadable';
    throw new StoreError('unavailable', message, { cause: error, code });
  }
}

/** Visible at once; durable when it resolves. */
function apply(state: State, statements: Statement[], changes: Change[]): Promise<void> {
  const { index, meta, queue, limits } = state;
  for (const change of changes) {
    if (change.do !== 'meta') index.apply(change);
    else if (change.value === '') meta.delete(change.key);
    else meta.set(change.key, change.value);
  }
  return queue.add([...statements, ...changes, ...limits.after(changes)]);
}

/** Looks at the size after a commit; what has been collapsed must be on disk before it is looked at again. */
function watchSize(state: State, bytes: number): void {
  state.bytes = bytes;
  if (state.shrinking) return;
  const changes = state.limits.atBytes(bytes);
  if (changes.length === 0) return;
  state.shrinking = true;
  void state.queue.add(changes).finally(() => {
    state.shrinking = false;
  });
}

async function openIntent(state: State, intent: NewIntent): Promise<Intent> {
  if (state.limits.isFull()) throw new StoreError('unavailable', sizeLimit, { retryAfterMs: 1000 });
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

/**
 * What the former process left open becomes divergences; this process gets its own epoch. A tail alone is not written down: the next
 * start gives every row a new one.
 */
async function takeOver(
  state: State,
  start: Start,
  zombieMs: number,
): Promise<{ id: string; epoch: number }> {
  const { index, meta, now, queue } = state;
  const divergences = index.divergences(undefined, Number.POSITIVE_INFINITY);
  const recovered = recover({ ...start, divergences }, now(), now() + zombieMs);
  const generations = new Map(divergences.map(({ path, generation }) => [path, generation]));
  for (const change of recovered) index.apply(change);
  const changed = recovered.filter(
    (change) =>
      change.do !== 'put' || generations.get(change.divergence.path) !== change.divergence.generation,
  );
  const id = meta.get('journal_id') ?? randomUUID();
  const epoch = Number(meta.get('epoch') ?? 0) + 1;
  const ownRows = Object.entries({ journal_id: id, epoch: String(epoch) });
  for (const [key, value] of ownRows) meta.set(key, value);
  await queue.addOrFail([
    ...start.intents.map((intent): Statement => ({ do: 'close', id: intent.id })),
    ...changed,
    ...state.limits.after(changed),
    ...ownRows.map(([key, value]): Statement => ({ do: 'meta', key, value })),
  ]);
  return { id, epoch };
}

const sizeLimit = 'the journal has reached its size limit';

function refusingOf({ queue, limits }: State): string | undefined {
  return queue.refusing() ?? (limits.isFull() ? sizeLimit : undefined);
}

function gaugesOf(state: State): JournalGauges {
  const { intents, divergences, pinned, uploads, oldestSinceMs } = state.index.counts();
  const refusing = refusingOf(state);
  return {
    openIntents: intents,
    divergentPaths: divergences,
    pinnedPaths: pinned,
    openUploads: uploads,
    writable: refusing === undefined,
    bytes: state.bytes,
    ...(refusing === undefined ? {} : { refusing }),
    ...(oldestSinceMs === undefined ? {} : { oldestSinceMs }),
  };
}

function createState(options: SqliteJournalOptions, index: PathIndex, worker: Worker, start: Start): State {
  const state: State = {
    index,
    queue: createCommitQueue(worker, {
      retryMs: options.retryMs ?? 1000,
      onCommit(seconds, bytes) {
        options.onCommit?.(seconds);
        watchSize(state, bytes);
      },
      onWritable: (writable, reason) => options.onWritable?.(writable, reason),
    }),
    limits: createSizeLimits(index, {
      maxDivergencesPerFolder: options.maxDivergencesPerFolder ?? 10_000,
      maxBytes: options.maxBytes ?? 128 * 2 ** 20,
      mayCollapse: options.mayCollapse ?? (() => true),
      isBusy: options.isBusy ?? (() => false),
      nextId: () => ++state.lastId,
      onCollapse: (rows) => options.onCollapse?.(rows),
    }),
    bytes: start.bytes,
    shrinking: false,
    meta: new Map(Object.entries(start.meta)),
    lastId: start.lastId,
    now: options.now ?? Date.now,
  };
  return state;
}

/**
 * Opens the journal, takes its exclusive lock, and turns what the former process left open into divergences.
 * @throws StoreError `unavailable` if the file is damaged, locked by another process or cannot be written
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  await mkdir(dirname(options.file), { recursive: true });
  const index = createPathIndex();
  const { worker, start } = await startWorker(options.file, index);
  const state = createState(options, index, worker, start);
  const { queue, meta, limits } = state;
  options.onLoaded?.(index, meta);
  const { id, epoch } = await takeOver(state, start, options.zombieMs).catch(async (error) => {
    await queue.close();
    throw error;
  });
  return {
    id,
    epoch,
    open: (intent) => openIntent(state, intent),
    async settle(intent, changes, durableFirst = false) {
      // While an intent is open its primary is the truth, whatever the rows say.
      if (!durableFirst) index.removeIntent(intent);
      await apply(state, [{ do: 'close', id: intent.id }], changes);
      if (durableFirst) index.removeIntent(intent);
    },
    apply: (changes) => apply(state, [], changes),
    async collapse(folder) {
      const changes = limits.collapseBelow(folder);
      if (changes.length > 0) void queue.add(changes);
    },
    state: async (path) => index.state(path),
    below: async (folder, page) => index.below(folder, page),
    names: async (folder, truth) => index.names(folder, truth),
    async divergences({ after, limit }) {
      return { total: index.counts().divergences, items: index.divergences(after, limit) };
    },
    moves: async () => [...index.moves()],
    uploads: async () => [...index.uploads()],
    meta: async (key) => meta.get(key),
    metas: async (prefix) => [...meta].flatMap(([key, value]) => (key.startsWith(prefix) ? [value] : [])),
    gauges: () => gaugesOf(state),
    close: () => queue.close(),
  };
}
