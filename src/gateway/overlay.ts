// Which names of a folder are to be shown as another side has them, and how a page looks with them (semantics B1), pure.
import type { Entry } from '../core/entry.ts';
import { compareNames, isWithin, nameOf, relativeTo } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Below } from '../journal/journal.ts';
import { truthOf } from './ask.ts';

/** Names directly in a folder whose truth is not the side being listed. */
export interface ForeignNames {
  /** Name → the side to ask. */
  names: Map<string, Side>;
  /** Names that only something deeper concerns: shown if they are there on either side. */
  deeper: Set<string>;
}

/** Sorts the rows below `folder` by the name directly in it. */
export function foreignNames(folder: string, side: Side, below: Below): ForeignNames {
  const names = new Map<string, Side>();
  const deeper = new Set<string>();
  const add = (path: string, truth: Side | undefined): void => {
    if (truth === undefined || truth === side) return;
    const [name, ...rest] = relativeTo(path, folder).split('/');
    if (rest.length === 0) {
      names.set(name!, truth);
      deeper.delete(name!);
    } else if (!names.has(name!)) {
      names.set(name!, truth);
      deeper.add(name!);
    }
  };
  for (const row of below.divergences) add(row.path, row.truth);
  for (const upload of below.uploads) add(upload.path, truthOf({ intents: [], upload }));
  for (const intent of below.intents) {
    for (const { path } of intent.reaches) {
      if (path !== folder && isWithin(path, folder)) add(path, truthOf({ intents: [intent] }));
    }
  }
  return { names, deeper };
}

/** One page of a side, its last name if more follow, and the entries (or absence) that replace its names. */
export interface Page {
  entries: readonly Entry[];
  /** Exclusive lower bound of the page; undefined at the beginning. */
  after: string | undefined;
  /** Inclusive upper bound; undefined at the end of the folder. */
  last: string | undefined;
  overlay: ReadonlyMap<string, Entry | undefined>;
  deeper: ReadonlySet<string>;
}

/** The page as clients see it: in order, each name once. */
export function mergePage({ entries, after, last, overlay, deeper }: Page): Entry[] {
  const within = (name: string): boolean =>
    (after === undefined || compareNames(name, after) > 0) &&
    (last === undefined || compareNames(name, last) <= 0);
  const byName = new Map(entries.map((entry) => [nameOf(entry.path), entry]));
  for (const [name, entry] of overlay) {
    if (!within(name)) continue;
    if (deeper.has(name) && (byName.has(name) || !entry)) continue;
    if (entry) byName.set(name, entry);
    else byName.delete(name);
  }
  return [...byName].sort(([a], [b]) => compareNames(a, b)).map(([, entry]) => entry);
}
