// List Blobs on an account with folders: flat lists show them as empty blobs, `/` is the only delimiter (Gen2 reference §3.3).
import type { Entry } from '../../core/entry.ts';
import { joinPath, relativeTo } from '../../core/path.ts';
import type { ListQuery, ListResult } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import { toHttpDate } from '../../wire/dfs/properties.ts';
import { gen2Path } from './address.ts';
import {
  badParam,
  type Exchange,
  integerParam,
  leaseHeaders,
  type Operation,
  param,
  tokenParam,
  wireToken,
} from './exchange.ts';
import { maxPage } from './filesystems.ts';
import { includes, withProperties } from './include.ts';
import { etagOf } from './replies.ts';
import { xmlNames, xmlReply, xmlText } from './xml.ts';

function blobOf(entry: Entry, filesystem: string, withMetadata: boolean): object {
  const lease = leaseHeaders(entry.lease);
  const directory = entry.type === 'directory';
  const metadata = { ...entry.properties, ...(directory ? { hdi_isfolder: 'true' } : {}) };
  return {
    Name: xmlText(relativeTo(entry.path, filesystem)),
    Properties: {
      'Creation-Time': toHttpDate(entry.createdMs ?? entry.modifiedMs),
      'Last-Modified': toHttpDate(entry.modifiedMs),
      Etag: etagOf(entry),
      ResourceType: entry.type,
      'Content-Length': entry.lengthBytes,
      'Content-Type': entry.content?.contentType ?? 'application/octet-stream',
      ...(entry.content?.contentMd5 ? { 'Content-MD5': entry.content.contentMd5 } : {}),
      BlobType: 'BlockBlob',
      AccessTier: 'Hot',
      AccessTierInferred: 'true',
      LeaseStatus: lease['x-ms-lease-status'],
      LeaseState: lease['x-ms-lease-state'],
      ServerEncrypted: 'true',
    },
    ...(withMetadata && Object.keys(metadata).length > 0 ? { Metadata: xmlNames(metadata) } : {}),
  };
}

/** A prefix is a folder, and the beginning of the names in it. */
function splitPrefix(prefix: string): { folder: string; begin: string } {
  const slash = prefix.lastIndexOf('/');
  return slash === -1
    ? { folder: '', begin: prefix }
    : { folder: prefix.slice(0, slash), begin: prefix.slice(slash + 1) };
}

async function page(
  exchange: Exchange,
  folder: string,
  recursive: boolean,
  limit: number,
  marker: string | undefined,
): Promise<ListResult> {
  const { store, ctx } = exchange;
  const query: ListQuery = { verb: 'list', path: folder, recursive, limit };
  if (marker !== undefined) query.token = marker;
  try {
    const result = await store.query(query, ctx);
    return { ...result, entries: result.entries.filter((entry) => entry.path !== folder) };
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    // A prefix that is no folder has nothing below it; a missing container is an error.
    if (error.kind !== 'not-found' && error.kind !== 'not-directory') throw error;
    await store.query({ verb: 'stat', path: exchange.address.path }, ctx);
    return { entries: [] };
  }
}

export const listBlobs: Operation = async (exchange) => {
  const { address } = exchange;
  const prefix = (param(exchange, 'prefix') ?? '').replace(/^\/+/, '');
  const delimiter = param(exchange, 'delimiter');
  if (delimiter !== undefined && delimiter !== '/') throw badParam('delimiter', delimiter);
  const limit = Math.min(
    maxPage,
    integerParam(exchange, 'maxresults', { min: 1, max: 2 ** 31 - 1 }) ?? maxPage,
  );
  const marker = tokenParam(exchange, 'marker');
  const { folder, begin } = splitPrefix(prefix);
  // Without soft delete nothing is deleted and still there: live blobs must not be shown for it.
  const deletedOnly = param(exchange, 'showonly') === 'deleted';
  const found = deletedOnly
    ? { entries: [] }
    : await page(exchange, gen2Path(joinPath(address.path, folder)), delimiter === undefined, limit, marker);
  const start = joinPath(gen2Path(joinPath(address.path, folder)), begin);
  const entries = found.entries.filter((entry) => begin === '' || entry.path.startsWith(start));
  const withMetadata = includes(exchange, 'metadata');
  const shown = delimiter === undefined ? entries : entries.filter((entry) => entry.type === 'file');
  const folders = delimiter === undefined ? [] : entries.filter((entry) => entry.type === 'directory');
  const full = withMetadata ? await withProperties(exchange, shown) : shown;
  const Blob = full.map((entry) => blobOf(entry, address.path, withMetadata));
  const BlobPrefix = folders.map((entry) => ({
    Name: xmlText(`${relativeTo(entry.path, address.path)}/`),
  }));
  return xmlReply({
    EnumerationResults: {
      '@ServiceEndpoint': '/',
      '@ContainerName': address.path.slice(1),
      Prefix: prefix,
      Marker: marker === undefined ? '' : wireToken(marker),
      MaxResults: limit,
      ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
      Blobs: Blob.length + BlobPrefix.length > 0 ? { Blob, BlobPrefix } : '',
      NextMarker: found.token === undefined ? '' : wireToken(found.token),
    },
  });
};
