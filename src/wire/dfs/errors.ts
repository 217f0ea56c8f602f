// Errors of the DFS and Blob APIs: one table, read in both directions.
import { type ErrorKind, StoreError } from '../../core/store-error.ts';

/** Which of the two APIs of one account. Their errors have different codes and shapes. */
export type DfsApi = 'dfs' | 'blob';

/** What a missing or existing thing is. */
export type DfsSubject = 'path' | 'filesystem';

/** An error as it goes over the wire. */
export interface DfsError {
  status: number;
  code: string;
  /** First line of the message; clients compare it (ABFS). */
  message: string;
}

interface Row {
  kind: ErrorKind;
  status: number;
  code: string;
  message: string;
}

/** DFS codes by kind: the first row of a kind is what a path error becomes, every row is recognised coming in. */
const rows: readonly Row[] = [
  { kind: 'invalid', status: 400, code: 'InvalidInput', message: 'One of the request inputs is not valid.' },
  { kind: 'not-found', status: 404, code: 'PathNotFound', message: 'The specified path does not exist.' },
  { kind: 'not-found', status: 404, code: 'BlobNotFound', message: 'The specified blob does not exist.' },
  {
    kind: 'not-found',
    status: 404,
    code: 'SourcePathNotFound',
    message: 'The source path for a rename operation does not exist.',
  },
  {
    kind: 'not-found',
    status: 404,
    code: 'FilesystemNotFound',
    message: 'The specified filesystem does not exist.',
  },
  {
    kind: 'not-found',
    status: 404,
    code: 'ContainerNotFound',
    message: 'The specified container does not exist.',
  },
  {
    kind: 'not-found',
    status: 404,
    code: 'ResourceNotFound',
    message: 'The specified resource does not exist.',
  },
  {
    kind: 'parent-not-found',
    status: 404,
    code: 'RenameDestinationParentPathNotFound',
    message: 'The parent directory of the destination path does not exist.',
  },
  { kind: 'exists', status: 409, code: 'PathAlreadyExists', message: 'The specified path already exists.' },
  { kind: 'exists', status: 409, code: 'BlobAlreadyExists', message: 'The specified blob already exists.' },
  {
    kind: 'exists',
    status: 409,
    code: 'FilesystemAlreadyExists',
    message: 'The specified filesystem already exists.',
  },
  {
    kind: 'exists',
    status: 409,
    code: 'ContainerAlreadyExists',
    message: 'The specified container already exists.',
  },
  {
    kind: 'not-empty',
    status: 409,
    code: 'DirectoryNotEmpty',
    message: 'The recursive query parameter value must be true to delete a non-empty directory.',
  },
  {
    kind: 'not-empty',
    status: 409,
    code: 'DirectoryIsNotEmpty',
    message: 'This operation is not permitted on a non-empty directory.',
  },
  {
    kind: 'is-directory',
    status: 409,
    code: 'ResourceTypeMismatch',
    message: 'The resource type specified does not match that of the resource.',
  },
  {
    kind: 'not-directory',
    status: 409,
    code: 'PathConflict',
    message:
      'The specified path, or an element of the path, exists and its resource type is invalid for this operation.',
  },
  {
    kind: 'not-directory',
    status: 409,
    code: 'InvalidSourceOrDestinationResourceType',
    message: 'The source and destination resource type must be identical.',
  },
  {
    kind: 'invalid',
    status: 409,
    code: 'InvalidRenameSourcePath',
    message:
      'The source directory cannot be the same as the destination directory, nor can the destination be a subdirectory of the source directory.',
  },
  {
    kind: 'condition-failed',
    status: 412,
    code: 'ConditionNotMet',
    message: 'The condition specified using HTTP conditional header(s) is not met.',
  },
  {
    kind: 'source-condition-failed',
    status: 412,
    code: 'SourceConditionNotMet',
    message: 'The source condition specified using HTTP conditional header(s) is not met.',
  },
  {
    kind: 'invalid-flush',
    status: 400,
    code: 'InvalidFlushPosition',
    message:
      'The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file after appending the uploaded data.',
  },
  {
    kind: 'bad-offset',
    status: 400,
    code: 'InvalidFlushPosition',
    message: 'The position is not the end of the file.',
  },
  {
    kind: 'invalid-range',
    status: 416,
    code: 'InvalidRange',
    message: 'The range specified is invalid for the current size of the resource.',
  },
  {
    kind: 'checksum-mismatch',
    status: 400,
    code: 'Md5Mismatch',
    message:
      'The MD5 value specified in the request did not match with the MD5 value calculated by the server.',
  },
  {
    kind: 'too-large',
    status: 413,
    code: 'RequestBodyTooLarge',
    message: 'The request body is too large and exceeds the maximum permissible limit.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthorizationPermissionMismatch',
    message: 'This request is not authorized to perform this operation using this permission.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthorizationFailure',
    message: 'This request is not authorized to perform this operation.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthorizationResourceTypeMismatch',
    message: 'This request is not authorized to perform this operation using this resource type.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthorizationServiceMismatch',
    message: 'This request is not authorized to perform this operation using this service.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthorizationProtocolMismatch',
    message: 'This request is not authorized to perform this operation using this protocol.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthorizationSourceIPMismatch',
    message: 'This request is not authorized to perform this operation using this source IP.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'UnauthorizedBlobOverwrite',
    message: 'This request is not authorized to perform blob overwrites.',
  },
  {
    kind: 'denied',
    status: 403,
    code: 'AuthenticationFailed',
    message:
      'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  },
  {
    kind: 'unauthenticated',
    status: 401,
    code: 'NoAuthenticationInformation',
    message:
      'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  },
  {
    kind: 'unauthenticated',
    status: 401,
    code: 'InvalidAuthenticationInfo',
    message: 'The authentication information was not provided in the correct format.',
  },
  {
    kind: 'unsupported',
    status: 501,
    code: 'UnsupportedOperation',
    message: 'The operation is not supported.',
  },
  {
    kind: 'throttled',
    status: 503,
    code: 'ServerBusy',
    message: 'The server is currently unable to receive requests. Please retry your request.',
  },
  {
    kind: 'unavailable',
    status: 503,
    code: 'ServerBusy',
    message: 'The server is currently unable to receive requests. Please retry your request.',
  },
  {
    kind: 'timeout',
    status: 503,
    code: 'OperationTimedOut',
    message: 'The operation could not be completed within the permitted time.',
  },
  { kind: 'aborted', status: 400, code: 'InvalidInput', message: 'The request body ended early.' },
  {
    kind: 'internal',
    status: 500,
    code: 'InternalError',
    message: 'The server encountered an internal error. Please retry the request.',
  },
];

/** Codes of a plainly wrong request; each keeps its code through a `StoreError`. */
const invalidCodes = new Set([
  'ContentLengthMustBeZero',
  'InvalidHeaderValue',
  'InvalidPropertyName',
  'InvalidQueryParameterValue',
  'InvalidResourceName',
  'InvalidSourceUri',
  'InvalidUri',
  'MissingRequiredHeader',
  'MissingRequiredQueryParameter',
  'MissingContentLengthHeader',
  'OutOfRangeInput',
  'OutOfRangeQueryParameterValue',
  'UnsupportedHeader',
  'UnsupportedQueryParameter',
  'InvalidRenameDestinationPath',
  'InvalidBlockList',
  'InvalidBlockId',
  'InvalidXmlDocument',
]);

const blobCodes: Partial<Record<ErrorKind, string>> = {
  'not-found': 'BlobNotFound',
  exists: 'BlobAlreadyExists',
  'not-empty': 'DirectoryIsNotEmpty',
};

const filesystemCodes: Record<DfsApi, Partial<Record<ErrorKind, string>>> = {
  dfs: { 'not-found': 'FilesystemNotFound', exists: 'FilesystemAlreadyExists' },
  blob: { 'not-found': 'ContainerNotFound', exists: 'ContainerAlreadyExists' },
};

function rowOf(code: string): Row | undefined {
  return rows.find((row) => row.code === code);
}

/** The wire form of a failure. `code` of the error wins where it is a code of this protocol. */
export function toDfsError(error: StoreError, api: DfsApi, subject: DfsSubject = 'path'): DfsError {
  const own = error.code;
  if (error.kind === 'lease-conflict') return leaseError(error);
  if (own === 'FilesystemNotFound') {
    const row = rowOf(filesystemCodes[api]['not-found']!)!;
    return { status: row.status, code: row.code, message: row.message };
  }
  if (own !== undefined && error.kind === 'invalid' && invalidCodes.has(own))
    return { status: 400, code: own, message: error.message };
  const known =
    own === undefined ? undefined : rows.find((row) => row.code === own && row.kind === error.kind);
  if (known && !(api === 'blob' && known.code === 'PathNotFound'))
    return { status: known.status, code: known.code, message: known.message };
  const code =
    (subject === 'filesystem' ? filesystemCodes[api][error.kind] : undefined) ??
    (api === 'blob' ? blobCodes[error.kind] : undefined);
  const row =
    (code && rowOf(code)) || rows.find((each) => each.kind === error.kind) || rowOf('InternalError')!;
  const message = row.code === 'InvalidInput' || error.kind === 'unsupported' ? error.message : row.message;
  return { status: row.status, code: row.code, message };
}

/** Lease codes that say the state forbids the action are 409, those about a missing or wrong id of a write are 412. */
function leaseError(error: StoreError): DfsError {
  const code = error.code ?? 'LeaseIdMissing';
  const precondition = [
    'LeaseIdMissing',
    'LeaseIdMismatchWithBlobOperation',
    'LeaseIdMismatch',
    'LeaseNotPresent',
    'LeaseNotPresentWithBlobOperation',
    'LeaseLost',
  ];
  return { status: precondition.includes(code) ? 412 : 409, code, message: error.message };
}

/**
 * What a store's answer means.
 * @param code the `x-ms-error-code` header, or the code in the body
 */
export function fromDfsError(status: number, code: string | undefined, message: string): StoreError {
  const details = code === undefined ? {} : { code };
  if (code === 'AuthenticationFailed') return new StoreError('denied', message, details);
  if (code?.startsWith('Lease')) return new StoreError('lease-conflict', message, details);
  if (code === 'FilesystemBeingDeleted' || code === 'ContainerBeingDeleted')
    return new StoreError('unavailable', message, details);
  const row = code === undefined ? undefined : rowOf(code);
  if (row && code !== 'InvalidInput') return new StoreError(row.kind, message, details);
  if (status === 404) return new StoreError('not-found', message, details);
  if (status === 401) return new StoreError('unauthenticated', message, details);
  if (status === 403) return new StoreError('denied', message, details);
  if (status === 409) return new StoreError('invalid', message, details);
  if (status === 412) return new StoreError('condition-failed', message, details);
  if (status === 413) return new StoreError('too-large', message, details);
  if (status === 416) return new StoreError('invalid-range', message, details);
  if (status === 304) return new StoreError('condition-failed', message, details);
  if (status === 408) return new StoreError('timeout', message, details);
  if (status === 429) return new StoreError('throttled', message, details);
  if (status === 501 || status === 405) return new StoreError('unsupported', message, details);
  // A gateway error, or a server that failed half way: nobody knows what was applied.
  if (status === 500 || status === 502 || status === 504) {
    return new StoreError('internal', message, { ...details, temporary: true, applied: 'unknown' });
  }
  if (status >= 500) return new StoreError('unavailable', message, details);
  return new StoreError('invalid', message, details);
}
