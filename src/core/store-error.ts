// The one error that crosses a `Store` boundary. Each protocol has one table in and the same table out.

/** What went wrong, in the words of no protocol. */
export type ErrorKind =
  | 'not-found' // the path (or the source of a rename or concat) is not there
  | 'parent-not-found' // a parent that must exist is not there
  | 'exists' // the path is there and must not be
  | 'not-empty' // a folder that must be empty is not
  | 'is-directory' // a file was needed
  | 'not-directory' // a folder was needed, or a parent of the path is a file
  | 'condition-failed' // an If-* condition does not hold
  | 'source-condition-failed' // the same, of a rename's source
  | 'lease-conflict' // a lease forbids it; `code` says which way (Gen2 codes, e.g. LeaseIdMissing)
  | 'bad-offset' // an append whose position is not the end of the file
  | 'invalid-flush' // a flush whose position does not fit the staged bytes
  | 'invalid-range' // a read that starts beyond the end
  | 'invalid' // a parameter that cannot be right
  | 'too-large' // over a documented limit
  | 'checksum-mismatch' // the body does not have the digest the client promised
  | 'denied' // the caller may not
  | 'unauthenticated' // nobody knows who the caller is
  | 'unsupported' // this store or protocol cannot express it
  | 'throttled' // asked to slow down
  | 'unavailable' // not reachable, or not now
  | 'timeout' // no answer in time
  | 'aborted' // the caller went away, or its body ended early
  | 'internal'; // the store itself failed

/** The `code` of refusals by our own limits: the store was not at fault, and its breaker does not count them. */
export const ownLimit = 'own-limit';

const temporaryKinds: ReadonlySet<ErrorKind> = new Set(['throttled', 'unavailable', 'timeout']);

/** Everything optional about a `StoreError`. */
export interface StoreErrorDetails {
  /** True if the same request may succeed later by itself; default: by kind. */
  temporary?: boolean;
  /** `no`: surely nothing changed. `unknown`: bytes left and no answer came; it may still be applied. Default `no`. */
  applied?: 'no' | 'unknown';
  /** How long the store asked to wait, in milliseconds. */
  retryAfterMs?: number;
  /** The store's own code or exception name, for logs and for a face of the same protocol. */
  code?: string;
  cause?: unknown;
}

/** A failed query or mutation. */
export class StoreError extends Error {
  readonly kind: ErrorKind;
  readonly temporary: boolean;
  readonly applied: 'no' | 'unknown';
  readonly retryAfterMs: number | undefined;
  readonly code: string | undefined;

  constructor(kind: ErrorKind, message: string, details: StoreErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'StoreError';
    this.kind = kind;
    this.temporary = details.temporary ?? temporaryKinds.has(kind);
    this.applied = details.applied ?? 'no';
    this.retryAfterMs = details.retryAfterMs;
    this.code = details.code;
  }

  static invalid(message: string): StoreError {
    return new StoreError('invalid', message);
  }

  static notFound(path: string): StoreError {
    return new StoreError('not-found', `no such file or directory: ${path}`);
  }

  static unsupported(message: string): StoreError {
    return new StoreError('unsupported', message);
  }

  /** The same error, of unknown outcome: some of the change has been made, or may have been. */
  asUnknown(): StoreError {
    if (this.applied === 'unknown') return this;
    const { kind, message, temporary, retryAfterMs, code } = this;
    return new StoreError(kind, message, {
      temporary,
      applied: 'unknown',
      cause: this,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(code === undefined ? {} : { code }),
    });
  }

  /** Any thrown value as a `StoreError`; what is not one already becomes `internal` with outcome unknown. */
  static from(error: unknown, applied: 'no' | 'unknown' = 'unknown'): StoreError {
    if (error instanceof StoreError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new StoreError('internal', message, { applied, cause: error });
  }
}

/**
 * What follows a change that has been made, such as a look at what it made.
 * @throws StoreError of unknown outcome: that nothing was changed cannot be said any more
 */
export async function afterChange<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw StoreError.from(error).asUnknown();
  }
}
