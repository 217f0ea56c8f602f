// Questions to a store, as plain data.
import type { Readable } from 'node:stream';
import type { Entry } from './entry.ts';

/** HTTP preconditions. ETags without quotes; `*` allowed. `ifNoneMatch: '*'` means "must not exist" (kind `exists`). */
export interface Condition {
  ifMatch?: string;
  ifNoneMatch?: string;
  ifModifiedSinceMs?: number;
  ifUnmodifiedSinceMs?: number;
  leaseId?: string;
}

/** One path. `attributes` also fetches ACL and properties, which some stores answer in calls of their own. */
export interface StatQuery {
  verb: 'stat';
  path: string;
  attributes?: boolean;
  condition?: Condition;
}

/**
 * A listing that has something to show answers after this time, milliseconds, though the page is not full: each folder of a tree may be a
 * request of its own, and a page that takes longer than its caller waits would be asked for again and again.
 */
export const pageMs = 1000;

/**
 * The entries of a folder in order of name (UTF-8 byte order within each folder; recursive: depth first, a folder before
 * its content). The folder itself is not in it. Listing a file gives that one file.
 */
export interface ListQuery {
  verb: 'list';
  path: string;
  recursive: boolean;
  /** At most this many entries; an answer may be shorter, even empty, and still have a `token`. */
  limit: number;
  /** The store's own continuation from the previous page; wins over `after`. */
  token?: string;
  /** Only entries behind this one: a path relative to `path`, exclusive; it need not exist. */
  after?: string;
}

/** Bytes of a file. `offset` at or beyond the end of the file: kind `invalid-range` (also for an empty file), unless offset is 0 and no length is given. */
export interface ReadQuery {
  verb: 'read';
  path: string;
  offset: number;
  /** Clipped at the end of the file; absent: to the end. */
  lengthBytes?: number;
  condition?: Condition;
}

/** Totals below a path; a file counts itself. */
export interface SummaryQuery {
  verb: 'summary';
  path: string;
}

/** A digest of the whole file in the store's own algorithm. */
export interface ChecksumQuery {
  verb: 'checksum';
  path: string;
}

/** May the caller do this? Answers nothing or throws `denied`. `action` is 0..7. */
export interface AccessQuery {
  verb: 'access';
  path: string;
  action: number;
}

export type Query = StatQuery | ListQuery | ReadQuery | SummaryQuery | ChecksumQuery | AccessQuery;

export interface StatResult {
  entry: Entry;
}

export interface ListResult {
  entries: Entry[];
  /** Present if there may be more. */
  token?: string;
}

export interface ReadResult {
  entry: Entry;
  offset: number;
  /** Exactly as many bytes as `body` will give. */
  lengthBytes: number;
  /** The caller must consume or destroy it. An error in mid-stream is a `StoreError`. */
  body: Readable;
}

export interface SummaryResult {
  directoryCount: number;
  fileCount: number;
  lengthBytes: number;
}

/** `bytes` in lower-case hex. Algorithm names as HDFS prints them (`MD5-of-0MD5-of-512CRC32C`), or `SHA-256`, `MD5`. */
export interface ChecksumResult {
  algorithm: string;
  bytes: string;
}

export type AccessResult = Record<string, never>;

interface ResultOf {
  stat: StatResult;
  list: ListResult;
  read: ReadResult;
  summary: SummaryResult;
  checksum: ChecksumResult;
  access: AccessResult;
}

/** The answer to a query, by its verb. */
export type QueryResult<Q extends Query = Query> = ResultOf[Q['verb']];
