// Everything that is decided under the lock before a write is written down: its plan, its destination, its conditions.
import { checkCondition } from '../core/condition.ts';
import type { Entry } from '../core/entry.ts';
import type { Mutation, RenameMutation } from '../core/mutation.ts';
import { joinPath, nameOf } from '../core/path.ts';
import type { Condition } from '../core/query.ts';
import type { Route } from '../core/route.ts';
import type { Ctx, Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Below, Divergence, Upload } from '../journal/journal.ts';
import { reachesOf } from './aftermath.ts';
import { translateCondition } from './etags.ts';
import { type GatewayParts, refuseHeld, sidesDown } from './gateway-parts.ts';
import { isTwoSided, type Place, pathOn } from './places.ts';
import { inheritsFrom, type Plan, plan, type SettleFirst } from './plan.ts';

/** A mutation whose paths are canonical, with everything that was decided about it. */
export interface Write {
  route: Route;
  ctx: Ctx;
  place: Place;
  mutation: Mutation;
}

/** Most rows below a moved or removed folder that are looked at one by one. */
const belowLimit = 10_000;

/** What lies below a path that is moved or removed; too much to be looked at one by one becomes one row (semantics D2). */
async function rowsBelow({ journal }: GatewayParts, path: string): Promise<Below> {
  const page = { direct: false, limit: belowLimit };
  const rows = await journal.below(path, page);
  if (rows.divergences.length < belowLimit) return rows;
  await journal.collapse(path);
  return journal.below(path, page);
}

/** Rows and uploads that decide the plan, read under the lock. */
async function situationOf(parts: GatewayParts, { route, mutation, place }: Write, away: Side | undefined) {
  const divergences: Divergence[] = [];
  const below: Divergence[] = [];
  const uploads: Upload[] = [];
  for (const reach of reachesOf(mutation)) {
    const all = reach.subtree || mutation.verb === 'delete';
    const rows = all ? await rowsBelow(parts, reach.path) : undefined;
    below.push(...(rows?.divergences ?? []));
    uploads.push(...(rows?.uploads ?? []));
    const state = await parts.journal.state(reach.path);
    if (state.divergence) divergences.push(state.divergence);
    if (state.upload) uploads.push(state.upload);
  }
  const folder = inheritsFrom(mutation);
  const above = folder === undefined ? undefined : (await parts.journal.state(folder)).divergence;
  if (above) divergences.push(above);
  const twoSided = isTwoSided(place.mount, parts.table().routes.values());
  refuseHeld(parts, twoSided, mutation.path);
  const down = new Set(sidesDown(parts));
  if (away) down.add(away);
  return { route, mutation, divergences, below, uploads, twoSided, down };
}

/** Plans under the lock; paths with two truths are settled first, within a bound (semantics A7). */
async function planUnderLock(
  parts: GatewayParts,
  write: Write,
  away: Side | undefined,
): Promise<Omit<PreparedWrite, 'write'>> {
  const situation = await situationOf(parts, write, away);
  const decided: Plan | SettleFirst = plan(situation);
  if (decided.do === 'ask') return { plan: decided, below: situation.below };
  const firstOn = (side: Side) =>
    decided.divergences.find(({ truth }) => truth === side)?.path ?? 'an upload';
  const where = `${firstOn('source')} on the source, ${firstOn('target')} on the target`;
  throw new StoreError(
    'unavailable',
    `the paths have their newest state on different sides (${where}); they are being settled`,
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

/** A lease lives where the writes are decided; the other side never hears of it (semantics A3). */
function leaseAtPrimary(decided: Plan): void {
  delete decided.secondary;
  delete decided.skipped;
}

/** A write that is ready to be written down and sent. */
export interface PreparedWrite {
  write: Write;
  plan: Plan;
  /** Rows below the paths that it moves or removes with all below them. */
  below: readonly Divergence[];
}

/**
 * Plans, and asks the primary what has to be known first. Where that side does not answer and the other may take its place, everything
 * is decided once more without it (semantics A3).
 * @param away a side that counts as down, whatever its breaker says
 * @throws StoreError of a refusal; code `settle-first` with the paths as its cause
 */
export async function prepareWrite(parts: GatewayParts, asked: Write, away?: Side): Promise<PreparedWrite> {
  const early = await planUnderLock(parts, asked, away);
  const { primary, mayFailOver } = early.plan;
  try {
    const resolved = await resolveDestination(parts, asked, primary);
    const mutation = await withOwnEtag(parts, { ...asked, mutation: resolved }, primary);
    const write = { ...asked, mutation };
    const decided = resolved === asked.mutation ? early : await planUnderLock(parts, write, away);
    if (mutation.verb === 'lease') leaseAtPrimary(decided.plan);
    if (decided.plan.checkFirst) await checkFirst(parts, write, decided.plan.primary);
    return { write, ...decided };
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    if (!mayFailOver || !error.temporary || error.code === 'settle-first') throw error;
    return prepareWrite(parts, asked, primary);
  }
}
