// The Store contract over a bare tree: one place for the rules that memory and local share.
import { bodyOf, type Mutation, type MutationResult, mapPaths } from '../../core/mutation.ts';
import { normalizePath } from '../../core/path.ts';
import type { Query, QueryResult } from '../../core/query.ts';
import type { Ctx, Store, Supports } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { lease, setAttributes } from './change-attributes.ts';
import { createEtagMint } from './etags.ts';
import { mkdir, remove, rename } from './folders.ts';
import { listPage } from './list-page.ts';
import { createPathLocks } from './path-locks.ts';
import { access, checksum, read, stat, summary } from './queries.ts';
import { type Rules, throwIfAborted } from './rules.ts';
import type { Content, Tree, TreeNode } from './tree.ts';
import { commitBlocks, flush, stage, stageBlock } from './uploads.ts';
import { append, concat, create, truncate } from './write-files.ts';

/** A tree and how it is to be served. */
export interface TreeStoreOptions<N extends TreeNode, C extends Content> {
  name: string;
  tree: Tree<N, C>;
  rootFolders: Supports['rootFolders'];
  /** Epoch milliseconds. */
  now: () => number;
}

/** A store over a tree; every operation of the contract, for callers that are all superusers. */
export function createTreeStore<N extends TreeNode, C extends Content>(
  options: TreeStoreOptions<N, C>,
): Store {
  const { name, tree, rootFolders, now } = options;
  const rules: Rules<N, C> = {
    tree,
    now,
    rootFolders,
    mintEtag: createEtagMint(now),
    locks: createPathLocks(),
    folderLocks: createPathLocks(),
  };
  return {
    name,
    supports: {
      timePrecisionMs: 1,
      staging: true,
      acl: true,
      owners: true,
      properties: true,
      setTimes: true,
      expiry: true,
      leases: true,
      concat: true,
      atomicCreate: true,
      fences: true,
      rootFolders,
      checksum: 'MD5',
    },
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      try {
        throwIfAborted(ctx.signal);
        const normal = { ...query, path: normalizePath(query.path) };
        return (await answer(rules, normal, ctx)) as QueryResult<Q>;
      } catch (error) {
        throw StoreError.from(error, 'no');
      }
    },
    async mutate(mutation, ctx) {
      const body = bodyOf(mutation)?.stream;
      try {
        throwIfAborted(ctx.signal);
        return await change(rules, mapPaths(mutation, normalizePath), ctx);
      } catch (error) {
        throw StoreError.from(error);
      } finally {
        if (body && !body.readableEnded) body.destroy();
      }
    },
    close: () => tree.close(),
  };
}

function answer<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  query: Query,
  ctx: Ctx,
): Promise<QueryResult> {
  switch (query.verb) {
    case 'stat':
      return stat(rules, query);
    case 'list':
      return listPage(rules, query);
    case 'read':
      return read(rules, query, ctx);
    case 'summary':
      return summary(rules, query.path, ctx);
    case 'checksum':
      return checksum(rules, query.path, ctx);
    case 'access':
      return access(rules, query);
  }
}

function change<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: Mutation,
  ctx: Ctx,
): Promise<MutationResult> {
  switch (mutation.verb) {
    case 'mkdir':
      return mkdir(rules, mutation, ctx);
    case 'create':
      return create(rules, mutation, ctx);
    case 'append':
      return append(rules, mutation, ctx);
    case 'stage':
      return stage(rules, mutation, ctx);
    case 'flush':
      return flush(rules, mutation, ctx);
    case 'stage-block':
      return stageBlock(rules, mutation, ctx);
    case 'commit-blocks':
      return commitBlocks(rules, mutation, ctx);
    case 'rename':
      return rename(rules, mutation, ctx);
    case 'delete':
      return remove(rules, mutation, ctx);
    case 'concat':
      return concat(rules, mutation, ctx);
    case 'truncate':
      return truncate(rules, mutation, ctx);
    case 'set-attributes':
      return setAttributes(rules, mutation, ctx);
    case 'lease':
      return lease(rules, mutation, ctx);
  }
}
