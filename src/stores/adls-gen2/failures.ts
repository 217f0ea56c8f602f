// What went wrong between us and the account, as a `StoreError`: refusals by the wire's table, broken connections by what can have left.
import { StoreError } from '../../core/store-error.ts';
import { fromDfsError } from '../../wire/dfs/errors.ts';

type Headers = Record<string, string | string[] | undefined>;

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** The same error with some details replaced. */
export function withDetails(
  error: StoreError,
  change: { applied?: 'no' | 'unknown'; retryAfterMs?: number },
): StoreError {
  const { kind, message, temporary, applied, retryAfterMs = change.retryAfterMs, code } = error;
  return new StoreError(kind, message, {
    temporary,
    applied: change.applied ?? applied,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(code === undefined ? {} : { code }),
  });
}

/** Code and message of an error body: DFS sends JSON, Blob XML, HEAD nothing. */
function readBody(text: string): { code?: string; message?: string } {
  if (text.startsWith('{')) {
    try {
      return (JSON.parse(text) as { error?: { code?: string; message?: string } }).error ?? {};
    } catch {
      return {};
    }
  }
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1];
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1];
  return { ...(code ? { code } : {}), ...(message ? { message } : {}) };
}

/** Which of the two APIs was asked is this driver's affair: what a face may show again is in the words of DFS. */
const dfsCodes: Record<string, string> = {
  ContainerNotFound: 'FilesystemNotFound',
  ContainerAlreadyExists: 'FilesystemAlreadyExists',
  ContainerBeingDeleted: 'FilesystemBeingDeleted',
  BlobNotFound: 'PathNotFound',
  BlobAlreadyExists: 'PathAlreadyExists',
  DirectoryIsNotEmpty: 'DirectoryNotEmpty',
};

/**
 * A refusal of the account.
 * @param mutating false: the request changed nothing in any case
 */
export function fromAnswer(status: number, headers: Headers, text: string, mutating: boolean): StoreError {
  // The SDK rejects a success that is not the documented one: something stands between us and the account.
  if (status < 300)
    return new StoreError('internal', `the store gave an answer that it should not: ${status}`, {
      applied: mutating ? 'unknown' : 'no',
    });
  const told = readBody(text);
  const said = String(headers['x-ms-error-code'] ?? told.code ?? '');
  const code = dfsCodes[said] ?? (said || undefined);
  // The request id and time that follow the first line are of no use to our client.
  const message = told.message?.split('\n')[0] || `the store answered ${status}${code ? ` ${code}` : ''}`;
  const error = fromDfsError(status, code, message);
  const retryAfter = Number(headers['retry-after']);
  const applied =
    mutating && status >= 500 && error.kind !== 'throttled' && status !== 501 ? 'unknown' : 'no';
  return withDetails(error, {
    applied,
    ...(Number.isFinite(retryAfter) && headers['retry-after'] !== undefined
      ? { retryAfterMs: retryAfter * 1000 }
      : {}),
  });
}

/** Why the caller gave up: the reason of the signal if it is one of ours. */
export function fromAbort(signal: AbortSignal, applied: 'no' | 'unknown'): StoreError {
  const reason: unknown = signal.reason;
  if (reason instanceof StoreError) return withDetails(reason, { applied });
  const late = reason instanceof Error && reason.name === 'TimeoutError';
  const message = late ? 'the store did not answer in time' : 'the caller has gone away';
  return new StoreError(late ? 'timeout' : 'aborted', message, { applied, cause: reason });
}

/** A failure of the connection, or of the body on its way (a `StoreError` already: the store got no whole request). */
export function fromConnection(
  error: unknown,
  signal: AbortSignal | undefined,
  mutating: boolean,
): StoreError {
  if (signal?.aborted) return fromAbort(signal, mutating ? 'unknown' : 'no');
  if (error instanceof StoreError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  // undici refuses a header that cannot be sent, such as a property of a filesystem beyond Latin-1.
  if (code === 'UND_ERR_INVALID_ARG')
    return new StoreError('invalid', `this cannot be sent to the store: ${(error as Error).message}`, {
      cause: error,
    });
  const applied = mutating && !neverSent.has(code) ? 'unknown' : 'no';
  const message = `the connection to the store failed: ${error instanceof Error ? error.message || code : String(error)}`;
  const kind = timeouts.has(code) ? 'timeout' : 'unavailable';
  return new StoreError(kind, message, { applied, cause: error, ...(code ? { code } : {}) });
}

/** Anything the SDK throws: our own errors pass, its own refusals are translated. */
export function fromSdk(error: unknown, mutating: boolean): StoreError {
  if (error instanceof StoreError) return error;
  const rest = error as { statusCode?: number; code?: string; message?: string; response?: unknown };
  if (typeof rest.statusCode === 'number') {
    const text = (rest.response as { bodyAsText?: string } | undefined)?.bodyAsText ?? '';
    const headers = rest.code ? { 'x-ms-error-code': rest.code } : {};
    return fromAnswer(rest.statusCode, headers, text, mutating);
  }
  return StoreError.from(error, mutating ? 'unknown' : 'no');
}
