// The folders above the mounts: nobody stores them, everybody may look at them.
import type { Entry } from '../core/entry.ts';
import { compareNames, isWithin, relativeTo, segmentsOf } from '../core/path.ts';
import type { Query, QueryResult } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import type { Ctx } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { namespaceOf } from './places.ts';

function folder(path: string): Entry {
  return {
    path,
    type: 'directory',
    lengthBytes: 0,
    modifiedMs: 0,
    permission: 0o755,
    owner: '$superuser',
    group: '$superuser',
    etag: '0x0',
  };
}

/** Answers for a folder that lies above a mount root. @throws StoreError `not-found` for any other path outside the mounts */
export function queryAbove(route: Route, query: Query, ctx: Ctx): QueryResult {
  const namespace = namespaceOf(route, ctx);
  const roots = route.mounts
    .map((mount) => mount[namespace])
    .filter((root) => root !== query.path && isWithin(root, query.path));
  if (roots.length === 0 && query.path !== '/') throw StoreError.notFound(query.path);
  if (query.verb === 'stat') return { entry: folder(query.path) };
  if (query.verb === 'access') return {};
  if (query.verb !== 'list')
    throw new StoreError('unsupported', `${query.path} lies above the gateway's mounts`);
  const names = new Set(
    roots.map(
      (root) =>
        segmentsOf(relativeTo(root, query.path) === '' ? '/' : `/${relativeTo(root, query.path)}`)[0]!,
    ),
  );
  const prefix = query.path === '/' ? '/' : `${query.path}/`;
  const after = query.after ?? query.token;
  const shown = [...names]
    .sort(compareNames)
    .filter((name) => after === undefined || compareNames(name, after) > 0);
  const entries = shown.slice(0, query.limit).map((name) => folder(prefix + name));
  return shown.length > query.limit ? { entries, token: shown[query.limit - 1]! } : { entries };
}
