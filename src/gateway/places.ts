// Where a path of a client lies: its mount, its canonical name, and its name on each side.
import { type Entry, mtimeProperty } from '../core/entry.ts';
import { findMount, isHidden, type Mount, translatePath } from '../core/mount.ts';
import type { Route } from '../core/route.ts';
import type { Ctx, Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** A path inside a mount. */
export interface Place {
  mount: Mount;
  /** Canonical: the path on the target. */
  path: string;
}

/** Whose paths a client speaks: WebHDFS and Gen1 clients the source's, Gen2 clients the target's, unless the app says. */
export function namespaceOf(route: Route, ctx: Ctx): Side {
  return route.namespace ?? (ctx.protocol === 'webhdfs' ? 'source' : 'target');
}

/** The place of a client's path; undefined outside every mount. */
export function findPlace(route: Route, ctx: Ctx, path: string): Place | undefined {
  const namespace = namespaceOf(route, ctx);
  const mount = findMount(route.mounts, namespace, path);
  if (!mount || isHidden(mount[namespace], path)) return undefined;
  return { mount, path: translatePath(mount, path, namespace, 'target') };
}

/** The name of a canonical path on one side. */
export function pathOn(side: Side, { mount }: Place, path: string): string {
  return translatePath(mount, path, 'target', side);
}

/** An entry as one side named it, in the names the client speaks. */
export function entryForClient(entry: Entry, from: Side, place: Place, route: Route, ctx: Ctx): Entry {
  const namespace = namespaceOf(route, ctx);
  const own = withoutOwnProperty(entry);
  return namespace === from ? own : { ...own, path: translatePath(place.mount, entry.path, from, namespace) };
}

function withoutOwnProperty(entry: Entry): Entry {
  if (entry.properties?.[mtimeProperty] === undefined) return entry;
  const { [mtimeProperty]: _, ...properties } = entry.properties;
  return { ...entry, properties };
}

/**
 * The place of every path of a mutation; all must lie in one mount ("no rename across").
 * @throws StoreError outside every mount (Gen2: as a missing filesystem), and `unsupported` across mounts
 */
export function placeMutation(
  route: Route,
  ctx: Ctx,
  paths: readonly string[],
): { place: Place; translate: (path: string) => string } {
  const places = paths.map((path) => findPlace(route, ctx, path));
  const outside = places.findIndex((place) => !place);
  if (outside !== -1) throw outsideMounts(ctx, paths[outside]!);
  const place = places[0]!;
  if (places.some((other) => other!.mount !== place.mount)) {
    throw StoreError.unsupported('both paths must lie in one mount of the gateway');
  }
  const namespace = namespaceOf(route, ctx);
  return { place, translate: (path) => translatePath(place.mount, path, namespace, 'target') };
}

function outsideMounts(ctx: Ctx, path: string): StoreError {
  const message = `${path} lies outside every mount of the gateway`;
  if (ctx.protocol === 'dfs')
    return new StoreError('parent-not-found', message, { code: 'FilesystemNotFound' });
  return new StoreError('denied', message);
}

/** True if the mount is written on both sides by some app, so that a side left out misses the change. */
export function isTwoSided(mount: Mount, routes: Iterable<Route>): boolean {
  const writes = new Set<Route['writes']>();
  for (const route of routes) {
    if (route.mounts.some((other) => other.target === mount.target && other.source === mount.source))
      writes.add(route.writes);
  }
  return writes.has('both') || writes.size > 1;
}

/**
 * Roots of mounts, in the side's names, that some app writes there: a side that nobody writes is not changed by the gateway either.
 * @param isHeld true for canonical paths where nothing may be changed for now
 */
export function writtenRoots(
  routes: Iterable<Route>,
  side: Side,
  isHeld: (path: string) => boolean = () => false,
): string[] {
  const roots = new Set<string>();
  for (const { writes, mounts } of routes)
    if (writes === 'both' || writes === side)
      for (const mount of mounts) if (!isHeld(mount.target)) roots.add(mount[side]);
  return [...roots];
}
