// Filesystems: the folders at the root of an account (Gen2 reference §2.1). The Blob API's containers are the same things.
import type { Entry } from '../../core/entry.ts';
import { nameOf } from '../../core/path.ts';
import type { ListQuery } from '../../core/query.ts';
import { formatProperties, parseProperties, toHttpDate } from '../../wire/dfs/properties.ts';
import {
  conditioned,
  type Exchange,
  given,
  integerParam,
  type Operation,
  param,
  tokenParam,
  wireToken,
} from './exchange.ts';
import { empty, entryAfter, etagOf, versionHeaders } from './replies.ts';

/** Most filesystems or paths of one page (Gen2 reference §6). */
export const maxPage = 5000;

export const createFilesystem: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const text = given(exchange, 'x-ms-properties');
  const properties = text === undefined ? {} : { properties: parseProperties(text) };
  const result = await store.mutate(
    {
      verb: 'mkdir',
      path: address.path,
      parents: 'none',
      condition: { ifNoneMatch: '*' },
      attributes: { permission: 0o750, ...properties },
    },
    ctx,
  );
  const entry = await entryAfter(exchange, result, address.path);
  return empty(201, { ...versionHeaders(entry), 'x-ms-namespace-enabled': 'true' });
};

/** The entry of the filesystem that the request names. */
export async function filesystemEntry({ address, store, ctx }: Exchange): Promise<Entry> {
  return (await store.query({ verb: 'stat', path: address.path, attributes: true }, ctx)).entry;
}

export const filesystemProperties: Operation = async (exchange) => {
  const entry = await filesystemEntry(exchange);
  return empty(200, {
    ...versionHeaders(entry),
    'x-ms-properties': formatProperties(entry.properties ?? {}),
    'x-ms-namespace-enabled': 'true',
  });
};

export const setFilesystemProperties: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const properties = parseProperties(given(exchange, 'x-ms-properties') ?? '');
  const mutation = {
    verb: 'set-attributes',
    path: address.path,
    properties,
    ...conditioned(exchange),
  } as const;
  return empty(
    200,
    versionHeaders(await entryAfter(exchange, await store.mutate(mutation, ctx), address.path)),
  );
};

export const deleteFilesystem: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  await store.mutate({ verb: 'delete', path: address.path, recursive: true, ...conditioned(exchange) }, ctx);
  return empty(202);
};

/** One page of filesystems whose names begin with `prefix`. */
export async function pageOfFilesystems(
  { store, ctx }: Exchange,
  prefix: string,
  limit: number,
  token: string | undefined,
) {
  const query: ListQuery = { verb: 'list', path: '/', recursive: false, limit };
  const page = await store.query(token === undefined ? query : { ...query, token }, ctx);
  const entries = page.entries.filter(
    (entry) => entry.type === 'directory' && nameOf(entry.path).startsWith(prefix),
  );
  return { ...page, entries };
}

export const listFilesystems: Operation = async (exchange) => {
  const limit = integerParam(exchange, 'maxResults', { min: 1, max: maxPage }) ?? maxPage;
  const page = await pageOfFilesystems(
    exchange,
    param(exchange, 'prefix') ?? '',
    limit,
    tokenParam(exchange, 'continuation'),
  );
  const filesystems = page.entries.map((entry) => ({
    name: nameOf(entry.path),
    lastModified: toHttpDate(entry.modifiedMs),
    etag: etagOf(entry),
  }));
  const headers: Record<string, string> = { 'content-type': 'application/json;charset=utf-8' };
  if (page.token !== undefined) headers['x-ms-continuation'] = wireToken(page.token);
  return { status: 200, headers, body: JSON.stringify({ filesystems }) };
};
