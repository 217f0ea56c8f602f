// RemoteException: one table between StoreError and what WebHDFS, HttpFS and Gen1 say, used in both directions.
import { type ErrorKind, StoreError } from '../../core/store-error.ts';
import type { Dialect } from './file-status.ts';

/** An error as it stands in an answer. */
export interface RemoteException {
  status: number;
  /** Gen1 only: the HRESULT in the header named `Status`. */
  statusHeader?: string;
  exception: string;
  javaClassName: string;
  message: string;
}

interface Row {
  kind: ErrorKind;
  /** Class name with package; its last part is the exception's name on the wire. */
  java: string;
  /** HTTP status per dialect; a dialect that is missing never sends this row. */
  webhdfs?: number;
  gen1?: number;
  hresult?: string;
  /**
   * Words that clients look for in the message, and that tell rows with the same name apart when one comes in. The first alternative
   * is put before a message that has none of them.
   */
  words?: readonly string[];
  /** Overrides the kind's own default. */
  temporary?: boolean;
  /** The other side cannot say whether the operation took place. */
  unknown?: boolean;
}

const accessControl = 'org.apache.hadoop.security.AccessControlException';
const alreadyExists = 'org.apache.hadoop.fs.FileAlreadyExistsException';
const fileNotFound = 'java.io.FileNotFoundException';
const illegalArgument = 'java.lang.IllegalArgumentException';
const ioException = 'java.io.IOException';
const retriable = 'org.apache.hadoop.ipc.RetriableException';
const runtime = 'java.lang.RuntimeException';

/**
 * Going out, the first row of the kind that the dialect has is taken, or the one whose name is the error's `code`. Coming in, rows of
 * that name are tried in order, those with words only if the message has them.
 *
 * Temporary failures are 503 although a NameNode says 403: HdfsCLI and Hadoop go by the name, plain HTTP clients by the status.
 */
const rows: readonly Row[] = [
  {
    kind: 'is-directory',
    java: alreadyExists,
    webhdfs: 403,
    gen1: 403,
    hresult: '0x83090009',
    words: ['is a directory', 'as a directory', 'to a directory'],
  },
  {
    kind: 'is-directory',
    java: fileNotFound,
    webhdfs: 404,
    gen1: 403,
    words: ['is not a file', 'not a file'],
  },
  { kind: 'is-directory', java: 'org.apache.hadoop.fs.PathIsDirectoryException' },
  {
    kind: 'parent-not-found',
    java: fileNotFound,
    webhdfs: 404,
    gen1: 404,
    hresult: '0x8309000A',
    words: [
      'Parent directory does not exist',
      "Parent directory doesn't exist",
      'parent path does not exist',
    ],
  },
  {
    kind: 'not-found',
    java: fileNotFound,
    webhdfs: 404,
    gen1: 404,
    hresult: '0x8309000A',
  },
  { kind: 'exists', java: alreadyExists, webhdfs: 403, gen1: 403, hresult: '0x83090009' },
  { kind: 'exists', java: 'org.apache.hadoop.fs.PathExistsException' },
  { kind: 'not-empty', java: 'org.apache.hadoop.fs.PathIsNotEmptyDirectoryException', webhdfs: 403 },
  {
    kind: 'not-empty',
    java: accessControl,
    gen1: 403,
    hresult: '0x83090172',
    words: ['Path is not empty', '0x83090172'],
  },
  {
    kind: 'not-directory',
    java: 'org.apache.hadoop.fs.ParentNotDirectoryException',
    webhdfs: 403,
    gen1: 403,
    words: ['is not a directory', 'not a directory'],
  },
  { kind: 'not-directory', java: accessControl, words: ['is not a directory'] },
  { kind: 'not-directory', java: 'org.apache.hadoop.fs.ParentNotDirectoryException' },
  { kind: 'not-directory', java: 'org.apache.hadoop.fs.PathIsNotDirectoryException' },
  { kind: 'denied', java: accessControl, webhdfs: 403, gen1: 403, hresult: '0x83090AA2' },
  { kind: 'denied', java: 'org.apache.hadoop.security.authorize.AuthorizationException' },
  { kind: 'unauthenticated', java: 'java.lang.SecurityException', webhdfs: 401, gen1: 401 },
  { kind: 'unauthenticated', java: 'org.apache.hadoop.security.token.SecretManager$InvalidToken' },
  {
    kind: 'unauthenticated',
    java: 'org.apache.hadoop.security.authentication.client.AuthenticationException',
  },
  {
    kind: 'lease-conflict',
    java: 'org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException',
    webhdfs: 403,
  },
  {
    kind: 'lease-conflict',
    java: ioException,
    gen1: 400,
    hresult: '0x83090A16',
    words: ['0x83090a16', '83090a16', '83090A16'],
  },
  {
    kind: 'lease-conflict',
    java: 'org.apache.hadoop.hdfs.protocol.RecoveryInProgressException',
    temporary: true,
  },
  { kind: 'lease-conflict', java: 'org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException' },
  {
    kind: 'bad-offset',
    java: 'org.apache.hadoop.fs.adl.BadOffsetException',
    webhdfs: 403,
    gen1: 400,
    hresult: '0x83090015',
  },
  { kind: 'invalid-range', java: ioException, webhdfs: 403, gen1: 416, words: ['out of the range'] },
  { kind: 'invalid', java: illegalArgument, webhdfs: 400, gen1: 400 },
  { kind: 'invalid', java: 'org.apache.hadoop.HadoopIllegalArgumentException' },
  { kind: 'invalid', java: 'org.apache.hadoop.fs.InvalidPathException' },
  { kind: 'invalid-flush', java: illegalArgument, webhdfs: 400, gen1: 400, words: ['flush position'] },
  {
    kind: 'too-large',
    java: illegalArgument,
    webhdfs: 400,
    gen1: 400,
    words: ['too large', 'over the limit'],
  },
  { kind: 'too-large', java: 'org.apache.hadoop.hdfs.protocol.DSQuotaExceededException' },
  { kind: 'too-large', java: 'org.apache.hadoop.hdfs.protocol.NSQuotaExceededException' },
  {
    kind: 'too-large',
    java: 'org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException',
  },
  {
    kind: 'too-large',
    java: 'org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException',
  },
  // `dfs.namenode.fs-limits.max-xattrs-per-inode`, 32 by default.
  { kind: 'too-large', java: ioException, words: ['would exceed limit'] },
  { kind: 'checksum-mismatch', java: 'org.apache.hadoop.fs.ChecksumException', webhdfs: 403, gen1: 400 },
  {
    kind: 'source-condition-failed',
    java: ioException,
    webhdfs: 403,
    gen1: 403,
    words: ['source precondition'],
  },
  { kind: 'condition-failed', java: ioException, webhdfs: 403, gen1: 403, words: ['precondition'] },
  // Gen1's conditional delete (`fileContextId`); sent only on request, by its code.
  { kind: 'condition-failed', java: runtime, gen1: 500, words: ['StreamID mismatch'] },
  { kind: 'unsupported', java: 'java.lang.UnsupportedOperationException', webhdfs: 400, gen1: 400 },
  { kind: 'throttled', java: 'ThrottledException', gen1: 429 },
  { kind: 'throttled', java: retriable, webhdfs: 503, words: ['throttled'] },
  { kind: 'timeout', java: retriable, webhdfs: 503, gen1: 503, words: ['timed out'], unknown: true },
  { kind: 'unavailable', java: retriable, webhdfs: 503, gen1: 503 },
  { kind: 'unavailable', java: 'org.apache.hadoop.ipc.StandbyException' },
  { kind: 'unavailable', java: 'org.apache.hadoop.ipc.ObserverRetryOnActiveException' },
  { kind: 'unavailable', java: 'org.apache.hadoop.hdfs.server.namenode.SafeModeException' },
  { kind: 'unavailable', java: 'org.apache.hadoop.hdfs.server.namenode.NotReplicatedYetException' },
  { kind: 'unavailable', java: 'java.net.ConnectException' },
  { kind: 'unavailable', java: 'java.net.NoRouteToHostException' },
  { kind: 'timeout', java: 'java.net.SocketTimeoutException', unknown: true },
  { kind: 'aborted', java: ioException, webhdfs: 400, gen1: 400, words: ['request body ended early'] },
  { kind: 'internal', java: runtime, webhdfs: 500, gen1: 500, unknown: true },
  { kind: 'internal', java: ioException, unknown: true },
];

const nameOfClass = (java: string): string =>
  java.slice(Math.max(java.lastIndexOf('.'), java.lastIndexOf('$')) + 1);

/** Code of an `unsupported` error that is answered with 501: a change that a two-sided route cannot express (design). */
export const notExpressible = 'NotExpressible';

/** What a face of this dialect answers to an error. */
export function toRemoteException(error: StoreError, dialect: Dialect): RemoteException {
  const mine = rows.filter((row) => row.kind === error.kind && row[dialect] !== undefined);
  const row = mine.find((one) => nameOfClass(one.java) === error.code) ?? mine[0]!;
  const remote: RemoteException = {
    status: error.code === notExpressible ? 501 : row[dialect]!,
    exception: nameOfClass(row.java),
    javaClassName: row.java,
    message: wording(row, error.message, dialect),
  };
  if (dialect === 'gen1' && row.hresult) remote.statusHeader = row.hresult;
  return remote;
}

function wording(row: Row, message: string, dialect: Dialect): string {
  if (row.kind === 'not-found') {
    // HdfsCLI looks for "does not exist".
    if (message.includes('does not exist')) return message;
    const lead = dialect === 'gen1' ? 'File/Folder does not exist: ' : 'File does not exist: ';
    return lead + message.replace(/^no such file or directory: /, '');
  }
  if (!row.words || row.words.some((word) => message.includes(word))) return message;
  return `${row.words[0]}: ${message}`;
}

/**
 * The error behind an answer that is not a success: by the exception's name first, by status second (HttpFS answers 500 to a plain
 * AccessControlException).
 * @param body the parsed JSON, or whatever else came
 */
export function fromRemoteException(status: number, body: unknown): StoreError {
  const remote = (body as { RemoteException?: Record<string, unknown> } | null | undefined)?.RemoteException;
  const name = nameOfClass(textOf(remote?.exception) || textOf(remote?.javaClassName));
  const message = textOf(remote?.message);
  if (name === '') return fromStatus(status, message);
  const mine = rows.filter((row) => nameOfClass(row.java) === name);
  const row =
    mine.find((one) => one.words?.some((word) => message.includes(word))) ?? mine.find((one) => !one.words);
  // A NameNode says 403 and HttpFS 500 to any IOException, so for a name not in the table neither tells what happened.
  if (!row) return withName(fromStatus(status === 403 ? 500 : status, message), name);
  return new StoreError(row.kind, message || name, {
    code: name,
    applied: row.unknown ? 'unknown' : 'no',
    ...(row.temporary === undefined ? {} : { temporary: row.temporary }),
  });
}

function fromStatus(status: number, said: string): StoreError {
  const message = said || `the store answered ${status}`;
  const plain: Partial<Record<number, ErrorKind>> = {
    400: 'invalid',
    401: 'unauthenticated',
    403: 'denied',
    409: 'exists',
    411: 'invalid',
    412: 'condition-failed',
    413: 'too-large',
    416: 'invalid-range',
    429: 'throttled',
    501: 'unsupported',
    503: 'unavailable',
  };
  const kind = plain[status];
  if (kind) return new StoreError(kind, message);
  if (status === 408 || status === 504) return new StoreError('timeout', message, { applied: 'unknown' });
  if (status === 502) return new StoreError('unavailable', message, { applied: 'unknown' });
  // A 404 that no WebHDFS server worded says something about the endpoint, never that a path is absent.
  return new StoreError('internal', message, { applied: status >= 500 ? 'unknown' : 'no' });
}

function withName(error: StoreError, code: string): StoreError {
  return new StoreError(error.kind, error.message, {
    code,
    applied: error.applied,
    temporary: error.temporary,
    cause: error,
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
