// A sorted set of strings or numbers: short sorted runs in a sorted list, so that adding, removing and paging stay cheap with a million.

/** Longest run; a longer one is halved. */
const runKeys = 1024;

/** Keys in ascending order (`<`), each once. */
export interface SortedKeys<Key extends string | number> {
  add(key: Key): void;
  delete(key: Key): void;
  first(): Key | undefined;
  /** The next `limit` keys behind `after`, or the first ones. */
  page(after: Key | undefined, limit: number): Key[];
}

/** Index of the first element that `isBehind` holds for; it holds for all that follow. */
function firstIndex<Element>(list: readonly Element[], isBehind: (element: Element) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBehind(list[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** An empty set. */
export function createSortedKeys<Key extends string | number>(): SortedKeys<Key> {
  const runs: Key[][] = [];
  /** The run that holds the key, or would. */
  const runOf = (key: Key): number => Math.max(0, firstIndex(runs, (run) => run[0]! > key) - 1);
  return {
    add(key) {
      if (runs.length === 0) runs.push([]);
      const at = runOf(key);
      const run = runs[at]!;
      const place = firstIndex(run, (other) => other >= key);
      if (run[place] === key) return;
      run.splice(place, 0, key);
      if (run.length > runKeys) runs.splice(at + 1, 0, run.splice(runKeys / 2));
    },
    delete(key) {
      const at = runOf(key);
      const run = runs[at] ?? [];
      const place = firstIndex(run, (other) => other >= key);
      if (run[place] !== key) return;
      run.splice(place, 1);
      if (run.length === 0) runs.splice(at, 1);
    },
    first: () => runs[0]?.[0],
    page(after, limit) {
      const keys: Key[] = [];
      let at = after === undefined ? 0 : runOf(after);
      let place = after === undefined ? 0 : firstIndex(runs[at] ?? [], (key) => key > after);
      for (; at < runs.length && keys.length < limit; at++, place = 0)
        keys.push(...runs[at]!.slice(place, place + limit - keys.length));
      return keys;
    },
  };
}
