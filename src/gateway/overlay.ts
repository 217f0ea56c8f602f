// How a page of a folder looks with the names that are to be shown as another side has them (semantics B1), pure.
import type { Entry } from '../core/entry.ts';
import { compareNames, nameOf } from '../core/path.ts';

/** What a page covers of a folder. */
export interface Bounds {
  /** Exclusive lower bound of the page; undefined at the beginning. */
  after: string | undefined;
  /** Inclusive upper bound; undefined at the end of the folder. */
  last: string | undefined;
}

/** True if the name belongs on the page. */
export function isOnPage({ after, last }: Bounds, name: string): boolean {
  return (
    (after === undefined || compareNames(name, after) > 0) &&
    (last === undefined || compareNames(name, last) <= 0)
  );
}

/** What of a page fits, where the names that another side has come in between: at most `limit` names of both. */
export function boundsOf(bounds: Bounds, names: ReadonlySet<string>, limit: number): Bounds {
  if (names.size <= limit) return bounds;
  const ordered = [...names].filter((name) => isOnPage(bounds, name)).sort(compareNames);
  return ordered.length > limit ? { ...bounds, last: ordered[limit - 1]! } : bounds;
}

/** One page of a side, and the entries (or absence) that replace its names. */
export interface Page extends Bounds {
  entries: readonly Entry[];
  overlay: ReadonlyMap<string, Entry | undefined>;
  deeper: ReadonlySet<string>;
}

/** The page as clients see it: in order, each name once. */
export function mergePage({ entries, last, overlay, deeper }: Page): Entry[] {
  const byName = new Map<string, Entry>();
  for (const entry of entries) {
    const name = nameOf(entry.path);
    if (last === undefined || compareNames(name, last) <= 0) byName.set(name, entry);
  }
  for (const [name, entry] of overlay) {
    if (deeper.has(name) && (byName.has(name) || !entry)) continue;
    if (entry) byName.set(name, entry);
    else byName.delete(name);
  }
  return [...byName].sort(([a], [b]) => compareNames(a, b)).map(([, entry]) => entry);
}
