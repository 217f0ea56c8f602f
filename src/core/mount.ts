// A mount pairs a subtree of source with one of target. Inside the gateway a path is named by its target path (the canonical path):
// target roots are never shared between mounts, source roots may be (an evaluation app reads the same source).
import { isWithin, joinPath, relativeTo } from './path.ts';
import type { Side } from './store.ts';

/** A pair of roots, absolute paths in the namespace of each store. */
export interface Mount {
  source: string;
  target: string;
}

/** The mount whose root on `side` is the longest prefix of `path`; undefined if no mount holds it. */
export function findMount(mounts: readonly Mount[], side: Side, path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    if (isWithin(path, mount[side]) && (!best || mount[side].length > best[side].length)) best = mount;
  }
  return best;
}

/** The same path in the namespace of the other store. */
export function translatePath(mount: Mount, path: string, from: Side, to: Side): string {
  return from === to ? path : joinPath(mount[to], relativeTo(path, mount[from]));
}
