// Is there an order of the operations, each at a moment between its call and its answer, that explains all that was seen? Wing and
// Gong's search with Lowe's memory: through the history in time, with what the tree may be then; where nothing fits, back to the last choice.
import { keyOf, type Tree } from './file-model.ts';
import type { Operation } from './history.ts';
import { areRelated, conflict, type Moment, momentsOfHistory } from './moments.ts';
import { shrink, withoutUnseen } from './shrink-history.ts';

/** `gave-up`: the search took more than its steps; that is no pass. */
export type Verdict = { is: 'linearizable' } | { is: 'gave-up' } | { is: 'violation'; history: Operation[] };

/** What one search comes to. `impossible`: no state is left once this operation has been answered. */
export type Finding = { is: 'linearizable' | 'gave-up' } | { is: 'impossible'; at: Operation };

/** Most steps that a judgement may take. */
export interface StepLimits {
  /** Of one search. */
  search: number;
  /** For making a violation smaller: of one search, and of all. */
  shrink: { each: number; all: number };
}

const defaultLimits: StepLimits = { search: 10_000_000, shrink: { each: 40_000, all: 1_000_000 } };

/** What a search may still cost. */
interface Steps {
  left: number;
}

/** One way in which it may have been until now. */
interface Possible {
  tree: number;
  /** Which of the moments that are still open have come, sorted. */
  come: readonly number[];
}

/** A mutation taken before the moment that is asked for, and the sights that it made possible. */
interface Loose {
  moment: number;
  sights: readonly number[];
}

/** One way, and what in it has not yet turned out to be needed. */
interface Way extends Possible {
  loose: readonly Loose[];
}

class GaveUp extends Error {}

const plus = (come: readonly number[], more: number): number[] => [...come, more].sort((a, b) => a - b);

/** Trees as numbers, equal for equal trees, and what each moment makes of each. */
function treeBook(moments: readonly Moment[]) {
  const trees: Tree[] = [];
  const numbers = new Map<string, number>();
  const after = moments.map(() => new Map<number, readonly number[]>());
  const numberOf = (tree: Tree): number => {
    const key = keyOf(tree);
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, trees.length);
    return trees.push(tree) - 1;
  };
  return {
    numberOf,
    after(moment: number, tree: number): readonly number[] {
      let known = after[moment]!.get(tree);
      if (!known) {
        const results = moments[moment]!.after(trees[tree]!);
        known = results.map((each) => (each === trees[tree] ? tree : numberOf(each)));
        after[moment]!.set(tree, known);
      }
      return known;
    },
  };
}

/** The ways that are not worse than another. Of two with the same tree, one is no worse if it owes no more and has used no more. */
function bestWays<W extends Possible>(moments: readonly Moment[], sortOf: (way: W) => string) {
  const bySort = new Map<string, W[]>();
  const isNoWorse = (a: Possible, b: Possible): boolean =>
    a.come.every((each) => b.come.includes(each) || moments[each]!.isQuery) &&
    b.come.every((each) => a.come.includes(each) || moments[each]!.isOptional);
  return {
    /** False if there is one that is no worse. */
    add(way: W): boolean {
      const key = `${way.tree} ${way.come.filter((each) => !moments[each]!.isQuery && !moments[each]!.isOptional)} ${sortOf(way)}`;
      const same = bySort.get(key) ?? [];
      if (same.some((other) => isNoWorse(other, way))) return false;
      bySort.set(key, [...same.filter((other) => !isNoWorse(way, other)), way]);
      return true;
    },
    all: (): W[] => [...bySort.values()].flat(),
  };
}

/**
 * For each moment the one before it that does the same, where neither was ever answered. The earlier is taken first: any other order is
 * like it, and a client that insists leaves hundreds.
 */
function twinsOf(moments: readonly Moment[]): (number | undefined)[] {
  const last = new Map<string, number>();
  return moments.map(({ isOptional, returnedMs, doing }, index) => {
    if (!isOptional || returnedMs !== Number.POSITIVE_INFINITY) return undefined;
    const twin = last.get(doing);
    last.set(doing, index);
    return twin;
  });
}

/** A call or an answer, in the order of time. */
interface Event {
  isReturn: boolean;
  index: number;
  /** Moments whose call was before and whose answer was not. */
  open: ReadonlySet<number>;
}

function eventsOf(moments: readonly Moment[]): Event[] {
  const open = new Set<number>();
  return (
    moments
      .flatMap(({ invokedMs, returnedMs }, index) => [
        { atMs: invokedMs, isReturn: false, index },
        { atMs: returnedMs, isReturn: true, index },
      ])
      .filter(({ atMs }) => atMs !== Number.POSITIVE_INFINITY)
      // At the same time: calls first, so that what may overlap does.
      .sort((a, b) => a.atMs - b.atMs || Number(a.isReturn) - Number(b.isReturn) || a.index - b.index)
      .map(({ isReturn, index }) => {
        if (!isReturn) open.add(index);
        const event = { isReturn, index, open: new Set(open) };
        if (isReturn) open.delete(index);
        return event;
      })
  );
}

/** The steps of one search. */
function createStepper(moments: readonly Moment[], steps: Steps) {
  const book = treeBook(moments);
  const twins = twinsOf(moments);
  const numberOf = new Map(moments.map((moment, index) => [moment, index]));
  const conflicts = new Map<number, boolean>();
  const areInConflict = (a: number, b: number): boolean => {
    const key = Math.min(a, b) * moments.length + Math.max(a, b);
    const known = conflicts.get(key) ?? conflict(moments[a]!, moments[b]!);
    conflicts.set(key, known);
    return known;
  };

  /** Sights change nothing: each has its moment as soon as it fits, which leaves most freedom to the rest. */
  const withSights = <P extends Possible>(possible: P, { open }: Event): P => {
    let { come } = possible;
    for (const index of open)
      if (moments[index]!.isQuery && !come.includes(index) && book.after(index, possible.tree).length > 0)
        come = plus(come, index);
    return { ...possible, come };
  };

  const preceding = new Map<Event, readonly number[]>();
  /** What may have to come before this answer: whatever is open and in conflict with it, or with what may have to, and so on. */
  const mayHaveToPrecede = (event: Event): readonly number[] => {
    const known = preceding.get(event);
    if (known) return known;
    const found = new Set([event.index]);
    for (const each of found)
      for (const other of event.open) if (!found.has(other) && areInConflict(each, other)) found.add(other);
    const mutations = [...found].filter((index) => !moments[index]!.isQuery);
    preceding.set(event, mutations);
    return mutations;
  };

  const isAvailable = ({ come }: Possible, index: number, { open }: Event): boolean => {
    if (come.includes(index)) return false;
    const { before } = moments[index]!;
    const itself = before && numberOf.get(before)!;
    if (itself !== undefined && (come.includes(itself) || !open.has(itself))) return false;
    const twin = twins[index];
    return twin === undefined || come.includes(twin);
  };

  /** The same way after one more moment. */
  const extend = (way: Way, index: number, tree: number, event: Event): Way => {
    const next = withSights({ tree, come: plus(way.come, index) }, event);
    const sights = next.come.filter((each) => each !== index && !way.come.includes(each));
    const stillLoose = way.loose.filter(
      (each) =>
        !areInConflict(each.moment, index) && !each.sights.some((sight) => areInConflict(sight, index)),
    );
    const loose = [...stillLoose, { moment: index, sights: [] }].map((each) => ({
      moment: each.moment,
      sights: [...each.sights, ...sights.filter((sight) => areInConflict(sight, each.moment))],
    }));
    return { ...next, loose };
  };

  /**
   * The ways in which the moment that is answered can have come by now, short ones first. A mutation that is not in conflict with anything
   * that follows it (nor a sight between them) could as well come later, and does: only so the possible states stay few.
   */
  function* waysTo(from: Possible, event: Event): Generator<Possible> {
    const last = event.index;
    if (from.come.includes(last)) {
      yield from;
      return;
    }
    const looked = bestWays<Way>(moments, ({ loose }) => JSON.stringify(loose));
    const todo: Way[] = [{ ...from, loose: [] }];
    for (const way of todo) {
      if (way.come.includes(last)) {
        const isNeeded = ({ moment, sights }: Loose): boolean =>
          moment === last || sights.includes(last) || areInConflict(moment, last);
        if (way.loose.every(isNeeded)) yield way;
        continue;
      }
      for (const index of mayHaveToPrecede(event)) {
        if (--steps.left < 0) throw new GaveUp();
        if (!isAvailable(way, index, event)) continue;
        for (const tree of book.after(index, way.tree)) {
          if (tree === way.tree && moments[index]!.isOptional) continue;
          const next = extend(way, index, tree, event);
          if (looked.add(next)) todo.push(next);
        }
      }
    }
  }

  return {
    start: (): Possible => ({ tree: book.numberOf(new Map()), come: [] }),
    *after(possible: Possible, event: Event): Generator<Possible> {
      const { isOptional, isQuery } = moments[event.index]!;
      if (!event.isReturn) {
        yield isQuery ? withSights(possible, event) : possible;
        return;
      }
      // What never came can come no more; what has come needs no answer any more.
      if (isOptional) yield { ...possible, come: possible.come.filter((each) => each !== event.index) };
      if (isOptional && possible.come.includes(event.index)) return;
      for (const { tree, come } of waysTo(possible, event))
        yield { tree, come: come.filter((each) => each !== event.index) };
    },
  };
}

/** Goes through moments in which everything may have to do with everything. Returns what no order explains. */
function searchComponent(moments: readonly Moment[], steps: Steps): Operation | undefined {
  const stepper = createStepper(moments, steps);
  const events = eventsOf(moments);
  const looked = events.map(() => bestWays<Possible>(moments, () => ''));
  if (events.length === 0) return undefined;
  let furthest = 0;
  const path = [stepper.after(stepper.start(), events[0]!)];
  while (path.length > 0) {
    const next = path.at(-1)!.next();
    const at = path.length - 1;
    furthest = Math.max(furthest, at);
    if (next.done) path.pop();
    else if (looked[at]!.add(next.value)) {
      if (path.length === events.length) return undefined;
      path.push(stepper.after(next.value, events[path.length]!));
    }
  }
  return moments[events[furthest]!.index]!.operation;
}

/** Moments that are in conflict with each other, directly or through others; parts without conflict are judged by themselves. */
function componentsOf(moments: readonly Moment[]): Moment[][] {
  const representatives = new Map<string, string>();
  const rootOf = (path: string): string => {
    const next = representatives.get(path);
    return next === undefined || next === path ? path : rootOf(next);
  };
  const all = [...new Set(moments.flatMap(({ paths }) => paths))];
  const join = (a: string, b: string): void => void representatives.set(rootOf(a), rootOf(b));
  for (const { paths } of moments) for (const path of paths) join(path, paths[0]!);
  const isBelow = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`);
  for (const path of all)
    for (const folder of all) if (path !== folder && isBelow(path, folder)) join(path, folder);
  const components = new Map<string, Moment[]>();
  for (const moment of moments) {
    const root = rootOf(moment.paths[0]!);
    const component = components.get(root) ?? [];
    component.push(moment);
    components.set(root, component);
  }
  return [...components.values()];
}

/** Goes through a history from an empty tree on. */
export function search(history: readonly Operation[], steps: Steps): Finding {
  try {
    for (const component of componentsOf(momentsOfHistory(history))) {
      const at = searchComponent(component, steps);
      if (at) return { is: 'impossible', at };
    }
    return { is: 'linearizable' };
  } catch (error) {
    if (error instanceof GaveUp) return { is: 'gave-up' };
    throw error;
  }
}

/**
 * Searches without the writes that nobody has seen, which leaves far fewer ways, and takes back one after the other what may explain the
 * sight that is impossible without it: the last one of its path. Only with all of them is it a violation.
 */
function searchWithFewest(history: readonly Operation[], maxSteps: number): Finding {
  let taken = withoutUnseen(history);
  for (;;) {
    const finding = search(taken, { left: maxSteps });
    if (finding.is === 'linearizable' || taken.length === history.length) return finding;
    const missing = history.filter((each) => !taken.includes(each));
    const explaining =
      finding.is === 'impossible' ? missing.findLast((each) => areRelated(each, finding.at)) : undefined;
    taken = explaining ? history.filter((each) => each === explaining || taken.includes(each)) : [...history];
  }
}

/** Judges the whole history of one cell, from an empty tree on. */
export function judge(history: readonly Operation[], limits = defaultLimits): Verdict {
  const finding = searchWithFewest(history, limits.search);
  if (finding.is !== 'impossible') return { is: finding.is };
  let { all } = limits.shrink;
  const isViolation = (fewer: readonly Operation[]): boolean => {
    const steps = { left: Math.min(limits.shrink.each, all) };
    all -= steps.left;
    const { is } = search(fewer, steps);
    all += Math.max(0, steps.left);
    return is === 'impossible';
  };
  return { is: 'violation', history: shrink(history, finding.at, isViolation) };
}
