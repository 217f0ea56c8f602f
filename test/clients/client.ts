// A client of somebody else, as the matrix sees it: how it is installed, and what it says about each operation.
import type { Side } from '../../src/core/store.ts';

/** What the matrix asks of every client; the order is the order of the rows. */
export const operations = [
  'mkdir',
  'upload small',
  'upload large',
  'empty file',
  'overwrite',
  'append',
  'append nothing',
  'download whole',
  'download ranges',
  'list flat',
  'list recursive',
  'stat',
  'rename file',
  'rename folder',
  'delete file',
  'delete folder',
  'permissions',
  'acl',
  'metadata',
  'leases',
  'expiry',
  'concat',
  'names',
  'conditions',
  'errors',
] as const;

export type Operation = (typeof operations)[number];

/** A client speaks to the gateway while that side is primary, or to an emulator without a gateway. */
export const places = ['emulator', 'source', 'target'] as const;

export type Place = 'emulator' | Side;

/** Everything that a client is told. */
export interface Where {
  /** `http://HOST:PORT`; a Gen2 client adds the account. */
  endpoint: string;
  /** The same over TLS, for the clients that know nothing else, and the certificate that signs it. */
  tlsEndpoint: string;
  caFile: string;
  account: string;
  /** Base64. */
  key: string;
  user: string;
  place: Place;
  /** An empty folder of its own; on Gen2 the first segment is the filesystem. */
  root: string;
  /** A folder with `files` files (`file-00000`...) and one folder `below` with `filesBelow` of them. */
  many: { folder: string; files: number; filesBelow: number };
  /** Of "upload large". */
  largeBytes: number;
  /** Each is tried as a file's and a folder's name. */
  names: readonly string[];
  /** Relative to the root. */
  deepPath: string;
  /** An empty folder on the disk. */
  scratchDir: string;
}

/** What became of one operation; `n/a` says why the client, or the store behind, has no such thing. */
export interface Result {
  operation: Operation;
  outcome: 'pass' | 'fail' | 'n/a';
  reason?: string;
}

export interface Client {
  /** Package and, where one package has several, the part of it. */
  name: string;
  /** What is installed, `NAME@VERSION`. */
  version: string;
  protocol: 'gen1' | 'webhdfs' | 'gen2';
  /** Whether it installs within a minute. */
  inCi: boolean;
  /** Installs below this folder, once. */
  install(cacheDir: string): Promise<void>;
  run(where: Where, cacheDir: string): AsyncIterable<Result>;
}
