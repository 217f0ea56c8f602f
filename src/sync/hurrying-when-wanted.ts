// Repair gives way: what it asks of the stores under a lock ends soon once a client waits for that lock.
import { StoreError } from '../core/store-error.ts';
import type { SyncParts } from './sync-parts.ts';

/** Lets go of what it asks of the stores once a client has waited for the path as long as for a secondary that lags. */
export function hurryingWhenWanted(parts: SyncParts) {
  const tooLong = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    parts: { ...parts, ctx: () => ({ ...parts.ctx(), signal: tooLong.signal }) },
    onWanted(): void {
      const reason = new StoreError('timeout', 'a client waits for the path', { applied: 'unknown' });
      timer = setTimeout(() => tooLong.abort(reason), parts.lagMs);
    },
    done: () => clearTimeout(timer),
  };
}
