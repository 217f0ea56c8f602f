// The file system's errors in the words of the contract.
import { type ErrorKind, StoreError } from '../../core/store-error.ts';

const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-directory',
  EISDIR: 'is-directory',
  EEXIST: 'exists',
  ENOTEMPTY: 'not-empty',
  ENAMETOOLONG: 'invalid',
  EINVAL: 'invalid',
  EFBIG: 'too-large',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ELOOP: 'denied',
  ENOSPC: 'unavailable',
  EDQUOT: 'unavailable',
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
  EBUSY: 'unavailable',
};

/** @param applied what to say of errors that tell nothing themselves */
export function fsError(error: unknown, applied: 'no' | 'unknown' = 'unknown'): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const kind = code === undefined ? undefined : kinds[code];
  // SQLITE_FULL: the disk has no room for a row.
  if (error instanceof Error && 'errcode' in error && error.errcode === 13)
    return new StoreError('unavailable', 'the disk is full', { applied, cause: error });
  if (code === undefined || kind === undefined) return StoreError.from(error, applied);
  // The message of a Node error names paths of this machine, which are nobody's business.
  return new StoreError(kind, `the file system refused: ${code}`, { code, cause: error });
}

/** Every method of `target` with its errors translated. */
export function withFsErrors<T extends object>(target: T): T {
  const wrapped: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(target) as [string, (...args: unknown[]) => unknown][]) {
    wrapped[name] = async (...args: unknown[]) => {
      try {
        return await method(...args);
      } catch (error) {
        throw fsError(error);
      }
    };
  }
  return wrapped as T;
}
