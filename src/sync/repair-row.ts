// Settles one divergence: fenced by its generation, the path's lock held for the last step only (design §5).
import { isHidden } from '../core/mount.ts';
import { isWithin, joinPath } from '../core/path.ts';
import { StoreError } from '../core/store-error.ts';
import type { Divergence } from '../journal/journal.ts';
import type { LockMode } from '../journal/locks.ts';
import {
  addTail,
  complete,
  discardHidden,
  entryOrNothing,
  notEqualYet,
  type Prepared,
  prepare,
} from './copy.ts';
import { jobFor } from './copy-job.ts';
import { grownFrom, recordBeforeCopy, verdictOf, withTail } from './fence.ts';
import { hurryingWhenWanted } from './hurrying-when-wanted.ts';
import { entriesOf, march } from './march.ts';
import { carryOutMove } from './moves.ts';
import { attributesRefused, isRefusedForGood } from './refused-for-good.ts';
import type { CopyJob, SyncParts } from './sync-parts.ts';

/**
 * What became of an attempt. `superseded`: a newer write has the path. `deferred`: something else has to end first. `pinned`: the other
 * side refuses it for good.
 */
export type RepairOutcome = 'cleared' | 'superseded' | 'deferred' | 'pinned';

/** How long repair waits for a path's lock, milliseconds: traffic goes first. */
const lockWaitMs = 2000;

/** A growing file is copied on without the lock until no more than this is missing, bytes. */
const shortTailBytes = 1 << 20;

/** Most of a growing file that is copied under the lock, bytes. */
const lockedTailBytes = 4 << 20;

/** How often what a growing file has got is copied on before the lock is asked for, and how often that is done. */
const maxCatchUps = 8;
const maxLastSteps = 4;

/** Failures in a row below a folder after which it is the store that fails, not its paths. */
const maxFailuresInRow = 16;

/** `cleared` if `row` still decides about `path` and may be cleared when the sides are equal. */
async function governs(parts: SyncParts, row: Divergence, path: string): Promise<RepairOutcome> {
  const verdict = verdictOf(row, await parts.journal.state(path), parts.now());
  return verdict === 'clear' ? 'cleared' : verdict;
}

/** A folder that only needs to be there does not wait for those who work below it; one whose ACL they inherit does. */
function lockModeFor({ truth, other, changesAcl }: Prepared): LockMode {
  return truth?.type === 'directory' && other?.type !== 'file' && !changesAcl ? 'node' : 'exclusive';
}

/** A row for one path below another row, about which only the path is known. */
function ownRow(above: Divergence, path: string, subtree: boolean, message: string): Divergence {
  const { absent, moved, frozen, pinned, grownSince, times, ...lasting } = above;
  return { ...lasting, path, subtree, reason: `below ${above.path}: ${message}` };
}

/** A request of ours without an answer may land late: before anybody else gets the path, its row says so. */
async function completeFenced(parts: SyncParts, job: CopyJob, prepared: Prepared): Promise<boolean> {
  try {
    return await complete(parts, job, prepared);
  } catch (thrown) {
    const error = StoreError.from(thrown);
    const { divergence } = await parts.journal.state(job.path);
    if (error.applied === 'unknown' && divergence) {
      const { truth, other } = prepared;
      const subtree = truth?.type === 'directory' || other?.type === 'directory';
      const own =
        divergence.path === job.path ? divergence : ownRow(divergence, job.path, subtree, error.message);
      const late = withTail(own, parts.now(), parts.zombieMs);
      await parts.journal.apply([{ do: 'put', divergence: late }]);
    }
    throw error;
  }
}

/** A path on its way to be equal. */
interface Settling {
  parts: SyncParts;
  row: Divergence;
  path: string;
  /** When the first byte was read of it. */
  startedMs: number;
  /** Done under the lock once both sides are equal, with the generation of the row that decides then. */
  last: (generation: number) => Promise<void>;
}

/** True if what was added to the file since it was copied can be added to the copy: only a row of its own tells of that. */
function mayGrow({ path, row }: Settling, { content }: Prepared): boolean {
  return content === 'hidden' && path === row.path;
}

/** The last step, under the path's lock. `grown`: it was not done, and the copy is worth being kept for another try. */
async function lastStep(
  settling: Settling,
  job: CopyJob,
  prepared: Prepared,
): Promise<RepairOutcome | 'grown'> {
  const { parts, row, path, startedMs, last } = settling;
  const isLong = mayGrow(settling, prepared) && prepared.hiddenBytes > lockedTailBytes;
  const hurrying = hurryingWhenWanted(parts);
  const lock = await parts.locks
    .acquire([{ path, mode: lockModeFor(prepared) }], parts.ctx().signal, lockWaitMs, hurrying.onWanted)
    .catch((error) => {
      // Somebody writes for a long time: a long copy is not thrown away for that.
      if (!isLong) throw error;
    });
  if (!lock) return 'grown';
  try {
    const state = await parts.journal.state(path);
    const grown = mayGrow(settling, prepared) ? grownFrom(row, state) : undefined;
    const verdict = verdictOf(grown ?? row, state, startedMs);
    if (verdict !== 'clear') return verdict;
    let whole = prepared;
    if (grown) {
      const added = await addTail(hurrying.parts, job, prepared, lockedTailBytes);
      if (added.missingBytes > 0) return 'grown';
      whole = added.prepared;
    }
    const record = recordBeforeCopy(state, row, whole.truth?.type === 'file');
    if (record.length > 0) await parts.journal.apply(record);
    if (!(await completeFenced(hurrying.parts, job, whole)))
      throw new StoreError('unavailable', `${path} is not equal yet`, { code: notEqualYet });
    await last((grown ?? row).generation);
    return 'cleared';
  } finally {
    hurrying.done();
    lock.release();
  }
}

/** Without the lock: adds to the hidden copy until little is missing, or nobody knows any more that the file was only added to. */
async function catchUp({ parts, row }: Settling, job: CopyJob, prepared: Prepared): Promise<Prepared> {
  let now = prepared;
  for (let round = 0; round < maxCatchUps; round++) {
    if (!grownFrom(row, await parts.journal.state(row.path))) break;
    const { missingBytes } = await addTail(parts, job, now, 0);
    if (missingBytes <= shortTailBytes) break;
    now = (await addTail(parts, job, now, Number.POSITIVE_INFINITY)).prepared;
  }
  return now;
}

/** One path made equal, or left to a newer write. */
async function settlePath(
  parts: SyncParts,
  row: Divergence,
  path: string,
  last: (generation: number) => Promise<void>,
): Promise<RepairOutcome> {
  const early = await governs(parts, row, path);
  if (early !== 'cleared') return early;
  const settling: Settling = { parts, row, path, startedMs: parts.now(), last };
  const job = jobFor(parts, row, path);
  let outcome: RepairOutcome | 'grown' = 'grown';
  try {
    let prepared = await prepare(parts, job);
    for (let step = 0; step < maxLastSteps && outcome === 'grown'; step++) {
      if (mayGrow(settling, prepared)) prepared = await catchUp(settling, job, prepared);
      outcome = await lastStep(settling, job, prepared);
    }
    return outcome === 'grown' ? 'superseded' : outcome;
  } finally {
    await discardHidden(parts, job, outcome === 'cleared');
  }
}

/** True for what no client sees. */
function isOurs(parts: SyncParts, path: string): boolean {
  return parts.mounts().some(({ target }) => isWithin(path, target) && isHidden(target, path));
}

/** The walk through a subtree row. */
interface Walk {
  parts: SyncParts;
  row: Divergence;
  /** Paths in a row that could not be settled. */
  failures: number;
}

/** Everything below a folder, name by name; nested divergences settle themselves. */
async function settleBelow(walk: Walk, folder: string): Promise<void> {
  const { parts, row } = walk;
  // A newer write has the row: the rest of the walk would be in vain.
  if ((await governs(parts, row, row.path)) === 'superseded') return;
  const job = jobFor(parts, row, folder);
  const list = (side: 'truth' | 'other') =>
    entriesOf(parts.stores[job[side]], job[`${side}Path`], parts.ctx());
  for await (const { name, truth } of march(list('truth'), list('other'))) {
    const path = joinPath(folder, name);
    if (isOurs(parts, path) || (!truth && job.keepExtras)) continue;
    await settleOrNote(walk, path, truth?.type === 'directory');
  }
}

/**
 * What cannot be settled gets a row of its own, so that one path holds up nothing else. Where one after the other fails, it is the store
 * that does not answer: the walk ends.
 */
async function settleOrNote(walk: Walk, path: string, isFolder: boolean): Promise<void> {
  const { parts, row } = walk;
  try {
    const outcome = await settlePath(parts, row, path, async () => undefined);
    if (outcome === 'superseded') return;
    if (outcome === 'deferred') return await noteOwnRow(walk, path, isFolder, 'an upload is under way');
    if (isFolder) await settleBelow(walk, path);
    walk.failures = 0;
  } catch (thrown) {
    const error = StoreError.from(thrown);
    const isDown = parts.isDown('source') || parts.isDown('target');
    if (error.code !== notEqualYet && (isDown || ++walk.failures >= maxFailuresInRow)) throw error;
    const pinned = isRefusedForGood(error) ? error.message : undefined;
    // A folder whose attributes are refused is there: what is below it can be made equal.
    const isThere = error.code === attributesRefused;
    await noteOwnRow(walk, path, isFolder && !isThere, error.message, pinned);
    if (isFolder && isThere) await settleBelow(walk, path);
  }
}

async function noteOwnRow(
  { parts, row }: Walk,
  path: string,
  subtree: boolean,
  message: string,
  pinned?: string,
): Promise<void> {
  const lock = await parts.locks.acquire([{ path, mode: 'node' }], parts.ctx().signal);
  try {
    const current = (await parts.journal.state(path)).divergence;
    if (current?.path !== row.path || current.generation !== row.generation) return;
    const own = ownRow(current, path, subtree, message);
    if (pinned !== undefined) own.pinned = pinned;
    await parts.journal.apply([{ do: 'put', divergence: own }]);
  } finally {
    lock.release();
  }
}

/** The row stays with the reason; `subtree` false where only the folder itself is refused. */
async function pin(
  parts: SyncParts,
  row: Divergence,
  subtree: boolean,
  error: StoreError,
): Promise<RepairOutcome> {
  const lock = await parts.locks.acquire([{ path: row.path, mode: 'node' }], parts.ctx().signal);
  try {
    const { divergence } = await parts.journal.state(row.path);
    if (divergence?.path !== row.path || divergence.generation !== row.generation) return 'superseded';
    const pinned: Divergence = { ...divergence, subtree, pinned: error.message };
    await parts.journal.apply([{ do: 'put', divergence: pinned }]);
    return 'pinned';
  } finally {
    lock.release();
  }
}

async function settleSubtree(
  parts: SyncParts,
  row: Divergence,
  clear: (generation: number) => Promise<void>,
): Promise<RepairOutcome> {
  let refused: StoreError | undefined;
  try {
    const first = await settlePath(parts, row, row.path, async () => undefined);
    if (first !== 'cleared') return first;
  } catch (thrown) {
    refused = StoreError.from(thrown);
    // The folder is there, only its attributes are not as they should be: what is below can be made equal.
    if (refused.code !== attributesRefused) throw refused;
  }
  await settleBelow({ parts, row, failures: 0 }, row.path);
  if (refused) return pin(parts, row, false, refused);
  const verdict = await governs(parts, row, row.path);
  if (verdict === 'cleared') await clear(row.generation);
  return verdict;
}

/** @throws StoreError if a side does not answer or the sides cannot be made equal now */
export async function repairRow(parts: SyncParts, asked: Divergence): Promise<RepairOutcome> {
  const first = grownFrom(asked, await parts.journal.state(asked.path)) ?? asked;
  const move = await carryOutMove(parts, first);
  if (move !== 'ready') return move;
  const { divergence: row } = await parts.journal.state(asked.path);
  if (row?.path !== asked.path || row.generation !== first.generation) return 'superseded';
  const clear = async (generation: number): Promise<void> => {
    await parts.journal.apply([{ do: 'clear', path: row.path, generation }]);
  };
  try {
    if (!row.subtree) return await settlePath(parts, row, row.path, clear);
    const { truth, truthPath } = jobFor(parts, row, row.path);
    const top = await entryOrNothing(parts.stores[truth], truthPath, parts);
    return top?.type === 'directory'
      ? await settleSubtree(parts, row, clear)
      : await settlePath(parts, row, row.path, clear);
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (!isRefusedForGood(error)) throw error;
    return pin(parts, row, row.subtree, error);
  }
}
