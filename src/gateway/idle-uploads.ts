// Uploads that nobody goes on with: their record is closed, what only one side holds becomes a divergence, and a file that has unflushed
// bytes in it gets its flushed length back (semantics A4).
import { findMount, type Mount, translatePath } from '../core/mount.ts';
import type { Ctx, Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Change, Journal, Upload } from '../journal/journal.ts';
import type { Locks } from '../journal/locks.ts';

/** The changes that close one record, pure. */
export function closeUpload(upload: Upload, nowMs: number): Change[] {
  const end: Change = { do: 'end-upload', path: upload.path };
  const [truth, other] = upload.sides;
  if (!upload.unflushed || truth === undefined || other !== undefined) return [end];
  const { path, generation } = upload;
  const reason = 'an upload was left unfinished';
  const divergence = { path, subtree: false, truth, generation, reason, sinceMs: nowMs };
  return [{ do: 'put', divergence }, end];
}

/** Closes every record that was not touched for `idleMs`. */
export async function closeIdleUploads(journal: Journal, idleMs: number, nowMs: number): Promise<void> {
  const idle = (await journal.uploads()).filter((upload) => upload.touchedMs < nowMs - idleMs);
  if (idle.length > 0) await journal.apply(idle.flatMap((upload) => closeUpload(upload, nowMs)));
}

/** What is needed to put files right that nobody uploads to any more. */
export interface AbandonedUploads {
  stores: Record<Side, Store>;
  journal: Journal;
  locks: Locks;
  mounts(): readonly Mount[];
  ctx(): Ctx;
}

/**
 * Gives files their flushed length back that have unflushed bytes in them and no record: of an upload that was given up, or whose record
 * a crash has taken. Until then readers are shown the flushed length, and a side that does not answer is tried again.
 * @param kept paths, in the side's names, of which something is hidden from readers
 */
export async function restoreFlushed(
  parts: AbandonedUploads,
  side: Side,
  kept: readonly string[],
): Promise<void> {
  let failure: StoreError | undefined;
  for (const path of kept) {
    const mount = findMount(parts.mounts(), side, path);
    if (!mount) continue;
    try {
      await restoreOne(parts, side, path, translatePath(mount, path, side, 'target'));
    } catch (thrown) {
      // One that cannot be put right now does not keep the others from it.
      const error = StoreError.from(thrown);
      if (!error.temporary) failure ??= error;
    }
  }
  if (failure) throw failure;
}

async function restoreOne(
  { stores, journal, locks, ctx }: AbandonedUploads,
  side: Side,
  path: string,
  canonical: string,
): Promise<void> {
  const hasRecord = async (): Promise<boolean> => (await journal.state(canonical)).upload !== undefined;
  if (await hasRecord()) return;
  const lock = await locks.acquire([{ path: canonical, mode: 'exclusive' }], ctx().signal);
  try {
    if (!(await hasRecord())) await flushAsShown(stores[side], path, ctx());
  } finally {
    lock.release();
  }
}

async function flushAsShown(store: Store, path: string, ctx: Ctx): Promise<void> {
  try {
    const { entry } = await store.query({ verb: 'stat', path }, ctx);
    await store.mutate({ verb: 'flush', path, position: entry.lengthBytes, retain: false, close: true }, ctx);
  } catch (error) {
    // Where nothing stands nothing is hidden: the store forgets it by being asked.
    if (StoreError.from(error).kind !== 'not-found') throw error;
  }
}
