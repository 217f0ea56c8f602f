// Changes to a store, as plain data: they can be journaled, sent twice, counted and printed.
import type { Readable } from 'node:stream';
import type { AclEntry, AclMode } from './acl.ts';
import type { ContentHeaders, Entry } from './entry.ts';
import type { Condition } from './query.ts';

/**
 * Which missing parents are made: all, none, or all but the root folder of the path, which must exist (Gen2: a root
 * folder is a filesystem, and writing into a missing one is FilesystemNotFound).
 */
export type Parents = 'all' | 'below-root-folder' | 'none';

/** What a new file or folder is made with. */
export interface Attributes {
  /** Mode bits 0..0o1777. */
  permission?: number;
  /** Taken off `permission`, unless the parent has a default ACL that is inherited instead (Gen2 reference §2.3). */
  umask?: number;
  owner?: string;
  group?: string;
  /** Full access (and default) ACL; wins over `permission`. */
  acl?: AclEntry[];
  properties?: Record<string, string>;
  content?: ContentHeaders;
  expiresMs?: number;
}

/** A body that is read once. */
export interface Body {
  stream: Readable;
  /** Known if the client promised it; chunked uploads have none. */
  lengthBytes?: number;
}

/** Make a folder; there already: no error, children and attributes kept, unless `condition.ifNoneMatch` is `*`. */
export interface MkdirMutation {
  verb: 'mkdir';
  path: string;
  parents: Parents;
  attributes?: Attributes;
  condition?: Condition;
}

/**
 * Make or replace a whole file with `body` (none: empty). A file that is there is replaced together with its attributes, unless
 * `condition.ifNoneMatch` is `*`; a folder that is there is `is-directory`.
 */
export interface CreateMutation {
  verb: 'create';
  path: string;
  parents: Parents;
  body?: Body;
  /** True if stage and flush are to follow (Gen2 `resource=file`): the gateway opens an upload record. */
  upload?: boolean;
  attributes?: Attributes;
  condition?: Condition;
  replication?: number;
  blockSizeBytes?: number;
}

/**
 * Add `body` to the end of an existing file, visible when acked. With `position` the file must be exactly that long, else
 * `bad-offset` and nothing is changed.
 */
export interface AppendMutation {
  verb: 'append';
  path: string;
  position?: number;
  body: Body;
  condition?: Condition;
}

/**
 * Stage bytes for a later flush (Gen2 append): invisible until then, in any order, in parallel; the same position again overwrites.
 */
export interface StageMutation {
  verb: 'stage';
  path: string;
  position: number;
  body: Body;
  condition?: Condition;
}

/**
 * Make the file exactly `position` bytes long with what was staged. Gaps, or more or less than was staged: `invalid-flush`. Staged bytes
 * beyond are dropped unless `retain`. Position equal to the current length with nothing staged: no change but attributes.
 */
export interface FlushMutation {
  verb: 'flush';
  path: string;
  position: number;
  retain: boolean;
  close: boolean;
  content?: ContentHeaders;
  condition?: Condition;
}

/** Keep a block for a later commit (Blob Put Block). `blockId` is base64. The file need not exist; it is not changed or made. */
export interface StageBlockMutation {
  verb: 'stage-block';
  path: string;
  blockId: string;
  body: Body;
  condition?: Condition;
}

/** Make or replace the file with these blocks in this order (Blob Put Block List). Unknown block: `invalid`, code `InvalidBlockList`. */
export interface CommitBlocksMutation {
  verb: 'commit-blocks';
  path: string;
  parents: Parents;
  blockIds: string[];
  attributes?: Attributes;
  condition?: Condition;
}

/**
 * Move a file or a folder with all below it, atomically. The destination's parent must exist (`parent-not-found`).
 * `replace`: what may stand at the destination and is replaced: nothing (`exists`), a file, or a file or an empty folder
 * (a full one is `not-empty`). `intoDirectory`: an existing folder at the destination receives the source under its own
 * name (Hadoop). A folder into itself, or the root: `invalid`, code `InvalidRenameSourcePath`.
 */
export interface RenameMutation {
  verb: 'rename';
  path: string;
  destination: string;
  replace: 'none' | 'file' | 'any';
  intoDirectory: boolean;
  condition?: Condition;
  sourceCondition?: Condition;
  /** Replaces the properties if given. */
  properties?: Record<string, string>;
}

/** Remove; a missing path is `not-found`. A folder with content needs `recursive` (`not-empty`). */
export interface DeleteMutation {
  verb: 'delete';
  path: string;
  recursive: boolean;
  condition?: Condition;
}

/**
 * Put the files `sources` behind the content of `path`, in order; the sources are gone afterwards. `create`: the destination is made
 * anew (Gen1 MSCONCAT) instead of having to exist (CONCAT). `deleteSourceDirectory`: also the sources' folder with all in it.
 * A driver does what is one request and refuses the rest as `unsupported`.
 */
export interface ConcatMutation {
  verb: 'concat';
  path: string;
  sources: string[];
  create: boolean;
  deleteSourceDirectory: boolean;
}

/**
 * Cut a file to its first `lengthBytes`, attributes kept; a greater length than it has is `invalid`. A driver that cannot do it in one
 * request refuses it as `unsupported`.
 */
export interface TruncateMutation {
  verb: 'truncate';
  path: string;
  lengthBytes: number;
}

/** Change what is given, leave the rest. `properties` replaces the whole set; `content` replaces all content headers. */
export interface SetAttributesMutation {
  verb: 'set-attributes';
  path: string;
  permission?: number;
  owner?: string;
  group?: string;
  acl?: { mode: AclMode; entries: AclEntry[] };
  modifiedMs?: number;
  accessedMs?: number;
  properties?: Record<string, string>;
  content?: ContentHeaders;
  /** `null`: never. */
  expiresMs?: number | null;
  condition?: Condition;
}

/** A Gen2 lease on a file or filesystem. Durations in seconds, -1 for infinite. */
export interface LeaseMutation {
  verb: 'lease';
  path: string;
  action: 'acquire' | 'renew' | 'change' | 'release' | 'break';
  leaseId?: string;
  proposedId?: string;
  durationSeconds?: number;
  breakSeconds?: number;
  condition?: Condition;
}

export type Mutation =
  | MkdirMutation
  | CreateMutation
  | AppendMutation
  | StageMutation
  | FlushMutation
  | StageBlockMutation
  | CommitBlocksMutation
  | RenameMutation
  | DeleteMutation
  | ConcatMutation
  | TruncateMutation
  | SetAttributesMutation
  | LeaseMutation;

/** What a mutation tells. */
export interface MutationResult {
  /** The path after the change. Required from a store if `ctx.wantEntry`, for verbs after which the path exists; at least etag, modifiedMs. */
  entry?: Entry;
  /** mkdir, create: false if it was there already. */
  created?: boolean;
  leaseId?: string;
  /** Seconds until a break takes effect. */
  leaseSeconds?: number;
}

/** The body of a mutation, if its verb has one. */
export function bodyOf(mutation: Mutation): Body | undefined {
  return 'body' in mutation ? mutation.body : undefined;
}

/** All paths a mutation names, its own first. */
export function pathsOf(mutation: Mutation): string[] {
  if (mutation.verb === 'rename') return [mutation.path, mutation.destination];
  if (mutation.verb === 'concat') return [mutation.path, ...mutation.sources];
  return [mutation.path];
}

/** The same mutation with every path translated. */
export function mapPaths<M extends Mutation>(mutation: M, translate: (path: string) => string): M {
  const moved = { ...mutation, path: translate(mutation.path) };
  if (moved.verb === 'rename') moved.destination = translate(moved.destination);
  if (moved.verb === 'concat') moved.sources = moved.sources.map(translate);
  return moved;
}
