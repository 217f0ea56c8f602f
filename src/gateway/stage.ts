// Staged bytes of an upload: they commute, share the path's lock, and belong to a durable upload record (semantics A4).
import {
  type MutationResult,
  mapPaths,
  type StageBlockMutation,
  type StageMutation,
} from '../core/mutation.ts';
import type { Route } from '../core/route.ts';
import { type Ctx, otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Intent, Upload } from '../journal/journal.ts';
import type { Lock } from '../journal/locks.ts';
import { type Attempt, fanOut, mayTakeOver } from './fan-out.ts';
import { type GatewayParts, refuseHeld, sidesDown } from './gateway-parts.ts';
import { isTwoSided, type Place, pathOn, placeMutation } from './places.ts';
import type { Plan } from './plan.ts';
import {
  mayAnswerEarly,
  planStage,
  type StageSettlement,
  settleStage,
  sidesForUpload,
  sidesOf,
} from './plan-stage.ts';
import { refusedOnState } from './settle.ts';

type Staged = StageMutation | StageBlockMutation;

/** How often an upload that goes on is noted in the time after which one that stands still is closed. */
const touchesPerIdle = 8;

/** One stage under way. */
interface Staging {
  route: Route;
  ctx: Ctx;
  place: Place;
  mutation: Staged;
  twoSided: boolean;
}

/** The ETag that is shown until the flush; where the primary does not answer and may be replaced, the upload begins without it. */
async function etagAtBegin(
  parts: GatewayParts,
  staging: Staging,
  sides: Side[],
): Promise<{ sides: Side[]; etag?: string }> {
  const { mutation, place, ctx, route } = staging;
  const [first, ...others] = sides;
  try {
    const path = pathOn(first!, place, mutation.path);
    const { entry } = await parts.sides[first!].store.query({ verb: 'stat', path }, ctx);
    return entry.etag === undefined ? { sides } : { sides, etag: entry.etag };
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    if (others.length === 0 || route.failover !== 'full' || !error.temporary) throw error;
    return etagAtBegin(parts, staging, others);
  }
}

/** Opens the record of an upload; of requests that come together one opens it and the others find it. */
function createUploadOpener(parts: GatewayParts): (staging: Staging) => Promise<Upload> {
  const opening = new Map<string, Promise<Upload>>();
  const open = async (staging: Staging): Promise<Upload> => {
    const { mutation, route } = staging;
    const state = await parts.journal.state(mutation.path);
    const sides = sidesForUpload(route, state, sidesDown(parts));
    const begun = mutation.verb === 'stage' ? await etagAtBegin(parts, staging, sides) : { sides };
    const upload: Upload = {
      ...begun,
      path: mutation.path,
      generation: 0,
      unflushed: false,
      app: route.app,
      touchedMs: parts.now(),
    };
    void parts.journal.apply([{ do: 'put-upload', upload }]);
    return upload;
  };
  return async (staging) => {
    const { path } = staging.mutation;
    const state = await parts.journal.state(path);
    const known = state.upload;
    // One that holds nothing yet is begun again where its sides are no longer those that may take it.
    if (known && (known.unflushed || sidesOf(known, state).length > 0)) return known;
    let pending = opening.get(path);
    if (!pending) {
      pending = open(staging).finally(() => opening.delete(path));
      opening.set(path, pending);
    }
    return pending;
  };
}

/** What became of an append on both sides, and whether some side still has every acked byte with it. */
interface Recorded {
  first: Attempt;
  second: Attempt;
  durable: Promise<void>;
  settlement: StageSettlement;
}

/** Closes the intent of an append together with what the upload's record is after it. */
async function record(
  { parts, staging, decided, intent, upload }: Sent,
  [first, second, alone]: [Attempt, Attempt, boolean],
): Promise<Recorded> {
  const { path, verb } = staging.mutation;
  const { primary } = decided;
  const other = otherSide(primary);
  parts.events.onMutation?.(staging.route.app, verb, { [primary]: first.outcome, [other]: second.outcome });
  const now = (await parts.journal.state(path)).upload ?? upload;
  const { answeredAlone } = parts;
  const touch = { nowMs: parts.now(), touchEveryMs: parts.limits.uploadIdleMs / touchesPerIdle };
  const settlement = settleStage({ plan: decided, first, second, now, answeredAlone, ...touch });
  if (alone) answeredAlone.end(path, primary);
  const { changes } = settlement;
  const durable = intent ? parts.journal.settle(intent, changes) : parts.journal.apply(changes);
  return { first, second, durable, settlement };
}

/** An append that has been planned and written down. */
interface Sent {
  parts: GatewayParts;
  staging: Staging;
  decided: Plan;
  intent: Intent | undefined;
  upload: Upload;
}

/** True if the client is answered at the primary's ack; the answer then rests on that side alone until the other one is heard of. */
async function answersEarly(
  { parts, staging, decided, intent, upload }: Sent,
  first: Attempt,
): Promise<boolean> {
  const { route, mutation } = staging;
  if (!intent) return false;
  const now = (await parts.journal.state(mutation.path)).upload ?? upload;
  const { answeredAlone } = parts;
  if (!mayAnswerEarly({ route, plan: decided, first, now, answeredAlone })) return false;
  answeredAlone.begin(mutation.path, decided.primary);
  return true;
}

/** The answer once both outcomes are known. @throws StoreError */
async function answerOf(
  { staging, decided, intent }: Sent,
  { first, second, durable, settlement }: Recorded,
): Promise<MutationResult> {
  const { trail } = staging.ctx;
  const { primary } = decided;
  const takenOver = mayTakeOver(decided, first) && second.outcome === 'acked';
  // What is there is the same on both sides, so the other side's word is as good.
  if (first.outcome !== 'acked' && mayTakeOver(decided, first) && refusedOnState(second.error))
    throw second.error;
  if (first.outcome !== 'acked' && !takenOver)
    throw first.error ?? new StoreError('internal', 'a store refused without a reason');
  if (!settlement.held)
    throw new StoreError('unavailable', 'the upload goes on at the other store', { retryAfterMs: 1000 });
  // Without an intent recovery would know of no upload at all.
  if (settlement.durableFirst || !intent) await durable;
  if (first.outcome !== 'acked') {
    trail.acked = [otherSide(primary)];
    return second.result!;
  }
  trail.acked = second.outcome === 'acked' ? ['source', 'target'] : [primary];
  return first.result!;
}

async function stageUnderLock(
  parts: GatewayParts,
  staging: Staging,
  opened: Upload,
  lock: Lock,
): Promise<MutationResult> {
  const { route, mutation, place, ctx } = staging;
  const { path, verb } = mutation;
  let finished: Promise<Recorded> | undefined;
  try {
    const state = await parts.journal.state(path);
    const upload = state.upload ?? opened;
    const { twoSided } = staging;
    const decided = planStage({ route, twoSided, upload, state, down: sidesDown(parts) });
    const { primary, secondary, skipped } = decided;
    const reaches = [{ path, subtree: false }];
    const wanted = { app: route.app, verb, reaches, primary, secondary: otherSide(primary), staged: true };
    const intent = secondary || skipped ? await parts.journal.open(wanted) : undefined;
    const sent: Sent = { parts, staging, decided, intent, upload };
    const { first, second } = fanOut(parts, decided, mutation, place, route.app, ctx);
    const alone = first.then((attempt) => answersEarly(sent, attempt));
    finished = Promise.all([first, second, alone]).then((outcomes) => record(sent, outcomes));
    if (await alone) {
      ctx.trail.acked = [primary];
      return (await first).result!;
    }
    return await answerOf(sent, await finished);
  } finally {
    if (finished) finished.catch((error) => parts.events.onError?.('stage', error)).finally(lock.release);
    else lock.release();
  }
}

/** Carries out stage and stage-block. */
export function createStager(parts: GatewayParts) {
  const openUpload = createUploadOpener(parts);
  return async (route: Route, mutation: Staged, ctx: Ctx): Promise<MutationResult> => {
    const { place, translate } = placeMutation(route, ctx, [mutation.path]);
    const canonical = mapPaths(mutation, translate);
    const twoSided = isTwoSided(place.mount, parts.table().routes.values());
    refuseHeld(parts, twoSided, canonical.path);
    const staging: Staging = { route, ctx, place, mutation: canonical, twoSided };
    const lock = await parts.locks.acquire([{ path: canonical.path, mode: 'shared' }], ctx.signal);
    let upload: Upload;
    try {
      upload = await openUpload(staging);
    } catch (error) {
      lock.release();
      throw error;
    }
    return stageUnderLock(parts, staging, upload, lock);
  };
}
