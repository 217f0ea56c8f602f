// Containers and the account, as the Blob API shows them (Gen2 reference §3.2, §3.5).
import type { Attributes } from '../../core/mutation.ts';
import { nameOf } from '../../core/path.ts';
import { metaHeaders, parseMetaHeaders, toHttpDate } from '../../wire/dfs/properties.ts';
import {
  conditioned,
  integerParam,
  leaseHeaders,
  type Operation,
  param,
  tokenParam,
  wireToken,
} from './exchange.ts';
import { filesystemEntry, maxPage, pageOfFilesystems } from './filesystems.ts';
import { includes, withProperties } from './include.ts';
import { empty, entryAfter, etagOf, versionHeaders } from './replies.ts';
import { xmlNames, xmlReply } from './xml.ts';

/** What tells clients that folders are real here. */
export const accountInfo: Operation = async () =>
  empty(200, {
    'x-ms-sku-name': 'Standard_LRS',
    'x-ms-account-kind': 'StorageV2',
    'x-ms-is-hns-enabled': 'true',
  });

export const serviceProperties: Operation = async () =>
  xmlReply({ StorageServiceProperties: { DefaultServiceVersion: '2024-11-04' } });

export const createContainer: Operation = async (exchange) => {
  const { address, store, ctx, request } = exchange;
  const properties = parseMetaHeaders(request.headers);
  const attributes: Attributes = { permission: 0o750, ...(properties ? { properties } : {}) };
  const condition = { ifNoneMatch: '*' };
  const result = await store.mutate(
    { verb: 'mkdir', path: address.path, parents: 'none', condition, attributes },
    ctx,
  );
  return empty(201, versionHeaders(await entryAfter(exchange, result, address.path)));
};

export const containerProperties: Operation = async (exchange) => {
  const entry = await filesystemEntry(exchange);
  return empty(200, {
    ...versionHeaders(entry),
    ...metaHeaders(entry.properties ?? {}),
    ...leaseHeaders(entry.lease),
    'x-ms-has-immutability-policy': 'false',
    'x-ms-has-legal-hold': 'false',
    'x-ms-default-encryption-scope': '$account-encryption-key',
    'x-ms-deny-encryption-scope-override': 'false',
  });
};

export const containerAcl: Operation = async (exchange) =>
  xmlReply({ SignedIdentifiers: '' }, versionHeaders(await filesystemEntry(exchange)));

export const setContainerMetadata: Operation = async (exchange) => {
  const { address, store, ctx, request } = exchange;
  const properties = parseMetaHeaders(request.headers) ?? {};
  const mutation = {
    verb: 'set-attributes',
    path: address.path,
    properties,
    ...conditioned(exchange),
  } as const;
  return empty(
    200,
    versionHeaders(await entryAfter(exchange, await store.mutate(mutation, ctx), address.path)),
  );
};

export const listContainers: Operation = async (exchange) => {
  const limit = Math.min(
    maxPage,
    integerParam(exchange, 'maxresults', { min: 1, max: 2 ** 31 - 1 }) ?? maxPage,
  );
  const [prefix, marker] = [param(exchange, 'prefix') ?? '', tokenParam(exchange, 'marker')];
  const page = await pageOfFilesystems(exchange, prefix, limit, marker);
  const withMetadata = includes(exchange, 'metadata');
  const entries = withMetadata ? await withProperties(exchange, page.entries) : page.entries;
  const Container = entries.map((entry) => ({
    Name: nameOf(entry.path),
    Properties: {
      'Last-Modified': toHttpDate(entry.modifiedMs),
      Etag: `"${etagOf(entry)}"`,
      LeaseStatus: 'unlocked',
      LeaseState: 'available',
      HasImmutabilityPolicy: 'false',
      HasLegalHold: 'false',
    },
    ...(withMetadata && entry.properties ? { Metadata: xmlNames(entry.properties) } : {}),
  }));
  return xmlReply({
    EnumerationResults: {
      '@ServiceEndpoint': '/',
      Prefix: prefix,
      Marker: marker === undefined ? '' : wireToken(marker),
      MaxResults: limit,
      Containers: Container.length > 0 ? { Container } : '',
      NextMarker: page.token === undefined ? '' : wireToken(page.token),
    },
  });
};
