// Preconditions judged against an entry: used by stores that have none of their own, and by the gateway.
import type { Entry } from './entry.ts';
import type { Condition } from './query.ts';
import { StoreError } from './store-error.ts';

/**
 * Throws unless the condition holds for what is there (RFC 9110 §13; Gen2 answers 409 to a failed `If-None-Match: *`).
 * Leases are not judged here.
 * @param entry what is there, or undefined
 * @param kind which error a failed condition is: of the path itself, or of a rename's source
 * @throws StoreError `exists` or `kind`
 */
export function checkCondition(
  condition: Condition | undefined,
  entry: Entry | undefined,
  kind: 'condition-failed' | 'source-condition-failed' = 'condition-failed',
): void {
  if (!condition) return;
  const fail = (what: string): never => {
    throw new StoreError(kind, `the condition ${what} is not met`);
  };
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = condition;
  if (ifNoneMatch === '*' && entry) {
    if (kind === 'condition-failed')
      throw new StoreError('exists', `the path is there already: ${entry.path}`);
    fail('If-None-Match');
  }
  if (ifMatch !== undefined && (!entry || (ifMatch !== '*' && ifMatch !== entry.etag))) fail('If-Match');
  if (!entry) return;
  if (ifNoneMatch !== undefined && ifNoneMatch === entry.etag) fail('If-None-Match');
  const modifiedSeconds = Math.floor(entry.modifiedMs / 1000);
  if (ifModifiedSinceMs !== undefined && modifiedSeconds <= Math.floor(ifModifiedSinceMs / 1000))
    fail('If-Modified-Since');
  if (ifUnmodifiedSinceMs !== undefined && modifiedSeconds > Math.floor(ifUnmodifiedSinceMs / 1000))
    fail('If-Unmodified-Since');
}

/** True if anything but a lease is asked. */
export function hasCondition(condition: Condition | undefined): boolean {
  if (!condition) return false;
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = condition;
  return [ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs].some((part) => part !== undefined);
}
