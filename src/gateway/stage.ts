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
import { refusedOnState } from './settle.ts';

type Staged = StageMutation | StageBlockMutation;

/** One stage under way. */
interface Staging {
  route: Route;
  ctx: Ctx;
  place: Place;
  mutation: Staged;
  twoSided: boolean;
}

/** The sides that may hold an upload begun now. */
async function sidesForUpload(parts: GatewayParts, { route, mutation }: Staging): Promise<Side[]> {
  const { divergence } = await parts.journal.state(mutation.path);
  if (divergence) return [divergence.truth];
  if (route.writes !== 'both') return [route.reads];
  const down = sidesDown(parts);
  const [primary, other] = [route.reads, otherSide(route.reads)];
  if (down.has(other)) return [primary];
  return down.has(primary) && route.failover === 'full' ? [other] : [primary, other];
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
    const sides = await sidesForUpload(parts, staging);
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
    const known = (await parts.journal.state(path)).upload;
    if (known) return known;
    let pending = opening.get(path);
    if (!pending) {
      pending = open(staging).finally(() => opening.delete(path));
      opening.set(path, pending);
    }
    return pending;
  };
}

function planStage(parts: GatewayParts, { route, twoSided }: Staging, upload: Upload): Plan {
  const primary = upload.sides.includes(route.reads) ? route.reads : upload.sides[0]!;
  const ask = { do: 'ask', primary, order: 'together', checkFirst: false, mayFailOver: false } as const;
  const other = otherSide(primary);
  if (!upload.sides.includes(other)) return twoSided ? { ...ask, skipped: 'diverges' } : ask;
  if (sidesDown(parts).has(other)) return { ...ask, skipped: 'breaker' };
  return { ...ask, secondary: other, mayFailOver: route.failover === 'full' };
}

/**
 * The record after an append, judged against the record as it is now; undefined if no side would hold every acked byte: the
 * loser of a race gets 503.
 */
export function afterStage(now: Upload, acked: readonly Side[], nowMs: number): Upload | undefined {
  const sides = now.sides.filter((side) => acked.includes(side));
  return sides.length === 0 ? undefined : { ...now, sides, unflushed: true, touchedMs: nowMs };
}

async function record(
  parts: GatewayParts,
  staging: Staging,
  intent: Intent | undefined,
  acked: Side[],
  fallback: Upload,
) {
  const now = (await parts.journal.state(staging.mutation.path)).upload ?? fallback;
  const next = afterStage(now, acked, parts.now());
  const changed = next && (next.sides.length !== now.sides.length || !now.unflushed);
  const changes = changed ? [{ do: 'put-upload', upload: next } as const] : [];
  const durable = intent ? parts.journal.settle(intent, changes) : parts.journal.apply(changes);
  return { durable, held: next !== undefined };
}

async function stageUnderLock(
  parts: GatewayParts,
  staging: Staging,
  upload: Upload,
  lock: Lock,
): Promise<MutationResult> {
  const { route, mutation, place, ctx } = staging;
  const decided = planStage(parts, staging, upload);
  const other = otherSide(decided.primary);
  let finished:
    | Promise<{ first: Attempt; second: Attempt; durable: Promise<void>; held: boolean }>
    | undefined;
  try {
    const reaches = [{ path: mutation.path, subtree: false }];
    const wanted = { app: route.app, verb: mutation.verb, reaches, primary: decided.primary, staged: true };
    const intent =
      decided.secondary || decided.skipped
        ? await parts.journal.open({ ...wanted, secondary: other })
        : undefined;
    const sent = fanOut(parts, decided, mutation, place, route.app, ctx);
    finished = Promise.all([sent.first, sent.second]).then(async ([first, second]) => {
      const acked: Side[] = [];
      if (first.outcome === 'acked') acked.push(decided.primary);
      if (second.outcome === 'acked' && (first.outcome === 'acked' || mayTakeOver(decided, first)))
        acked.push(other);
      parts.events.onMutation?.(route.app, mutation.verb, {
        [decided.primary]: first.outcome,
        [other]: second.outcome,
      });
      if (acked.length === 0)
        return { first, second, durable: intent ? parts.journal.settle(intent, []) : done, held: true };
      return { first, second, ...(await record(parts, staging, intent, acked, upload)) };
    });
    const first = await sent.first;
    if (first.outcome === 'acked' && (route.ack === 'primary' || !decided.secondary)) {
      ctx.trail.acked = [decided.primary];
      return first.result!;
    }
    const { second, durable, held } = await finished;
    if (first.outcome === 'acked' && held) {
      ctx.trail.acked = second.outcome === 'acked' ? ['source', 'target'] : [decided.primary];
      return first.result!;
    }
    if (mayTakeOver(decided, first) && second.outcome === 'acked') {
      if (!held)
        throw new StoreError('unavailable', 'the upload goes on at the other store', { retryAfterMs: 1000 });
      // Recovery would take the other side out of the upload: this must be on disk first.
      await durable;
      ctx.trail.acked = [other];
      return second.result!;
    }
    // What is there is the same on both sides, so the other side's word is as good.
    if (mayTakeOver(decided, first) && refusedOnState(second.error)) throw second.error;
    throw first.error ?? new StoreError('internal', 'a store refused without a reason');
  } finally {
    if (finished) finished.catch((error) => parts.events.onError?.('stage', error)).finally(lock.release);
    else lock.release();
  }
}

const done = Promise.resolve();

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
