// Breadth first through everything that can happen, until no order of the writes explains what a read returned.
import { keyOf, type State, start } from './state.ts';
import { crashing, environment, reading, repairing, type World, writing } from './steps.ts';

/** What a search found. */
export interface Found {
  states: number;
  /** The shortest way to a violation. */
  trace?: string[];
}

/** Searches all of it. */
export function findTrace(world: World): Found {
  const known = new Set<string>([keyOf(start)]);
  const parents: number[] = [-1];
  const names: string[] = ['start'];
  const labels = new Map<string, string>();
  let level: [index: number, state: State][] = [[0, start]];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const [index, state] of level) {
      let broken: number | undefined;
      const take = (name: string, after: State): void => {
        const key = keyOf(after);
        if (known.has(key)) return;
        known.add(key);
        if (!labels.has(name)) labels.set(name, name);
        names.push(labels.get(name)!);
        parents.push(index);
        next.push([parents.length - 1, after]);
        if (after.seen === '') broken ??= parents.length - 1;
      };
      for (const part of [environment, crashing, writing, reading, repairing]) part(world, state, take);
      if (broken === undefined) continue;
      const trace: string[] = [];
      for (let at = broken; at > 0; at = parents[at]!) trace.unshift(names[at]!);
      return { states: known.size, trace };
    }
    level = next;
  }
  return { states: known.size };
}
