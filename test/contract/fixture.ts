// What a case of the contract suite works with: one store, one folder of its own, short words for the verbs.
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Entry } from '../../src/core/entry.ts';
import type { Attributes, Body, Mutation, MutationResult } from '../../src/core/mutation.ts';
import type {
  Condition,
  ListQuery,
  ListResult,
  Query,
  QueryResult,
  ReadQuery,
} from '../../src/core/query.ts';
import type { Ctx, Store } from '../../src/core/store.ts';
import { type ErrorKind, StoreError } from '../../src/core/store-error.ts';

/** Everything a case needs. `folder` exists and is empty at the start. */
export interface Fixture {
  store: Store;
  folder: string;
  /** An absolute path below the case's folder. */
  at(relative: string): string;
  mutate(mutation: Mutation, ctx?: Partial<Ctx>): Promise<MutationResult>;
  query<Q extends Query>(query: Q, ctx?: Partial<Ctx>): Promise<QueryResult<Q>>;
  /** Makes or replaces a file, parents included. */
  write(path: string, content?: string | Buffer, more?: WriteOptions): Promise<MutationResult>;
  mkdir(path: string, attributes?: Attributes): Promise<MutationResult>;
  read(path: string, options?: Partial<ReadQuery>): Promise<Buffer>;
  stat(path: string, attributes?: boolean): Promise<Entry>;
  exists(path: string): Promise<boolean>;
  /** Through as many pages as it takes: a page may be short, or empty. */
  list(path: string, options?: Partial<ListQuery>): Promise<Entry[]>;
  /** Paths relative to `path`, through as many pages as it takes. */
  names(path: string, options?: Partial<ListQuery>): Promise<string[]>;
  /** One page. */
  page(path: string, options?: Partial<ListQuery>): Promise<ListResult>;
  /** The error of something that must fail. */
  failure(work: Promise<unknown>): Promise<StoreError>;
}

export interface WriteOptions {
  attributes?: Attributes;
  condition?: Condition;
}

/** A body of these bytes, in chunks, with its length promised. */
export function bodyOfBytes(content: string | Buffer, chunkBytes = 65_536): Body {
  const bytes = Buffer.from(content as string);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return { stream: Readable.from(chunks, { objectMode: false }), lengthBytes: bytes.length };
}

/** A body that gives these bytes and then breaks. */
export function brokenBody(content: string, lengthBytes: number): Body {
  async function* chunks(): AsyncGenerator<Buffer> {
    yield Buffer.from(content);
    throw new Error('the client has gone away');
  }
  return { stream: Readable.from(chunks(), { objectMode: false }), lengthBytes };
}

/** Bytes that differ everywhere, the same in every run. */
export function patternBytes(lengthBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = seed;
  for (let at = 0; at < lengthBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** True if the error is of one of these kinds; says which it was otherwise. */
export function kindOf(error: StoreError, ...allowed: ErrorKind[]): string {
  return allowed.includes(error.kind) ? allowed[0]! : `${error.kind} (${error.message})`;
}

let requests = 0;

/** @param folder where the case may work; must exist */
export function createFixture(store: Store, folder: string): Fixture {
  const ctxOf = (more: Partial<Ctx> = {}): Ctx => ({
    requestId: `contract-${++requests}`,
    caller: {},
    signal: new AbortController().signal,
    trail: {},
    protocol: 'dfs',
    wantEntry: true,
    ...more,
  });
  const fixture: Fixture = {
    store,
    folder,
    at: (relative) => `${folder}/${relative}`,
    mutate: (mutation, ctx) => store.mutate(mutation, ctxOf(ctx)),
    query: (query, ctx) => store.query(query, ctxOf(ctx)),
    write: (path, content = '', more = {}) =>
      fixture.mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes(content), ...more }),
    mkdir: (path, attributes) =>
      fixture.mutate({ verb: 'mkdir', path, parents: 'all', ...(attributes ? { attributes } : {}) }),
    read: async (path, options) => {
      const { body } = await fixture.query({ verb: 'read', path, offset: 0, ...options });
      return buffer(body);
    },
    stat: async (path, attributes = false) => (await fixture.query({ verb: 'stat', path, attributes })).entry,
    exists: async (path) => {
      try {
        await fixture.stat(path);
        return true;
      } catch (error) {
        if (error instanceof StoreError && error.kind === 'not-found') return false;
        throw error;
      }
    },
    page: (path, options) => fixture.query({ verb: 'list', path, recursive: false, limit: 1000, ...options }),
    list: async (path, options) => {
      const entries: Entry[] = [];
      let token: string | undefined;
      do {
        const page: ListResult = await fixture.page(
          path,
          token === undefined ? options : { ...options, token },
        );
        entries.push(...page.entries);
        token = page.token;
      } while (token !== undefined);
      return entries;
    },
    names: async (path, options) =>
      (await fixture.list(path, options)).map((entry) => entry.path.slice(path.length + 1)),
    failure: async (work) => {
      try {
        await work;
      } catch (error) {
        if (error instanceof StoreError) return error;
        throw error;
      }
      throw new Error('this should have failed');
    },
  };
  return fixture;
}
