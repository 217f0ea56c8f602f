// Listings through the gateway: one side's page with the entries overlaid whose truth is elsewhere (semantics B1).
import pLimit from 'p-limit';
import type { Entry } from '../core/entry.ts';
import { isHidden } from '../core/mount.ts';
import { joinPath, nameOf, relativeTo } from '../core/path.ts';
import { type ListQuery, type ListResult, pageMs } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import { type Ctx, otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { askTruth } from './ask.ts';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { boundsOf, isOnPage, mergePage } from './overlay.ts';
import { entryForClient, type Place, pathOn } from './places.ts';

/** Entries asked at their truth at a time, per listing. */
const overlayConcurrency = 16;

/** A listing of one app. */
export interface Listing {
  parts: GatewayParts;
  route: Route;
  ctx: Ctx;
  place: Place;
}

interface FolderPage {
  /** In the client's names. */
  entries: Entry[];
  next?: Cursor;
}

async function entryAt(
  { parts, route, ctx, place }: Listing,
  side: Side,
  path: string,
): Promise<Entry | undefined> {
  try {
    const { entry } = await parts.sides[side].store.query(
      { verb: 'stat', path: pathOn(side, place, path) },
      ctx,
    );
    return entryForClient(entry, side, place, route, ctx);
  } catch (error) {
    if (StoreError.from(error, 'no').kind === 'not-found') return undefined;
    throw error;
  }
}

/** True if the journal says that the truth has nothing there, and nothing is under way that may change it. */
async function isKnownAbsent({ journal }: GatewayParts, path: string): Promise<boolean> {
  const { divergence, intents, upload } = await journal.state(path);
  if (divergence?.path !== path || !divergence.absent || intents.length > 0 || upload) return false;
  const below = await journal.below(path, { direct: false, limit: 1 });
  return below.divergences.length + below.intents.length + below.uploads.length === 0;
}

/** What stands at a path now, by its truth. */
async function entryNow(listing: Listing, path: string): Promise<Entry | undefined> {
  const { parts, route } = listing;
  if (await isKnownAbsent(parts, path)) return undefined;
  const ctx = { ...listing.ctx, trail: {} };
  return askTruth(parts, { route, path, tree: false, ctx }, (side) =>
    entryAt({ ...listing, ctx }, side, path),
  );
}

/** One page of one folder (canonical path), not recursive. */
async function listFolder(
  listing: Listing,
  path: string,
  limit: number,
  cursor: Cursor | undefined,
): Promise<FolderPage> {
  const { parts, route, ctx, place } = listing;
  return askTruth(parts, { route, path, tree: true, ctx }, async (side) => {
    const query: ListQuery = { verb: 'list', path: pathOn(side, place, path), recursive: false, limit };
    if (cursor?.token !== undefined && cursor.side === side) query.token = cursor.token;
    else if (cursor) query.after = cursor.after;
    const foreign = () => parts.journal.names(path, otherSide(side));
    // Before and after: what is settled while the page is fetched is old in the page and no longer in the journal.
    const before = await foreign();
    const asked = await parts.sides[side].store.query(query, ctx);
    const later = await foreign();
    const here = new Set([...before.here, ...later.here]);
    const deeper = new Set([...before.deeper, ...later.deeper].filter((name) => !here.has(name)));
    // What only something deeper concerns is asked for only where it is not listed: its truth may be away.
    const listed = new Set(asked.entries.map((entry) => nameOf(entry.path)));
    const wanted = [...here, ...[...deeper].filter((name) => !listed.has(name))];
    const covered = { after: cursor?.after, last: lastOf(asked, cursor) };
    const bounds = boundsOf(covered, new Set([...listed, ...wanted]), limit);
    const overlay = await overlayOf(
      listing,
      path,
      wanted.filter((name) => isOnPage(bounds, name)),
      (name) => (deeper.has(name) ? otherSide(side) : undefined),
    );
    const named = asked.entries.map((entry) => entryForClient(entry, side, place, route, ctx));
    const merged = mergePage({ ...bounds, entries: named, overlay, deeper });
    const entries = merged.filter(
      (entry) => !isHidden(place.mount.target, joinPath(path, nameOf(entry.path))),
    );
    if (bounds.last !== covered.last) return { entries, next: { after: bounds.last! } };
    if (asked.token === undefined) return { entries };
    return { entries, next: { after: covered.last!, side, token: asked.token } };
  });
}

/** The name up to which a side's page speaks for the folder; undefined if for all the rest of it. */
function lastOf({ entries, token }: ListResult, cursor: Cursor | undefined): string | undefined {
  const tail = entries.at(-1);
  if (token === undefined) return undefined;
  return tail ? nameOf(tail.path) : (cursor?.after ?? '');
}

/** What stands under each name: on the side it is to be asked at, else by its truth. */
async function overlayOf(
  listing: Listing,
  folder: string,
  names: readonly string[],
  sideOf: (name: string) => Side | undefined,
): Promise<Map<string, Entry | undefined>> {
  const limited = pLimit(overlayConcurrency);
  const overlaid = names.map((name) =>
    limited(async () => {
      const [child, side] = [joinPath(folder, name), sideOf(name)];
      return [name, await (side ? entryAt(listing, side, child) : entryNow(listing, child))] as const;
    }),
  );
  return new Map(await Promise.all(overlaid));
}

/** Everything below a folder, depth first, from behind `after` (a relative path). */
async function* walk(listing: Listing, folder: string, after: string | undefined): AsyncGenerator<Entry> {
  let cursor: Cursor | undefined;
  if (after !== undefined) {
    const [name, ...rest] = after.split('/');
    yield* walk(listing, joinPath(folder, name!), rest.length > 0 ? rest.join('/') : undefined);
    cursor = { after: name! };
  }
  do {
    const page: FolderPage = await listFolderOrNothing(listing, folder, cursor);
    for (const entry of page.entries) {
      // A file lists as itself: it was given already when its folder was.
      if (relativeName(listing, folder, entry) === '') continue;
      yield entry;
      if (entry.type === 'directory') yield* walk(listing, joinPath(folder, nameOf(entry.path)), undefined);
    }
    cursor = page.next;
  } while (cursor);
}

const walkPage = 1000;

async function listFolderOrNothing(
  listing: Listing,
  folder: string,
  cursor: Cursor | undefined,
): Promise<FolderPage> {
  try {
    return await listFolder(listing, folder, walkPage, cursor);
  } catch (error) {
    // A folder that went away during the walk is no error of the walk.
    if (StoreError.from(error, 'no').kind === 'not-found') return { entries: [] };
    throw error;
  }
}

async function listByWalking(
  listing: Listing,
  path: string,
  limit: number,
  after: string | undefined,
): Promise<ListResult> {
  const entries: Entry[] = [];
  let last = '';
  const { now } = listing.parts;
  const untilMs = now() + pageMs;
  const isFull = (): boolean => entries.length === limit || (entries.length > 0 && now() > untilMs);
  for await (const entry of walk(listing, path, after)) {
    if (isFull()) return { entries, token: encodeCursor({ after: last }) };
    entries.push(entry);
    last = relativeName(listing, path, entry);
  }
  return { entries };
}

/** The relative path of a client-named entry below a canonical folder. */
function relativeName({ place, route, ctx }: Listing, folder: string, entry: Entry): string {
  const root = entryForClient({ ...entry, path: folder }, 'target', place, route, ctx).path;
  return relativeTo(entry.path, root);
}

async function listDirectly(
  listing: Listing,
  query: ListQuery,
  path: string,
  cursor: Cursor | undefined,
): Promise<ListResult> {
  const { parts, route, ctx, place } = listing;
  const { result, side } = await askTruth(parts, { route, path, tree: true, ctx }, async (asked) => {
    const sideQuery: ListQuery = {
      verb: 'list',
      path: pathOn(asked, place, path),
      recursive: true,
      limit: query.limit,
    };
    if (cursor?.token !== undefined && cursor.side === asked) sideQuery.token = cursor.token;
    else if (cursor) sideQuery.after = cursor.after;
    return { result: await parts.sides[asked].store.query(sideQuery, ctx), side: asked };
  });
  const entries = result.entries
    .filter((entry) => !isHidden(place.mount[side], entry.path))
    .map((entry) => entryForClient(entry, side, place, route, ctx));
  if (result.token === undefined) return { entries };
  const tail = result.entries.at(-1);
  const after = tail ? relativeTo(tail.path, pathOn(side, place, path)) : (cursor?.after ?? '');
  return { entries, token: encodeCursor({ after, side, token: result.token }) };
}

/** Answers a list query whose place is known. */
export async function list(listing: Listing, query: ListQuery): Promise<ListResult> {
  const { parts, place } = listing;
  const cursor: Cursor | undefined =
    query.token !== undefined
      ? decodeCursor(query.token)
      : query.after !== undefined
        ? { after: query.after }
        : undefined;
  if (!query.recursive) {
    const page = await listFolder(listing, place.path, query.limit, cursor);
    return page.next ? { entries: page.entries, token: encodeCursor(page.next) } : { entries: page.entries };
  }
  const below = await parts.journal.below(place.path, { direct: false, limit: 1 });
  const disturbed = below.divergences.length + below.intents.length + below.uploads.length > 0;
  // With anything unsettled below, each folder is listed at its own truth.
  if (disturbed || (cursor && cursor.side === undefined)) {
    return listByWalking(listing, place.path, query.limit, cursor?.after);
  }
  return listDirectly(listing, query, place.path, cursor);
}
