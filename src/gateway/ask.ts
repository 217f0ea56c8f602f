// Asks one side on behalf of a read: truth first, marks, failover (design §4, semantics A2).
import type { Route } from '../core/route.ts';
import { type Ctx, otherSide, type Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { intentOn, truthOf } from '../journal/truth-of.ts';
import { type GatewayParts, sidesDown } from './gateway-parts.ts';

/** How often a marked read is asked again before it is refused as busy. */
const maxAttempts = 8;

/** Where a read goes, and whether the other side would do as well. */
export interface ReadPlan {
  side: Side;
  clean: boolean;
}

/** The plan of a read, pure. */
export function planRead(route: Route, truth: Side | undefined, down: ReadonlySet<Side>): ReadPlan {
  if (truth) return { side: truth, clean: false };
  const other = otherSide(route.reads);
  const mayFailOver = route.failover !== 'none' && route.writes === 'both';
  const side = mayFailOver && down.has(route.reads) && !down.has(other) ? other : route.reads;
  return { side, clean: mayFailOver };
}

/** Resolves when what is being written at a path has been settled, or has kept others waiting for too long. */
async function letSettle(parts: GatewayParts, path: string, ctx: Ctx): Promise<void> {
  const lock = await parts.locks.acquire([{ path, mode: 'shared' }], ctx.signal);
  lock.release();
}

/**
 * Asks a side something; the canonical path decides plan and marks. What `ask` gave is released with `discard` if it has to be
 * asked again.
 */
export async function askTruth<T>(
  parts: GatewayParts,
  read: { route: Route; path: string; tree: boolean; ctx: Ctx },
  ask: (side: Side) => Promise<T>,
  discard: (answer: T) => void = () => undefined,
): Promise<T> {
  const { route, path, tree, ctx } = read;
  let failed: Side | undefined;
  let waited = false;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const mark = parts.marks.begin(path, tree);
    let plan: ReadPlan | undefined;
    let isBeingWritten = false;
    try {
      const state = await parts.journal.state(path);
      isBeingWritten = intentOn(state) !== undefined;
      plan = planRead(route, truthOf(state), failed ? new Set([failed]) : sidesDown(parts));
      ctx.trail.servedBy = plan.side;
      const answer = await ask(plan.side);
      // A busy folder is always being written somewhere: its listing was overlaid with what is open, and concurrent with the rest.
      if (!mark.isMarked(plan.side) || (tree && attempt === maxAttempts - 1)) return answer;
      discard(answer);
    } catch (thrown) {
      const error = StoreError.from(thrown, 'no');
      if (!plan) throw error;
      if (mark.isMarked(plan.side)) continue;
      // The write meets the same failure, and may be taken by the other side yet.
      if (isBeingWritten && !waited && error.temporary && route.failover === 'full') {
        waited = true;
        await letSettle(parts, path, ctx);
        continue;
      }
      // One more try, at the other side of a clean path (semantics A2).
      if (failed || !plan.clean || !error.temporary) throw error;
      failed = plan.side;
    } finally {
      mark.end();
    }
  }
  throw new StoreError('unavailable', 'the path is being written without pause', { retryAfterMs: 100 });
}
