// What is known of paths with bytes that were appended and not flushed, and whose turn it is to append.
import { LRUCache } from 'lru-cache';
import type { Entry } from '../../core/entry.ts';
import { isWithin, joinPath, relativeTo } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { ownLimit, StoreError } from '../../core/store-error.ts';

/** Uploads that are remembered; of one that is forgotten the appended bytes show at once. */
const maxUploads = 100_000;
/** How long an upload may rest, in milliseconds (semantics A4: 24 hours). */
const uploadIdleMs = 86_400_000;
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
  busy: boolean;
  waiting: Waiter[];
}

export interface Uploads {
  get(path: string): Upload | undefined;
  /** The upload of this path, begun with `entry` if there is none. */
  begin(entry: Entry): Upload;
  end(path: string): void;
  /** Ends all at and below a path. */
  endBelow(path: string): void;
  /** What was at and below `path` is now at and below `destination`. */
  move(path: string, destination: string): void;
}

/** In memory only: what is not known is taken from the store. */
export function createUploads(): Uploads {
  const uploads = new LRUCache<string, Upload>({ max: maxUploads, ttl: uploadIdleMs, updateAgeOnGet: true });
  return {
    get: (path) => uploads.get(path),
    begin(entry) {
      const known = uploads.get(entry.path);
      if (known) return known;
      const upload: Upload = { shown: entry, lengthBytes: entry.lengthBytes, busy: false, waiting: [] };
      uploads.set(entry.path, upload);
      return upload;
    },
    end: (path) => void uploads.delete(path),
    endBelow(path) {
      for (const each of [...uploads.keys()]) if (isWithin(each, path)) uploads.delete(each);
    },
    move(path, destination) {
      for (const each of [...uploads.keys()]) {
        const upload = isWithin(each, path) ? uploads.peek(each) : undefined;
        if (!upload) continue;
        uploads.delete(each);
        const moved = joinPath(destination, relativeTo(each, path));
        upload.shown = { ...upload.shown, path: moved };
        uploads.set(moved, upload);
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

/** The entry as readers see it while an upload is under way. */
export function masked(entry: Entry, upload: Upload | undefined): Entry {
  if (!upload || entry.type === 'directory') return entry;
  const { lengthBytes, modifiedMs, etag } = upload.shown;
  const shown: Entry = { ...entry, lengthBytes, modifiedMs };
  if (etag !== undefined) shown.etag = etag;
  return shown;
}
