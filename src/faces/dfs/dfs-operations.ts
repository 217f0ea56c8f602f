// Which DFS operation a request is (Gen2 reference §2).
import { segmentsOf } from '../../core/path.ts';
import {
  checkAccess,
  getAccessControl,
  setAccessControl,
  setAccessControlRecursive,
} from './access-control.ts';
import { createPath } from './create-path.ts';
import type { Exchange, Operation } from './exchange.ts';
import { given, param } from './exchange.ts';
import {
  createFilesystem,
  deleteFilesystem,
  filesystemProperties,
  listFilesystems,
  setFilesystemProperties,
} from './filesystems.ts';
import { leasePath } from './lease.ts';
import { listPaths } from './list-paths.ts';
import { deletePath, getStatus, pathProperties, readPath, setProperties } from './paths.ts';
import { renamePath } from './rename.ts';
import { appendData, flushData } from './update-path.ts';

const filesystemOperations: Record<string, Operation> = {
  PUT: createFilesystem,
  HEAD: filesystemProperties,
  PATCH: setFilesystemProperties,
  DELETE: deleteFilesystem,
  GET: listPaths,
};

const updates: Record<string, Operation> = {
  append: appendData,
  flush: flushData,
  setproperties: setProperties,
  setaccesscontrol: setAccessControl,
  setaccesscontrolrecursive: setAccessControlRecursive,
};

function headOperation(exchange: Exchange): Operation | undefined {
  const action = param(exchange, 'action')?.toLowerCase();
  if (action === undefined) return pathProperties;
  return { getaccesscontrol: getAccessControl, getstatus: getStatus, checkaccess: checkAccess }[action];
}

/** The operation, or undefined for what this face does not know. */
export function dfsOperation(exchange: Exchange): Operation | undefined {
  const { method, address } = exchange;
  const depth = segmentsOf(address.path).length;
  const resource = param(exchange, 'resource')?.toLowerCase();
  if (depth === 0) return method === 'GET' && resource === 'account' ? listFilesystems : undefined;
  if (resource === 'filesystem' && depth === 1) return filesystemOperations[method];
  if (method === 'HEAD') return headOperation(exchange);
  if (method === 'PATCH') return updates[param(exchange, 'action')?.toLowerCase() ?? ''];
  if (depth === 1) return undefined;
  if (method === 'PUT') return given(exchange, 'x-ms-rename-source') === undefined ? createPath : renamePath;
  if (method === 'GET') return readPath;
  if (method === 'DELETE') return deletePath;
  return method === 'POST' ? leasePath : undefined;
}
