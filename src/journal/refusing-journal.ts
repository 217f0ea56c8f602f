// Stands in for a journal that cannot be opened: what is known of it can be asked, nothing can be begun (semantics C4).
import { StoreError } from '../core/store-error.ts';
import type { Change, Journal } from './journal.ts';
import { createPathIndex, type PathIndex } from './path-index.ts';
import { openSqliteJournal, type SqliteJournalOptions } from './sqlite-journal.ts';

/** What could be read of the file, though it cannot be written. */
interface Loaded {
  index: PathIndex;
  meta: ReadonlyMap<string, string>;
}

function createRefusingJournal(error: StoreError, { index, meta }: Loaded): Journal {
  // One-sided uploads go on; what is to be known for sure afterwards needs an intent, and there are none.
  const apply = async (changes: Change[]): Promise<void> => {
    for (const change of changes)
      if (change.do === 'put-upload' || change.do === 'end-upload') index.apply(change);
  };
  return {
    id: '',
    epoch: 0,
    unopened: error.code === 'journal-locked' ? 'locked' : 'unreadable',
    open: () => Promise.reject(new StoreError('unavailable', error.message, { retryAfterMs: 1000 })),
    settle: (_, changes) => apply(changes),
    apply,
    collapse: async () => undefined,
    state: async (path) => index.state(path),
    below: async (folder, page) => index.below(folder, page),
    names: async (folder, truth) => index.names(folder, truth),
    divergences: async ({ after, limit }) => ({
      total: index.counts().divergences,
      items: index.divergences(after, limit),
    }),
    moves: async () => [...index.moves()],
    uploads: async () => [...index.uploads()],
    meta: async (key) => meta.get(key),
    metas: async (prefix) => [...meta].flatMap(([key, value]) => (key.startsWith(prefix) ? [value] : [])),
    gauges() {
      const { intents, divergences, pinned, uploads, ...rest } = index.counts();
      const rows = { divergentPaths: divergences, pinnedPaths: pinned };
      const counts = { openIntents: intents, ...rows, openUploads: uploads, ...rest };
      return { ...counts, writable: false, refusing: error.message, bytes: 0 };
    },
    close: async () => undefined,
  };
}

/** The journal; or, if it cannot be opened, one that refuses every write that would need it. */
export async function openOrRefuse(options: Omit<SqliteJournalOptions, 'onLoaded'>): Promise<Journal> {
  let loaded: Loaded = { index: createPathIndex(), meta: new Map() };
  const onLoaded = (index: PathIndex, meta: ReadonlyMap<string, string>): void => {
    loaded = { index, meta };
  };
  try {
    return await openSqliteJournal({ ...options, onLoaded });
  } catch (error) {
    return createRefusingJournal(StoreError.from(error), loaded);
  }
}
