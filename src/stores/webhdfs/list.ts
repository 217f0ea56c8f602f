// Listing: pages of a folder or a tree, that go on where the last one ended.
import type { Entry } from '../../core/entry.ts';
import { joinPath, nameOf } from '../../core/path.ts';
import { type ListQuery, type ListResult, pageMs } from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FolderPage } from './hadoop-calls.ts';
import { orderedEntries, type Place } from './ordered-entries.ts';
import { missing, type StoreParts } from './store-parts.ts';

type Step = [entry: Entry, places: Place[]];

/**
 * The token says where each folder on the way down stands.
 * @param nowMs a clock that never goes back
 * @throws StoreError `not-found`, `invalid`
 */
export async function list(
  parts: StoreParts,
  query: ListQuery,
  ctx: Ctx,
  nowMs: () => number = () => performance.now(),
): Promise<ListResult> {
  const { path, recursive, limit } = query;
  if (!Number.isInteger(limit) || limit < 1) throw StoreError.invalid('a page has at least one entry');
  const places = placesOf(query);
  const entries: Entry[] = [];
  let last: Place[] = [];
  const untilMs = nowMs() + pageMs;
  const isFull = (): boolean => entries.length === limit || (entries.length > 0 && nowMs() > untilMs);
  try {
    for await (const [entry, behind] of walk(parts, path, recursive, places, ctx)) {
      if (isFull()) return { entries, token: encodeToken(last) };
      entries.push(entry);
      last = behind;
    }
  } catch (error) {
    if (error instanceof ListedFile && error.entry.path === path) {
      return { entries: places.length === 0 ? [error.entry] : [] };
    }
    const failure = StoreError.from(error, 'no');
    if (failure.kind === 'not-found' || failure.kind === 'not-directory') {
      throw await missing(parts, path, ctx);
    }
    throw failure;
  }
  return { entries };
}

/** Depth first: a folder before its content. */
async function* walk(
  parts: StoreParts,
  folder: string,
  recursive: boolean,
  places: Place[],
  ctx: Ctx,
): AsyncGenerator<Step> {
  const [first, ...rest] = places;
  if (recursive && first) yield* below(parts, joinPath(folder, first.name), first, rest, ctx);
  for await (const [entry, held] of orderedEntries(pages(parts, folder, ctx), first)) {
    const place: Place = { name: nameOf(entry.path), held };
    yield [entry, [place]];
    if (recursive && entry.type === 'directory') yield* below(parts, entry.path, place, [], ctx);
  }
}

/** What is below one entry. It may be gone by now, or be a file. */
async function* below(
  parts: StoreParts,
  path: string,
  place: Place,
  rest: Place[],
  ctx: Ctx,
): AsyncGenerator<Step> {
  try {
    for await (const [entry, behind] of walk(parts, path, true, rest, ctx)) yield [entry, [place, ...behind]];
  } catch (error) {
    if (error instanceof ListedFile) return;
    const { kind } = StoreError.from(error, 'no');
    if (kind !== 'not-found' && kind !== 'not-directory') throw error;
  }
}

/** A listed file answers itself, which only the path that was asked may show. */
class ListedFile extends Error {
  readonly entry: Entry;

  constructor(entry: Entry) {
    super(`this is a file: ${entry.path}`);
    this.entry = entry;
  }
}

function pages(
  parts: StoreParts,
  folder: string,
  ctx: Ctx,
): (after: string | undefined) => Promise<FolderPage> {
  return async (after) => {
    const page = await parts.calls.listPage(folder, after, ctx);
    const [only] = page.entries;
    if (page.entries.length === 1 && only!.path === folder && only!.type === 'file')
      throw new ListedFile(only!);
    return page;
  };
}

function placesOf({ token, after }: ListQuery): Place[] {
  if (token !== undefined) return decodeToken(token);
  return (after ?? '')
    .split('/')
    .filter((name) => name !== '')
    .map((name) => ({ name }));
}

function encodeToken(places: readonly Place[]): string {
  return Buffer.from(JSON.stringify(places)).toString('base64url');
}

/** @throws StoreError `invalid` */
function decodeToken(token: string): Place[] {
  try {
    const places = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Place[];
    if (places.every(isPlace)) return places;
  } catch {
    // Not ours: refused below like any other.
  }
  throw StoreError.invalid('the continuation is not one of this store');
}

function isPlace(value: unknown): value is Place {
  const { name, held } = (value ?? {}) as Partial<Place>;
  return (
    typeof name === 'string' && (held === undefined || (Array.isArray(held) && held.every(Number.isInteger)))
  );
}
