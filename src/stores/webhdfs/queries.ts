// The questions a WebHDFS or Gen1 store answers, but listings.
import { Readable } from 'node:stream';
import { aclOfPermission, formatBits } from '../../core/acl.ts';
import { checkCondition } from '../../core/condition.ts';
import type { Entry } from '../../core/entry.ts';
import type {
  AccessQuery,
  AccessResult,
  ChecksumResult,
  ReadQuery,
  ReadResult,
  StatQuery,
  StatResult,
  SummaryResult,
} from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { answerBody } from '../../wire/answer-body.ts';
import { fromAclStatus, fromContentSummary, fromFileChecksum } from '../../wire/webhdfs/file-status.ts';
import { readXattrs } from './properties.ts';
import { isDirectory, missing, mustFind, type StoreParts } from './store-parts.ts';
import { fromTransportError } from './transport-errors.ts';

/** @throws StoreError */
export async function stat(parts: StoreParts, query: StatQuery, ctx: Ctx): Promise<StatResult> {
  const { path } = query;
  const entry = await findWithContent(parts, path, ctx, query.attributes ?? false);
  if (query.attributes) entry.acl = await readAcl(parts, entry, ctx);
  checkCondition(query.condition, entry);
  return { entry };
}

/**
 * Content headers and properties are a call of their own, beside the first. Hadoop clients never see content headers, so for them
 * the call is made only with `full`.
 */
async function findWithContent(parts: StoreParts, path: string, ctx: Ctx, full: boolean): Promise<Entry> {
  const wanted = parts.supports.properties && (full || ctx.protocol === 'dfs');
  const [entry, xattrs] = await Promise.all([
    mustFind(parts, path, ctx),
    // What the path is missing for is better said by the first call.
    wanted ? readXattrs(parts, path, ctx).catch((error: unknown) => StoreError.from(error, 'no')) : undefined,
  ]);
  if (xattrs instanceof StoreError) throw xattrs;
  if (full && xattrs) entry.properties = xattrs.properties;
  if (xattrs?.content) entry.content = xattrs.content;
  return entry;
}

async function readAcl({ calls }: StoreParts, entry: Entry, ctx: Ctx): Promise<NonNullable<Entry['acl']>> {
  const { path, permission, type } = entry;
  try {
    const answer = await calls.json({ method: 'GET', op: aclVerb[calls.dialect], path }, ctx);
    return fromAclStatus(answer, type === 'directory', permission).acl;
  } catch (error) {
    // A cluster without ACLs has those of the modes.
    if (StoreError.from(error, 'no').code === 'AclException') return aclOfPermission(permission);
    throw error;
  }
}

const aclVerb = { webhdfs: 'GETACLSTATUS', gen1: 'MSGETACLSTATUS' } as const;

/** How often a file is looked up again because another one was opened. */
const openTries = 4;

/**
 * The file is looked up first: WebHDFS has no conditions, and HttpFS does not say how much it sends. Where it is replaced before it is
 * opened, the look does not fit the bytes, and both are done again.
 * @throws StoreError
 */
export async function read(parts: StoreParts, query: ReadQuery, ctx: Ctx): Promise<ReadResult> {
  const { path, offset, condition } = query;
  for (const number of [offset, query.lengthBytes ?? 0]) {
    if (!Number.isSafeInteger(number) || number < 0)
      throw StoreError.invalid('offset and length are whole numbers of bytes, 0 or more');
  }
  for (let attempt = 0; attempt < openTries; attempt++) {
    const entry = await findWithContent(parts, path, ctx, false);
    if (entry.type === 'directory') throw isDirectory(path);
    checkCondition(condition, entry);
    if (offset >= entry.lengthBytes && !(offset === 0 && query.lengthBytes === undefined))
      throw new StoreError('invalid-range', `the file is ${entry.lengthBytes} bytes long`);
    const leftBytes = entry.lengthBytes - offset;
    const lengthBytes = Math.min(query.lengthBytes ?? leftBytes, leftBytes);
    if (lengthBytes === 0) return { entry, offset, lengthBytes, body: Readable.from([]) };
    // Asked for no length, it is the file's own that comes, which tells another file.
    const wanted = lengthBytes === leftBytes ? undefined : lengthBytes;
    const opened = await parts.calls.open(path, offset, wanted, ctx);
    const failure = (error: unknown): StoreError => fromTransportError(error, ctx.signal, false);
    const body = answerBody(opened.stream, { lengthBytes, failure });
    if ((opened.lengthBytes ?? lengthBytes) === lengthBytes) return { entry, offset, lengthBytes, body };
    body.destroy();
  }
  throw new StoreError('unavailable', `the file changes without pause: ${path}`);
}

/** @throws StoreError */
export async function summary(parts: StoreParts, path: string, ctx: Ctx): Promise<SummaryResult> {
  try {
    const answer = await parts.calls.json({ method: 'GET', op: 'GETCONTENTSUMMARY', path }, ctx);
    return fromContentSummary(answer);
  } catch (error) {
    throw await missingOr(parts, path, error, ctx);
  }
}

/** @throws StoreError `unsupported` where the service has none */
export async function checksum(parts: StoreParts, path: string, ctx: Ctx): Promise<ChecksumResult> {
  if (parts.supports.checksum === undefined) throw StoreError.unsupported(`${parts.name} has no checksums`);
  const entry = await mustFind(parts, path, ctx);
  if (entry.type === 'directory') throw isDirectory(path);
  return fromFileChecksum(await parts.calls.json({ method: 'GET', op: 'GETFILECHECKSUM', path }, ctx));
}

/** Judged by the store for the user that asks it: the caller only with `doAs`. @throws StoreError `denied`, `not-found`, `invalid` */
export async function access(parts: StoreParts, query: AccessQuery, ctx: Ctx): Promise<AccessResult> {
  const { path, action } = query;
  if (!Number.isInteger(action) || action < 0 || action > 7) throw StoreError.invalid('an action is 0 to 7');
  const params = { fsaction: formatBits(action) };
  try {
    await parts.calls.json({ method: 'GET', op: 'CHECKACCESS', path, params }, ctx);
    return {};
  } catch (error) {
    throw await missingOr(parts, path, error, ctx);
  }
}

async function missingOr(parts: StoreParts, path: string, error: unknown, ctx: Ctx): Promise<StoreError> {
  const failure = StoreError.from(error, 'no');
  return failure.kind === 'not-found' || failure.kind === 'not-directory'
    ? missing(parts, path, ctx)
    : failure;
}
