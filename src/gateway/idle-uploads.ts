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
  /** Nothing is hidden at a path of this side any more. */
  forget(side: Side, path: string): Promise<void>;
  ctx(): Ctx;
  now(): number;
  /** First and longest wait after a refusal, milliseconds; doubled in between. */
  backoffMs: number;
  maxBackoffMs: number;
  /** How long a path may lie outside every mount before it is forgotten, milliseconds. */
  goneMs: number;
}

/** What is known of a path that could not be put right. */
interface Tried {
  /** Refusals in a row. */
  failures: number;
  nextMs: number;
  /** Since when no mount holds it. */
  goneSinceMs?: number;
}

/**
 * Gives files their flushed length back that have unflushed bytes in them and no record: of an upload that was given up, or whose record
 * a crash has taken. Until then readers are shown the flushed length, and a side that does not answer is tried again. A path that no mount holds
 * is nobody's here: others may be writing it by now, so it is not touched, and after a while it is forgotten.
 * @returns what does so for one side, told the paths, in the side's names, of which something is hidden from readers; it throws the first
 * refusal that is not temporary
 */
export function createRestorer(
  parts: AbandonedUploads,
): (side: Side, kept: readonly string[]) => Promise<void> {
  const tried = { source: new Map<string, Tried>(), target: new Map<string, Tried>() };
  const whenGone = async (side: Side, path: string): Promise<void> => {
    const nowMs = parts.now();
    const { goneSinceMs = nowMs } = tried[side].get(path) ?? {};
    tried[side].set(path, { failures: 0, nextMs: 0, goneSinceMs });
    if (nowMs - goneSinceMs >= parts.goneMs) await parts.forget(side, path);
  };
  const restore = async (side: Side, path: string): Promise<void> => {
    const mount = findMount(parts.mounts(), side, path);
    if (!mount) return whenGone(side, path);
    const { failures = 0, nextMs = 0 } = tried[side].get(path) ?? {};
    if (nextMs > parts.now()) return;
    try {
      await restoreOne(parts, side, path, translatePath(mount, path, side, 'target'));
      tried[side].delete(path);
    } catch (thrown) {
      const error = StoreError.from(thrown);
      if (error.temporary) return;
      const waitMs = Math.min(parts.maxBackoffMs, parts.backoffMs * 2 ** failures);
      tried[side].set(path, { failures: failures + 1, nextMs: parts.now() + waitMs });
      throw error;
    }
  };
  return async (side, kept) => {
    const paths = new Set(kept);
    for (const path of tried[side].keys()) if (!paths.has(path)) tried[side].delete(path);
    let failure: unknown;
    // One that cannot be put right now does not keep the others from it.
    for (const path of kept)
      await restore(side, path).catch((error) => {
        failure ??= error;
      });
    if (failure) throw failure;
  };
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
