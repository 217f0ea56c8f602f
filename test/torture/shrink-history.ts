// The few operations of a history that show why it cannot be.
import type { Tree } from './file-model.ts';
import type { Operation } from './history.ts';
import { isQuery, momentsOfHistory, pathsOf } from './moments.ts';

/** True if no order explains it; false also if that could not be found out quickly. */
export type IsViolation = (history: readonly Operation[]) => boolean;

/** As if no answer had come: it counts at any later time or never, which allows more than an answer did. */
function unanswered(operation: Operation): Operation {
  return { ...operation, returnedMs: Number.POSITIVE_INFINITY, result: { is: 'unknown' } };
}

/** What was known at a moment. Queries that were not answered by then say nothing. */
function knownAt(history: readonly Operation[], atMs: number): Operation[] {
  return history
    .filter(({ invokedMs }) => invokedMs <= atMs)
    .map((operation) => (operation.returnedMs <= atMs ? operation : unanswered(operation)))
    .filter((operation) => operation.result.is !== 'unknown' || !isQuery(operation));
}

const saysNothing = (operation: Operation): boolean =>
  isQuery(operation) || operation.result.is === 'refused';

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
export function withoutUnseen(history: readonly Operation[]): Operation[] {
  const seen = seenTokens(history);
  return history.filter(({ action, result }) => {
    const token = 'token' in action ? action.token : undefined;
    return result.is !== 'unknown' || !token || seen.has(token.id);
  });
}

/** Operations that make sense when all are taken in the order of their answers. */
function sensible(history: readonly Operation[]): Set<Operation> {
  const whenOf = ({ invokedMs, returnedMs }: Operation): number =>
    Number.isFinite(returnedMs) ? returnedMs : invokedMs;
  const moments = momentsOfHistory(history).filter(({ doing, isQuery: asks, isOptional, operation }) =>
    asks ? true : !isOptional || (operation.result.is === 'unknown' && doing.startsWith('{')),
  );
  let tree: Tree = new Map();
  const found = new Set(history);
  for (const { operation, after } of moments.sort((a, b) => whenOf(a.operation) - whenOf(b.operation))) {
    const [next] = after(tree);
    if (next) tree = next;
    else found.delete(operation);
  }
  return found;
}

/**
 * Drops operations, many at a time at first, then one by one, while what is left cannot be explained. What only asked or was refused may be
 * dropped as it is. A write may not, it may be what explains the rest: so it stays in the search as a write without an answer. And what
 * is left has to be a story: what made sense in it still does, and what cannot be could have been, if others had not been answered.
 * @param at the operation whose answer is too much
 */
export function shrink(history: readonly Operation[], at: Operation, isViolation: IsViolation): Operation[] {
  const all = knownAt(history, at.returnedMs);
  let shown = all;
  let hidden: Operation[] = [];
  const inOrder = (operations: readonly Operation[]): Operation[] =>
    [...operations].sort((a, b) => a.invokedMs - b.invokedMs);
  const couldBe = (operations: readonly Operation[]): boolean =>
    !isViolation(
      operations
        .filter((each) => each === at || !saysNothing(each))
        .map((each) => (each === at ? at : unanswered(each))),
    );
  const tokens = at.result.is === 'done' && at.result.seen?.type === 'file' ? at.result.seen.tokens : [];
  const isAbout = ({ action }: Operation): boolean =>
    ('token' in action && tokens?.includes(action.token!.id)) ||
    pathsOf(action).some((path) => pathsOf(at.action).includes(path));
  const makesSense = sensible(all);
  const mustBePossible = couldBe(all);
  const isStory = (operations: readonly Operation[]): boolean => {
    const still = sensible(operations);
    if (operations.some((each) => makesSense.has(each) && !still.has(each))) return false;
    if (mustBePossible) return couldBe(operations);
    // Nothing could have made it so: then all that happened at its path is the story.
    return all.every((each) => saysNothing(each) || !isAbout(each) || operations.includes(each));
  };
  const drop = (dropped: readonly Operation[]): void => {
    const left = shown.filter((operation) => !dropped.includes(operation));
    const writes = dropped.filter((operation) => !saysNothing(operation)).map(unanswered);
    if (!left.includes(at)) return;
    if (writes.length > 0 && !(isStory(left) && isViolation(left))) return;
    if (!isViolation(inOrder([...left, ...hidden, ...writes]))) return;
    shown = left;
    hidden = [...hidden, ...writes];
  };
  const seen = withoutUnseen(shown);
  drop(shown.filter((each) => !seen.includes(each)));
  for (const among of [saysNothing, () => true]) {
    const { length } = shown.filter(among);
    for (let size = 2 ** Math.floor(Math.log2(length)); size >= 1; size /= 2) {
      const candidates = shown.filter(among);
      for (let end = candidates.length; end > 0; end -= size)
        drop(candidates.slice(Math.max(0, end - size), end));
    }
  }
  return shown;
}
