// Sights that contradict an acknowledged write, found without any search: where nobody else touched a path since its last write, only
// that write may show, or what a request without an answer may have made of it.
import { isWithin } from '../../src/core/path.ts';
import { describeOperation } from './cells.ts';
import type { Action, Operation } from './history.ts';

const queries: ReadonlySet<Action['do']> = new Set(['read', 'stat', 'list']);

const rooted = (path: string): string => (path === '' ? '/' : `/${path}`);

/** Every path that an action may change something at, above or below. */
function named(action: Action): string[] {
  if (action.do === 'rename') return [action.path, action.destination].map(rooted);
  if (action.do === 'concat') return [action.path, ...action.sources].map(rooted);
  return [rooted(action.path)];
}

/** True if it may change what stands at the path, or did so if it was done. */
function mayTouch({ action, result }: Operation, path: string): boolean {
  if (queries.has(action.do) || result.is === 'refused') return false;
  // A folder that is made changes no file; neither do rights.
  if (action.do === 'mkdir' || action.do === 'set-permission' || action.do === 'stage') return false;
  return named(action).some((each) => isWithin(path, each) || isWithin(each, path));
}

/** The tokens of a file after a write that says all about it; undefined for other actions. */
function tokensAfter(action: Action): number[] | undefined {
  if (action.do !== 'create' || !action.overwrite) return undefined;
  return action.token ? [action.token.id] : [];
}

/** What a query saw of one file; undefined if it does not tell. */
function tokensSeen({ action, result }: Operation): number[] | 'absent' | undefined {
  if (action.do !== 'read' || result.is !== 'done' || !result.seen) return undefined;
  if (result.seen.type === 'absent') return 'absent';
  return result.seen.type === 'file' ? result.seen.tokens : undefined;
}

/** The write whose content must show, and what may show instead; undefined where more than this has happened. */
function allowedAt(
  read: Operation,
  operations: readonly Operation[],
): { last: Operation; allowed: string[] } | undefined {
  const path = rooted(read.action.path);
  const touching = operations.filter((each) => each.invokedMs < read.returnedMs && mayTouch(each, path));
  const done = touching.filter(({ result }) => result.is === 'done');
  const last = done.reduce<Operation | undefined>(
    (a, b) => (a && a.returnedMs > b.returnedMs ? a : b),
    undefined,
  );
  const tokens = last && rooted(last.action.path) === path ? tokensAfter(last.action) : undefined;
  if (!last || !tokens || last.returnedMs > read.invokedMs) return undefined;
  if (done.some((each) => each !== last && each.returnedMs > last.invokedMs)) return undefined;
  const allowed = [String(tokens)];
  for (const { action, result } of touching) {
    if (result.is !== 'unknown') continue;
    const other = rooted(action.path) === path ? tokensAfter(action) : undefined;
    if (!other) return undefined;
    allowed.push(String(other));
  }
  return { last, allowed };
}

/** Reads that show something else than they must; and how many were judged. */
export function staleReads(operations: readonly Operation[]): { stale: string[]; judged: number } {
  const stale: string[] = [];
  let judged = 0;
  for (const read of operations) {
    const seen = tokensSeen(read);
    const expected = seen === undefined ? undefined : allowedAt(read, operations);
    if (!expected) continue;
    judged++;
    if (seen === 'absent' || !expected.allowed.includes(String(seen)))
      stale.push(`${describeOperation(read)}\n  although ${describeOperation(expected.last)}`);
  }
  return { stale, judged };
}
