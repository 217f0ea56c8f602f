// What is known of paths with bytes that were appended and not flushed, and whose turn it is to append.
import { LRUCache } from 'lru-cache';
import type { Entry } from '../../core/entry.ts';
import { isWithin, joinPath, relativeTo } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { ownLimit, StoreError } from '../../core/store-error.ts';

/** Uploads that are remembered; of one that is forgotten the appended bytes show at once. */
const maxUploads = 100_000;
/** How long an append waits for those before it, in milliseconds, if the caller says nothing (semantics A5). */
const defaultOrderWaitMs = 10_000;

interface Waiter {
  position: number;
  admit(): void;
}

/** One path under upload. */
export interface Upload {
  /** What readers see until the flush: the entry as it was before the first unflushed byte. */
  shown: Entry;
  /** Length of the file in the store; undefined after an append of unknown outcome, until it is read again. */
  lengthBytes: number | undefined;
  /** Until when an append without an answer may still land, epoch ms; before, nothing more is appended (semantics A4). */
  lateUntilMs: number;
  /** That append was sent to another file that stood here: if it lands, then behind what it would have to fit, so others need not wait. */
  isReplaced?: boolean;
  /** Resolves when `shown` is durable; absent as long as nothing was to be kept. */
  kept?: Promise<void>;
  busy: boolean;
  waiting: Waiter[];
}

/** What has to be known of an upload after a restart. */
export type KeptUpload = Pick<Upload, 'shown' | 'lateUntilMs' | 'isReplaced'>;

/** Where uploads are kept; survives restarts where it matters. */
export interface UploadTable {
  /** Another value: another table has taken its place, and what was known is read anew. */
  current(): unknown;
  all(): Promise<KeptUpload[]>;
  /** Resolves when durable. */
  set(path: string, upload: KeptUpload | undefined): Promise<void>;
}

export interface Uploads {
  get(path: string): Upload | undefined;
  /** The upload of this path, begun with `entry` if there is none. */
  begin(entry: Entry): Upload;
  /** Resolves when what is shown now is durable: before the first byte behind it. */
  keep(upload: Upload): Promise<void>;
  /**
   * Resolves when it is durable that readers are shown this, and they are not before: a crash must not take back what somebody has read.
   * @param isWhole true if nothing is hidden then and nobody waits, so that the upload ends
   */
  show(upload: Upload, shown: Entry, isWhole: () => boolean): Promise<void>;
  /**
   * Resolves when it is durable that nothing is hidden any more, as all below. While an append may still land there the path is remembered:
   * whatever stands there then must not show those bytes.
   */
  end(path: string): Promise<void>;
  /** Ends all at and below a path. */
  endBelow(path: string): Promise<void>;
  /** What was at and below `path` is now at and below `destination`. */
  move(path: string, destination: string): Promise<void>;
  /** Those at and below `path`. */
  within(path: string): Upload[];
  /** Those of them in whose place an append may still land. */
  lateBelow(path: string): Upload[];
  /** It is not known whether what was at and below `path` is at and below `destination` now: it is hidden there too, where files have names. */
  copy(path: string, destination: string): Promise<void>;
}

/** Nothing survives. */
export const noTable: UploadTable = {
  current: () => undefined,
  all: async () => [],
  set: async () => undefined,
};

/** One in the table that nobody works at. */
function idle({ shown, lateUntilMs, isReplaced }: KeptUpload): Upload {
  const kept = Promise.resolve();
  const upload: Upload = { shown, lateUntilMs, lengthBytes: undefined, busy: false, waiting: [], kept };
  return isReplaced ? { ...upload, isReplaced } : upload;
}

/** Those of the table, and those begun from now on; of the rest nothing is hidden. */
export async function openUploads(table: UploadTable, now: () => number = Date.now): Promise<Uploads> {
  const uploads = new LRUCache<string, Upload>({
    max: maxUploads,
    dispose: ({ kept, shown }, _, reason) => {
      if (reason === 'evict' && kept) void table.set(shown.path, undefined);
    },
  });
  for (const upload of await table.all()) uploads.set(upload.shown.path, idle(upload));
  const rowOf = ({ shown, lateUntilMs, isReplaced }: KeptUpload): KeptUpload => ({
    ...{ shown, lateUntilMs },
    ...(isReplaced ? { isReplaced } : {}),
  });
  const keep = (upload: Upload): Promise<void> => {
    upload.kept = table.set(upload.shown.path, rowOf(upload));
    return upload.kept;
  };
  const isLate = (upload: Upload | undefined): boolean => (upload?.lateUntilMs ?? 0) > now();
  const end = async (path: string): Promise<void> => {
    const upload = uploads.peek(path);
    if (!upload || isLate(upload)) return;
    uploads.delete(path);
    if (upload.kept) await table.set(path, undefined);
  };
  const pathsWithin = (path: string): string[] => [...uploads.keys()].filter((each) => isWithin(each, path));
  const within = (path: string): Upload[] => pathsWithin(path).map((each) => uploads.peek(each)!);
  /** A late append knows the old name; one that had begun follows the file. */
  const moveOne = (upload: Upload, to: string): Promise<unknown> => {
    const { path } = upload.shown;
    const late = isLate(upload);
    uploads.delete(path);
    if (late) uploads.set(path, idle(upload));
    const gone = late || !upload.kept ? undefined : table.set(path, undefined);
    upload.lateUntilMs = Math.max(upload.lateUntilMs, uploads.peek(to)?.lateUntilMs ?? 0);
    upload.shown = { ...upload.shown, path: to };
    uploads.set(to, upload);
    return Promise.all([gone, upload.kept && keep(upload)]);
  };
  return {
    get: (path) => uploads.get(path),
    begin(entry) {
      const known = uploads.get(entry.path);
      if (known) return known;
      const { lengthBytes } = entry;
      const upload: Upload = { shown: entry, lateUntilMs: 0, lengthBytes, busy: false, waiting: [] };
      uploads.set(entry.path, upload);
      return upload;
    },
    keep,
    async show(upload, shown, isWhole) {
      const ends = isWhole() && !isLate(upload);
      if (upload.kept) await table.set(shown.path, ends ? undefined : rowOf({ ...upload, shown }));
      upload.shown = shown;
      if (!ends || uploads.peek(shown.path) !== upload) return;
      if (isWhole()) uploads.delete(shown.path);
      else if (upload.kept) await keep(upload);
    },
    end,
    async endBelow(path) {
      await Promise.all(pathsWithin(path).map(end));
    },
    async move(path, destination) {
      const moved = pathsWithin(path).map((each) =>
        moveOne(uploads.peek(each)!, joinPath(destination, relativeTo(each, path))),
      );
      await Promise.all(moved);
    },
    within,
    lateBelow: (path) => within(path).filter(isLate),
    async copy(path, destination) {
      for (const { shown } of within(path)) {
        const to = joinPath(destination, relativeTo(shown.path, path));
        if (!isNamed(shown) || uploads.peek(to)) continue;
        const upload = idle({ shown: { ...shown, path: to }, lateUntilMs: 0 });
        uploads.set(to, upload);
        await keep(upload);
      }
    },
  };
}

/**
 * Waits until nobody else appends and the file reaches to `position`. Whoever was admitted must `leave`.
 * @throws StoreError `unavailable` after the wait, `aborted`
 */
export async function takeTurn(upload: Upload, position: number, ctx: Ctx): Promise<void> {
  const waitMs = ctx.orderWaitMs ?? defaultOrderWaitMs;
  const { signal } = ctx;
  let finish: (error?: StoreError) => void = () => undefined;
  const turn = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  const waiter: Waiter = { position, admit: () => finish() };
  const leaveQueue = (error: StoreError): void => {
    const place = upload.waiting.indexOf(waiter);
    if (place === -1) return;
    upload.waiting.splice(place, 1);
    finish(error);
  };
  const late = setTimeout(() => {
    const message = `the bytes before position ${position} have not come within ${waitMs} ms`;
    leaveQueue(new StoreError('unavailable', message, { retryAfterMs: 1000, code: ownLimit }));
  }, waitMs);
  const gone = (): void => {
    leaveQueue(new StoreError('aborted', 'the caller has gone away', { cause: signal.reason as unknown }));
  };
  upload.waiting.push(waiter);
  if (signal.aborted) gone();
  signal.addEventListener('abort', gone, { once: true });
  admitNext(upload);
  try {
    await turn;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', gone);
  }
}

/** Ends a turn; `lengthBytes` as it is now, undefined if that is not known. */
export function leave(upload: Upload, lengthBytes: number | undefined): void {
  upload.lengthBytes = lengthBytes;
  upload.busy = false;
  admitNext(upload);
}

function admitNext(upload: Upload): void {
  if (upload.busy) return;
  const { lengthBytes } = upload;
  // With an unknown length anybody may go and look.
  const next = upload.waiting.findIndex(
    ({ position }) => lengthBytes === undefined || position <= lengthBytes,
  );
  if (next === -1) return;
  const [waiter] = upload.waiting.splice(next, 1);
  upload.busy = true;
  waiter!.admit();
}

/** True if the store has a name for the file itself: HttpFS and Gen1 have none. */
export function isNamed({ fileId }: Entry): boolean {
  return fileId !== undefined && fileId !== 0;
}

/** True if another file stands here by now. */
export function isOther(shown: Entry, entry: Entry): boolean {
  const areNamed = isNamed(shown) && isNamed(entry);
  return (areNamed && shown.fileId !== entry.fileId) || shown.lengthBytes > entry.lengthBytes;
}

/** The entry as readers see it while an upload is under way. */
export function masked(entry: Entry, upload: Upload | undefined): Entry {
  if (!upload || entry.type === 'directory' || isOther(upload.shown, entry)) return entry;
  const { lengthBytes, modifiedMs, etag } = upload.shown;
  if (lengthBytes === entry.lengthBytes) return entry;
  const shown: Entry = { ...entry, lengthBytes, modifiedMs };
  if (etag !== undefined) shown.etag = etag;
  return shown;
}
