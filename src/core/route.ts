// What an app reads from and writes to, as the gateway uses it: immutable, parsed once, swapped whole on reload.
import type { Mount } from './mount.ts';
import type { Caller, Scheme, Side } from './store.ts';

/** What an app's callers are held to, whatever they may prove. */
export interface Access {
  /** How they must have been found out; absent: in any way that the listener takes. */
  schemes?: readonly Scheme[];
  /** Subtrees of the target's namespace (the canonical one) that they are confined to. */
  paths?: readonly string[];
  readOnly: boolean;
}

/** One app of the routing table with all defaults filled in. */
export interface Route {
  app: string;
  /** Where reads go, and which side is primary for writes. */
  reads: Side;
  /** Allowed with `reads`: (source, source), (source, both), (target, both), (target, target). */
  writes: Side | 'both';
  /** When the client is answered: at the primary's ack, or when both have it. */
  ack: 'primary' | 'both';
  /** `ack: both` and the secondary does not ack: answer anyway and leave a divergence, or fail the request. */
  ackFallback: 'degrade' | 'refuse';
  failover: 'none' | 'reads' | 'full';
  /** Longest prefix wins. */
  mounts: readonly Mount[];
  /** Whose paths clients use; absent: WebHDFS and Gen1 clients the source's, Gen2 clients the target's. */
  namespace?: Side;
  access?: Access;
}

/** All routes of one valid `routes.yaml`. */
export interface RoutingTable {
  /** Digest of the content; equal tables have equal digests. */
  readonly digest: string;
  /** By app name, in order of the file. */
  readonly routes: ReadonlyMap<string, Route>;
  /** The route for a caller: more matching keys win; the default app if none matches; undefined without a default. */
  match(caller: Caller): Route | undefined;
}
