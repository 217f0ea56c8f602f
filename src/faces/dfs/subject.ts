// What a request's signatures are about: the path it names, or the folder that it lists, and the source of a rename or copy.
import { joinPath } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import { type FaceRequest, header, splitTarget } from '../../wire/http.ts';
import type { Subject } from '../../wire/identify.ts';
import { type AccountNames, type Address, accountOfHost, gen2Path, stripAccount } from './address.ts';

export function subjectOf(request: FaceRequest, address: Address, accounts: AccountNames): Subject {
  const { account, rawPath, search } = address;
  const source = sourceOf(request, accounts);
  return { account, rawPath, search, path: listedPath(address), ...(source ? { source } : {}) };
}

/** A SAS for a folder lists that folder, though the request is one to the filesystem. */
function listedPath({ path, params }: Address): string {
  const isOfFilesystem = path.lastIndexOf('/') === 0 && path !== '/';
  const prefix = params.get('prefix')?.replace(/[^/]*$/, '');
  const folder = params.get('resource') === 'filesystem' ? params.get('directory') : prefix;
  if (!isOfFilesystem || !folder) return path;
  return tryPath(() => gen2Path(joinPath(path, folder))) ?? path;
}

/** Only if it has a query, and with it perhaps a credential of its own. */
function sourceOf({ headers }: FaceRequest, accounts: AccountNames): Subject['source'] {
  const text = header(headers, 'x-ms-rename-source') ?? header(headers, 'x-ms-copy-source') ?? '';
  const { rawPath, search } = splitTarget(text);
  if (search === '') return undefined;
  const host = accountOfHost(header(headers, 'host'));
  const path = tryPath(() => {
    const decoded = decodeURIComponent(rawPath);
    const absolute = decoded.startsWith('/') ? decoded : `/${decoded}`;
    return gen2Path(stripAccount(absolute, host?.account, accounts).path);
  });
  return path === undefined ? undefined : { path, search };
}

/** A path that cannot be is refused where it is used. */
function tryPath(make: () => string): string | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof StoreError || error instanceof URIError) return undefined;
    throw error;
  }
}
