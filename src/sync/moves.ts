// Renames that the other side has missed are done there as renames, by way of a hidden name, so that chains, swaps and folders moved into
// themselves need no order (semantics A8).
import { findMount, hiddenFolder, type Mount, translatePath } from '../core/mount.ts';
import { isWithin, joinPath, parentOf } from '../core/path.ts';
import { otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Change, Divergence } from '../journal/journal.ts';
import { clearAway, ensureParents, entryOrNothing } from './copy.ts';
import { jobFor } from './copy-job.ts';
import { hurryingWhenWanted } from './hurrying-when-wanted.ts';
import type { SyncParts } from './sync-parts.ts';

/** How long repair waits for the locks of both names, milliseconds. */
const lockWaitMs = 2000;

type Moved = Divergence & { moved: NonNullable<Divergence['moved']> };

function isMoved(row: Divergence): row is Moved {
  return row.moved !== undefined;
}

/** Where what a rename has taken away waits until its new name is free. */
interface Stash {
  side: Side;
  /** The old name on the other side. */
  fromPath: string;
  /** The hidden name there. */
  path: string;
  /** The hidden name as a canonical path. */
  canonical: string;
}

function stashOf({ mounts, journal }: SyncParts, { truth, moved }: Moved): Stash | undefined {
  const side = otherSide(truth);
  const mount: Mount | undefined = findMount(mounts(), 'target', moved.from);
  if (!mount) return undefined;
  const fromPath = translatePath(mount, moved.from, 'target', side);
  const name = `moved/${journal.id.slice(0, 8)}-${moved.generation}`;
  const path = joinPath(hiddenFolder(mount[side], fromPath), name);
  return { side, fromPath, path, canonical: translatePath(mount, path, side, 'target') };
}

/** True while a rename has to be done first: what it takes away must not be touched, and what goes below its new name comes after it. */
export async function isBehindMove(parts: SyncParts, row: Divergence): Promise<boolean> {
  for (const { path, moved } of await parts.journal.moves()) {
    if (path === row.path || moved === undefined || moved.from === path) continue;
    if (isWithin(row.path, path) || isWithin(row.path, moved.from) || isWithin(moved.from, row.path))
      return true;
  }
  return false;
}

/** The row as it is now, if it is still that generation and that rename. */
async function current({ journal }: SyncParts, row: Moved): Promise<Moved | undefined> {
  const { divergence } = await journal.state(row.path);
  const isSame = divergence?.path === row.path && divergence.generation === row.generation;
  return isSame && isMoved(divergence) && divergence.moved.from === row.moved.from ? divergence : undefined;
}

function withoutMove({ moved, ...row }: Moved): Divergence {
  return row;
}

/** Runs `step` under the locks of both names; a rename of ours without an answer gives both rows a tail. */
async function fenced(
  parts: SyncParts,
  row: Moved,
  step: (parts: SyncParts, now: Moved) => Promise<Change[]>,
): Promise<'done' | 'superseded'> {
  const paths = [...new Set([row.path, row.moved.from])];
  const requests = paths.map((path) => ({ path, mode: 'exclusive' as const }));
  const hurrying = hurryingWhenWanted(parts);
  const lock = await parts.locks.acquire(requests, parts.ctx().signal, lockWaitMs, hurrying.onWanted);
  try {
    const now = await current(parts, row);
    if (!now) return 'superseded';
    const changes = await stepOrGiveUp(now, (moved) => step(hurrying.parts, moved));
    if (changes.length > 0) await parts.journal.apply(changes);
    return 'done';
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (error.applied === 'unknown') await giveTails(parts, paths);
    throw error;
  } finally {
    hurrying.done();
    lock.release();
  }
}

/** A rename that the other side refuses is no rename: the row is settled by copying. @throws StoreError of what may pass, or has landed perhaps */
async function stepOrGiveUp(row: Moved, step: (now: Moved) => Promise<Change[]>): Promise<Change[]> {
  try {
    return await step(row);
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (error.temporary || error.applied === 'unknown') throw error;
    return [{ do: 'put', divergence: withoutMove(row) }];
  }
}

async function giveTails(parts: SyncParts, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const { divergence } = await parts.journal.state(path);
    if (!divergence) continue;
    const tailUntilMs = Math.max(divergence.tailUntilMs ?? 0, parts.now() + parts.zombieMs);
    await parts.journal.apply([{ do: 'put', divergence: { ...divergence, tailUntilMs } }]);
  }
}

async function rename(parts: SyncParts, side: Side, path: string, destination: string): Promise<void> {
  const move = { verb: 'rename', path, destination, replace: 'none', intoDirectory: false } as const;
  await parts.stores[side].mutate(move, parts.ctx());
}

/** Takes what the truth has elsewhere out of its old name, or finds that it is not there as it was. */
async function stash(parts: SyncParts, row: Moved): Promise<Change[]> {
  const giveUp: Change[] = [{ do: 'put', divergence: withoutMove(row) }];
  const place = stashOf(parts, row);
  if (!place) return giveUp;
  const { side, fromPath, path, canonical } = place;
  const { from, generation } = row.moved;
  const { divergence: left } = await parts.journal.state(from);
  const isStashed = (await entryOrNothing(parts.stores[side], path, parts)) !== undefined;
  if (!isStashed) {
    if (from === row.path) return [];
    const isUntouched =
      left?.path === from && left.subtree && left.truth === row.truth && left.frozen === generation;
    if (!isUntouched || !(await entryOrNothing(parts.stores[side], fromPath, parts))) return giveUp;
    await parts.stores[side].mutate({ verb: 'mkdir', path: parentOf(path), parents: 'all' }, parts.ctx());
    parts.hidden?.begin(side, path);
    parts.hidden?.end(side, path);
    await rename(parts, side, fromPath, path);
  } else if (from === canonical) {
    return [];
  }
  const changes: Change[] = [{ do: 'put', divergence: { ...row, moved: { from: canonical, generation } } }];
  // Before its old name is written again nobody may take it for what it was.
  if (left?.path === from && from !== row.path && left.frozen === generation) {
    const { frozen, ...rest } = left;
    changes.push({ do: 'put', divergence: rest });
  }
  return changes;
}

/** Puts it under its new name. From then on the row trusts what is there where lengths and attributes agree. */
async function putInPlace(parts: SyncParts, row: Moved): Promise<Change[]> {
  const giveUp: Change[] = [{ do: 'put', divergence: withoutMove(row) }];
  const mount = findMount(parts.mounts(), 'target', row.moved.from);
  const job = jobFor(parts, row, row.path);
  const from = mount && translatePath(mount, row.moved.from, 'target', job.other);
  if (!from || !(await entryOrNothing(parts.stores[job.other], from, parts))) return giveUp;
  const there = await entryOrNothing(parts.stores[job.other], job.otherPath, parts);
  if (there) await clearAway(parts, job, there);
  await ensureParents(parts, job);
  await rename(parts, job.other, from, job.otherPath);
  const { generation } = row.moved;
  return [{ do: 'put', divergence: { ...row, moved: { from: row.path, generation } } }];
}

/**
 * Does the rename of a row that has one, as far as it can be done now.
 * @returns `ready`: nothing is left of it to be done. `deferred`: other renames come first.
 */
export async function carryOutMove(
  parts: SyncParts,
  row: Divergence,
): Promise<'ready' | 'superseded' | 'deferred'> {
  const now = async (): Promise<Divergence | undefined> => (await parts.journal.state(row.path)).divergence;
  if (isMoved(row) && (await fenced(parts, row, stash)) === 'superseded') return 'superseded';
  if (await isBehindMove(parts, row)) return 'deferred';
  const stashed = await now();
  if (stashed?.path !== row.path || stashed.generation !== row.generation) return 'superseded';
  if (!isMoved(stashed) || stashed.moved.from === stashed.path) return 'ready';
  const placed = await fenced(parts, stashed, putInPlace);
  return placed === 'done' ? 'ready' : 'superseded';
}
