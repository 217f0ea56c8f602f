// What a broken exchange means: whether the store can have seen the request, and whether trying again may help.
import { type ErrorKind, StoreError } from '../../core/store-error.ts';

/** Failures before the first byte left: the store cannot have seen anything. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT', 'ESOCKETTIMEDOUT']);

/**
 * A failure of the connection as a `StoreError`.
 * @param mutating false for requests that change nothing, which are never of unknown outcome
 */
export function fromTransportError(error: unknown, signal: AbortSignal, mutating: boolean): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = describe(error);
  const applied = mutating && !neverSent.has(code) ? 'unknown' : 'no';
  const kind: ErrorKind = signal.aborted ? 'aborted' : timeouts.has(code) ? 'timeout' : 'unavailable';
  const said = signal.aborted ? 'the caller has gone away' : `the connection to the store failed: ${message}`;
  return new StoreError(kind, said, { applied, cause: error, ...(code === '' ? {} : { code }) });
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return { code: typeof code === 'string' ? code : '', message: error.message || code || error.name };
}

/** The same error, of unknown outcome: bytes of a mutation were under way when it happened. */
export function asUnknown(error: unknown): StoreError {
  return StoreError.from(error).asUnknown();
}

/** The same error, of which it is known now that nothing is left. */
export function asUndone(failure: StoreError): StoreError {
  const { kind, message, temporary, code } = failure;
  return new StoreError(kind, message, {
    temporary,
    cause: failure,
    ...(code === undefined ? {} : { code }),
  });
}
