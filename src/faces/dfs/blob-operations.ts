// Which Blob operation a request is (Gen2 reference §3): the part that Data Lake clients send to the same host.
import { segmentsOf } from '../../core/path.ts';
import { batch } from './batch.ts';
import { putBlob, putBlock, putBlockList } from './blob-uploads.ts';
import { deleteBlob, getBlob, headBlob, setExpiry, setHeaders, setMetadata } from './blobs.ts';
import {
  accountInfo,
  containerAcl,
  containerProperties,
  createContainer,
  listContainers,
  serviceProperties,
  setContainerMetadata,
} from './containers.ts';
import { copyBlob } from './copy-blob.ts';
import { type Exchange, given, type Operation, param } from './exchange.ts';
import { deleteFilesystem } from './filesystems.ts';
import { leasePath } from './lease.ts';
import { listBlobs } from './list-blobs.ts';

function serviceOperation(method: string, comp: string, restype: string): Operation | undefined {
  if (restype === 'account' && comp === 'properties') return accountInfo;
  if (method !== 'GET') return undefined;
  if (comp === 'list') return listContainers;
  return restype === 'service' && comp === 'properties' ? serviceProperties : undefined;
}

function containerOperation(method: string, comp: string): Operation | undefined {
  if (comp === 'lease' && method === 'PUT') return leasePath;
  if (comp === 'metadata' && method === 'PUT') return setContainerMetadata;
  if (comp === 'list' && method === 'GET') return listBlobs;
  if (comp === 'acl' && method === 'GET') return containerAcl;
  if (comp !== '' && comp !== 'metadata') return undefined;
  if (method === 'GET' || method === 'HEAD') return containerProperties;
  if (comp !== '') return undefined;
  if (method === 'PUT') return createContainer;
  return method === 'DELETE' ? deleteFilesystem : undefined;
}

const blobPuts: Record<string, Operation> = {
  block: putBlock,
  blocklist: putBlockList,
  metadata: setMetadata,
  properties: setHeaders,
  lease: leasePath,
  expiry: setExpiry,
};

function blobOperationOf(exchange: Exchange, comp: string): Operation | undefined {
  const { method } = exchange;
  if (method === 'PUT' && comp !== '') return blobPuts[comp];
  if (method === 'PUT') return given(exchange, 'x-ms-copy-source') === undefined ? putBlob : copyBlob;
  if (method === 'HEAD' && comp === '') return headBlob;
  if (method === 'GET' && (comp === '' || comp === 'metadata')) return comp === '' ? getBlob : headBlob;
  return method === 'DELETE' && comp === '' ? deleteBlob : undefined;
}

/** The operation, or undefined for what this face does not know. */
export function blobOperation(exchange: Exchange): Operation | undefined {
  const { method, address } = exchange;
  const depth = segmentsOf(address.path).length;
  const comp = param(exchange, 'comp')?.toLowerCase() ?? '';
  const restype = param(exchange, 'restype')?.toLowerCase() ?? '';
  if (restype === 'account' && comp === 'properties') return accountInfo;
  if (method === 'POST' && comp === 'batch' && depth <= 1) return batch;
  if (depth === 0) return serviceOperation(method, comp, restype);
  if (restype === 'container' && depth === 1) return containerOperation(method, comp);
  // HEAD /container/%2F: the probe for a hierarchical namespace asks for the root as a blob (Trino).
  if (depth === 1)
    return method === 'HEAD' && address.rawPath.toLowerCase().endsWith('%2f') ? headBlob : undefined;
  return blobOperationOf(exchange, comp);
}
