// Where a store path lies in an account: `/filesystem/path`.
import { segmentsOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';

/** A filesystem and a path in it; '' is its root. */
export interface Place {
  filesystem: string;
  path: string;
}

/** Gen2's rule for names of filesystems (container names; `$root`, `$web`, `$logs` are Azure's own). */
const filesystemName = /^[$a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]$/;

function invalidName(message: string): StoreError {
  return new StoreError('invalid', message, { code: 'InvalidResourceName' });
}

/** Undefined for the account itself, `/`. A name that can be no filesystem is in no account. @throws StoreError `not-found` */
export function placeOf(path: string): Place | undefined {
  const [filesystem, ...rest] = segmentsOf(path);
  if (filesystem === undefined) return undefined;
  if (!filesystemName.test(filesystem)) {
    throw new StoreError('not-found', `no such file or directory: ${path}`, { code: 'FilesystemNotFound' });
  }
  return { filesystem, path: rest.join('/') };
}

/** Where a file or a folder below a filesystem's root can be made. @throws StoreError `invalid` */
export function placeForNew(path: string): Place {
  const [filesystem, ...rest] = segmentsOf(path);
  if (filesystem === undefined || rest.length === 0 || !filesystemName.test(filesystem))
    throw invalidName(`only filesystems, named by Gen2's rules, can stand at the root: ${path}`);
  return { filesystem, path: rest.join('/') };
}

/** @throws StoreError `invalid` */
export function checkFilesystemName(name: string): void {
  if (!filesystemName.test(name)) throw invalidName(`'${name}' cannot be the name of a filesystem`);
}

/** As it stands in a URL behind the account: `/filesystem/a%20b`; the root of a filesystem ends with a slash. */
export function urlPath({ filesystem, path }: Place): string {
  return `/${filesystem}/${path.split('/').map(encodeURIComponent).join('/')}`;
}
