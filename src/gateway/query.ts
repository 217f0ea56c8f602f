// The life of a read: route → place → truth → one side (design §3).
import type { Entry } from '../core/entry.ts';
import type { Query, QueryResult, SummaryResult } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import type { Ctx, Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { askTruth } from './ask.ts';
import { frozenEtag, translateCondition } from './etags.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { type Listing, list } from './listing.ts';
import { entryForClient, findPlace, type Place, pathOn } from './places.ts';
import { queryAbove } from './virtual-folders.ts';

/** The page size of a summary that has to be added up here. */
const summaryPage = 5000;

/** While an upload is unflushed its ETag stays the one that was shown first (semantics A11). */
async function frozen(parts: GatewayParts, path: string, entry: Entry): Promise<Entry> {
  const etag = frozenEtag(await parts.journal.state(path));
  return etag === undefined ? entry : { ...entry, etag };
}

async function named<R extends QueryResult>(listing: Listing, side: Side, result: R): Promise<R> {
  if (!('entry' in result)) return result;
  const { parts, place, route, ctx } = listing;
  const entry = await frozen(parts, place.path, result.entry);
  return { ...result, entry: entryForClient(entry, side, place, route, ctx) };
}

/** Added up over the overlaid listing where something below is unsettled; else one side's own answer. */
async function summarize(listing: Listing): Promise<SummaryResult | undefined> {
  const { parts, place } = listing;
  const below = await parts.journal.below(place.path, { direct: false, limit: 1 });
  if (below.divergences.length + below.intents.length === 0) return undefined;
  const total = { directoryCount: 0, fileCount: 0, lengthBytes: 0 };
  let token: string | undefined;
  do {
    const query = { verb: 'list', path: place.path, recursive: true, limit: summaryPage } as const;
    const page = await list(listing, token === undefined ? query : { ...query, token });
    for (const entry of page.entries) {
      if (entry.type === 'directory') total.directoryCount++;
      else total.fileCount++;
      total.lengthBytes += entry.lengthBytes;
    }
    token = page.token;
  } while (token !== undefined);
  return total;
}

async function ask<Q extends Query>(listing: Listing, query: Q): Promise<QueryResult<Q>> {
  const { parts, route, ctx, place } = listing;
  const askSide = async (side: Side): Promise<QueryResult<Q>> => {
    const there = { ...query, path: pathOn(side, place, place.path) };
    try {
      return await named(listing, side, await parts.sides[side].store.query(there, ctx));
    } catch (thrown) {
      const translated = await translateCondition(listing, query, side, StoreError.from(thrown, 'no'));
      return await named(
        listing,
        side,
        await parts.sides[side].store.query({ ...there, ...translated }, ctx),
      );
    }
  };
  const discard = (answer: QueryResult): void => {
    if ('body' in answer) answer.body.destroy();
  };
  const tree = query.verb === 'summary';
  return askTruth(parts, { route, path: place.path, tree, ctx }, askSide, discard);
}

/** Answers any query of an app. */
export async function query<Q extends Query>(
  parts: GatewayParts,
  route: Route,
  asked: Q,
  ctx: Ctx,
): Promise<QueryResult<Q>> {
  const place: Place | undefined = findPlace(route, ctx, asked.path);
  if (!place) return queryAbove(route, asked, ctx) as QueryResult<Q>;
  const listing: Listing = { parts, route, ctx, place };
  try {
    const result = await answer(listing, asked);
    parts.events.onQuery?.(route.app, asked.verb, ctx.trail.servedBy ?? route.reads, 'ok');
    return result as QueryResult<Q>;
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    const outcome = error.temporary || error.kind === 'internal' ? 'failed' : 'refused';
    parts.events.onQuery?.(route.app, asked.verb, ctx.trail.servedBy ?? route.reads, outcome);
    throw error;
  }
}

async function answer(listing: Listing, asked: Query): Promise<QueryResult> {
  if (asked.verb === 'list') return list(listing, asked);
  if (asked.verb === 'summary') return (await summarize(listing)) ?? ask(listing, asked);
  return ask(listing, asked);
}
