// Faults on purpose, for drills and tests: a store that refuses, hangs, lies or loses answers by rules and seeded dice.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ChaosConfig, ChaosRule, Fault } from '../config/chaos-schema.ts';
import { bodyOf, type Mutation, type MutationResult } from '../core/mutation.ts';
import type { ListQuery, ListResult, Query, QueryResult, ReadQuery, ReadResult } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { cutBody, drippingBody, pause, takeBody } from './chaos/bodies.ts';
import { chooseFault, seededDie } from './chaos/choose-fault.ts';

/** What the layer may be given beside its rules. */
export interface ChaosOptions {
  /** Told of each call that meets a fault. */
  onFault?(fault: Fault, operation: Query | Mutation): void;
  /** Milliseconds of a clock that the time windows go by; default that of the process. */
  now?(): number;
}

/** Code of errors that say no answer came: a server under this layer gives none and breaks the connection. */
export const noAnswer = 'NoAnswer';

/** Most bytes that wait in memory for late application. */
const maxHeldBytes = 67_108_864;
/** What a mutation counts for beside its body, bytes. */
const bareBytes = 1024;

/** Everything that the carrying out of a fault needs. */
interface Struck {
  store: Store;
  rule: ChaosRule;
  ctx: Ctx;
  /** Applies later, when the caller has gone. */
  later(mutation: Mutation, bytes: Buffer | undefined): void;
}

const unanswered = ({ store }: Struck, applied: 'no' | 'unknown'): StoreError =>
  new StoreError('unavailable', `the connection to ${store.name} failed (drill)`, {
    applied,
    code: noAnswer,
  });

const givenUp = (applied: 'no' | 'unknown'): StoreError =>
  new StoreError('aborted', 'the caller has gone away', { applied });

/** The refusals, and the waiting: what befalls queries and mutations alike. @returns if the call goes on */
async function befall({ store, rule, ctx }: Struck, applied: 'no' | 'unknown'): Promise<void> {
  const { fault, retryAfterMs } = rule;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (fault === 'refuse') throw new StoreError('unavailable', `${store.name} refuses (drill)`, wait);
  if (fault === 'throttle') throw new StoreError('throttled', `${store.name} is throttled (drill)`, wait);
  if (fault === 'delay') await pause(rule.delayMs, ctx.signal);
  if (fault === 'hang') await aborted(ctx.signal);
  if (ctx.signal.aborted) throw givenUp(applied);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function ask(struck: Struck, query: Query): Promise<QueryResult> {
  const { store, rule, ctx } = struck;
  if (rule.fault === 'short-page' && query.verb === 'list') return await shortPage(struck, query);
  await befall(struck, 'no');
  if (query.verb === 'read') return await readBadly(struck, query);
  const answer = await store.query(query, ctx);
  if (rule.fault === 'lose-answer') throw unanswered(struck, 'no');
  return answer;
}

async function readBadly(struck: Struck, query: ReadQuery): Promise<ReadResult> {
  const { store, rule, ctx } = struck;
  const answer = await store.query(query, ctx);
  const { body, lengthBytes } = answer;
  if (rule.fault === 'drip') return { ...answer, body: drippingBody(body, rule.bytesPerSecond) };
  if (rule.fault === 'cut' && lengthBytes > rule.afterBytes)
    return { ...answer, body: cutBody(body, rule.afterBytes, unanswered(struck, 'no')) };
  if (rule.fault !== 'lose-answer') return answer;
  body.destroy();
  throw unanswered(struck, 'no');
}

/** Before the token of a page that was kept back whole: the same page is asked for again. */
const keptBack = 'kept-back:';

async function shortPage({ store, rule, ctx }: Struck, query: ListQuery): Promise<ListResult> {
  if (rule.pageEntries > 0)
    return await store.query({ ...query, limit: Math.min(query.limit, rule.pageEntries) }, ctx);
  const page = await store.query({ ...query, limit: 1 }, ctx);
  if (page.entries.length === 0) return page;
  const { token, after } = query;
  return { entries: [], token: keptBack + JSON.stringify({ token, after }) };
}

/** A query that goes on after an empty page, as if that page had never been. */
function resumed(query: Query): Query {
  if (query.verb !== 'list' || !query.token?.startsWith(keptBack)) return query;
  const { token: _, ...rest } = query;
  return {
    ...rest,
    ...(JSON.parse(query.token.slice(keptBack.length)) as Pick<ListQuery, 'token' | 'after'>),
  };
}

async function change(struck: Struck, mutation: Mutation): Promise<MutationResult> {
  const { store, rule, ctx } = struck;
  const stream = bodyOf(mutation)?.stream;
  switch (rule.fault) {
    case 'lose-answer':
      await store.mutate(mutation, ctx).catch(() => undefined);
      throw unanswered(struck, 'unknown');
    case 'cut':
      await store
        .mutate(withStream(mutation, cutBody(stream!, rule.afterBytes, givenUp('unknown'))), ctx)
        .catch(() => undefined);
      throw unanswered(struck, 'unknown');
    case 'drip':
      return await store.mutate(withStream(mutation, drippingBody(stream!, rule.bytesPerSecond)), ctx);
    case 'apply-late': {
      const bytes = stream && (await takeBody(stream, rule.maxBodyBytes, ctx.signal));
      await ctx.beforeCommit?.();
      // A body that turned out too long is lost with its answer: that, too, is what an unknown outcome may mean.
      if (!stream || bytes) struck.later(mutation, bytes);
      throw unanswered(struck, 'unknown');
    }
    case 'forget':
      if (stream) await takeBody(stream, 0, ctx.signal);
      await ctx.beforeCommit?.();
      return pretended(mutation);
    case 'hang':
      // It takes what is sent, as a server does that has lost its disk.
      if (stream) await takeBody(stream, 0, ctx.signal);
  }
  await befall(struck, 'unknown');
  return await store.mutate(mutation, ctx);
}

function withStream(mutation: Mutation, stream: Readable): Mutation {
  return { ...mutation, body: { ...bodyOf(mutation), stream } } as Mutation;
}

/** What a store says that has done nothing. */
function pretended(mutation: Mutation): MutationResult {
  const lengthBytes = bodyOf(mutation)?.lengthBytes ?? 0;
  return {
    created: true,
    entry: {
      path: mutation.verb === 'rename' ? mutation.destination : mutation.path,
      type: mutation.verb === 'mkdir' ? 'directory' : 'file',
      lengthBytes: mutation.verb === 'flush' ? mutation.position : lengthBytes,
      modifiedMs: Date.now(),
      permission: 0o644,
      owner: '$superuser',
      group: '$superuser',
      etag: randomUUID(),
    },
    ...(mutation.verb === 'lease' ? { leaseId: mutation.proposedId ?? randomUUID(), leaseSeconds: 0 } : {}),
  };
}

/**
 * A layer: calls meet faults by the rules, and the errors look as a driver's would. It belongs directly around the driver. Raw requests
 * (`direct`) pass. What is to be applied late is lost when the layer is closed.
 */
export function withChaos(store: Store, config: ChaosConfig, options: ChaosOptions = {}): Store {
  const now = options.now ?? (() => performance.now());
  const startedMs = now();
  const dice = config.rules.map((_, i) => seededDie(config.seed * 1000 + i));
  const waiting = new Set<NodeJS.Timeout>();
  let heldBytes = 0;

  const later = (rule: ChaosRule, ctx: Ctx) => (mutation: Mutation, bytes: Buffer | undefined) => {
    const { beforeCommit: _, ...rest } = ctx;
    const detached: Ctx = { ...rest, trail: {}, signal: new AbortController().signal };
    const weightBytes = bareBytes + (bytes?.length ?? 0);
    heldBytes += weightBytes;
    const timer = setTimeout(() => {
      waiting.delete(timer);
      heldBytes -= weightBytes;
      const whole = bytes ? withStream(mutation, Readable.from([bytes], { objectMode: false })) : mutation;
      // Nobody is there to hear what becomes of it.
      store.mutate(whole, detached).catch(() => undefined);
    }, rule.delayMs);
    waiting.add(timer);
  };
  const strike = (operation: Query | Mutation, ctx: Ctx): Struck | undefined => {
    const call = { operation, elapsedMs: now() - startedMs, roomBytes: maxHeldBytes - heldBytes };
    const rule = chooseFault(config.rules, call, dice);
    if (!rule) return undefined;
    options.onFault?.(rule.fault, operation);
    return { store, rule, ctx, later: later(rule, ctx) };
  };
  return {
    ...store,
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      const plain = resumed(query);
      // A page that was kept back once comes the next time, else no listing would end.
      const struck = plain === query ? strike(query, ctx) : undefined;
      return (await (struck ? ask(struck, query) : store.query(plain, ctx))) as QueryResult<Q>;
    },
    async mutate(mutation, ctx) {
      const struck = strike(mutation, ctx);
      try {
        return await (struck ? change(struck, mutation) : store.mutate(mutation, ctx));
      } finally {
        bodyOf(mutation)?.stream.destroy();
      }
    },
    async close() {
      for (const timer of waiting) clearTimeout(timer);
      await store.close?.();
    },
  };
}
