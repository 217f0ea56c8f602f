// Which account, filesystem and path a request names, and which of the two APIs it speaks (Gen2 reference §1).
import { normalizePath } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import type { DfsApi } from '../../wire/dfs/errors.ts';
import { decodePath, type FaceRequest, header, parseQuery, splitTarget } from '../../wire/http.ts';

/** A request's target, taken apart. */
export interface Address {
  /** Percent-escapes and all: what was signed. */
  rawPath: string;
  search: string;
  /** Names lower-case; of a repeated parameter the first one. */
  params: ReadonlyMap<string, string>;
  account: string | undefined;
  /** `/`, `/filesystem` or `/filesystem/path`. */
  path: string;
}

/** Account names that may stand in front of a path. */
export type AccountNames = ReadonlySet<string>;

const filesystemName = /^[$a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]$/;

/** Takes the account off a decoded path: host style, path style, or none (Gen2 reference §1.1; JS `move()` leaves it out). */
export function stripAccount(decoded: string, hostAccount: string | undefined, accounts: AccountNames) {
  const [, first = '', ...rest] = decoded.split('/');
  if (hostAccount !== undefined || !accounts.has(first)) return { account: hostAccount, path: decoded };
  return { account: first, path: `/${rest.join('/')}` };
}

/** The account that a host name starts with: `{account}.dfs.…` or `{account}.blob.…`. */
export function accountOfHost(host: string | undefined): { account: string; api: DfsApi } | undefined {
  const match = /^([a-z0-9]{3,24})\.(dfs|blob)\./i.exec(host ?? '');
  return match ? { account: match[1]!.toLowerCase(), api: match[2]!.toLowerCase() as DfsApi } : undefined;
}

/** @throws StoreError `invalid` for malformed escapes, bad segments, names that no filesystem has */
export function parseAddress(request: FaceRequest, accounts: AccountNames): Address {
  const { rawPath, search } = splitTarget(request.target);
  const params = new Map<string, string>();
  for (const [name, value] of parseQuery(search)) {
    const key = name.toLowerCase();
    if (!params.has(key)) params.set(key, value);
  }
  const host = accountOfHost(header(request.headers, 'host'));
  const { account, path } = stripAccount(decodePath(rawPath), host?.account, accounts);
  return { rawPath, search, params, account, path: gen2Path(path) };
}

/** A path of this protocol: normal form, and a first segment that can be a filesystem. */
export function gen2Path(decoded: string): string {
  let path: string;
  try {
    path = normalizePath(decoded);
  } catch (error) {
    throw new StoreError('invalid', (error as Error).message, { code: 'InvalidUri' });
  }
  const filesystem = path.split('/')[1]!;
  if (filesystem !== '' && !filesystemName.test(filesystem)) {
    throw new StoreError('invalid', `'${filesystem}' is not the name of a filesystem`, {
      code: 'InvalidResourceName',
    });
  }
  return path;
}

const dfsParams = ['resource', 'action', 'recursive', 'paginated', 'mode'];
const blobParams = ['comp', 'restype'];
const blobHeaders = ['x-ms-blob-type', 'x-ms-copy-source'];

/** DFS or Blob, on one host (Gen2 reference §1.4): parameters and headers say, else `Accept`, else the shape of a DELETE. */
export function apiOf(request: FaceRequest, params: ReadonlyMap<string, string>): DfsApi {
  const hint = accountOfHost(header(request.headers, 'host'))?.api;
  if (hint) return hint;
  const { method, headers } = request;
  if (dfsParams.some((name) => params.has(name)) || headers['x-ms-rename-source'] !== undefined) return 'dfs';
  if (method === 'PATCH' || header(headers, 'x-http-method-override')?.toUpperCase() === 'PATCH')
    return 'dfs';
  if (headers['x-ms-lease-action'] !== undefined && method === 'POST' && !params.has('comp')) return 'dfs';
  if (blobParams.some((name) => params.has(name)) || blobHeaders.some((name) => headers[name] !== undefined))
    return 'blob';
  const accept = header(headers, 'accept');
  if (accept?.includes('json')) return 'dfs';
  if (accept === undefined || accept.includes('xml')) return 'blob';
  return method === 'DELETE' && headers['content-length'] !== undefined ? 'blob' : 'dfs';
}
