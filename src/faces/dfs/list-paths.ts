// List paths: JSON whose values are all strings, and no `isDirectory` on files (Gen2 reference §0.7, §2.2).
import { formatPermission } from '../../core/acl.ts';
import type { Entry } from '../../core/entry.ts';
import { joinPath, relativeTo } from '../../core/path.ts';
import type { ListQuery } from '../../core/query.ts';
import { toFileTime, toHttpDate } from '../../wire/dfs/properties.ts';
import { gen2Path } from './address.ts';
import {
  booleanParam,
  integerParam,
  missingParam,
  type Operation,
  param,
  tokenParam,
  wireToken,
} from './exchange.ts';
import { maxPage } from './filesystems.ts';
import { etagOf } from './replies.ts';

function listed(entry: Entry, filesystem: string): Record<string, string> {
  return {
    contentLength: String(entry.lengthBytes),
    creationTime: toFileTime(entry.createdMs ?? entry.modifiedMs),
    etag: etagOf(entry),
    expiryTime: entry.expiresMs === undefined ? '0' : toFileTime(entry.expiresMs),
    group: entry.group,
    ...(entry.type === 'directory' ? { isDirectory: 'true' } : {}),
    lastModified: toHttpDate(entry.modifiedMs),
    name: relativeTo(entry.path, filesystem),
    owner: entry.owner,
    permissions: formatPermission(entry.permission, entry.extendedAcl ?? false),
  };
}

/** A file lists itself: what Hadoop's driver relies on, and its own tests hold the service to (testListFileVsListDir). */
export const listPaths: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  if (param(exchange, 'recursive') === undefined) throw missingParam('recursive');
  const folder = gen2Path(joinPath(address.path, param(exchange, 'directory') ?? ''));
  const limit = Math.min(
    maxPage,
    integerParam(exchange, 'maxResults', { min: 1, max: 2 ** 31 - 1 }) ?? maxPage,
  );
  const query: ListQuery = {
    verb: 'list',
    path: folder,
    recursive: booleanParam(exchange, 'recursive'),
    limit,
  };
  const [token, from] = [tokenParam(exchange, 'continuation'), param(exchange, 'beginFrom')];
  if (token !== undefined) query.token = token;
  else if (from !== undefined) query.after = from;
  const page = await store.query(query, ctx);
  const headers: Record<string, string | number> = { 'content-type': 'application/json;charset=utf-8' };
  if (page.token !== undefined) headers['x-ms-continuation'] = wireToken(page.token);
  const paths = page.entries.map((entry) => listed(entry, address.path));
  return { status: 200, headers, body: JSON.stringify({ paths }) };
};
