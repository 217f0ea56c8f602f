// The life of a write: route → place → lock → plan → journal → fan out → settle → answer (design §4).
import { checkCondition } from '../core/condition.ts';
import type { Entry } from '../core/entry.ts';
import {
  type Mutation,
  type MutationResult,
  mapPaths,
  pathsOf,
  type RenameMutation,
} from '../core/mutation.ts';
import { joinPath, nameOf, parentOf } from '../core/path.ts';
import type { Condition } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import { type Ctx, otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Divergence, Intent, Upload } from '../journal/journal.ts';
import type { Lock, LockMode } from '../journal/locks.ts';
import { aftermath, reachesOf } from './aftermath.ts';
import { translateCondition } from './etags.ts';
import { type Attempt, type FanOut, fanOut, mayTakeOver } from './fan-out.ts';
import { type GatewayParts, sidesDown } from './gateway-parts.ts';
import { makeParents, parentsKnown, unmakeParents } from './implied-folders.ts';
import { entryForClient, isTwoSided, type Place, pathOn, placeMutation } from './places.ts';
import { type Plan, plan, type SettleFirst } from './plan.ts';
import { settle } from './settle.ts';

/** A mutation whose paths are canonical, with everything that was decided about it. */
interface Write {
  route: Route;
  ctx: Ctx;
  place: Place;
  mutation: Mutation;
}

/** Most rows below a moved or removed folder that are looked at one by one. */
const belowLimit = 10_000;

function lockModeOf(mutation: Mutation): LockMode {
  if (mutation.verb === 'mkdir') return 'node';
  if (mutation.verb === 'stage' || mutation.verb === 'stage-block') return 'shared';
  if (mutation.verb !== 'set-attributes') return 'exclusive';
  // A default ACL is inherited by what is made below: the order of the two matters.
  return mutation.acl ? 'exclusive' : 'node';
}

/** Rows and uploads that decide the plan, read under the lock. */
async function situationOf(parts: GatewayParts, { route, mutation, place }: Write) {
  const divergences: Divergence[] = [];
  const below: Divergence[] = [];
  const uploads: Upload[] = [];
  const earlier = new Map<string, Divergence>();
  for (const reach of reachesOf(mutation)) {
    const state = await parts.journal.state(reach.path);
    if (state.divergence) divergences.push(state.divergence);
    if (state.divergence?.path === reach.path) earlier.set(reach.path, state.divergence);
    if (state.upload) uploads.push(state.upload);
    if (!reach.subtree && mutation.verb !== 'delete') continue;
    const rows = await parts.journal.below(reach.path, { direct: false, limit: belowLimit });
    below.push(...rows.divergences);
    uploads.push(...rows.uploads);
  }
  const twoSided = isTwoSided(place.mount, parts.table().routes.values());
  return {
    situation: { route, mutation, divergences, below, uploads, twoSided, down: sidesDown(parts) },
    earlier,
  };
}

/** Plans under the lock; paths with two truths are settled first, within a bound (semantics A7). */
async function planUnderLock(
  parts: GatewayParts,
  write: Write,
): Promise<{ plan: Plan; earlier: Map<string, Divergence> }> {
  const { situation, earlier } = await situationOf(parts, write);
  const decided: Plan | SettleFirst = plan(situation);
  if (decided.do === 'ask') return { plan: decided, earlier };
  throw new StoreError(
    'unavailable',
    'the paths have their newest state on different sides; they are being settled',
    {
      retryAfterMs: 1000,
      code: 'settle-first',
      cause: decided.divergences.map((row) => row.path),
    },
  );
}

/** Hadoop's rename into a folder becomes an exact rename, judged at the truth of the destination. */
async function resolveDestination(parts: GatewayParts, write: Write, primary: Side): Promise<Mutation> {
  const { mutation, place, ctx } = write;
  if (mutation.verb !== 'rename' || !mutation.intoDirectory) return mutation;
  const exact = { ...mutation, intoDirectory: false };
  const there = await entryAt(parts, { ctx, place }, primary, mutation.destination);
  if (there?.type !== 'directory') return exact;
  return { ...exact, destination: joinPath(mutation.destination, nameOf(mutation.path)) };
}

/** What a side has at a canonical path; undefined if nothing. */
async function entryAt(
  parts: GatewayParts,
  { ctx, place }: Pick<Write, 'ctx' | 'place'>,
  side: Side,
  canonical: string,
): Promise<Entry | undefined> {
  const path = pathOn(side, place, canonical);
  try {
    return (await parts.sides[side].store.query({ verb: 'stat', path }, ctx)).entry;
  } catch (error) {
    if (StoreError.from(error).kind === 'not-found') return undefined;
    throw error;
  }
}

/** A condition on a mutation with a body is judged before the body is read; the primary judges again (semantics A3). */
async function checkFirst(
  parts: GatewayParts,
  { mutation, place, ctx }: Write,
  primary: Side,
): Promise<void> {
  const entry = await entryAt(parts, { ctx, place }, primary, mutation.path);
  if (mutation.verb === 'append') {
    if (!entry) throw StoreError.notFound(mutation.path);
    if (mutation.position !== undefined && entry.lengthBytes !== mutation.position) {
      throw new StoreError(
        'bad-offset',
        `the file is ${entry.lengthBytes} bytes long, not ${mutation.position}`,
      );
    }
  }
  if ('condition' in mutation) checkCondition(mutation.condition, entry);
}

/**
 * A condition on a path with an If-Match that the primary understands; as it was where nothing is there, so that the primary judges.
 * @throws StoreError `condition-failed`
 */
async function ownCondition(
  parts: GatewayParts,
  { mutation, route, ctx, place }: Write,
  asked: { path: string; condition: Condition },
  primary: Side,
): Promise<Condition> {
  const { path, condition } = asked;
  if (condition.ifMatch === undefined || condition.ifMatch === '*') return condition;
  const there = await entryAt(parts, { ctx, place }, primary, path);
  if (!there || there.etag === condition.ifMatch) return condition;
  const failure = new StoreError('condition-failed', 'the condition If-Match is not met');
  const listing = { parts, route, ctx, place: { ...place, path } };
  return (await translateCondition(listing, { verb: mutation.verb, condition }, primary, failure)).condition;
}

/**
 * The mutation with every If-Match as the primary understands it. An upload's ETag is frozen from create to flush: a flush with it
 * passes, whatever the store shows meanwhile; an ETag of the other side is judged there (semantics A11).
 */
async function withOwnEtag(parts: GatewayParts, write: Write, primary: Side): Promise<Mutation> {
  const { mutation } = write;
  if (mutation.verb === 'rename') return renameWithOwnEtags(parts, write, mutation, primary);
  const condition = 'condition' in mutation ? mutation.condition : undefined;
  if (condition?.ifMatch === undefined) return mutation;
  const { path } = mutation;
  const { upload } = await parts.journal.state(path);
  if (mutation.verb === 'flush' && upload?.etag === condition.ifMatch) {
    const { ifMatch: _, ...rest } = condition;
    return { ...mutation, condition: rest };
  }
  return {
    ...mutation,
    condition: await ownCondition(parts, write, { path, condition }, primary),
  } as Mutation;
}

/** A rename's condition is on its destination, `sourceCondition` on what is moved. */
async function renameWithOwnEtags(
  parts: GatewayParts,
  write: Write,
  mutation: RenameMutation,
  primary: Side,
): Promise<RenameMutation> {
  const { path, destination, condition, sourceCondition } = mutation;
  const own = { ...mutation };
  if (condition) own.condition = await ownCondition(parts, write, { path: destination, condition }, primary);
  if (!sourceCondition) return own;
  try {
    const asked = { path, condition: sourceCondition };
    own.sourceCondition = await ownCondition(parts, write, asked, primary);
  } catch (error) {
    if (StoreError.from(error).kind !== 'condition-failed') throw error;
    throw new StoreError('source-condition-failed', 'the condition on the source is not met', {
      cause: error,
    });
  }
  return own;
}

/** Waits for the second outcome, writes down what is left, lets the path go. */
async function finish(
  parts: GatewayParts,
  write: Write,
  decided: { plan: Plan; earlier: Map<string, Divergence> },
  intent: Intent | undefined,
  sent: FanOut,
): Promise<{ first: Attempt; second: Attempt; answer: Attempt; durable: Promise<void> }> {
  const [first, second] = await Promise.all([sent.first, sent.second]);
  const { primary, secondary, skipped, mayFailOver } = decided.plan;
  const settlement = settle({
    primary,
    first: first.outcome as Exclude<Attempt['outcome'], 'skipped'>,
    firstTemporary: first.error?.temporary ?? false,
    second: second.outcome,
    secondMisses: skipped !== undefined || (secondary !== undefined && first.outcome !== 'refused'),
    mayFailOver,
  });
  const answer = settlement.answer === 'primary' ? first : second;
  const outcomes = {
    [primary]: first.outcome,
    ...(secondary || skipped ? { [otherSide(primary)]: second.outcome } : {}),
  };
  parts.events.onMutation?.(write.route.app, write.mutation.verb, outcomes);
  if (!intent) return { first, second, answer, durable: Promise.resolve() };
  const changes = aftermath({
    mutation: write.mutation,
    reaches: intent.reaches,
    settlement,
    acked: answer.outcome === 'acked',
    generation: intent.id,
    nowMs: parts.now(),
    zombieMs: parts.limits.zombieMs,
    earlier: decided.earlier,
  });
  const durable = parts.journal.settle(intent, changes);
  if (settlement.divergence) for (const { path } of intent.reaches) parts.events.onDivergence?.(path);
  return { first, second, answer, durable: settlement.durableFirst ? durable : Promise.resolve() };
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
    const { second, answer, durable } = await finished;
    await durable;
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

/** A lease lives where the writes are decided; the other side never hears of it (semantics A3). */
function leaseAtPrimary(decided: Plan): void {
  delete decided.secondary;
  delete decided.skipped;
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
  try {
    const early = await planUnderLock(parts, asked);
    const resolved = await resolveDestination(parts, asked, early.plan.primary);
    const mutation = await withOwnEtag(parts, { ...asked, mutation: resolved }, early.plan.primary);
    const write = { ...asked, mutation };
    const decided = resolved === asked.mutation ? early : await planUnderLock(parts, write);
    if (mutation.verb === 'lease') leaseAtPrimary(decided.plan);
    if (decided.plan.checkFirst) await checkFirst(parts, write, decided.plan.primary);
    const intent = await openIntent(parts, write, decided.plan);
    forgetFolders(parts, mutation);
    const sent = fanOut(parts, decided.plan, mutation, write.place, write.route.app, write.ctx);
    finished = finish(parts, write, decided, intent, sent);
    return await answerOf(write, decided.plan, sent, finished);
  } finally {
    asked.ctx.trail.acked?.sort((a, b) => sideOrder[a] - sideOrder[b]);
    if (finished) finished.catch((error) => parts.events.onError?.('settle', error)).finally(lock.release);
    else lock.release();
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

/** How often a write looks for its parents again because folders were removed meanwhile. */
const parentTries = 3;

async function carryOut(parts: GatewayParts, write: Write): Promise<MutationResult> {
  const { mutation, ctx } = write;
  const mode = lockModeOf(mutation);
  const requests = reachesOf(mutation).map(({ path }) => ({ path, mode }));
  const carry = (inner: Write): Promise<MutationResult> => carryOut(parts, inner);
  const made: string[] = [];
  try {
    for (let attempt = 1; ; attempt++) {
      const { age } = parts.folders;
      made.push(...(await makeParents(parts, write, carry)));
      const lock = await parts.locks.acquire(requests, ctx.signal);
      if (attempt === parentTries || age === parts.folders.age || parentsKnown(parts, write))
        return await writeOrSettle(parts, write, requests, lock);
      lock.release();
    }
  } catch (error) {
    if (StoreError.from(error).applied === 'no') await unmakeParents(parts, write, made, carry);
    throw error;
  }
}

async function writeOrSettle(
  parts: GatewayParts,
  write: Write,
  requests: { path: string; mode: LockMode }[],
  lock: Lock,
): Promise<MutationResult> {
  try {
    return await writeUnderLock(parts, write, lock);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'settle-first') throw error;
    // The lock is free now, so that repair can take it; one more try, then the client is asked to come back.
    await parts.settleNow(error.cause as string[], parts.limits.settleMs);
    return writeUnderLock(parts, write, await parts.locks.acquire(requests, write.ctx.signal));
  }
}

/** Folders that this mutation may take away are looked for again by the next write into them. */
function forgetFolders({ folders }: GatewayParts, mutation: Mutation): void {
  if (mutation.verb === 'delete' || mutation.verb === 'rename') folders.forget(mutation.path);
  if (mutation.verb === 'concat' && mutation.deleteSourceDirectory)
    for (const source of mutation.sources) folders.forget(parentOf(source));
}
