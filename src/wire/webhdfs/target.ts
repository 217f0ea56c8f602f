// The request target of WebHDFS and Gen1: prefix, path, operation and dialect, read off the raw bytes.
import { normalizePath } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import { decodePath, splitTarget } from '../http.ts';
import type { Dialect } from './file-status.ts';
import { type Params, parseParams } from './params.ts';

/** A parsed request target. */
export interface WebhdfsTarget {
  dialect: Dialect;
  /** `extension`: Gen1's second namespace `/WebHdfsExt`, whose answers lack some headers. */
  namespace: 'webhdfs' | 'extension';
  /** Normal form. */
  path: string;
  /** Upper case; '' if missing. */
  op: string;
  /** The raw query, without `?`. */
  search: string;
  params: Params;
}

// .NET escapes every slash, the first one too (`/webhdfs/v1%2Fdir`); Python spells `webhdfsext` in lower case.
const prefix = /^\/(webhdfs\/v1|webhdfsext)(?=\/|%2f|$)/i;

/** True if a face of this protocol has to answer; anything below the two prefixes, in any case. */
export function isWebhdfsTarget(target: string): boolean {
  return prefix.test(splitTarget(target).rawPath);
}

/** True below Gen1's `/WebHdfsExt`. */
export function isExtensionTarget(target: string): boolean {
  return /^\/webhdfsext/i.test(splitTarget(target).rawPath);
}

/**
 * Who is talking, from the raw query alone, so that even an unreadable request is refused in the right shape: Gen1 clients send
 * `api-version`, or one of `read`, `write`, `append` as `true`; the extension namespace is theirs only.
 * @param host the Host header: Gen1's own domain also tells
 */
export function dialectOf(target: string, host?: string): Dialect {
  const { search } = splitTarget(target);
  if (isExtensionTarget(target)) return 'gen1';
  if (/(^|&)(api-version=|(read|write|append)=true(&|$))/i.test(search)) return 'gen1';
  return /\.azuredatalakestore\.net(:\d+)?$/i.test(host ?? '') ? 'gen1' : 'webhdfs';
}

/**
 * Decodes a target once. In the WebHDFS dialect a `%` that no letter or digit follows stands for itself, because the npm client sends
 * names like `50%.txt` unescaped; every other `%` must begin a right escape.
 * @throws StoreError `not-found` outside the two prefixes, `invalid` for malformed escapes and impossible paths
 */
export function parseTarget(target: string, dialect: Dialect): WebhdfsTarget {
  const { rawPath, search } = splitTarget(target);
  const match = prefix.exec(rawPath);
  if (!match) throw new StoreError('not-found', `File does not exist: this server answers below /webhdfs/v1`);
  const rest = rawPath.slice(match[0].length);
  const decoded = decodePath(dialect === 'webhdfs' ? rest.replace(/%(?![0-9A-Za-z])/g, '%25') : rest);
  const params = parseParams(search);
  return {
    dialect,
    namespace: /ext$/i.test(match[0]) ? 'extension' : 'webhdfs',
    // The Gen1 Python SDK calls the root `.`.
    path: normalizePath(/^\/+\.$/.test(decoded) ? '/' : decoded),
    op: (params.text('op') ?? '').toUpperCase(),
    search,
    params,
  };
}

/** A path as it stands in a URL behind `/webhdfs/v1`; the root is `/`. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
