// A mount pairs a subtree of source with one of target. Inside the gateway a path is named by its target path (the canonical path):
// target roots are never shared between mounts, source roots may be (an evaluation app reads the same source).
import { isWithin, joinPath, relativeTo, segmentsOf } from './path.ts';
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

const hiddenName = '.twinlake';

/**
 * Where what is not (yet) the client's is kept near a path: below the mount's root; of a mount of everything below the path's root
 * folder, since on Gen2 nothing but filesystems stands at the root.
 * @param root of the mount, on the side of `path`
 */
export function hiddenFolder(root: string, path: string): string {
  const [first, ...rest] = segmentsOf(path);
  return joinPath(root === '/' && rest.length > 0 ? `/${first}` : root, hiddenName);
}

/** True for hidden folders and all in them: no client sees them, no march compares them. */
export function isHidden(root: string, path: string): boolean {
  return isWithin(path, joinPath(root, hiddenName)) || isWithin(path, hiddenFolder(root, path));
}
