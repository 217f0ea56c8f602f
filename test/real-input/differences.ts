// What two listings of a tree do not agree on.
import type { Listing } from './real-tree.ts';

/** A path and both its faces. */
export interface Difference {
  path: string;
  wanted: string;
  found: string;
}

/** Differences shown of one comparison: the first ones tell enough. */
const shown = 20;

/** Folders of the gateway's own may stay for a moment after repair; a file in them would be a difference, but for the stamp. */
const ownFolder = /^\.twinlake(\/|$)/;
const stamp = '.twinlake/stamp.json';

/** The paths that differ, at most `shown` of them. */
export function differences(wanted: Listing, found: Listing): Difference[] {
  const differing: Difference[] = [];
  for (const path of new Set([...wanted.keys(), ...found.keys()])) {
    const [is, was] = [found.get(path) ?? 'absent', wanted.get(path) ?? 'absent'];
    if (path === stamp || (ownFolder.test(path) && is === 'directory')) continue;
    if (is !== was && differing.length < shown) differing.push({ path, wanted: was, found: is });
  }
  return differing;
}
