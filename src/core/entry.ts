// What a store knows of one path.
import type { AclEntry } from './acl.ts';

/** The HTTP content headers that Gen2 stores with a file. */
export interface ContentHeaders {
  contentType?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  contentDisposition?: string;
  cacheControl?: string;
  /** Whole-file MD5 as the client stored it, base64. */
  contentMd5?: string;
}

/** A file or folder. Optional fields are what not every store, or not every listing, can tell. */
export interface Entry {
  /** Absolute, in the namespace of the store that was asked. */
  path: string;
  type: 'file' | 'directory';
  /** 0 for folders. */
  lengthBytes: number;
  /** Epoch milliseconds; Gen2 knows whole seconds only. */
  modifiedMs: number;
  accessedMs?: number;
  createdMs?: number;
  /** Mode bits 0..0o1777. */
  permission: number;
  owner: string;
  group: string;
  /** Without quotes. Gen2's own (`0x8D...`), or one minted by the driver (semantics A11). */
  etag?: string;
  fileId?: number;
  /** When the file disappears, epoch milliseconds; absent: never. */
  expiresMs?: number;
  /** True if the ACL says more than the mode. */
  extendedAcl?: boolean;
  replication?: number;
  blockSizeBytes?: number;
  childrenCount?: number;
  content?: ContentHeaders;
  /** Only with `attributes` asked: the full ACL in canonical order. */
  acl?: AclEntry[];
  /** Only with `attributes` asked: user-defined properties (Gen2 `x-ms-properties`, HDFS `user.twinlake.*` xattrs). */
  properties?: Record<string, string>;
  lease?: LeaseStatus;
}

/** Lease of a file or filesystem as Gen2 shows it. */
export interface LeaseStatus {
  state: 'available' | 'leased' | 'expired' | 'breaking' | 'broken';
  duration?: 'infinite' | 'fixed';
}

/** Keeps the source's modification time where a store cannot set it (semantics B3): no property of the client's, and never shown. */
export const mtimeProperty = 'twinlake_mtime';
