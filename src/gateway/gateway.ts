// The dual store: a `Store` whose every operation is planned by the routing table and the journal. This file is the table of contents.
import { bodyOf, type Mutation, type MutationResult } from '../core/mutation.ts';
import type { Query, QueryResult } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import type { Ctx, Direct, Store, Supports } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { createAnsweredAlone } from './answered-alone.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { createKnownFolders } from './known-folders.ts';
import { mutate } from './mutate.ts';
import { noteLosses } from './note-losses.ts';
import { findPlace, isTwoSided, pathOn } from './places.ts';
import { query } from './query.ts';
import { createReadMarks } from './read-marks.ts';
import { createStager } from './stage.ts';

/** A fact both sides share; what one side lacks, repair cannot carry over. */
function commonSupports({ source, target }: GatewayParts['sides']): Supports {
  const [a, b] = [source.store.supports, target.store.supports];
  return {
    timePrecisionMs: Math.max(a.timePrecisionMs, b.timePrecisionMs),
    staging: a.staging && b.staging,
    acl: a.acl && b.acl,
    owners: a.owners && b.owners,
    properties: a.properties && b.properties,
    setTimes: a.setTimes && b.setTimes,
    expiry: a.expiry && b.expiry,
    leases: a.leases && b.leases,
    concat: a.concat && b.concat,
    atomicCreate: a.atomicCreate && b.atomicCreate,
    rootFolders: a.rootFolders === 'any' && b.rootFolders === 'any' ? 'any' : 'filesystems',
  };
}

/** One side's own way for what the face cannot parse: only where no other side could miss it (design §3, semantics C2). */
function directOf(parts: GatewayParts, route: Route, path: string, ctx: Ctx): Direct | undefined {
  const place = findPlace(route, ctx, path);
  if (!place || route.writes === 'both' || isTwoSided(place.mount, parts.table().routes.values()))
    return undefined;
  const side = route.reads;
  const sidePath = pathOn(side, place, place.path);
  const direct = parts.sides[side].store.direct?.(sidePath, ctx);
  if (direct?.protocol !== ctx.protocol) return undefined;
  ctx.trail.servedBy = side;
  return {
    ...direct,
    forward: (request, signal) =>
      parts.underWay.during(direct.forward({ ...request, path: sidePath }, signal)),
  };
}

/** What a gateway makes for itself. */
type OwnParts = 'marks' | 'folders' | 'answeredAlone';

/** @throws StoreError `denied` (from the operations) if no app of the table matches the caller */
export function createGateway(given: Omit<GatewayParts, OwnParts>): Store {
  const parts: GatewayParts = {
    ...given,
    marks: createReadMarks(),
    folders: createKnownFolders(),
    answeredAlone: createAnsweredAlone(),
  };
  const stage = createStager(parts);
  const routeFor = (ctx: Ctx): Route => {
    const route = parts.table().match(ctx.caller);
    if (!route) throw new StoreError('denied', 'no app of the routing table matches this caller');
    ctx.trail.app = route.app;
    return route;
  };
  return {
    name: 'gateway',
    supports: commonSupports(parts.sides),
    async query<Q extends Query>(asked: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      const route = routeFor(ctx);
      noteLosses(parts, route, asked, ctx);
      return query(parts, route, asked, ctx);
    },
    async mutate(mutation: Mutation, ctx: Ctx): Promise<MutationResult> {
      // A body may break while its path is waited for: whoever reads it hears of it, and until then it must not end the process.
      bodyOf(mutation)?.stream.on('error', () => undefined);
      try {
        const route = routeFor(ctx);
        noteLosses(parts, route, mutation, ctx);
        const staged = mutation.verb === 'stage' || mutation.verb === 'stage-block';
        const result = await parts.underWay.during(
          staged ? stage(route, mutation, ctx) : mutate(parts, route, mutation, ctx),
        );
        ctx.trail.changed = true;
        return result;
      } catch (error) {
        bodyOf(mutation)?.stream.destroy();
        ctx.trail.changed ||= StoreError.from(error).applied !== 'no';
        throw error;
      }
    },
    direct(path, ctx) {
      const route = parts.table().match(ctx.caller);
      if (route) ctx.trail.app = route.app;
      return route && directOf(parts, route, path, ctx);
    },
  };
}
