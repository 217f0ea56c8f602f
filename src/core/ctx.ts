// Contexts for operations that no client asked for: repair, start-up, tests.
import type { Ctx } from './store.ts';

/** A context of our own; `reason` shows in logs as the request id. */
export function ownCtx(reason: string, signal: AbortSignal = new AbortController().signal): Ctx {
  return { requestId: reason, caller: {}, signal, trail: {}, protocol: 'dfs' };
}
