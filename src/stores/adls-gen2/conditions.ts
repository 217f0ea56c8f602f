// Preconditions as the SDK and as our own requests send them.
import type { DataLakeRequestConditions } from '@azure/storage-file-datalake';
import type { Condition } from '../../core/query.ts';
import { toHttpDate } from '../../wire/dfs/properties.ts';

function quoted(etag: string): string {
  return etag === '*' ? etag : `"${etag}"`;
}

/** For the SDK. */
export function sdkConditions(condition: Condition | undefined): DataLakeRequestConditions {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs, leaseId } = condition ?? {};
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: quoted(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch: quoted(ifNoneMatch) }),
    ...(ifModifiedSinceMs === undefined ? {} : { ifModifiedSince: new Date(ifModifiedSinceMs) }),
    ...(ifUnmodifiedSinceMs === undefined ? {} : { ifUnmodifiedSince: new Date(ifUnmodifiedSinceMs) }),
    ...(leaseId === undefined ? {} : { leaseId }),
  };
}

/** As headers; `source` for the source of a rename. */
export function conditionHeaders(condition: Condition | undefined, source = false): Record<string, string> {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs, leaseId } = condition ?? {};
  const prefix = source ? 'x-ms-source-' : '';
  return {
    ...(ifMatch === undefined ? {} : { [`${prefix}if-match`]: quoted(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { [`${prefix}if-none-match`]: quoted(ifNoneMatch) }),
    ...(ifModifiedSinceMs === undefined
      ? {}
      : { [`${prefix}if-modified-since`]: toHttpDate(ifModifiedSinceMs) }),
    ...(ifUnmodifiedSinceMs === undefined
      ? {}
      : { [`${prefix}if-unmodified-since`]: toHttpDate(ifUnmodifiedSinceMs) }),
    ...(leaseId === undefined ? {} : { [source ? 'x-ms-source-lease-id' : 'x-ms-lease-id']: leaseId }),
  };
}
