// The contract that everything with a file tree fulfils: drivers, layers, the dual gateway itself.
import type { Grant } from './access.ts';
import type { Mutation, MutationResult } from './mutation.ts';
import type { Query, QueryResult } from './query.ts';

/** Which store of a migration; identity, never changes. */
export type Side = 'source' | 'target';

/** The side that is not this one. */
export function otherSide(side: Side): Side {
  return side === 'source' ? 'target' : 'source';
}

/** How a caller was found out; `none`: nobody asked. */
export type Scheme = 'none' | 'shared-key' | 'sas' | 'bearer' | 'certificate' | 'user-name';

/** A token that a caller proved itself by; printing it shows only for whom it was made. */
export interface CallerToken {
  reveal(): string;
  audiences: readonly string[];
}

/** Who calls, as far as the face can tell. */
export interface Caller {
  host?: string;
  /** All request headers, lower-case names. */
  headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** WebHDFS `user.name`, the SharedKey account, or a token's user. */
  user?: string;
  /** Entra application id. */
  clientId?: string;
  /** True if `user` and `clientId` were proven by a signature or a token (semantics C1). */
  authenticated?: boolean;
  /** Absent where nobody asked for a credential. */
  scheme?: Scheme;
  /** Of the scheme `bearer`, if this request brought it. */
  token?: CallerToken;
  /** What the credential allows, by any of them; absent: everything. */
  grants?: readonly Grant[];
  /** True if the connection comes from this machine (semantics C1). */
  loopback?: boolean;
  /** Fixed by a signed two-step link (semantics A6); wins over matching. */
  app?: string;
}

/** What a store cannot hold of an operation; `name`: the path itself cannot stand there. */
export type Loss =
  | ('name' | 'properties' | 'content-headers' | 'acl' | 'owner' | 'expiry')
  | ('modified-time' | 'access-time' | 'replication' | 'block-size' | 'checksum');

/** Filled in on the way, read by the face for the answer's headers (`x-twinlake-served-by`, `-acked`, `-applied`). */
export interface Trail {
  servedBy?: Side;
  acked?: Side[];
  /** False: mutations were tried, and surely nothing was changed. True: something was or may have been. */
  changed?: boolean;
  /** The app whose route was taken. */
  app?: string;
  /** What one of the two stores cannot hold of what was asked. */
  losses?: readonly Loss[];
}

/** Everything about one operation that is not the operation. */
export interface Ctx {
  requestId: string;
  caller: Caller;
  /** Aborts when the client goes away or a time limit passes; what was sent by then may still be applied. */
  signal: AbortSignal;
  trail: Trail;
  /** Which protocol's paths the operation speaks (a mount has two namespaces). Faces set it; drivers ignore it. */
  protocol: 'webhdfs' | 'dfs';
  /** The face needs `entry` in the result of a mutation. */
  wantEntry?: boolean;
  /**
   * A mutation's completing step (the flush, the last chunk, the rename into place) waits for this; if it rejects, the
   * driver must not complete and should undo what it can (semantics A3).
   */
  beforeCommit?: () => Promise<void>;
  /**
   * A driver that replaces what stands at `destination` in several requests waits for this before the first of them; if it rejects,
   * nothing is sent. Whoever gives it carries the rename to its end (semantics A8).
   */
  beforeSteps?: (destination: string) => Promise<void>;
  /** How long an append out of order may wait for its turn on a store without staging; default 10,000 (semantics A5). */
  orderWaitMs?: number;
}

/** A raw request of the store's own protocol, for transparent routes. The path is decoded and in the store's namespace. */
export interface RawRequest {
  method: string;
  path: string;
  /** Without the leading `?`, as it arrived. */
  search: string;
  headers: Record<string, string | string[] | undefined>;
  body?: import('node:stream').Readable;
}

/** The store's raw answer. */
export interface RawResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: import('node:stream').Readable;
}

/** A way to hand a request to a store unparsed; it carries the gateway's own credentials and follows the store's redirects. */
export interface Direct {
  protocol: 'webhdfs' | 'dfs';
  forward(request: RawRequest, signal: AbortSignal): Promise<RawResponse>;
}

/** The few facts that presence cannot show. */
export interface Supports {
  /** Precision of `modifiedMs`. */
  timePrecisionMs: number;
  /** stage, flush, stage-block and commit-blocks work as Gen2 means them. */
  staging: boolean;
  acl: boolean;
  /** owner and group can be set. */
  owners: boolean;
  properties: boolean;
  setTimes: boolean;
  expiry: boolean;
  leases: boolean;
  /** Some concats are one call of the store; those that it refuses as `unsupported` take a copy (`layers/sagas`). */
  concat: boolean;
  /** create with a body becomes visible at once and whole, or not at all. */
  atomicCreate: boolean;
  /** A condition is judged by the request that changes, so that one which arrives late fails (semantics A10). */
  fences?: true;
  /** What may stand directly below `/`: anything, or only filesystems with Gen2's name rules. */
  rootFolders: 'any' | 'filesystems';
  /** Name of the checksum algorithm, if it has one. */
  checksum?: string;
  /** Replication and block size of a file can be chosen. */
  blocks?: true;
  /** False: no name may have a `:` (HDFS). */
  colons?: false;
}

/** Anything that holds a file tree. */
export interface Store {
  readonly name: string;
  readonly supports: Supports;
  /** @throws StoreError */
  query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>>;
  /** @throws StoreError; `applied: 'unknown'` if bytes left and no answer came. Rejects only after the body is released (destroyed or drained). */
  mutate(mutation: Mutation, ctx: Ctx): Promise<MutationResult>;
  /**
   * Where a request of this protocol that the face cannot parse may go unchanged; undefined where it may not (two-sided
   * routes, other protocols). `path` is the decoded path of the request in the face's namespace.
   */
  direct?(path: string, ctx: Ctx): Direct | undefined;
  /** Releases connections and timers. */
  close?(): Promise<void>;
}
