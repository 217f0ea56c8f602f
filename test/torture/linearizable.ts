// Is there an order of the operations, each at a moment between its call and its answer, that explains all that was seen? (Wing and Gong;
// with memory of what was tried, as Lowe has it.) Operations of unknown outcome may count at any later moment, or never.
import {
  foldersAbove,
  hasContent,
  keyOf,
  shows,
  type Tree,
  treesAfter,
  treesWhileCreating,
  treesWithFolders,
} from './file-model.ts';
import type { Action, Operation, Seen } from './history.ts';

/** `gave-up`: the search took more than its steps; that is no pass. */
export type Verdict = { is: 'linearizable' } | { is: 'gave-up' } | { is: 'violation'; history: Operation[] };

/** Most states that one search looks at. */
const maxStates = 400_000;

/** One thing that happened at one moment. */
interface Event {
  operation: Operation;
  invokedMs: number;
  returnedMs: number;
  /** It may be left out. */
  optional: boolean;
  /** A query: true where the tree looks as it was seen. */
  fits?: (tree: Tree) => boolean;
  /** A mutation: the trees that it may leave. */
  after?: (tree: Tree) => Tree[];
  /** It has its moment before this one, or never. */
  before?: Event;
}

const queries: ReadonlySet<Action['do']> = new Set(['read', 'stat', 'list']);
const isQuery = ({ action }: Operation): boolean => queries.has(action.do);

function pathsOf(action: Action): string[] {
  if (action.do === 'rename') return [action.path, action.destination];
  if (action.do === 'concat') return [action.path, ...action.sources];
  return [action.path];
}

/** All paths that anybody has named or seen. */
function universeOf(history: readonly Operation[]): string[] {
  const paths = new Set<string>();
  for (const { action, result } of history) {
    for (const path of pathsOf(action)) paths.add(path);
    if (result.is === 'done')
      for (const name of Object.keys(result.names ?? {})) paths.add(joined(action.path, name));
  }
  for (const path of [...paths]) for (const folder of foldersAbove(path)) paths.add(folder);
  return [...paths];
}

const joined = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** Every path below a folder that a list of it speaks of. */
function listedPaths(universe: readonly string[], folder: string, recursive: boolean): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  return universe.filter(
    (path) =>
      path !== folder && path.startsWith(prefix) && (recursive || !path.slice(prefix.length).includes('/')),
  );
}

/** What a query saw, path by path: a listing shows each of its names at a moment of its own (the promise is per path). */
function sightsOf({ action, result }: Operation, universe: readonly string[]): [path: string, seen: Seen][] {
  if (result.is !== 'done') return [];
  const sights: [string, Seen][] = result.seen ? [[action.path, result.seen]] : [];
  if (action.do !== 'list' || !result.names) return sights;
  const { names } = result;
  const byPath = new Map(Object.entries(names).map(([name, seen]) => [joined(action.path, name), seen]));
  for (const path of listedPaths(universe, action.path, action.recursive))
    sights.push([path, byPath.get(path) ?? { type: 'absent' }]);
  return sights;
}

/** A write makes the folders above it, and takes them away again if it is refused: while it may be doing so they may be there or not. */
function impliedBy(history: readonly Operation[]) {
  const writes = history.filter((operation) => !isQuery(operation));
  return (folder: string, { invokedMs, returnedMs }: Operation): boolean =>
    writes.some(
      (write) =>
        write.invokedMs <= returnedMs &&
        write.returnedMs >= invokedMs &&
        pathsOf(write.action).some((path) => foldersAbove(path).includes(folder)),
    );
}

/** Refusals that say something certain about the path. */
function refusalFits({ action, result }: Operation, tree: Tree): boolean {
  if (result.is !== 'refused') return true;
  if (action.do === 'create' && !action.overwrite && result.kind === 'exists') return tree.has(action.path);
  const names = new Set<Action['do']>(['append', 'stage', 'flush', 'delete', 'set-permission']);
  if (names.has(action.do) && result.kind === 'not-found') return !tree.has(action.path);
  return true;
}

function eventsOf(history: readonly Operation[]): Event[] {
  const universe = universeOf(history);
  const mayBeImplied = impliedBy(history);
  const events: Event[] = [];
  for (const operation of history) {
    const { action, result, invokedMs, returnedMs } = operation;
    const base = { operation, invokedMs, returnedMs, optional: false };
    if (isQuery(operation)) {
      for (const [path, seen] of sightsOf(operation, universe)) {
        const lenient = mayBeImplied(path, operation);
        const fits = (tree: Tree): boolean => {
          if (shows(tree, path, seen)) return true;
          // On Gen2 a file has no listing.
          const isItself = action.do === 'list' && path === action.path;
          if (isItself && seen.type === 'absent' && tree.get(path)?.type === 'file') return true;
          if (!lenient) return false;
          if (seen.type === 'directory') return !tree.has(path);
          return seen.type === 'absent' && tree.get(path)?.type === 'directory' && !hasContent(tree, path);
        };
        events.push({ ...base, fits });
      }
    } else if (result.is === 'refused') {
      events.push({
        ...base,
        fits: (tree) => refusalFits(operation, tree) || mayBeImplied(action.path, operation),
      });
    } else {
      const optional = result.is === 'unknown';
      const isPhantom = (tree: Tree): boolean =>
        action.do === 'delete' && !tree.has(action.path) && mayBeImplied(action.path, operation);
      const after = (tree: Tree): Tree[] => (isPhantom(tree) ? [tree] : treesAfter(tree, action));
      const event: Event = { ...base, optional, after };
      events.push(event);
      // The folders that a write implies are writes of their own.
      if (optional && action.do === 'create')
        events.push({
          ...base,
          optional,
          before: event,
          after: (tree) => treesWithFolders(tree, action.path),
        });
      if (action.do === 'create' && action.token)
        events.push({
          ...base,
          optional: true,
          before: event,
          after: (tree) => treesWhileCreating(tree, action),
        });
    }
  }
  return events.sort((a, b) => a.invokedMs - b.invokedMs);
}

/** One point of the search: which events have had their moment, and what the tree is then. */
interface Point {
  done: Uint8Array;
  tree: Tree;
}

function keyOfPoint({ done, tree }: Point): string {
  return `${Buffer.from(done).toString('latin1')}${keyOf(tree)}`;
}

/** Until when the next moment must be: the first answer of those that are still to come. */
function deadline(events: readonly Event[], done: Uint8Array): number {
  let first = Number.POSITIVE_INFINITY;
  for (const [index, event] of events.entries())
    if (!done[index] && !event.optional) first = Math.min(first, event.returnedMs);
  return first;
}

/** Queries change nothing: each has its moment as soon as it fits. */
function withQueries(events: readonly Event[], { done, tree }: Point): Point {
  const next = Uint8Array.from(done);
  for (let changed = true; changed; ) {
    changed = false;
    const until = deadline(events, next);
    for (const [index, { invokedMs, fits }] of events.entries()) {
      if (invokedMs > until) break;
      if (next[index] || !fits?.(tree)) continue;
      next[index] = 1;
      changed = true;
    }
  }
  return { done: next, tree };
}

/** What may come next; what is sure to have happened before what may never have. */
function nextPoints(events: readonly Event[], point: Point): Point[] {
  const until = deadline(events, point.done);
  const next: { optional: boolean; point: Point }[] = [];
  for (const [index, { invokedMs, optional, after, before }] of events.entries()) {
    if (invokedMs > until) break;
    if (point.done[index] || !after || (before && point.done[events.indexOf(before)])) continue;
    for (const tree of after(point.tree)) {
      const done = Uint8Array.from(point.done);
      done[index] = 1;
      next.push({ optional, point: { done, tree } });
    }
  }
  // The last is looked at first.
  return next.sort((a, b) => Number(b.optional) - Number(a.optional)).map((each) => each.point);
}

function isComplete(events: readonly Event[], done: Uint8Array): boolean {
  return events.every((event, index) => done[index] || event.optional);
}

function search(history: readonly Operation[]): 'linearizable' | 'violation' | 'gave-up' {
  const events = eventsOf(history);
  const seen = new Set<string>();
  const todo: Point[] = [{ done: new Uint8Array(events.length), tree: new Map() }];
  for (let point = todo.pop(); point; point = todo.pop()) {
    const settled = withQueries(events, point);
    if (isComplete(events, settled.done)) return 'linearizable';
    const key = keyOfPoint(settled);
    if (seen.has(key)) continue;
    if (seen.size >= maxStates) return 'gave-up';
    seen.add(key);
    todo.push(...nextPoints(events, settled));
  }
  return 'violation';
}

/** Tokens that anybody has seen in a file. */
function seenTokens(history: readonly Operation[]): Set<number> {
  const ids = new Set<number>();
  for (const { result } of history)
    if (result.is === 'done' && result.seen?.type === 'file')
      for (const id of result.seen.tokens ?? []) ids.add(id);
  return ids;
}

/**
 * Without writes of unknown outcome whose token nobody has seen. If there is an order without them, it is one with them never counting; the
 * reverse does not hold (a length may be theirs), so that a violation is looked at again with all of them.
 */
function withoutUnseen(history: readonly Operation[]): Operation[] {
  const seen = seenTokens(history);
  return history.filter(({ action, result }) => {
    const token = 'token' in action ? action.token : undefined;
    return result.is !== 'unknown' || !token || seen.has(token.id);
  });
}

/** Judges the whole history of one cell, from an empty tree on. */
export function judge(history: readonly Operation[]): Verdict {
  // Tried without what may be left out first: most histories are explained by it at once.
  if (search(withoutUnseen(history)) === 'linearizable') return { is: 'linearizable' };
  const verdict = search(history);
  return verdict === 'violation' ? { is: 'violation', history: shrink(history) } : { is: verdict };
}

const isViolation = (history: readonly Operation[]): boolean => search(history) === 'violation';

/** Fewer operations that still cannot be explained: the shortest beginning, then fewer queries, then nothing of other paths. */
function shrink(history: readonly Operation[]): Operation[] {
  const byReturn = [...history].sort((a, b) => a.returnedMs - b.returnedMs);
  const until = (count: number): Operation[] => {
    const last = byReturn[count - 1]!.returnedMs;
    // Of what was answered later only the call had happened.
    return history
      .filter(({ invokedMs }) => invokedMs <= last)
      .map((operation) =>
        operation.returnedMs <= last
          ? operation
          : { ...operation, returnedMs: Number.POSITIVE_INFINITY, result: { is: 'unknown' } as const },
      )
      .filter((operation) => !(operation.result.is === 'unknown' && isQuery(operation)));
  };
  let [low, high] = [1, byReturn.filter(({ returnedMs }) => Number.isFinite(returnedMs)).length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isViolation(until(middle))) high = middle;
    else low = middle + 1;
  }
  let left = isViolation(until(high)) ? until(high) : [...history];
  for (const operation of left.filter(isQuery)) {
    const fewer = left.filter((each) => each !== operation);
    if (isViolation(fewer)) left = fewer;
  }
  const related = relatedPaths(left, byReturn[high - 1]!);
  const near = left.filter(({ action }) => pathsOf(action).some((path) => related.has(path)));
  return isViolation(near) ? near : left;
}

/** Paths that have to do with the last answer and with what queries saw: through moves, and through folders above and below. */
function relatedPaths(history: readonly Operation[], last: Operation): Set<string> {
  const related = new Set([
    ...history.filter(isQuery).map(({ action }) => action.path),
    ...pathsOf(last.action),
  ]);
  const touches = (path: string): boolean =>
    [...related].some(
      (each) => each === path || foldersAbove(each).includes(path) || foldersAbove(path).includes(each),
    );
  for (let grown = true; grown; ) {
    grown = false;
    for (const { action } of history) {
      const paths = pathsOf(action);
      if (!paths.some(touches)) continue;
      for (const path of paths) {
        grown ||= !related.has(path);
        related.add(path);
      }
    }
  }
  return related;
}
