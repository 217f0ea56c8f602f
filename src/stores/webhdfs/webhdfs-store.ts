// Hadoop as a store: a NameNode with its DataNodes, or HttpFS.
import type { Dispatcher } from 'undici';
import type { Store, Supports } from '../../core/store.ts';
import { createHadoopStore } from './hadoop-store.ts';
import { createParts } from './store-parts.ts';
import { createTransport } from './transport.ts';
import { createWebhdfsCalls } from './webhdfs-calls.ts';

export interface WebhdfsStoreOptions {
  name: string;
  /** Of the NameNode or HttpFS, without `/webhdfs/v1`. */
  url: string;
  /** `user.name` of every request; absent: none is sent. */
  user?: string;
  /** `auto` (default) asks once, before the first rename that could tell the difference. */
  flavor?: 'namenode' | 'httpfs' | 'auto';
  /** Act for the caller (`doas`), as the cluster's `hadoop.proxyuser` settings allow. Default false: everything is done as `user`. */
  doAs?: boolean;
  /** The value of the Authorization header, asked for each request. */
  authorization?: () => Promise<string>;
  /** For everything but streamed bodies; the caller closes it. */
  dispatcher?: Dispatcher;
  /** At most so many to one server; default 128. */
  connections?: number;
  /** Default 60,000. */
  headersTimeoutMs?: number;
}

const supports: Supports = {
  timePrecisionMs: 1,
  staging: false,
  acl: true,
  owners: true,
  properties: true,
  setTimes: true,
  expiry: false,
  leases: false,
  concat: true,
  atomicCreate: false,
  rootFolders: 'any',
  checksum: 'MD5-of-0MD5-of-512CRC32C',
  blocks: true,
  colons: false,
};

/** A store over WebHDFS. It opens no connection before the first request. */
export function createWebhdfsStore(options: WebhdfsStoreOptions): Store {
  const transport = createTransport(options);
  const { name, url, user, authorization } = options;
  const calls = createWebhdfsCalls(
    {
      url,
      flavor: options.flavor ?? 'auto',
      doAs: options.doAs ?? false,
      ...(user === undefined ? {} : { user }),
      ...(authorization ? { authorization } : {}),
    },
    transport,
  );
  return createHadoopStore(createParts(name, calls, supports), transport.close);
}
