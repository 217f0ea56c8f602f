// The questions to an account but for listings.
import { Readable } from 'node:stream';
import { formatBits, parseAcl, parsePermission, sortAcl } from '../../core/acl.ts';
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
} from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { answerBody } from '../../wire/answer-body.ts';
import type { Account } from './account.ts';
import { conditionHeaders } from './conditions.ts';
import { entryOfHeaders, isFolder } from './entries.ts';
import { fromConnection, fromSdk } from './failures.ts';
import { type Place, placeOf } from './place.ts';

/** The account's root as a folder; it has no attributes of its own. */
export const rootEntry: Entry = {
  path: '/',
  type: 'directory',
  lengthBytes: 0,
  modifiedMs: 0,
  permission: 0o750,
  owner: '$superuser',
  group: '$superuser',
};

/** @throws StoreError */
export async function stat(account: Account, query: StatQuery, ctx: Ctx): Promise<StatResult> {
  const place = placeOf(query.path);
  if (!place) {
    checkCondition(query.condition, rootEntry);
    return { entry: { ...rootEntry } };
  }
  if (place.path === '') return { entry: await statFilesystem(account, query, place, ctx) };
  const headers = await account.ask(
    { method: 'HEAD', place, headers: conditionHeaders(query.condition) },
    ctx,
  );
  const entry = entryOfHeaders(query.path, headers, query.attributes);
  if (query.attributes && !entry.acl) Object.assign(entry, await accessControl(account, place, ctx));
  return { entry };
}

/** The entry, or undefined where nothing is. @throws StoreError */
export async function find(account: Account, path: string, ctx: Ctx): Promise<Entry | undefined> {
  try {
    return (await stat(account, { verb: 'stat', path }, ctx)).entry;
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

/** Owner, group, mode and ACL, and the ETag they belong to. @throws StoreError */
export async function accessControl(
  account: Account,
  place: Place,
  ctx: Ctx,
): Promise<
  Required<Pick<Entry, 'owner' | 'group' | 'permission' | 'acl'>> & Pick<Entry, 'extendedAcl' | 'etag'>
> {
  const query = { action: 'getAccessControl', upn: 'false' };
  const headers = await account.ask({ method: 'HEAD', place, query }, ctx);
  const entry = entryOfHeaders('', headers);
  const acl = sortAcl(parseAcl(String(headers['x-ms-acl'] ?? '')));
  const { owner, group, etag } = entry;
  return {
    owner,
    group,
    acl,
    permission: parsePermission(String(headers['x-ms-permissions'])),
    ...(entry.extendedAcl ? { extendedAcl: true } : {}),
    ...(etag === undefined ? {} : { etag }),
  };
}

// A filesystem's times, ETag and properties are those of the container; its rights are those of its root folder.
async function statFilesystem(account: Account, query: StatQuery, place: Place, ctx: Ctx): Promise<Entry> {
  const { leaseId } = query.condition ?? {};
  const client = account.filesystem(place.filesystem);
  const [properties, rights] = await Promise.all([
    client.getProperties({
      abortSignal: ctx.signal,
      ...(leaseId === undefined ? {} : { conditions: { leaseId } }),
    }),
    accessControl(account, place, ctx),
  ]);
  const headers = properties._response.headers.toJson();
  const { acl, owner, group, permission } = rights;
  const entry: Entry = {
    ...entryOfHeaders(query.path, headers, query.attributes),
    type: 'directory',
    lengthBytes: 0,
    owner,
    group,
    permission,
  };
  delete entry.content;
  if (rights.extendedAcl) entry.extendedAcl = true;
  if (query.attributes) entry.acl = acl;
  checkCondition(query.condition, entry);
  return entry;
}

/** @throws StoreError */
export async function read(account: Account, query: ReadQuery, ctx: Ctx): Promise<ReadResult> {
  const { path, offset, lengthBytes, condition } = query;
  for (const number of [offset, lengthBytes ?? 0]) {
    if (!Number.isSafeInteger(number) || number < 0)
      throw StoreError.invalid('offset and length are whole numbers of bytes, 0 or more');
  }
  const place = placeOf(path);
  if (!place || place.path === '') {
    await stat(account, { verb: 'stat', path }, ctx);
    throw isDirectory(path);
  }
  if (lengthBytes === 0) return readNothing(account, query, ctx);
  const answer = await account.open(
    {
      method: 'GET',
      place,
      headers: { ...rangeHeaders(offset, lengthBytes), ...conditionHeaders(condition) },
    },
    ctx,
  );
  const { headers } = answer;
  if (isFolder(headers)) {
    answer.body.destroy();
    throw isDirectory(path);
  }
  const failure = (error: unknown): StoreError => fromConnection(error, ctx.signal, false);
  const body = answerBody(answer.body, { failure });
  return {
    entry: entryOfHeaders(path, headers),
    offset,
    lengthBytes: Number(headers['content-length'] ?? 0),
    body,
  };
}

function rangeHeaders(offset: number, lengthBytes: number | undefined): Record<string, string> {
  if (offset === 0 && lengthBytes === undefined) return {};
  return { 'x-ms-range': `bytes=${offset}-${lengthBytes === undefined ? '' : offset + lengthBytes - 1}` };
}

async function readNothing(account: Account, query: ReadQuery, ctx: Ctx): Promise<ReadResult> {
  const { path, offset, condition } = query;
  const { entry } = await stat(account, { verb: 'stat', path, ...(condition ? { condition } : {}) }, ctx);
  if (entry.type === 'directory') throw isDirectory(path);
  if (offset >= entry.lengthBytes)
    throw new StoreError('invalid-range', `the file is ${entry.lengthBytes} bytes long`);
  return { entry, offset, lengthBytes: 0, body: Readable.from([]) };
}

/** The MD5 that was stored with the file, if one was. @throws StoreError `unsupported` if none was */
export async function checksum(account: Account, path: string, ctx: Ctx): Promise<ChecksumResult> {
  const { entry } = await stat(account, { verb: 'stat', path }, ctx);
  if (entry.type === 'directory') throw isDirectory(path);
  const md5 = entry.content?.contentMd5;
  if (md5 === undefined) throw StoreError.unsupported('no MD5 is stored with this file');
  return { algorithm: 'MD5', bytes: Buffer.from(md5, 'base64').toString('hex') };
}

/** @throws StoreError `denied` */
export async function access(account: Account, query: AccessQuery, ctx: Ctx): Promise<AccessResult> {
  const { path, action } = query;
  if (!Number.isInteger(action) || action < 0 || action > 7) throw StoreError.invalid('an action is 0 to 7');
  const place = placeOf(path);
  if (!place) return {};
  await account.ask(
    { method: 'HEAD', place, query: { action: 'checkAccess', fsAction: formatBits(action) } },
    ctx,
  );
  return {};
}

export function isDirectory(path: string): StoreError {
  return new StoreError('is-directory', `this is a directory: ${path}`);
}

/** Runs something of the SDK; what it throws becomes a `StoreError`. */
export async function sdk<T>(work: Promise<T>, mutating: boolean): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fromSdk(error, mutating);
  }
}
