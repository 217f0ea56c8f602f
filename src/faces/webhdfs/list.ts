// LISTSTATUS and LISTSTATUS_BATCH. A store gives pages; what goes out is a whole folder, a page, or a batch.
import { Readable } from 'node:stream';
import type { Entry } from '../../core/entry.ts';
import { compareNames, relativeTo } from '../../core/path.ts';
import type { ListQuery, ListResult } from '../../core/query.ts';
import type { FaceReply } from '../../wire/http.ts';
import { toFileStatus } from '../../wire/webhdfs/file-status.ts';
import type { Exchange } from './exchange.ts';
import { jsonReply } from './replies.ts';

/** Entries asked of the store at once; also the size of a LISTSTATUS_BATCH batch, as in HDFS (`dfs.ls.limit`). */
export const listPageEntries = 1000;
/** Most entries of one Gen1 page, whatever `listSize` says: its JSON must have a length, so it is held whole (about 6 MB). */
export const maxGen1ListEntries = 16_000;

/** Gen1 pages; WebHDFS answers the whole folder. */
export async function listStatus(exchange: Exchange): Promise<FaceReply> {
  return exchange.target.dialect === 'gen1' ? await gen1Page(exchange) : await wholeFolder(exchange);
}

/** At most `listPageEntries` behind `startAfter`; `remainingEntries` says only whether there are more, as HttpFS does. */
export async function listStatusBatch(exchange: Exchange): Promise<FaceReply> {
  const { path, params } = exchange.target;
  const { entries, more } = await collect(exchange, params.text('startafter'), undefined, listPageEntries);
  const FileStatus = entries.map((entry) => toFileStatus(entry, relativeTo(entry.path, path), 'webhdfs'));
  const DirectoryListing = {
    partialListing: { FileStatuses: { FileStatus } },
    remainingEntries: more ? 1 : 0,
  };
  return jsonReply(200, { DirectoryListing });
}

/**
 * `continuationToken` is the last name of a full page, even if nothing follows, else ''. It is left out only for the api-versions
 * that did not have it; the Python SDK fails without.
 */
async function gen1Page(exchange: Exchange): Promise<FaceReply> {
  const { path, params } = exchange.target;
  const size = Math.min(params.integer('listSize', 1) ?? maxGen1ListEntries, maxGen1ListEntries);
  const { entries } = await collect(exchange, params.text('listAfter'), params.text('listBefore'), size);
  const FileStatus = entries.map((entry) => toFileStatus(entry, relativeTo(entry.path, path), 'gen1'));
  const last = entries.at(-1);
  const continuationToken = last && entries.length === size ? relativeTo(last.path, path) : '';
  const version = params.text('api-version');
  const old = version !== undefined && version.slice(0, 10) < '2018-09-01';
  return jsonReply(200, { FileStatuses: old ? { FileStatus } : { continuationToken, FileStatus } });
}

/** Up to `limit` entries between two names, both exclusive. A listed file is its own only entry and has no name to compare. */
async function collect(
  exchange: Exchange,
  after: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<{ entries: Entry[]; more: boolean }> {
  const { path } = exchange.target;
  const entries: Entry[] = [];
  let token: string | undefined;
  do {
    const page = await askPage(exchange, Math.min(limit - entries.length, listPageEntries), token, after);
    for (const entry of page.entries) {
      const name = relativeTo(entry.path, path);
      if (before !== undefined && name !== '' && compareNames(name, before) >= 0)
        return { entries, more: false };
      entries.push(entry);
    }
    token = page.token;
  } while (token !== undefined && entries.length < limit);
  return { entries, more: token !== undefined };
}

async function askPage(
  { store, ctx, target }: Exchange,
  limit: number,
  token: string | undefined,
  after: string | undefined,
): Promise<ListResult> {
  const query: ListQuery = { verb: 'list', path: target.path, recursive: false, limit };
  if (token !== undefined) query.token = token;
  if (after !== undefined) query.after = after;
  return await store.query(query, ctx);
}

/** A folder of any size in bounded memory: one page is a plain answer, more are streamed page by page. */
async function wholeFolder(exchange: Exchange): Promise<FaceReply> {
  const { path } = exchange.target;
  const first = await askPage(exchange, listPageEntries, undefined, undefined);
  const statusOf = (entry: Entry) => toFileStatus(entry, relativeTo(entry.path, path), 'webhdfs');
  if (first.token === undefined) {
    return jsonReply(200, { FileStatuses: { FileStatus: first.entries.map(statusOf) } });
  }
  async function* text(): AsyncGenerator<string> {
    yield '{"FileStatuses":{"FileStatus":[';
    let separator = '';
    for (let page = first; ; page = await askPage(exchange, listPageEntries, page.token, undefined)) {
      if (page.entries.length > 0) {
        yield separator + page.entries.map((entry) => JSON.stringify(statusOf(entry))).join(',');
        separator = ',';
      }
      if (page.token === undefined) break;
    }
    yield ']}}';
  }
  // A page that fails later breaks the connection off: half a listing must not look whole.
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: Readable.from(text(), { objectMode: false }),
  };
}
