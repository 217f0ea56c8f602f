// What readers are shown of files under upload on a store that only appends: nothing behind what is flushed.
import { Readable } from 'node:stream';
import { checkCondition } from '../../core/condition.ts';
import type { Entry } from '../../core/entry.ts';
import type {
  AccessQuery,
  ChecksumQuery,
  ListQuery,
  ListResult,
  Query,
  QueryResult,
  ReadQuery,
  StatQuery,
  SummaryQuery,
  SummaryResult,
} from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { ownLimit, StoreError } from '../../core/store-error.ts';
import type { Staged } from './appends.ts';
import { isHidden, lookUp } from './hidden.ts';
import { masked, type Upload } from './uploads.ts';

/** Files under upload whose unflushed bytes are taken off the totals of a folder; of further ones they count. */
const maxSummedUploads = 256;

/** When a client may ask again for the checksum of a file under upload, milliseconds. */
const checksumRetryMs = 1000;

/** Any query, answered with what is flushed. @throws StoreError */
export async function answer(staged: Staged, query: Query, ctx: Ctx): Promise<QueryResult> {
  const { store, uploads } = staged;
  if (query.verb === 'list') return await list(staged, query, ctx);
  if (query.verb === 'summary') return await summary(staged, query, ctx);
  const upload = uploads.get(query.path);
  if (!upload) return await store.query(query, ctx);
  try {
    return await answerMasked(staged, query, upload, ctx);
  } catch (error) {
    // A file that is gone hides nothing; one that has come there since does.
    if (StoreError.from(error, 'no').kind === 'not-found' && uploads.get(query.path) === upload)
      await uploads.end(query.path);
    throw error;
  }
}

async function answerMasked(
  staged: Staged,
  query: StatQuery | ReadQuery | ChecksumQuery | AccessQuery,
  upload: Upload,
  ctx: Ctx,
): Promise<QueryResult> {
  const { store } = staged;
  if (query.verb === 'read') return await readFlushed(staged, query, ctx);
  if (query.verb === 'checksum' && (await hiddenBytes(staged, query.path, ctx)) > 0)
    throw new StoreError('unavailable', `bytes that are not flushed are in its checksum: ${query.path}`, {
      retryAfterMs: checksumRetryMs,
      code: ownLimit,
    });
  if (query.verb !== 'stat') return await store.query(query, ctx);
  const { condition, ...plain } = query;
  const entry = masked((await store.query(plain, ctx)).entry, upload);
  checkCondition(condition, entry);
  return { entry };
}

/** How many bytes of a file are not flushed; none of one that is not there. */
async function hiddenBytes({ store, uploads }: Staged, path: string, ctx: Ctx): Promise<number> {
  const entry = await lookUp(store, path, ctx);
  return entry ? entry.lengthBytes - masked(entry, uploads.get(path)).lengthBytes : 0;
}

async function summary(staged: Staged, query: SummaryQuery, ctx: Ctx): Promise<SummaryResult> {
  const total = await staged.store.query(query, ctx);
  let { lengthBytes } = total;
  for (const { shown } of staged.uploads.within(query.path).slice(0, maxSummedUploads))
    lengthBytes -= await hiddenBytes(staged, shown.path, ctx);
  return { ...total, lengthBytes: Math.max(0, lengthBytes) };
}

async function list({ store, uploads }: Staged, query: ListQuery, ctx: Ctx): Promise<ListResult> {
  const page = await store.query(query, ctx);
  const entries = page.entries
    .filter((entry) => !isHidden(entry.path) || isHidden(query.path))
    .map((entry) => masked(entry, uploads.get(entry.path)));
  return { ...page, entries };
}

/** How often a file is read again because another one took its place. */
const readTries = 4;

/**
 * The file up to where it is flushed. The look that tells how far that is and the bytes have to be of one file: one that took its place
 * meanwhile hides nothing.
 */
async function readFlushed(
  { store, uploads }: Staged,
  query: ReadQuery,
  ctx: Ctx,
): Promise<QueryResult<ReadQuery>> {
  const { condition, ...plain } = query;
  const { path, offset } = query;
  for (let attempt = 0; attempt < readTries; attempt++) {
    const entry = masked((await store.query({ verb: 'stat', path }, ctx)).entry, uploads.get(path));
    checkCondition(condition, entry);
    const left = entry.lengthBytes - offset;
    if (left <= 0 && !(offset === 0 && query.lengthBytes === undefined))
      throw new StoreError('invalid-range', `the file is ${entry.lengthBytes} bytes long`);
    const lengthBytes = Math.min(query.lengthBytes ?? left, left);
    if (lengthBytes === 0) return { entry, offset, lengthBytes, body: Readable.from([]) };
    const result = await store.query({ ...plain, lengthBytes }, ctx);
    if (isSame(entry, masked(result.entry, uploads.get(path)))) return { ...result, entry };
    result.body.destroy();
  }
  throw new StoreError('unavailable', `the file changes without pause: ${path}`);
}

function isSame(one: Entry, other: Entry): boolean {
  return one.fileId === other.fileId && one.lengthBytes === other.lengthBytes && one.etag === other.etag;
}
