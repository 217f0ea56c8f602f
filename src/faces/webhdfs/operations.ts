// Every operation the face serves: its name, its HTTP method, its function.
import { changeAclBy, getAclStatus } from './acl.ts';
import { setExpiry, setOwner, setPermission, setReplication, setTimes } from './attributes.ts';
import { concat, msConcat } from './concat.ts';
import type { Served } from './exchange.ts';
import { listStatus, listStatusBatch } from './list.ts';
import { open, readQuery } from './open.ts';
import {
  getDelegationToken,
  getHomeDirectory,
  getServerDefaults,
  getStatus,
  getTrashRoot,
} from './places.ts';
import {
  checkAccess,
  getContentSummary,
  getFileBlockLocations,
  getFileChecksum,
  getFileStatus,
  getQuotaUsage,
} from './status.ts';
import { mkdirs, remove, rename } from './tree.ts';
import { truncate } from './truncate.ts';
import { append, concurrentAppend, create, createMutation } from './uploads.ts';
import { getXattrs, listXattrs, removeXattr, setXattr } from './xattrs.ts';

/** By name in upper case. */
export const operations: Readonly<Record<string, Served>> = {
  OPEN: { method: 'GET', run: open, twoStep: 'always', check: readQuery },
  CREATE: { method: 'PUT', run: create, twoStep: 'always', check: createMutation },
  APPEND: { method: 'POST', run: append, twoStep: 'always' },
  CONCURRENTAPPEND: { method: 'POST', run: concurrentAppend },
  CONCAT: { method: 'POST', run: concat },
  MSCONCAT: { method: 'POST', run: msConcat },
  TRUNCATE: { method: 'POST', run: truncate },

  MKDIRS: { method: 'PUT', run: mkdirs },
  RENAME: { method: 'PUT', run: rename },
  DELETE: { method: 'DELETE', run: remove },

  GETFILESTATUS: { method: 'GET', run: getFileStatus },
  GETFILELINKSTATUS: { method: 'GET', run: getFileStatus },
  LISTSTATUS: { method: 'GET', run: listStatus },
  LISTSTATUS_BATCH: { method: 'GET', run: listStatusBatch },
  GETCONTENTSUMMARY: { method: 'GET', run: getContentSummary },
  GETQUOTAUSAGE: { method: 'GET', run: getQuotaUsage, preferDirect: true },
  GETFILECHECKSUM: { method: 'GET', run: getFileChecksum, twoStep: 'on-request' },
  GETFILEBLOCKLOCATIONS: { method: 'GET', run: getFileBlockLocations, preferDirect: true },
  CHECKACCESS: { method: 'GET', run: checkAccess },

  SETPERMISSION: { method: 'PUT', run: setPermission },
  SETOWNER: { method: 'PUT', run: setOwner },
  SETTIMES: { method: 'PUT', run: setTimes },
  SETREPLICATION: { method: 'PUT', run: setReplication, preferDirect: true },
  SETEXPIRY: { method: 'PUT', run: setExpiry },

  GETACLSTATUS: { method: 'GET', run: getAclStatus(false) },
  MSGETACLSTATUS: { method: 'GET', run: getAclStatus(true) },
  SETACL: { method: 'PUT', run: changeAclBy('set') },
  MODIFYACLENTRIES: { method: 'PUT', run: changeAclBy('modify') },
  REMOVEACLENTRIES: { method: 'PUT', run: changeAclBy('remove') },
  REMOVEDEFAULTACL: { method: 'PUT', run: changeAclBy('remove-default') },
  REMOVEACL: { method: 'PUT', run: changeAclBy('remove-all') },

  GETXATTRS: { method: 'GET', run: getXattrs, preferDirect: true },
  LISTXATTRS: { method: 'GET', run: listXattrs, preferDirect: true },
  SETXATTR: { method: 'PUT', run: setXattr, preferDirect: true },
  REMOVEXATTR: { method: 'PUT', run: removeXattr, preferDirect: true },

  GETHOMEDIRECTORY: { method: 'GET', run: getHomeDirectory, preferDirect: true },
  GETTRASHROOT: { method: 'GET', run: getTrashRoot, preferDirect: true },
  GETSERVERDEFAULTS: { method: 'GET', run: getServerDefaults, preferDirect: true },
  GETSTATUS: { method: 'GET', run: getStatus, preferDirect: true },
  GETDELEGATIONTOKEN: { method: 'GET', run: getDelegationToken },
};

/** Gen1's trash: accounts that it is not switched on for answer 501. */
export const trashOperations: ReadonlySet<string> = new Set(['ENUMERATEDELETEDITEMS', 'RESTOREDELETEDITEMS']);

/** What Hadoop and Gen1 have beyond that: refused as unsupported, not as unknown, so that clients fall back. */
export const knownOperations: ReadonlySet<string> = new Set([
  ...['CREATESYMLINK', 'GETLINKTARGET', 'GET_BLOCK_LOCATIONS', 'GETTRASHROOTS'],
  ...['RENEWDELEGATIONTOKEN', 'CANCELDELEGATIONTOKEN', 'SETQUOTA', 'SETQUOTABYSTORAGETYPE'],
  ...['GETALLSTORAGEPOLICY', 'GETSTORAGEPOLICY', 'SETSTORAGEPOLICY', 'UNSETSTORAGEPOLICY'],
  ...['SATISFYSTORAGEPOLICY', 'ENABLEECPOLICY', 'DISABLEECPOLICY', 'SETECPOLICY', 'GETECPOLICY'],
  ...['UNSETECPOLICY', 'GETECPOLICIES', 'GETECCODECS', 'ALLOWSNAPSHOT', 'DISALLOWSNAPSHOT'],
  ...['CREATESNAPSHOT', 'RENAMESNAPSHOT', 'DELETESNAPSHOT', 'GETSNAPSHOTDIFF', 'GETSNAPSHOTLIST'],
  ...['GETSNAPSHOTDIFFLISTING', 'GETSNAPSHOTTABLEDIRECTORYLIST', 'INSTRUMENTATION', 'GETALLXATTRS'],
  ...['GETFILEINFO', 'CREATENONRECURSIVE', 'MSGETFILESTATUS', 'MSLISTSTATUS'],
  ...trashOperations,
]);
