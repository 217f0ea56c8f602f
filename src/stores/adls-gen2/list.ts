// Listings: filesystems at the root, paths below; in the order of the service, which is checked, because a march relies on it.
import type { Entry } from '../../core/entry.ts';
import { compareNames, comparePaths, relativeTo, segmentsOf } from '../../core/path.ts';
import type { ListQuery, ListResult } from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { unquote } from '../../wire/dfs/properties.ts';
import type { Account } from './account.ts';
import { entryOfItem } from './entries.ts';
import { fromSdk } from './failures.ts';
import { type Place, placeOf } from './place.ts';
import { find, rootEntry } from './queries.ts';

/** Most entries a list call gives (Gen2 reference §2.2). */
export const maxPage = 5000;

/** @throws StoreError */
export async function list(account: Account, query: ListQuery, ctx: Ctx): Promise<ListResult> {
  if (!Number.isInteger(query.limit) || query.limit < 1)
    throw StoreError.invalid('a page has at least one entry');
  const place = placeOf(query.path);
  if (!place)
    return query.recursive ? listAccount(account, query, ctx) : listFilesystems(account, query, ctx);
  try {
    return await listPaths(account, query, place, ctx);
  } catch (error) {
    const failure = fromSdk(error, false);
    const mayBeFile = place.path !== '' && ['not-found', 'not-directory', 'invalid'].includes(failure.kind);
    const entry = mayBeFile ? await find(account, query.path, ctx) : undefined;
    if (entry?.type !== 'file') throw failure;
    return { entries: [entry] };
  }
}

/**
 * One page below a filesystem. `after` is sent as `beginFrom`, which needs no entry of that name; a server that does not know it
 * lists from the start, and what is not behind `after` is dropped here.
 */
async function listPaths(account: Account, query: ListQuery, place: Place, ctx: Ctx): Promise<ListResult> {
  const { path, recursive, token, after } = query;
  const client = account.filesystem(place.filesystem);
  const skip = token === undefined ? after : undefined;
  const pages = client
    .listPaths({
      path: place.path,
      recursive,
      abortSignal: ctx.signal,
      ...(skip === undefined || (!recursive && skip.includes('/')) ? {} : { startFrom: skip }),
    })
    .byPage({
      maxPageSize: Math.min(query.limit, maxPage),
      ...(token === undefined ? {} : { continuationToken: token }),
    });
  for await (const page of pages) {
    const all = (page.pathItems ?? []).map((item) => entryOfItem(`/${place.filesystem}/${item.name}`, item));
    checkOrder(all, path);
    const entries =
      skip === undefined ? all : all.filter((entry) => comparePaths(relativeTo(entry.path, path), skip) > 0);
    const next = page.continuation;
    if (!next) {
      // The service lists a file as a folder of nothing, or as itself; which of them is not documented.
      const isEmpty = all.length === 0 && token === undefined && skip === undefined && place.path !== '';
      const entry = isEmpty ? await find(account, path, ctx) : undefined;
      return { entries: entry?.type === 'file' ? [entry] : entries };
    }
    if (entries.length > 0 || skip === undefined) return { entries, token: next };
  }
  return { entries: [] };
}

function checkOrder(entries: readonly Entry[], path: string): void {
  for (let at = 1; at < entries.length; at++) {
    const [before, after] = [entries[at - 1]!.path, entries[at]!.path];
    if (comparePaths(relativeTo(before, path), relativeTo(after, path)) >= 0)
      throw new StoreError(
        'internal',
        `the store lists ${after} behind ${before}, which is not the order of names`,
      );
  }
}

async function listFilesystems(account: Account, query: ListQuery, ctx: Ctx): Promise<ListResult> {
  const { token, after = '' } = query;
  const pages = account.service.listFileSystems({ includeMetadata: false, abortSignal: ctx.signal }).byPage({
    maxPageSize: Math.min(query.limit, maxPage),
    ...(token === undefined ? {} : { continuationToken: token }),
  });
  for await (const page of pages) {
    const entries: Entry[] = page.fileSystemItems
      .filter((item) => token !== undefined || compareNames(item.name, after.split('/')[0]!) > 0)
      .map(({ name, properties }) => ({
        ...rootEntry,
        path: `/${name}`,
        modifiedMs: properties.lastModified.getTime(),
        etag: unquote(properties.etag),
      }));
    const next = page.continuationToken;
    if (!next) return { entries };
    if (entries.length > 0) return { entries, token: next };
  }
  return { entries: [] };
}

/** Where a recursive listing of the whole account stands: in a filesystem (from its start, at a token, behind a path) or behind it. */
interface Cursor {
  filesystem: string;
  token?: string;
  after?: string;
  done?: true;
}

function readCursor(query: ListQuery): Cursor | undefined {
  if (query.token === undefined) {
    const [filesystem, ...rest] = segmentsOf(`/${query.after ?? ''}`);
    return filesystem ? { filesystem, ...(rest.length > 0 ? { after: rest.join('/') } : {}) } : undefined;
  }
  try {
    return JSON.parse(Buffer.from(query.token, 'base64url').toString()) as Cursor;
  } catch (error) {
    throw new StoreError('invalid', 'this is no token of a listing', { cause: error });
  }
}

function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Filesystem by filesystem: each itself, then page by page what is in it. */
async function listAccount(account: Account, query: ListQuery, ctx: Ctx): Promise<ListResult> {
  const { verb, limit } = query;
  const cursor = readCursor(query);
  if (cursor && !cursor.done) {
    const { filesystem, token, after } = cursor;
    const at = { ...(token === undefined ? {} : { token }), ...(after === undefined ? {} : { after }) };
    const inside = await listInside(
      account,
      { verb, path: `/${filesystem}`, recursive: true, limit, ...at },
      ctx,
    );
    const next: Cursor =
      inside.token === undefined ? { filesystem, done: true } : { filesystem, token: inside.token };
    return { entries: inside.entries, token: writeCursor(next) };
  }
  const behind = cursor ? { after: cursor.filesystem } : {};
  const page = await listFilesystems(
    account,
    { verb, path: '/', recursive: false, limit: 1, ...behind },
    ctx,
  );
  const [next] = page.entries;
  return next ? { entries: [next], token: writeCursor({ filesystem: next.path.slice(1) }) } : { entries: [] };
}

async function listInside(account: Account, query: ListQuery, ctx: Ctx): Promise<ListResult> {
  try {
    return await list(account, query, ctx);
  } catch (error) {
    // It was deleted since the page before, or `after` names one that is not there.
    if (error instanceof StoreError && error.kind === 'not-found') return { entries: [] };
    throw error;
  }
}
