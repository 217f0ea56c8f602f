// Which mounts may stand together: every path has one partner, and nobody writes behind a two-sided app's back.
import { type Mount, translatePath } from '../core/mount.ts';
import { isWithin, segmentsOf } from '../core/path.ts';
import type { Route } from '../core/route.ts';
import { otherSide, type Side } from '../core/store.ts';

/** Gen2's rule for filesystem (container) names: 3 to 63 of a-z, 0-9 and single hyphens; `$root` and the like are reserved. */
const filesystemName = /^[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]$/;

/** Why a Gen2 account cannot hold this root, or undefined. */
export function gen2RootProblem(root: string): string | undefined {
  const [first] = segmentsOf(root);
  if (first === undefined || filesystemName.test(first)) return undefined;
  return `'${first}' is no filesystem name (3 to 63 lower-case letters, digits and single hyphens)`;
}

/** True if one root is the other, or lies in it. */
function overlap(a: Mount, b: Mount, side: Side): boolean {
  return isWithin(a[side], b[side]) || isWithin(b[side], a[side]);
}

/**
 * Why `inner` cannot stand beside `outer`, looking from `side`: where one root contains the other there, both mounts must
 * send the paths they share to the same place. Operations on a subtree (delete, rename, list) are one call to each
 * store, so even a swap that is a bijection on paper would tear them.
 */
export function conflictOn(side: Side, a: Mount, b: Mount): string | undefined {
  if (!overlap(a, b, side)) return undefined;
  const [outer, inner] = isWithin(b[side], a[side]) ? [a, b] : [b, a];
  const other = otherSide(side);
  const there = translatePath(outer, inner[side], side, other);
  if (there === inner[other]) return undefined;
  const shared = `${side} ${inner[side]}`;
  return `${shared} would be both ${other} ${there} and ${other} ${inner[other]}`;
}

/** Why two apps cannot have these mounts beside each other, or undefined. The gateway names paths by their target. */
export function crossAppConflict(a: Route, mountOfA: Mount, b: Route, mountOfB: Mount): string | undefined {
  const onTarget = conflictOn('target', mountOfA, mountOfB);
  if (onTarget) return onTarget;
  if (overlap(mountOfA, mountOfB, 'target')) {
    if ((a.writes === 'target') === (b.writes === 'target')) return undefined;
    const [oneWay, other] = a.writes === 'target' ? [a, b] : [b, a];
    return (
      `'${oneWay.app}' writes only the target there and '${other.app}' writes the source: ` +
      'give one of them a target root of its own, or both the same `writes`'
    );
  }
  // A write to the source that reaches a two-sided app's subtree under another target root would be a divergence nobody sees.
  const twoSided = a.writes === 'both' || b.writes === 'both';
  if (!twoSided || a.writes === 'target' || b.writes === 'target') return undefined;
  return conflictOn('source', mountOfA, mountOfB);
}
