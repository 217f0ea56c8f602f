// ETags across a cutover: a condition is judged at the side that minted it, then the operation runs with the truth's own ETag
// (semantics A11).
import { hasCondition } from '../core/condition.ts';
import type { Condition } from '../core/query.ts';
import { otherSide, type Side } from '../core/store.ts';
import type { StoreError } from '../core/store-error.ts';
import type { PathState } from '../journal/journal.ts';
import { truthOf } from '../journal/truth-of.ts';
import type { Listing } from './listing.ts';
import { pathOn } from './places.ts';

/**
 * The ETag that clients see while bytes of an upload wait for their flush; undefined once a change that may end the upload is under
 * way: its answer may be out already.
 */
export function frozenEtag({ upload, intents }: PathState): string | undefined {
  return upload?.unflushed && intents.every((intent) => intent.staged) ? upload.etag : undefined;
}

/**
 * After a failed If-Match at `side`: if the ETag is the other side's current one and the path is clean, the same condition with
 * this side's ETag. Otherwise rethrows.
 * @throws StoreError the failure itself
 */
export async function translateCondition(
  listing: Listing,
  asked: { verb: string; condition?: Condition },
  side: Side,
  failure: StoreError,
): Promise<{ condition: Condition }> {
  const { parts, place, ctx, route } = listing;
  const ifMatch = asked.condition?.ifMatch;
  if (
    failure.kind !== 'condition-failed' ||
    ifMatch === undefined ||
    ifMatch === '*' ||
    !hasCondition(asked.condition)
  ) {
    throw failure;
  }
  const state = await parts.journal.state(place.path);
  const stat = (at: Side) =>
    parts.sides[at].store
      .query({ verb: 'stat', path: pathOn(at, place, place.path) }, ctx)
      .then(({ entry }) => entry.etag);
  if (frozenEtag(state) === ifMatch) {
    const current = await stat(side);
    if (current !== undefined) return { condition: { ...asked.condition, ifMatch: current } };
  }
  // Only while both sides have the path and it is clean does the other side's ETag say anything about this one.
  if (truthOf(state) !== undefined || route.writes !== 'both') throw failure;
  const [minted, current] = await Promise.all([stat(otherSide(side)), stat(side)]);
  if (minted !== ifMatch || current === undefined) throw failure;
  return { condition: { ...asked.condition, ifMatch: current } };
}
