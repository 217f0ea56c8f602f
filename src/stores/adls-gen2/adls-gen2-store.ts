// Azure Data Lake Storage Gen2 as a store, through Microsoft's own client; what that cannot say goes over requests of our own.
import { bodyOf, type Mutation, type MutationResult, mapPaths } from '../../core/mutation.ts';
import { normalizePath } from '../../core/path.ts';
import type { Query, QueryResult } from '../../core/query.ts';
import type { Ctx, Store, Supports } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { type Account, type Gen2Credential, openAccount } from './account.ts';
import { fromAbort, fromSdk } from './failures.ts';
import { append, create, remove } from './files.ts';
import { mkdir } from './folders.ts';
import { forward } from './forward.ts';
import { lease } from './lease.ts';
import { list } from './list.ts';
import { access, checksum, read, stat } from './queries.ts';
import { rename } from './rename.ts';
import { setAttributes } from './set-attributes.ts';
import { summary } from './summary.ts';
import { commitBlocks, flush, stage, stageBlock } from './uploads.ts';

export interface AdlsGen2Options {
  name: string;
  /** DFS endpoint: `https://ACCOUNT.dfs.core.windows.net`, or path style `http://HOST:PORT/ACCOUNT`. */
  url: string;
  credential: Gen2Credential;
}

const supports: Supports = {
  timePrecisionMs: 1000,
  staging: true,
  acl: true,
  owners: true,
  properties: true,
  setTimes: false,
  expiry: true,
  leases: true,
  concat: false,
  fences: true,
  atomicCreate: false,
  rootFolders: 'filesystems',
};

/**
 * Store paths are `/filesystem/path`. No connection is opened before the first request, and none is tried twice.
 * @throws StoreError `invalid` for a token over plain http to another machine
 */
export function createAdlsGen2Store({ name, url, credential }: AdlsGen2Options): Store {
  const account = openAccount(url, credential);
  return {
    name,
    supports,
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      try {
        if (ctx.signal.aborted) throw fromAbort(ctx.signal, 'no');
        return (await answer(account, { ...query, path: normalizePath(query.path) }, ctx)) as QueryResult<Q>;
      } catch (error) {
        throw fromSdk(error, false);
      }
    },
    async mutate(mutation, ctx) {
      const body = bodyOf(mutation)?.stream;
      try {
        if (ctx.signal.aborted) throw fromAbort(ctx.signal, 'no');
        return await change(account, mapPaths(mutation, normalizePath), ctx);
      } catch (error) {
        throw fromSdk(error, true);
      } finally {
        if (body && !body.readableEnded) body.destroy();
      }
    },
    direct: () => ({ protocol: 'dfs', forward: (request, signal) => forward(account, request, signal) }),
    close: () => account.close(),
  };
}

function answer(account: Account, query: Query, ctx: Ctx): Promise<QueryResult> {
  switch (query.verb) {
    case 'stat':
      return stat(account, query, ctx);
    case 'list':
      return list(account, query, ctx);
    case 'read':
      return read(account, query, ctx);
    case 'summary':
      return summary(account, query.path, ctx);
    case 'checksum':
      return checksum(account, query.path, ctx);
    case 'access':
      return access(account, query, ctx);
  }
}

function change(account: Account, mutation: Mutation, ctx: Ctx): Promise<MutationResult> {
  switch (mutation.verb) {
    case 'mkdir':
      return mkdir(account, mutation, ctx);
    case 'create':
      return create(account, mutation, ctx);
    case 'append':
      return append(account, mutation, ctx);
    case 'stage':
      return stage(account, mutation, ctx);
    case 'flush':
      return flush(account, mutation, ctx);
    case 'stage-block':
      return stageBlock(account, mutation, ctx);
    case 'commit-blocks':
      return commitBlocks(account, mutation, ctx);
    case 'rename':
      return rename(account, mutation, ctx);
    case 'delete':
      return remove(account, mutation, ctx);
    case 'concat':
    case 'truncate':
      throw StoreError.unsupported(`Gen2 has no ${mutation.verb}`);
    case 'set-attributes':
      return setAttributes(account, mutation, ctx);
    case 'lease':
      return lease(account, mutation, ctx);
  }
}
