// What a face hands over to find out who calls, and what it gets back.
import type { Caller } from '../core/store.ts';
import type { FaceRequest } from './http.ts';

/** A request whose caller is to be found out. */
export interface Presented {
  request: FaceRequest;
  /** Who the client says it is; nothing is proven by that. */
  claimedUser?: string;
  /** What a Gen2 request names; absent on the WebHDFS face, whose clients sign nothing. */
  subject?: Subject;
}

/** What signatures of Gen2 are about. */
export interface Subject {
  /** Undefined: the request names none (JS `move()`). */
  account: string | undefined;
  /** As sent. */
  rawPath: string;
  /** As sent, without `?`. */
  search: string;
  /** `/filesystem/path`; for a listing the folder that is listed. */
  path: string;
  /** The source of a rename or copy, if it carries a credential of its own: path and query. */
  source?: { path: string; search: string };
}

/** Who calls, as far as it was proven. */
export type Identity = Pick<Caller, 'user' | 'clientId' | 'authenticated' | 'scheme' | 'token' | 'grants'>;

/** @throws StoreError `unauthenticated` or `denied`, in the protocol's words by its code; `unavailable` if keys cannot be had */
export type Identify = (presented: Presented) => Promise<Identity>;

/** Believes what clients say and proves nothing: a user counts on loopback only (semantics C1). */
export const believe: Identify = async ({ claimedUser }) => ({
  scheme: 'none',
  ...(claimedUser === undefined ? {} : { user: claimedUser }),
});
