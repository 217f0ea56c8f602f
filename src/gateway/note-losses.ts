// Notes on the trail what one of the two stores cannot hold of an operation, whichever of them is asked (semantics B3, B4).
import { lossesOf } from '../core/losses.ts';
import { translatePath } from '../core/mount.ts';
import { type Mutation, mapPaths } from '../core/mutation.ts';
import type { Query } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import type { Ctx, Loss } from '../core/store.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { findPlace, namespaceOf } from './places.ts';

/** Takes note of the losses on both sides; of a path outside the mounts nothing is known. */
export function noteLosses(
  { sides }: Pick<GatewayParts, 'sides'>,
  route: Route,
  asked: Mutation | Query,
  ctx: Ctx,
): void {
  const place = findPlace(route, ctx, asked.path);
  if (!place) return;
  const namespace = namespaceOf(route, ctx);
  const found = new Set<Loss>(ctx.trail.losses);
  for (const side of ['source', 'target'] as const) {
    const onSide = mapPaths(asked as Mutation, (path) => translatePath(place.mount, path, namespace, side));
    for (const loss of lossesOf(onSide, sides[side].store.supports)) found.add(loss);
  }
  if (found.size > 0) ctx.trail.losses = [...found];
}
