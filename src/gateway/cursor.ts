// The continuation of a listing as clients hold it: when the side changes, it goes on by name (semantics B1).
import type { Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** Where a listing goes on. */
export interface Cursor {
  /** Last name (relative path) that was given. */
  after: string;
  /** The side that was listed, and its own token. */
  side?: Side;
  token?: string;
}

/** An opaque text for clients. */
export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws StoreError `invalid` for what `encodeCursor` did not make */
export function decodeCursor(text: string): Cursor {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor;
    if (typeof cursor.after === 'string') return cursor;
  } catch {
    // Falls through to the one answer for every kind of nonsense.
  }
  throw StoreError.invalid('the continuation token is not one of ours');
}
