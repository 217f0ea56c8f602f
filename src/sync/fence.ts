// What keeps repair from undoing a newer write or forgetting a late one, pure: when a row may be worked on and cleared.
import type { Change, Divergence, PathState } from '../journal/journal.ts';

/** `superseded`: a newer write has the path. `deferred`: something else has to end first. */
export type Verdict = 'clear' | 'superseded' | 'deferred';

/** True once no request without an answer can land any more (design §4, "unknown has a tail"). */
export function isTailOver({ tailUntilMs }: Divergence, nowMs: number): boolean {
  return (tailUntilMs ?? 0) <= nowMs;
}

/**
 * Asked before anything is read, for a proof counts only if it began after the tail, and again under the lock.
 * @param row what repair works on
 * @param state of the path that is to be made equal, as it is now
 */
export function verdictOf(row: Divergence, { divergence, upload }: PathState, nowMs: number): Verdict {
  if (divergence?.path !== row.path || divergence.generation !== row.generation) return 'superseded';
  const isElsewhere = upload?.unflushed && !upload.sides.includes(row.truth);
  return isElsewhere || !isTailOver(divergence, nowMs) ? 'deferred' : 'clear';
}

/**
 * What becomes of the record of an upload before the other side is made equal, for what is staged there goes with it: the truth alone has
 * the upload. Where the truth has no file nothing is staged either.
 */
export function recordBeforeCopy({ upload }: PathState, { truth }: Divergence, isThere: boolean): Change[] {
  if (!upload) return [];
  if (!isThere) return [{ do: 'end-upload', path: upload.path }];
  if (!upload.unflushed || upload.sides.length === 1) return [];
  return [{ do: 'put-upload', upload: { ...upload, sides: [truth] } }];
}

/**
 * The row that decides now, if nothing has happened since `row` but that the file was added to: what was read of it then still stands in it.
 * Undefined for the row itself too.
 */
export function grownFrom(row: Divergence, { divergence: now }: PathState): Divergence | undefined {
  const { path, generation, truth } = row;
  if (now?.path !== path || now.truth !== truth || now.generation === generation) return undefined;
  return now.grownSince !== undefined && now.grownSince <= generation ? now : undefined;
}

/** The row after a request about it was not answered: that one too may land late. */
export function withTail(row: Divergence, nowMs: number, zombieMs: number): Divergence {
  return { ...row, tailUntilMs: Math.max(row.tailUntilMs ?? 0, nowMs + zombieMs) };
}
