// Settles one divergence: fenced by its generation, the path's lock held for the last step only (design §5).
import { findMount, hiddenFolder, isHidden, translatePath } from '../core/mount.ts';
import { isWithin, joinPath, nameOf } from '../core/path.ts';
import { otherSide } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Divergence } from '../journal/journal.ts';
import type { LockMode } from '../journal/locks.ts';
import { complete, discardHidden, entryOrNothing, type Prepared, prepare } from './copy.ts';
import { entriesOf, march } from './march.ts';
import type { CopyJob, SyncParts } from './sync-parts.ts';

/** What became of an attempt. `superseded`: a newer write has the path. `deferred`: an upload is under way. */
export type RepairOutcome = 'cleared' | 'superseded' | 'deferred';

/** How long repair waits for a path's lock, milliseconds: traffic goes first. */
const lockWaitMs = 2000;

let copies = 0;

function jobFor(parts: SyncParts, row: Divergence, path: string): CopyJob {
  const mount = findMount(parts.mounts(), 'target', path);
  if (!mount) throw new StoreError('internal', `${path} lies outside every mount of the routing table`);
  const other = otherSide(row.truth);
  const otherPath = translatePath(mount, path, 'target', other);
  const hidden = hiddenFolder(mount[other], otherPath);
  const copy = `${row.generation}-${++copies}`;
  return {
    path,
    truth: row.truth,
    other,
    truthPath: translatePath(mount, path, 'target', row.truth),
    otherPath,
    hiddenPath: joinPath(hidden, `repair/${copy}`),
    ...(row.keepReplaced
      ? { keptPath: joinPath(hidden, `kept/${parts.now()}-${copy}/${nameOf(otherPath)}`) }
      : {}),
    keepExtras: row.keepExtras ?? false,
    owners: (row.owners ?? false) && (row.subtree || path === row.path),
  };
}

/** True if `row` is still what decides about `path`, and no upload is under way there. */
async function governs(parts: SyncParts, row: Divergence, path: string): Promise<RepairOutcome> {
  const { divergence, upload } = await parts.journal.state(path);
  if (divergence?.path !== row.path || divergence.generation !== row.generation) return 'superseded';
  return upload?.unflushed ? 'deferred' : 'cleared';
}

/** A folder that only needs to be there does not wait for those who work below it; one whose ACL they inherit does. */
function lockModeFor({ truth, other, changesAcl }: Prepared): LockMode {
  return truth?.type === 'directory' && other?.type !== 'file' && !changesAcl ? 'node' : 'exclusive';
}

/** Code of a failure that concerns the path alone, whatever the stores are like. */
const notEqualYet = 'not-equal-yet';

/** A request of ours without an answer may land late: before anybody else gets the path, its row says so. */
async function completeFenced(parts: SyncParts, job: CopyJob, prepared: Prepared): Promise<boolean> {
  try {
    return await complete(parts, job, prepared);
  } catch (thrown) {
    const error = StoreError.from(thrown);
    const { divergence } = await parts.journal.state(job.path);
    if (error.applied === 'unknown' && divergence) {
      const tailUntilMs = Math.max(divergence.tailUntilMs ?? 0, parts.now() + parts.zombieMs);
      await parts.journal.apply([{ do: 'put', divergence: { ...divergence, tailUntilMs } }]);
    }
    throw error;
  }
}

/** One path made equal, or left to a newer write. */
async function settlePath(
  parts: SyncParts,
  row: Divergence,
  path: string,
  last: () => Promise<void>,
): Promise<RepairOutcome> {
  const early = await governs(parts, row, path);
  if (early !== 'cleared') return early;
  const job = jobFor(parts, row, path);
  let placed = false;
  try {
    const prepared = await prepare(parts, job);
    const lock = await parts.locks.acquire(
      [{ path, mode: lockModeFor(prepared) }],
      parts.ctx().signal,
      lockWaitMs,
    );
    try {
      const verdict = await governs(parts, row, path);
      if (verdict !== 'cleared') return verdict;
      placed = await completeFenced(parts, job, prepared);
      if (!placed) throw new StoreError('unavailable', `${path} is not equal yet`, { code: notEqualYet });
      await last();
      return 'cleared';
    } finally {
      lock.release();
    }
  } finally {
    if (!placed) await discardHidden(parts, job);
  }
}

/** True for what no client sees. */
function isOurs(parts: SyncParts, path: string): boolean {
  return parts.mounts().some(({ target }) => isWithin(path, target) && isHidden(target, path));
}

/** Everything below a folder, name by name; nested divergences settle themselves. */
async function settleBelow(parts: SyncParts, row: Divergence, folder: string): Promise<void> {
  const job = jobFor(parts, row, folder);
  const list = (side: 'truth' | 'other') =>
    entriesOf(parts.stores[job[side]], job[`${side}Path`], parts.ctx());
  for await (const { name, truth } of march(list('truth'), list('other'))) {
    const path = joinPath(folder, name);
    if (isOurs(parts, path) || (!truth && job.keepExtras)) continue;
    await settleOrNote(parts, row, path);
    if (truth?.type === 'directory') await settleBelow(parts, row, path);
  }
}

/** A path that changes while it is looked at gets a row of its own, so that the rest need not be looked at again. */
async function settleOrNote(parts: SyncParts, row: Divergence, path: string): Promise<void> {
  try {
    await settlePath(parts, row, path, async () => undefined);
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (error.code !== notEqualYet) throw error;
    const { divergence } = await parts.journal.state(path);
    if (divergence?.path !== row.path || divergence.generation !== row.generation) return;
    const own = { ...row, path, subtree: false, reason: `below ${row.path}: ${error.message}` };
    await parts.journal.apply([{ do: 'put', divergence: own }]);
  }
}

/** @throws StoreError if a side does not answer or the sides cannot be made equal now */
export async function repairRow(parts: SyncParts, row: Divergence): Promise<RepairOutcome> {
  const clear = async (): Promise<void> => {
    await parts.journal.apply([{ do: 'clear', path: row.path, generation: row.generation }]);
  };
  if (!row.subtree) return settlePath(parts, row, row.path, clear);
  const { truth, truthPath } = jobFor(parts, row, row.path);
  const top = await entryOrNothing(parts.stores[truth], truthPath, parts);
  if (top?.type !== 'directory') return settlePath(parts, row, row.path, clear);
  const first = await settlePath(parts, row, row.path, async () => undefined);
  if (first !== 'cleared') return first;
  await settleBelow(parts, row, row.path);
  const verdict = await governs(parts, row, row.path);
  if (verdict === 'cleared') await clear();
  return verdict;
}
