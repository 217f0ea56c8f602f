// A face over a fresh memory store with a clock of its own, and what reached the store.
import type { Readable } from 'node:stream';
import type { Mutation } from '../src/core/mutation.ts';
import type { Ctx, Store } from '../src/core/store.ts';
import { createLinkSigner } from '../src/faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../src/faces/webhdfs/webhdfs-face.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import type { Face } from '../src/wire/http.ts';
import { type ask, askFollowing, type RequestWords } from './face-request.ts';

/** The key of every face under test. */
export const links = createLinkSigner(Buffer.alloc(32, 7));

/** A face, what is behind it, and short forms of requests that follow redirects to the face. */
export interface Bench {
  face: Face;
  store: Store;
  mutations: Mutation[];
  ctxs: Ctx[];
  clock: { nowMs: number };
  get(target: string): ReturnType<typeof ask>;
  put(target: string, body?: string): ReturnType<typeof ask>;
  write(path: string, body: string | Readable, params?: string): ReturnType<typeof ask>;
}

/** @param options `store` replaces the memory store */
export function webhdfsBench(options: Partial<Parameters<typeof createWebhdfsFace>[0]> = {}): Bench {
  const clock = { nowMs: 1_700_000_000_000 };
  const inner = options.store ?? createMemoryStore({ name: 'memory', now: () => clock.nowMs });
  const mutations: Mutation[] = [];
  const ctxs: Ctx[] = [];
  const store: Store = {
    ...inner,
    query: (query, ctx) => inner.query(query, ctx),
    mutate: (mutation, ctx) => {
      mutations.push(mutation);
      ctxs.push(ctx);
      return inner.mutate(mutation, ctx);
    },
  };
  const face = createWebhdfsFace({ links, now: () => clock.nowMs, ...options, store });
  const words = (method: string, target: string, body?: string | Readable): RequestWords => ({
    method,
    target: `/webhdfs/v1${target}`,
    ...(body === undefined ? {} : { body }),
  });
  return {
    face,
    store,
    mutations,
    ctxs,
    clock,
    get: (target) => askFollowing(face, words('GET', target)),
    put: (target, body) => askFollowing(face, words('PUT', target, body)),
    write: (path, body, params = '') =>
      askFollowing(face, words('PUT', `${path}?op=CREATE&user.name=ann${params}`, body)),
  };
}
