// One request on its way through the face, and what the operations share.
import type { Caller, Ctx, Store } from '../../core/store.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import type { WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import type { LinkSigner } from './links.ts';

/** Everything an operation needs. */
export interface Exchange {
  request: FaceRequest;
  target: WebhdfsTarget;
  ctx: Ctx;
  store: Store;
  links: LinkSigner;
  now: () => number;
  /** Scheme and authority that clients reach us by, without a trailing slash. */
  baseUrl: () => string;
  /** The app a link is signed for. */
  appOf?: (caller: Caller) => string | undefined;
}

/** One operation; failures are thrown as `StoreError`. */
export type Operation = (exchange: Exchange) => Promise<FaceReply>;

/** How the face serves an operation name. */
export interface Served {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  run: Operation;
  /**
   * `always`: WebHDFS clients get a 307 to a signed link first (Gen1 never); `on-request`: only with `noredirect=true`, which asks for
   * the link in a JSON answer.
   */
  twoStep?: 'always' | 'on-request';
  /** Judges the parameters in the first step already. @throws StoreError */
  check?: (target: WebhdfsTarget) => void;
  /** Our answer is only near to a real cluster's: on a transparent route the store's own is better. */
  preferDirect?: boolean;
}
