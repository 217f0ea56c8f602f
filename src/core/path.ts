// Paths inside a store: absolute, decoded, `/`-separated, no trailing slash; the root is `/`.
import { StoreError } from './store-error.ts';

/** Longest segment in UTF-8 bytes: what HDFS (`dfs.namenode.fs-limits.max-component-length`) and POSIX hold. */
export const maxSegmentBytes = 255;
/** Longest path in characters: HDFS refuses more than 8,000 characters (`MAX_PATH_LENGTH`). */
export const maxPathLength = 8000;
/** Deepest path in segments: HDFS refuses more than 1,000 (`MAX_PATH_DEPTH`). */
export const maxPathDepth = 1000;

/**
 * The normal form of a decoded path: one leading slash, no empty segments, no trailing slash.
 * @throws StoreError `invalid` for `.` and `..` segments, NUL, unpaired surrogates, and anything over a limit.
 */
export function normalizePath(decoded: string): string {
  if (decoded.includes('\0')) throw StoreError.invalid('a path cannot contain NUL');
  if (!decoded.isWellFormed()) throw StoreError.invalid('a path must be well-formed Unicode');
  if (decoded.length > maxPathLength)
    throw StoreError.invalid(`a path is at most ${maxPathLength} characters long`);
  const segments = decoded.split('/').filter((segment) => segment !== '');
  if (segments.length > maxPathDepth) throw StoreError.invalid(`a path has at most ${maxPathDepth} segments`);
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw StoreError.invalid(`'${segment}' is not a path segment`);
    if (Buffer.byteLength(segment) > maxSegmentBytes) {
      throw StoreError.invalid(`a path segment is at most ${maxSegmentBytes} bytes long`);
    }
  }
  return `/${segments.join('/')}`;
}

/** The segments of a normal path; none for the root. */
export function segmentsOf(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

/** The last segment; '' for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder that holds `path`; the root is its own parent. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** All ancestors from the root down to the parent; none for the root itself. */
export function ancestorsOf(path: string): string[] {
  if (path === '/') return [];
  const ancestors = ['/'];
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    ancestors.push(path.slice(0, slash));
  }
  return ancestors;
}

/** `folder` + relative name; both sides of the slash may be the root or empty. */
export function joinPath(folder: string, relative: string): string {
  const tail = relative.startsWith('/') ? relative.slice(1) : relative;
  if (tail === '') return folder;
  return folder === '/' ? `/${tail}` : `${folder}/${tail}`;
}

/** True if `path` is `folder` itself or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** The part of `path` below `folder`, without a leading slash; '' for the folder itself. */
export function relativeTo(path: string, folder: string): string {
  if (path === folder) return '';
  return folder === '/' ? path.slice(1) : path.slice(folder.length + 1);
}

/** UTF-8 byte order of two names (semantics B1). JavaScript's own order differs beyond the basic plane. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Depth-first order of two relative paths: folder before its content, names of one folder in byte order. */
export function comparePaths(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareNames(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
