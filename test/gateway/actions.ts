// Short words for what the gateway's tests do with a store.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Ctx, Store } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';

/** A context as a face would make it. */
export function clientCtx(protocol: Ctx['protocol'] = 'webhdfs'): Ctx {
  return { requestId: 'test', caller: {}, signal: new AbortController().signal, trail: {}, protocol };
}

/** Writes a whole file; gives the context back for its trail. */
export async function put(store: Store, path: string, content: string, ctx = clientCtx()): Promise<Ctx> {
  const body = { stream: Readable.from([Buffer.from(content)]), lengthBytes: Buffer.byteLength(content) };
  await store.mutate({ verb: 'create', path, parents: 'all', body, attributes: { permission: 0o644 } }, ctx);
  return ctx;
}

/** The whole content as text. */
export async function get(store: Store, path: string, ctx = clientCtx()): Promise<string> {
  return text((await store.query({ verb: 'read', path, offset: 0 }, ctx)).body);
}

/** The content, or the kind of the error. */
export async function look(store: Store, path: string): Promise<string> {
  return get(store, path).catch((error) => `(${error.kind})`);
}

/** Names in a folder. */
export async function names(store: Store, path: string, recursive = false): Promise<string[]> {
  const found: string[] = [];
  let token: string | undefined;
  do {
    const query = { verb: 'list', path, recursive, limit: 3 } as const;
    const page = await store.query(token === undefined ? query : { ...query, token }, clientCtx());
    found.push(...page.entries.map((entry) => entry.path));
    token = page.token;
  } while (token !== undefined);
  return found;
}

/** Stages bytes. */
export async function stage(store: Store, path: string, position: number, content: string): Promise<void> {
  const body = { stream: Readable.from([Buffer.from(content)]), lengthBytes: Buffer.byteLength(content) };
  await store.mutate({ verb: 'stage', path, position, body }, clientCtx('dfs'));
}

/** Flushes at a length. */
export async function flush(store: Store, path: string, position: number): Promise<void> {
  await store.mutate({ verb: 'flush', path, position, retain: false, close: true }, clientCtx('dfs'));
}

/** What a promise was refused with; fails if it was not. */
export async function refusal(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise;
  } catch (error) {
    return StoreError.from(error);
  }
  throw new Error('this should have been refused');
}
