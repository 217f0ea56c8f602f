// JSON of the WebHDFS and Gen1 answers that describe paths, both ways: FileStatus, AclStatus, ContentSummary, FileChecksum.
import {
  type AclEntry,
  aclOfPermission,
  formatAclEntry,
  isExtendedAcl,
  parseAcl,
  sortAcl,
} from '../../core/acl.ts';
import type { Entry } from '../../core/entry.ts';
import { joinPath } from '../../core/path.ts';
import type { ChecksumResult, SummaryResult } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';

/** Stock Hadoop, or Azure Data Lake Store Gen1, which speaks the same words with other rules. */
export type Dialect = 'webhdfs' | 'gen1';

/** What Gen1 says of every file. */
const gen1BlockSizeBytes = 268_435_456;
/** HDFS defaults, for entries of stores that have no such thing. */
const hdfsBlockSizeBytes = 134_217_728;
const hdfsReplication = 3;

type Json = Record<string, unknown>;

/**
 * A `FileStatus` object with exactly the keys, in the order, that the real service sends. Every key is always there: the Java Gen1
 * SDK carries omitted fields over from the previous entry of a list.
 * @param pathSuffix the name in a listing; '' for the path that was asked
 */
export function toFileStatus(entry: Entry, pathSuffix: string, dialect: Dialect): Json {
  return dialect === 'gen1' ? toGen1Status(entry, pathSuffix) : toHadoopStatus(entry, pathSuffix);
}

function toGen1Status(entry: Entry, pathSuffix: string): Json {
  const file = entry.type === 'file';
  return {
    length: file ? entry.lengthBytes : 0,
    pathSuffix,
    type: file ? 'FILE' : 'DIRECTORY',
    blockSize: file ? (entry.blockSizeBytes ?? gen1BlockSizeBytes) : 0,
    accessTime: Math.floor(entry.accessedMs ?? entry.modifiedMs),
    modificationTime: Math.floor(entry.modifiedMs),
    replication: file ? (entry.replication ?? 1) : 0,
    permission: octal(entry.permission),
    owner: entry.owner,
    group: entry.group,
    ...(file ? { msExpirationTime: entry.expiresMs ?? 0 } : {}),
    aclBit: entry.extendedAcl ?? (entry.acl !== undefined && isExtendedAcl(entry.acl)),
  };
}

function toHadoopStatus(entry: Entry, pathSuffix: string): Json {
  const file = entry.type === 'file';
  const extended = entry.extendedAcl ?? (entry.acl !== undefined && isExtendedAcl(entry.acl));
  return {
    accessTime: Math.floor(entry.accessedMs ?? (file ? entry.modifiedMs : 0)),
    ...(extended ? { aclBit: true } : {}),
    blockSize: file ? (entry.blockSizeBytes ?? hdfsBlockSizeBytes) : 0,
    childrenNum: entry.childrenCount ?? 0,
    fileId: entry.fileId ?? 0,
    group: entry.group,
    length: file ? entry.lengthBytes : 0,
    modificationTime: Math.floor(entry.modifiedMs),
    owner: entry.owner,
    pathSuffix,
    permission: octal(entry.permission),
    replication: file ? (entry.replication ?? hdfsReplication) : 0,
    storagePolicy: 0,
    type: file ? 'FILE' : 'DIRECTORY',
  };
}

/**
 * One `FileStatus` object (bare or wrapped as in GETFILESTATUS) as an entry. Unknown keys are ignored, missing attributes become
 * empty. A SYMLINK counts as a file. The etag is our own: WebHDFS has none.
 * @param path of the entry itself, in the store's namespace
 * @throws StoreError `internal` if type, length or modification time make no sense
 */
export function fromFileStatus(json: unknown, path: string): Entry {
  const status = objectOf(objectOf(json).FileStatus ?? json);
  const { type } = status;
  if (type !== 'FILE' && type !== 'DIRECTORY' && type !== 'SYMLINK') throw nonsense('a FileStatus type');
  const directory = type === 'DIRECTORY';
  const modifiedMs = required(status, 'modificationTime');
  const lengthBytes = directory ? 0 : required(status, 'length');
  const entry: Entry = {
    path,
    type: directory ? 'directory' : 'file',
    lengthBytes,
    modifiedMs,
    permission: permissionOf(status.permission) ?? (directory ? 0o755 : 0o644),
    owner: textOf(status.owner),
    group: textOf(status.group),
    etag: mintEtag(optional(status, 'fileId') ?? 0, lengthBytes, modifiedMs),
    extendedAcl: status.aclBit === true,
  };
  const accessedMs = optional(status, 'accessTime');
  if (accessedMs !== undefined) entry.accessedMs = accessedMs;
  const fileId = optional(status, 'fileId');
  if (fileId !== undefined) entry.fileId = fileId;
  const expiresMs = optional(status, 'msExpirationTime') ?? optional(status, 'expirationTime');
  if (expiresMs !== undefined && expiresMs > 0) entry.expiresMs = expiresMs;
  const replication = optional(status, 'replication');
  if (replication !== undefined && !directory) entry.replication = replication;
  const blockSizeBytes = optional(status, 'blockSize');
  if (blockSizeBytes !== undefined && blockSizeBytes > 0 && !directory) entry.blockSizeBytes = blockSizeBytes;
  const childrenCount = optional(status, 'childrenNum');
  if (childrenCount !== undefined && directory) entry.childrenCount = childrenCount;
  return entry;
}

/** The etag of a store that has none: changes whenever file id, length or modification time do. */
export function mintEtag(fileId: number, lengthBytes: number, modifiedMs: number): string {
  return `tw-${[fileId, lengthBytes, Math.floor(modifiedMs)].map((part) => part.toString(36)).join('-')}`;
}

/**
 * The entries of a LISTSTATUS answer, or of a LISTSTATUS_BATCH one, in its order.
 * @param folder the path that was listed; a listed file answers itself with an empty pathSuffix
 * @returns `token`: Gen1's continuationToken if not empty; `remaining`: LISTSTATUS_BATCH's remainingEntries (HttpFS: 0 or 1)
 * @throws StoreError `internal`
 */
export function fromFileStatuses(
  json: unknown,
  folder: string,
): { entries: Entry[]; token?: string; remaining?: number } {
  const listing = objectOf(json).DirectoryListing;
  const holder = listing === undefined ? objectOf(json) : objectOf(objectOf(listing).partialListing);
  const statuses = objectOf(holder.FileStatuses);
  if (!Array.isArray(statuses.FileStatus)) throw nonsense('a FileStatuses list');
  const entries = statuses.FileStatus.map((status) =>
    fromFileStatus(status, joinPath(folder, textOf(objectOf(status).pathSuffix))),
  );
  const token = textOf(statuses.continuationToken);
  const remaining = listing === undefined ? undefined : optional(objectOf(listing), 'remainingEntries');
  return { entries, ...(token === '' ? {} : { token }), ...(remaining === undefined ? {} : { remaining }) };
}

/**
 * An `AclStatus` answer. `full`: every entry (Gen1 MSGETACLSTATUS); otherwise Hadoop's form, in which the access ACL leaves out
 * `user::`, `mask::` and `other::` (the mode has them) and is empty if it says no more than the mode.
 * @param entry with `acl`; without, the ACL of its mode
 */
export function toAclStatus(entry: Entry, form: { full: boolean; dialect: Dialect }): Json {
  const acl = sortAcl(entry.acl ?? aclOfPermission(entry.permission));
  const extended = isExtendedAcl(acl.filter((one) => one.scope === 'access'));
  const shown = acl.filter((one) => {
    if (form.full || one.scope === 'default') return true;
    return extended && (one.name !== '' || one.type === 'group');
  });
  const entries = shown.map(formatAclEntry);
  const { owner, group } = entry;
  const rest = { permission: octal(entry.permission), stickyBit: (entry.permission & 0o1000) !== 0 };
  const status =
    form.dialect === 'gen1' ? { entries, owner, group, ...rest } : { entries, group, owner, ...rest };
  return { AclStatus: status };
}

/**
 * The full ACL in canonical order from an `AclStatus` answer in either form.
 * @param permission for services too old to say it in the answer (Hadoop 2.6)
 * @throws StoreError `internal`
 */
export function fromAclStatus(
  json: unknown,
  isDirectory: boolean,
  permission?: number,
): { acl: AclEntry[]; owner: string; group: string; permission: number } {
  const status = objectOf(objectOf(json).AclStatus);
  if (!Array.isArray(status.entries)) throw nonsense('an AclStatus list');
  const mode = permissionOf(status.permission) ?? permission;
  if (mode === undefined) throw nonsense('an AclStatus permission');
  const sticky = status.stickyBit === true ? 0o1000 : 0;
  let listed: AclEntry[];
  try {
    listed = parseAcl(status.entries.map(String).join(','));
  } catch (error) {
    throw nonsense('an AclStatus entry', error);
  }
  const acl = listed.filter((entry) => isDirectory || entry.scope === 'access');
  const access = acl.filter((entry) => entry.scope === 'access');
  const add = (entry: AclEntry): void => {
    if (!access.some((one) => one.type === entry.type && one.name === '')) acl.push(entry);
  };
  for (const base of aclOfPermission(mode)) add(base);
  // In the short form the group bits of the mode are the mask, as soon as the ACL has any named entry.
  if (access.some((entry) => entry.name !== '')) {
    add({ scope: 'access', type: 'mask', name: '', permission: (mode >> 3) & 7 });
  }
  return {
    acl: sortAcl(acl),
    owner: textOf(status.owner),
    group: textOf(status.group),
    permission: mode | sticky,
  };
}

/**
 * A GETCONTENTSUMMARY answer. There are no quotas, and one copy of each byte is counted as consumed.
 * @param self type of the path that was asked: on the wire a folder counts itself, in `SummaryResult` it does not
 */
export function toContentSummary(summary: SummaryResult, self: Entry['type'], dialect: Dialect): Json {
  const { fileCount, lengthBytes } = summary;
  const directoryCount = summary.directoryCount + (self === 'directory' ? 1 : 0);
  const totals = { fileCount, length: lengthBytes, quota: -1, spaceConsumed: lengthBytes, spaceQuota: -1 };
  if (dialect === 'gen1') return { ContentSummary: { directoryCount, ...totals } };
  return { ContentSummary: { directoryCount, ecPolicy: '', ...totals, typeQuota: {} } };
}

/** @throws StoreError `internal` */
export function fromContentSummary(json: unknown): SummaryResult {
  const summary = objectOf(objectOf(json).ContentSummary);
  return {
    directoryCount: Math.max(0, required(summary, 'directoryCount') - 1),
    fileCount: required(summary, 'fileCount'),
    lengthBytes: required(summary, 'length'),
  };
}

/** A GETFILECHECKSUM answer; `length` counts the digest's bytes. */
export function toFileChecksum(checksum: ChecksumResult): Json {
  const { algorithm, bytes } = checksum;
  return { FileChecksum: { algorithm, bytes, length: bytes.length / 2 } };
}

/**
 * HDFS pads its digest: 28 bytes, whose unused tail is dropped by `length`.
 * @throws StoreError `internal`
 */
export function fromFileChecksum(json: unknown): ChecksumResult {
  const { algorithm, bytes, length } = objectOf(objectOf(json).FileChecksum);
  if (typeof algorithm !== 'string' || typeof bytes !== 'string' || !/^([0-9a-f]{2})*$/i.test(bytes)) {
    throw nonsense('a FileChecksum');
  }
  const digits = typeof length === 'number' ? length * 2 : bytes.length;
  return { algorithm, bytes: bytes.slice(0, digits).toLowerCase() };
}

function octal(permission: number): string {
  return (permission & 0o1777).toString(8);
}

function permissionOf(value: unknown): number | undefined {
  const text = String(value ?? '');
  return /^[0-7]{1,5}$/.test(text) ? Number.parseInt(text, 8) & 0o1777 : undefined;
}

function objectOf(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw nonsense('a JSON object');
  return value as Json;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function optional(json: Json, key: string): number | undefined {
  const value = json[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function required(json: Json, key: string): number {
  const value = optional(json, key);
  if (value === undefined) throw nonsense(`the number ${key}`);
  return value;
}

function nonsense(what: string, cause?: unknown): StoreError {
  return new StoreError('internal', `the answer lacks ${what} that makes sense`, { cause });
}
