// What a store that holds its own tree must be able to do; `tree-store.ts` adds the rules. Memory and local are such trees.
import type { Readable } from 'node:stream';
import type { AclEntry } from '../../core/acl.ts';
import type { ContentHeaders } from '../../core/entry.ts';
import type { LeaseState } from '../../core/lease.ts';
import type { Body } from '../../core/mutation.ts';

/** What is kept of a file or folder beside its bytes and times; plain data. Treated as immutable. */
export interface NodeAttributes {
  acl: readonly AclEntry[];
  sticky: boolean;
  owner: string;
  group: string;
  etag: string;
  createdMs: number;
  properties?: Record<string, string>;
  content?: ContentHeaders;
  expiresMs?: number;
  lease?: LeaseState;
  replication?: number;
  blockSizeBytes?: number;
}

/** A file or folder as it was found. */
export interface TreeNode {
  readonly type: 'file' | 'directory';
  /** Survives a rename. */
  readonly fileId: number;
  readonly lengthBytes: number;
  readonly modifiedMs: number;
  readonly accessedMs: number;
  readonly attributes: NodeAttributes;
}

/** Received bytes that are in no file yet. Whoever takes them (a file, a block) owns them; else they are discarded. */
export interface Content {
  readonly lengthBytes: number;
  discard(): Promise<void>;
}

/** Staged bytes that are received but do not count yet. */
export interface PendingStage {
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** An open file: what it was when it was opened, whatever happens to its path. */
export interface OpenFile<N> {
  node: N;
  /** The stream closes the file when it ends or is destroyed. Lies within the file's length. */
  stream(offset: number, lengthBytes: number): Readable;
  close(): Promise<void>;
}

/** New values; what is absent stays. */
export interface NodeChange {
  attributes?: NodeAttributes;
  modifiedMs?: number;
  accessedMs?: number;
}

/**
 * A bare tree. Paths are normal. The rules have been checked by the caller, who also keeps conflicting changes apart; each change is
 * atomic, and durable when it resolves.
 */
export interface Tree<N extends TreeNode, C extends Content> {
  /** Undefined also below a file. Expired files are found. */
  find(path: string): Promise<N | undefined>;
  /** In any order. */
  childNames(path: string): Promise<string[]>;
  /** `find` for many names of one folder; the same order. */
  findChildren(path: string, names: readonly string[]): Promise<(N | undefined)[]>;
  addFolder(path: string, attributes: NodeAttributes): Promise<N>;
  /** Holds a body until it is used. @throws StoreError `aborted` if the stream fails or ends early */
  receive(body: Body, signal: AbortSignal): Promise<C>;
  /** The contents of these files in this order, copied. */
  gather(paths: readonly string[]): Promise<C>;
  /** A new file in place of `replaced`, with all its staged bytes dropped. */
  addFile(path: string, content: C | undefined, attributes: NodeAttributes, replaced?: N): Promise<N>;
  extend(path: string, node: N, content: C, attributes: NodeAttributes): Promise<N>;
  change(path: string, node: N, change: NodeChange): Promise<N>;
  /** `replaced` is a file or an empty folder. */
  move(from: string, node: N, to: string, replaced?: N): Promise<void>;
  /** With everything below it. */
  remove(path: string, node: N): Promise<void>;
  open(path: string): Promise<OpenFile<N> | undefined>;
  receiveStaged(
    path: string,
    node: N,
    position: number,
    body: Body,
    signal: AbortSignal,
  ): Promise<PendingStage>;
  /** @throws StoreError `invalid-flush`, and then nothing is changed */
  flush(path: string, node: N, position: number, retain: boolean, attributes: NodeAttributes): Promise<N>;
  addBlock(path: string, blockId: string, content: C): Promise<void>;
  /** @throws StoreError `invalid`, code `InvalidBlockList` */
  joinBlocks(path: string, blockIds: readonly string[]): Promise<C>;
  dropBlocks(path: string): Promise<void>;
  close(): Promise<void>;
}
