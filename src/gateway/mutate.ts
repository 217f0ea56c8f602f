// The life of a write: route → place → lock → plan → journal → fan out → settle → answer (design §4).
import { setTimeout as delay } from 'node:timers/promises';
import { type Mutation, type MutationResult, mapPaths, pathsOf } from '../core/mutation.ts';
import { parentOf } from '../core/path.ts';
import type { Route } from '../core/route.ts';
import { type Ctx, otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Divergence, Intent, Reach } from '../journal/journal.ts';
import type { Lock, LockMode } from '../journal/locks.ts';
import { aftermath, reachesOf } from './aftermath.ts';
import { type Attempt, type FanOut, fanOut, mayTakeOver } from './fan-out.ts';
import { type GatewayParts, sidesDown } from './gateway-parts.ts';
import { makeParents, parentsStand, unmakeParents } from './implied-folders.ts';
import { entryForClient, placeMutation } from './places.ts';
import type { Plan } from './plan.ts';
import { type PreparedWrite, prepareWrite, type Write } from './prepare-write.ts';
import { refusedOnState, settle } from './settle.ts';

function lockModeOf(mutation: Mutation): LockMode {
  if (mutation.verb === 'mkdir') return 'node';
  if (mutation.verb === 'stage' || mutation.verb === 'stage-block') return 'shared';
  if (mutation.verb !== 'set-attributes') return 'exclusive';
  // A default ACL is inherited by what is made below: the order of the two matters.
  return mutation.acl ? 'exclusive' : 'node';
}

/** Waits for the second outcome, writes down what is left, lets the path go. */
async function finish(
  parts: GatewayParts,
  write: Write,
  decided: Omit<PreparedWrite, 'write'>,
  intent: Intent | undefined,
  sent: FanOut,
): Promise<{ second: Attempt; answer: Attempt }> {
  const [first, second] = await Promise.all([sent.first, sent.second]);
  const { primary, secondary, skipped, mayFailOver } = decided.plan;
  const settlement = settle({
    primary,
    first: first.outcome as Exclude<Attempt['outcome'], 'skipped'>,
    firstTemporary: first.error?.temporary ?? false,
    second: second.outcome,
    secondOnState: refusedOnState(second.error),
    secondMisses: skipped !== undefined || (secondary !== undefined && first.outcome !== 'refused'),
    mayFailOver,
  });
  const answer = settlement.answer === 'primary' ? first : second;
  const outcomes = {
    [primary]: first.outcome,
    ...(secondary || skipped ? { [otherSide(primary)]: second.outcome } : {}),
  };
  parts.events.onMutation?.(write.route.app, write.mutation.verb, outcomes);
  if (!intent) return { second, answer };
  // Looked at again: rows may have been merged meanwhile, though none was cleared under the lock.
  const earlier = await rowsAt(parts, intent.reaches);
  const changes = aftermath({
    mutation: write.mutation,
    reaches: intent.reaches,
    settlement,
    acked: answer.outcome === 'acked',
    primary,
    generation: intent.id,
    nowMs: parts.now(),
    zombieMs: parts.limits.zombieMs,
    earlier,
    below: decided.below,
  });
  const durable = parts.journal.settle(intent, changes, settlement.durableFirst);
  if (settlement.divergence) for (const { path } of intent.reaches) parts.events.onDivergence?.(path);
  if (settlement.durableFirst) await durable;
  return { second, answer };
}

/** The row that decides about each path. */
async function rowsAt(
  { journal }: GatewayParts,
  reaches: readonly Reach[],
): Promise<Map<string, Divergence>> {
  const states = await Promise.all(reaches.map(({ path }) => journal.state(path)));
  return new Map(states.flatMap(({ divergence }, i) => (divergence ? [[reaches[i]!.path, divergence]] : [])));
}

/** The client's answer: at the primary's ack, or when both have answered (`ack: both`, failover, refusals). */
async function answerOf(
  write: Write,
  plan: Plan,
  sent: FanOut,
  finished: ReturnType<typeof finish>,
): Promise<MutationResult> {
  const { route, ctx, place } = write;
  const first = await sent.first;
  const early = first.outcome === 'acked' && (route.ack === 'primary' || !plan.secondary);
  let from: Side = plan.primary;
  let taken = first;
  if (early) {
    ctx.trail.acked = [plan.primary];
    // If the other side is known to have it by now, say so; nobody waits for it.
    const known = await Promise.race([sent.second, tick()]);
    if (known?.outcome === 'acked' && plan.secondary) ctx.trail.acked.push(plan.secondary);
  } else if (first.outcome === 'acked' || mayTakeOver(plan, first)) {
    const { second, answer } = await finished;
    ctx.trail.acked = [];
    if (first.outcome === 'acked') ctx.trail.acked.push(plan.primary);
    if (second.outcome === 'acked' && plan.secondary) ctx.trail.acked.push(plan.secondary);
    if (answer === second && plan.secondary) from = plan.secondary;
    taken = answer;
    if (first.outcome === 'acked' && second.outcome !== 'acked' && route.ackFallback === 'refuse') {
      throw new StoreError('unavailable', 'only one of the two stores has taken the write', {
        applied: 'unknown',
      });
    }
  }
  if (taken.outcome !== 'acked')
    throw taken.error ?? new StoreError('internal', 'a store refused without a reason');
  const { entry } = taken.result!;
  return entry ? { ...taken.result, entry: entryForClient(entry, from, place, route, ctx) } : taken.result!;
}

function tick(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(undefined));
  });
}

/** Sorted side names for the answer header read `source,target`. */
const sideOrder = { source: 0, target: 1 } as const;

async function writeUnderLock(parts: GatewayParts, asked: Write, lock: Lock): Promise<MutationResult> {
  let finished: ReturnType<typeof finish> | undefined;
  const end = (): void => {
    // Whoever looked while it was under way may have found what is gone now.
    forgetFolders(parts, asked.mutation);
    lock.release();
  };
  try {
    const { write, ...decided } = await prepareWrite(parts, asked);
    const { mutation } = write;
    const intent = await openIntent(parts, write, decided.plan);
    forgetFolders(parts, mutation);
    const sent = fanOut(parts, decided.plan, mutation, write.place, write.route.app, write.ctx);
    finished = finish(parts, write, decided, intent, sent);
    if (mutation.verb === 'mkdir') parts.folders.making(mutation.path, finished);
    return await answerOf(write, decided.plan, sent, finished);
  } finally {
    asked.ctx.trail.acked?.sort((a, b) => sideOrder[a] - sideOrder[b]);
    if (finished) finished.catch((error) => parts.events.onError?.('settle', error)).finally(end);
    else end();
  }
}

/** Durable when it resolves; nothing to write down where no other side can miss anything. */
async function openIntent(
  parts: GatewayParts,
  { route, mutation }: Write,
  plan: Plan,
): Promise<Intent | undefined> {
  if (!plan.secondary && !plan.skipped) return undefined;
  const reaches = reachesOf(mutation);
  const opened = parts.journal.open({
    app: route.app,
    verb: mutation.verb,
    reaches,
    primary: plan.primary,
    secondary: otherSide(plan.primary),
    staged: false,
  });
  parts.marks.mark(reaches, otherSide(plan.primary));
  return opened;
}

/** Carries out any mutation but those of an upload. */
export async function mutate(
  parts: GatewayParts,
  route: Route,
  mutation: Mutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { place, translate } = placeMutation(route, ctx, pathsOf(mutation));
  return carryOut(parts, { route, ctx, place, mutation: mapPaths(mutation, translate) });
}

/** How often a write makes its parents again because they were removed meanwhile. */
const parentTries = 5;

async function carryOut(parts: GatewayParts, write: Write): Promise<MutationResult> {
  const { mutation, ctx } = write;
  const mode = lockModeOf(mutation);
  const requests = reachesOf(mutation).map(({ path }) => ({ path, mode }));
  const carry = (inner: Write): Promise<MutationResult> => carryOut(parts, inner);
  const made: string[] = [];
  try {
    for (let attempt = 1; attempt <= parentTries; attempt++) {
      const { age } = parts.folders;
      await makeParents(parts, write, made, carry);
      const lock = await parts.locks.acquire(requests, ctx.signal);
      const stand = await parentsStand(parts, write, age).catch((error) => {
        lock.release();
        throw error;
      });
      if (stand) return await writeOrSettle(parts, write, requests, lock);
      lock.release();
    }
    throw new StoreError('unavailable', 'the folders above are removed again and again', {
      retryAfterMs: 100,
    });
  } catch (error) {
    throw await unmakeParents(parts, write, made, carry, StoreError.from(error));
  }
}

/** Between two tries to settle what stands in the way of a write, milliseconds. */
const settleAgainMs = 100;

async function writeOrSettle(
  parts: GatewayParts,
  write: Write,
  requests: { path: string; mode: LockMode }[],
  lock: Lock,
): Promise<MutationResult> {
  const { settleMs } = parts.limits;
  const untilMs = performance.now() + settleMs;
  for (let held = lock; ; held = await parts.locks.acquire(requests, write.ctx.signal)) {
    try {
      return await writeUnderLock(parts, write, held);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'settle-first') throw error;
      if (performance.now() >= untilMs || sidesDown(parts).size > 0) throw error;
      // The lock is free now, so that repair can take it. What it can't settle yet is tried again; then the client is asked to come back.
      await parts.settleNow(error.cause as string[], settleMs);
      await delay(settleAgainMs, undefined, { signal: write.ctx.signal }).catch(() => undefined);
    }
  }
}

/** Folders that this mutation may take away are looked for again by the next write into them. */
function forgetFolders({ folders }: GatewayParts, mutation: Mutation): void {
  if (mutation.verb === 'delete' || mutation.verb === 'rename') folders.forget(mutation.path);
  if (mutation.verb === 'concat' && mutation.deleteSourceDirectory)
    for (const source of mutation.sources) folders.forget(parentOf(source));
}
