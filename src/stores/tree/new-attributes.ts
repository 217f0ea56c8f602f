// Attributes of a new file or folder: what was asked for, what the parent's default ACL hands down, what the umask takes off.
import { type AclEntry, aclOfPermission, changeAcl, inheritedAcl, sortAcl } from '../../core/acl.ts';
import type { Attributes } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import type { NodeAttributes } from './tree.ts';

/** Taken off when neither a permission nor a umask is given: HDFS's `fs.permissions.umask-mode`. */
const defaultUmask = 0o022;

/** What a new node has by itself. */
export interface Birth {
  owner: string;
  etag: string;
  createdMs: number;
}

/**
 * Attributes of a new node below a folder with `parentAcl`.
 * @throws StoreError `invalid` for a default ACL on a file, or an ACL that cannot be
 */
export function newAttributes(
  type: 'file' | 'directory',
  parentAcl: readonly AclEntry[],
  given: Attributes,
  birth: Birth,
): NodeAttributes {
  const result: NodeAttributes = {
    acl: newAcl(type, parentAcl, given),
    sticky: ((given.permission ?? 0) & 0o1000) !== 0,
    owner: given.owner ?? birth.owner,
    group: given.group ?? '$superuser',
    etag: birth.etag,
    createdMs: birth.createdMs,
  };
  if (given.properties && Object.keys(given.properties).length > 0) result.properties = given.properties;
  if (given.content && Object.keys(given.content).length > 0) result.content = given.content;
  if (given.expiresMs !== undefined) result.expiresMs = given.expiresMs;
  return result;
}

function newAcl(type: 'file' | 'directory', parentAcl: readonly AclEntry[], given: Attributes): AclEntry[] {
  const mode = given.permission ?? (type === 'file' ? 0o666 : 0o777);
  const umask = given.umask ?? (given.permission === undefined ? defaultUmask : 0);
  let acl = inheritedAcl(parentAcl, type, mode) ?? aclOfPermission(mode & ~umask);
  if (given.acl) {
    checkScopes(type, given.acl);
    acl = changeAcl(acl, 'set', given.acl);
  }
  return sortAcl(acl);
}

/** @throws StoreError `invalid`: only folders have a default ACL */
export function checkScopes(type: 'file' | 'directory', acl: readonly AclEntry[]): void {
  if (type === 'file' && acl.some((entry) => entry.scope === 'default'))
    throw StoreError.invalid('a file cannot have a default ACL');
}
