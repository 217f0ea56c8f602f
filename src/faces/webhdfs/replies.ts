// Answers in the shape of each dialect: headers, JSON with its exact length, errors.
import type { Trail } from '../../core/store.ts';
import type { StoreError } from '../../core/store-error.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import { toRemoteException } from '../../wire/webhdfs/errors.ts';
import type { Dialect } from '../../wire/webhdfs/file-status.ts';

/** HRESULT that Gen1 puts into `Status` where the path was not there but the answer is a plain `false`. */
const gen1NotFound = '0x8309000A';

/** Told to clients with every temporary failure that names no time of its own. */
export const defaultRetryAfterSeconds = 1;

/** JSON of known length: the .NET and Java Gen1 SDKs do not read chunked JSON. */
export function jsonReply(status: number, value: unknown, headers: FaceReply['headers'] = {}): FaceReply {
  const body = JSON.stringify(value);
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      ...headers,
    },
    body,
  };
}

/** No body. A NameNode labels even these; Gen1 does not. */
export function emptyReply(status: number, dialect: Dialect, headers: FaceReply['headers'] = {}): FaceReply {
  const type: FaceReply['headers'] = dialect === 'gen1' ? {} : { 'content-type': 'application/octet-stream' };
  return { status, headers: { ...type, 'content-length': 0, ...headers } };
}

/** `{"boolean":b}`. @param missing true if the answer is false because the path is not there */
export function booleanReply(boolean: boolean, dialect: Dialect, missing = false): FaceReply {
  return jsonReply(200, { boolean }, missing && dialect === 'gen1' ? { status: gen1NotFound } : {});
}

/** A RemoteException. Key order differs: the Gen1 SDKs and Hadoop each print their own. */
export function errorReply(error: StoreError, dialect: Dialect): FaceReply {
  const { status, statusHeader, exception, javaClassName, message } = toRemoteException(error, dialect);
  const remote =
    dialect === 'gen1' ? { exception, message, javaClassName } : { exception, javaClassName, message };
  const headers: FaceReply['headers'] = {};
  if (statusHeader) headers.status = statusHeader;
  if (status === 503 || status === 429) {
    const waitMs = error.retryAfterMs ?? defaultRetryAfterSeconds * 1000;
    headers['retry-after'] = Math.max(1, Math.ceil(waitMs / 1000));
  }
  return jsonReply(status, { RemoteException: remote }, headers);
}

/** Adds what every answer of the dialect carries, and where the answer came from. */
export function finishReply(
  reply: FaceReply,
  request: FaceRequest,
  dialect: Dialect,
  extension: boolean,
  trail: Trail,
): FaceReply {
  const headers: FaceReply['headers'] =
    dialect === 'gen1'
      ? {
          'cache-control': 'no-cache, no-cache, no-store, max-age=0',
          pragma: 'no-cache',
          expires: '-1',
          'x-ms-request-id': request.requestId,
          'x-content-type-options': 'nosniff',
        }
      : { 'cache-control': 'no-cache', pragma: 'no-cache', 'x-content-type-options': 'nosniff' };
  if (dialect === 'gen1' && !extension) {
    headers['x-ms-webhdfs-version'] = '17.04.24.00';
    if (reply.status < 400) headers.status = '0x0';
  }
  Object.assign(headers, reply.headers);
  if (extension) delete headers.status;
  if (trail.servedBy) headers['x-twinlake-served-by'] = trail.servedBy;
  if (trail.acked && trail.acked.length > 0) headers['x-twinlake-acked'] = trail.acked.join(',');
  // Whether a client may simply try again.
  if (reply.status >= 500 && trail.changed === false) headers['x-twinlake-applied'] = 'no';
  return { ...reply, headers };
}
