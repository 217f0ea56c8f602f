// Carries a planned mutation to its sides. The secondary can never stall or fail the primary.
import type { Readable } from 'node:stream';
import { withoutLosses } from '../core/losses.ts';
import { bodyOf, type Mutation, type MutationResult, mapPaths } from '../core/mutation.ts';
import { type Ctx, otherSide, type Side, type Supports } from '../core/store.ts';
import { ownLimit, StoreError } from '../core/store-error.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { type Place, pathOn } from './places.ts';
import { inheritsFrom, type Plan } from './plan.ts';
import { type Outcome, outcomeOf } from './settle.ts';
import { type LetGo, tee } from './tee.ts';

/** What one side made of it. */
export interface Attempt {
  outcome: Outcome;
  result?: MutationResult;
  error?: StoreError;
}

/** A mutation under way: `first` decides the answer, `second` when the lock may go. */
export interface FanOut {
  first: Promise<Attempt>;
  second: Promise<Attempt>;
}

/** How long a driver may take to say what became of a request that was let go, milliseconds. */
const verdictMs = 250;

const tooMany = (lagRequests: number): StoreError =>
  new StoreError('throttled', `more than ${lagRequests} writes wait for this side`, { code: ownLimit });

/** True if a failed primary may be replaced by the other side (semantics A2). */
export function mayTakeOver(plan: Plan, first: Attempt): boolean {
  return plan.mayFailOver && (first.outcome === 'unknown' || first.error?.temporary === true);
}

/**
 * What the secondary is sent: conditions and leases are the primary's to judge (semantics A3). Once it has taken the mutation, missing
 * parents are made; until then no more than the client allows, for a refusal would leave them behind. What it cannot hold is left out
 * (semantics B3), unless it may have to answer for the mutation alone.
 */
function forSecondary(mutation: Mutation, { order, mayFailOver }: Plan, can: Supports): Mutation {
  const mayAnswerAlone = order === 'together' && mayFailOver;
  const free = { ...(mayAnswerAlone ? mutation : withoutLosses(mutation, can)) };
  if ('condition' in free) delete free.condition;
  if (free.verb === 'rename') {
    delete free.sourceCondition;
    free.replace = 'any';
  }
  if ('parents' in free && order === 'primary-first') free.parents = 'all';
  return free;
}

/** Its ETag or lease means something to the side that gave it alone: the other would refuse it for the wrong reason (semantics A11). */
function isForPrimaryOnly(mutation: Mutation): boolean {
  const conditions = [
    'condition' in mutation ? mutation.condition : undefined,
    mutation.verb === 'rename' ? mutation.sourceCondition : undefined,
  ];
  return conditions.some(
    (condition) =>
      condition?.leaseId !== undefined || (condition?.ifMatch !== undefined && condition.ifMatch !== '*'),
  );
}

/** False if the other side lacks the folder, or what is inherited from it: the folder has to be made equal first (semantics A7). */
async function hasFolder({ folders, journal }: GatewayParts, mutation: Mutation): Promise<boolean> {
  const folder = inheritsFrom(mutation);
  if (folder === undefined) return true;
  await folders.made(folder);
  return (await journal.state(folder)).divergence === undefined;
}

async function attempt(call: () => Promise<MutationResult>): Promise<Attempt> {
  try {
    return { outcome: 'acked', result: await call() };
  } catch (thrown) {
    const error = StoreError.from(thrown);
    return { outcome: outcomeOf(error), error };
  }
}

/** A client that goes away takes its unfinished body with it; what was read to the end by then goes on. */
function endWithClient(stream: Readable, signal: AbortSignal): void {
  const onAbort = (): void => {
    if (!stream.readableEnded)
      stream.destroy(new StoreError('aborted', 'the client went away before its body was complete'));
  };
  if (signal.aborted) onAbort();
  else {
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', onAbort));
  }
}

/**
 * Starts a mutation whose paths are canonical. Requests go on when the client goes away: only its body, breaking off, ends them.
 */
export function fanOut(
  parts: GatewayParts,
  plan: Plan,
  mutation: Mutation,
  place: Place,
  app: string,
  ctx: Ctx,
): FanOut {
  const { secondary } = plan;
  const { lag } = parts;
  const body = bodyOf(mutation);
  if (body) endWithClient(body.stream, ctx.signal);
  const letGo = new AbortController();
  const giveUp = (reason: LetGo): void => {
    if (letGo.signal.aborted) return;
    parts.events.onLetGo?.(app, reason);
    // No answer in time is the store's failure and counts for its breaker; being slow is not.
    const kind = reason === 'late' ? 'timeout' : 'aborted';
    letGo.abort(new StoreError(kind, `the secondary was let go: ${reason}`, { applied: 'unknown' }));
  };
  // More would only wait longer, be given up as late, and cost the store what it lacks.
  const isCrowded = secondary !== undefined && lag.waiting[secondary] >= lag.limits.lagRequests;
  const split = body && secondary && !isCrowded ? tee(body.stream, lag, giveUp) : undefined;

  const send = (side: Side, what: Mutation, stream: typeof split, sideCtx: Ctx): Promise<Attempt> => {
    const branch = stream && (side === plan.primary ? stream.primary : stream.secondary);
    const named = mapPaths(
      branch ? ({ ...what, body: { ...body, stream: branch } } as Mutation) : what,
      (path) => pathOn(side, place, path),
    );
    return attempt(() => parts.sides[side].store.mutate(named, sideCtx)).finally(() => branch?.destroy());
  };
  const sendSecond = async (what: Mutation, stream: typeof split, sideCtx: Ctx): Promise<Attempt> => {
    if (await hasFolder(parts, mutation)) return send(otherSide(plan.primary), what, stream, sideCtx);
    split?.letGo('its folder is not there yet');
    return { outcome: 'skipped' };
  };
  const detached: Ctx = {
    ...ctx,
    signal: new AbortController().signal,
    orderWaitMs: parts.limits.orderWaitMs,
  };
  const first = send(plan.primary, mutation, split, detached);
  if (!secondary) return { first, second: Promise.resolve({ outcome: 'skipped' }) };

  if (isCrowded) {
    parts.events.onLetGo?.(app, 'lag-requests');
    return { first, second: Promise.resolve({ outcome: 'refused', error: tooMany(lag.limits.lagRequests) }) };
  }

  const can = parts.sides[secondary].store.supports;
  const secondCtx: Ctx = {
    ...detached,
    trail: {},
    signal: letGo.signal,
    orderWaitMs: 0,
    wantEntry: plan.mayFailOver,
  };
  const waitFor = async (sent: Promise<Attempt>): Promise<Attempt> => {
    lag.waiting[secondary]++;
    try {
      return await within(lag.limits.lagMs, giveUp, sent, letGo.signal);
    } finally {
      lag.waiting[secondary]--;
    }
  };
  const follow = async (): Promise<Attempt> => {
    if (plan.order === 'primary-first') {
      const decided = await first;
      if (mayTakeOver(plan, decided) && !isForPrimaryOnly(mutation))
        return sendSecond(mutation, undefined, secondCtx);
      if (decided.outcome !== 'acked') return { outcome: 'skipped' };
      return waitFor(sendSecond(forSecondary(mutation, plan, can), undefined, secondCtx));
    }
    const beforeCommit = async (): Promise<void> => {
      const decided = await first;
      if (decided.outcome === 'acked' || mayTakeOver(plan, decided)) return;
      throw new StoreError('aborted', 'the primary did not take it');
    };
    const together = plan.checkFirst ? { ...secondCtx, beforeCommit } : secondCtx;
    const sent = sendSecond(forSecondary(mutation, plan, can), split, together);
    const decided = await first;
    // Without a body there is nothing to stop: its answer tells whether the sides differ now.
    if (split && decided.outcome !== 'acked' && !mayTakeOver(plan, decided)) {
      letGo.abort(new StoreError('aborted', 'the primary did not take it', { applied: 'unknown' }));
    }
    return waitFor(sent);
  };
  return { first, second: follow() };
}

/** Waits for the secondary's outcome at most `lagMs`, then lets it go and takes what the driver says soon, else unknown. */
async function within(
  lagMs: number,
  giveUp: (reason: LetGo) => void,
  sent: Promise<Attempt>,
  signal: AbortSignal,
): Promise<Attempt> {
  const timer = setTimeout(() => giveUp('late'), lagMs);
  let verdictTimer: NodeJS.Timeout | undefined;
  const lost = new Promise<Attempt>((resolve) => {
    const onAbort = (): void => {
      const error = StoreError.from(signal.reason);
      verdictTimer = setTimeout(() => resolve({ outcome: 'unknown', error }), verdictMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([sent, lost]);
  } finally {
    clearTimeout(timer);
    clearTimeout(verdictTimer);
  }
}
