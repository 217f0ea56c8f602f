// Entries out of what the account answers: headers of a path, items of a listing, the little that a write tells.
import type { Path, PathAccessControlItem, PathPermissions } from '@azure/storage-file-datalake';
import {
  type AclEntry,
  aclOfPermission,
  parseAcl,
  parsePermission,
  permissionOfAcl,
  sortAcl,
} from '../../core/acl.ts';
import type { ContentHeaders, Entry, LeaseStatus } from '../../core/entry.ts';
import type { Attributes } from '../../core/mutation.ts';
import { parseMetaHeaders, parseProperties, unquote } from '../../wire/dfs/properties.ts';

type Headers = Record<string, string | string[] | undefined>;

const leaseStates = new Set(['available', 'leased', 'expired', 'breaking', 'broken']);

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function timeOf(text: string | undefined): number | undefined {
  const epochMs = Date.parse(text ?? '');
  return Number.isNaN(epochMs) ? undefined : epochMs;
}

/** True if the answer to a read or a HEAD is about a folder: the Blob API answers 200 for one. */
export function isFolder(headers: Headers): boolean {
  return (
    one(headers, 'x-ms-resource-type') === 'directory' || one(headers, 'x-ms-meta-hdi_isfolder') === 'true'
  );
}

/** An entry from the headers of HEAD or GET, DFS or Blob; `attributes` also takes ACL and properties. */
export function entryOfHeaders(path: string, headers: Headers, attributes = false): Entry {
  const directory = isFolder(headers);
  const total = /\/(\d+)$/.exec(one(headers, 'content-range') ?? '')?.[1];
  const permissions = one(headers, 'x-ms-permissions');
  const entry: Entry = {
    path,
    type: directory ? 'directory' : 'file',
    lengthBytes: directory ? 0 : Number(total ?? one(headers, 'content-length') ?? 0),
    modifiedMs: timeOf(one(headers, 'last-modified')) ?? 0,
    permission: permissions === undefined ? (directory ? 0o750 : 0o640) : parsePermission(permissions),
    owner: one(headers, 'x-ms-owner') ?? '$superuser',
    group: one(headers, 'x-ms-group') ?? '$superuser',
  };
  const etag = one(headers, 'etag');
  if (etag !== undefined) entry.etag = unquote(etag);
  const createdMs = timeOf(one(headers, 'x-ms-creation-time'));
  if (createdMs !== undefined) entry.createdMs = createdMs;
  const expiresMs = timeOf(one(headers, 'x-ms-expiry-time'));
  if (expiresMs !== undefined) entry.expiresMs = expiresMs;
  if (permissions?.endsWith('+')) entry.extendedAcl = true;
  if (!directory) entry.content = contentOf(headers);
  const lease = leaseOf(headers);
  if (lease) entry.lease = lease;
  if (!attributes) return entry;
  const acl = one(headers, 'x-ms-acl');
  if (acl !== undefined) entry.acl = sortAcl(parseAcl(acl));
  const properties = one(headers, 'x-ms-properties');
  entry.properties =
    properties === undefined ? (parseMetaHeaders(headers) ?? {}) : parseProperties(properties);
  delete entry.properties.hdi_isfolder;
  return entry;
}

function contentOf(headers: Headers): ContentHeaders {
  const content: ContentHeaders = {};
  const set = (field: keyof ContentHeaders, value: string | undefined): void => {
    if (value !== undefined && value !== '') content[field] = value;
  };
  set('contentType', one(headers, 'content-type'));
  set('contentEncoding', one(headers, 'content-encoding'));
  set('contentLanguage', one(headers, 'content-language'));
  set('contentDisposition', one(headers, 'content-disposition'));
  set('cacheControl', one(headers, 'cache-control'));
  // Of a range, Content-MD5 is the digest of the range; the whole file's stands beside it.
  const ranged = headers['content-range'] !== undefined;
  set(
    'contentMd5',
    one(headers, 'x-ms-blob-content-md5') ?? (ranged ? undefined : one(headers, 'content-md5')),
  );
  return content;
}

function leaseOf(headers: Headers): LeaseStatus | undefined {
  const state = one(headers, 'x-ms-lease-state');
  if (state === undefined || !leaseStates.has(state)) return undefined;
  const lease: LeaseStatus = { state: state as LeaseStatus['state'] };
  const duration = one(headers, 'x-ms-lease-duration');
  if (duration === 'infinite' || duration === 'fixed') lease.duration = duration;
  return lease;
}

/** A line of a path list. */
export function entryOfItem(path: string, item: Path): Entry {
  const directory = item.isDirectory === true;
  const entry: Entry = {
    path,
    type: directory ? 'directory' : 'file',
    lengthBytes: directory ? 0 : Number(item.contentLength ?? 0),
    modifiedMs: item.lastModified?.getTime() ?? 0,
    permission: item.permissions ? modeOf(item.permissions) : directory ? 0o750 : 0o640,
    owner: item.owner ?? '$superuser',
    group: item.group ?? '$superuser',
  };
  if (item.etag !== undefined) entry.etag = unquote(item.etag);
  if (item.createdOn) entry.createdMs = item.createdOn.getTime();
  if (item.expiresOn) entry.expiresMs = item.expiresOn.getTime();
  if (item.permissions?.extendedAcls) entry.extendedAcl = true;
  return entry;
}

function modeOf({ owner, group, other, stickyBit }: PathPermissions): number {
  const bits = (role: PathPermissions['owner']): number =>
    (role.read ? 4 : 0) + (role.write ? 2 : 0) + (role.execute ? 1 : 0);
  return (stickyBit ? 0o1000 : 0) + (bits(owner) << 6) + (bits(group) << 3) + bits(other);
}

/** What an answer to a write tells; the rest is what was asked for, or what the service gives by itself. */
export function writtenEntry(
  path: string,
  answer: { etag?: string; lastModified?: Date },
  facts: { type: Entry['type']; lengthBytes: number; attributes?: Attributes | undefined },
): Entry {
  const { type, lengthBytes, attributes = {} } = facts;
  const usual = type === 'directory' ? 0o750 : 0o640;
  const acl = attributes.acl ?? aclOfPermission((attributes.permission ?? usual) & ~(attributes.umask ?? 0));
  const entry: Entry = {
    path,
    type,
    lengthBytes,
    modifiedMs: answer.lastModified?.getTime() ?? 0,
    permission: permissionOfAcl(acl, attributes.permission),
    owner: attributes.owner ?? '$superuser',
    group: attributes.group ?? '$superuser',
  };
  if (answer.etag !== undefined) entry.etag = unquote(answer.etag);
  return entry;
}

/** ACL entries as the SDK has them. */
export function sdkAcl(entries: readonly AclEntry[]): PathAccessControlItem[] {
  return entries.map(({ scope, type, name, permission }) => ({
    defaultScope: scope === 'default',
    accessControlType: type,
    entityId: name,
    permissions: {
      read: (permission & 4) !== 0,
      write: (permission & 2) !== 0,
      execute: (permission & 1) !== 0,
    },
  }));
}
