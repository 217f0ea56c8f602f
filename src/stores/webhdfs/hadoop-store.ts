// The Store contract over the calls of WebHDFS, HttpFS or Gen1.
import { bodyOf, type Mutation, type MutationResult } from '../../core/mutation.ts';
import { normalizePath } from '../../core/path.ts';
import type { Query, QueryResult } from '../../core/query.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { setAttributes } from './attributes.ts';
import { concat } from './concat.ts';
import { append, create } from './files.ts';
import { mkdir, remove } from './folders.ts';
import { list } from './list.ts';
import { access, checksum, read, stat, summary } from './queries.ts';
import { rename } from './rename.ts';
import type { StoreParts } from './store-parts.ts';
import { truncate } from './truncate.ts';

/** Operations that one service does in its own way. */
export interface OwnVerbs {
  concat?: typeof concat;
}

/** A store; staging and leases are added by layers and the gateway. */
export function createHadoopStore(parts: StoreParts, close: () => Promise<void>, own: OwnVerbs = {}): Store {
  return {
    name: parts.name,
    supports: parts.supports,
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      try {
        throwIfAborted(ctx);
        const normal = { ...query, path: normalizePath(query.path) };
        return (await answer(parts, normal, ctx)) as QueryResult<Q>;
      } catch (error) {
        throw StoreError.from(error, 'no');
      }
    },
    async mutate(mutation, ctx) {
      const body = bodyOf(mutation)?.stream;
      try {
        throwIfAborted(ctx);
        return await change(parts, normalMutation(mutation), ctx, own);
      } catch (error) {
        throw StoreError.from(error);
      } finally {
        body?.destroy();
      }
    },
    direct: (_path, ctx) => ({
      protocol: 'webhdfs',
      forward: (request, signal) => parts.calls.forward(request, ctx, signal),
    }),
    close,
  };
}

function answer(parts: StoreParts, query: Query, ctx: Ctx): Promise<QueryResult> {
  switch (query.verb) {
    case 'stat':
      return stat(parts, query, ctx);
    case 'list':
      return list(parts, query, ctx);
    case 'read':
      return read(parts, query, ctx);
    case 'summary':
      return summary(parts, query.path, ctx);
    case 'checksum':
      return checksum(parts, query.path, ctx);
    case 'access':
      return access(parts, query, ctx);
  }
}

function change(parts: StoreParts, mutation: Mutation, ctx: Ctx, own: OwnVerbs): Promise<MutationResult> {
  switch (mutation.verb) {
    case 'mkdir':
      return mkdir(parts, mutation, ctx);
    case 'create':
      return create(parts, mutation, ctx);
    case 'append':
      return append(parts, mutation, ctx);
    case 'rename':
      return rename(parts, mutation, ctx);
    case 'delete':
      return remove(parts, mutation, ctx);
    case 'concat':
      return (own.concat ?? concat)(parts, mutation, ctx);
    case 'truncate':
      return truncate(parts, mutation, ctx);
    case 'set-attributes':
      return setAttributes(parts, mutation, ctx);
    case 'stage':
    case 'flush':
    case 'stage-block':
    case 'commit-blocks':
    case 'lease':
      throw StoreError.unsupported(`${parts.name} has no ${mutation.verb}`);
  }
}

function normalMutation(mutation: Mutation): Mutation {
  const path = normalizePath(mutation.path);
  if (mutation.verb === 'rename')
    return { ...mutation, path, destination: normalizePath(mutation.destination) };
  if (mutation.verb === 'concat') return { ...mutation, path, sources: mutation.sources.map(normalizePath) };
  return { ...mutation, path };
}

function throwIfAborted({ signal }: Ctx): void {
  if (signal.aborted)
    throw new StoreError('aborted', 'the caller has gone away', { cause: signal.reason as unknown });
}
