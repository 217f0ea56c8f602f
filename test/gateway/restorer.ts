// What gives files their flushed length back, over the parts of a rig.
import { ownCtx } from '../../src/core/ctx.ts';
import type { Side } from '../../src/core/store.ts';
import { type AbandonedUploads, createRestorer } from '../../src/gateway/idle-uploads.ts';
import type { StoreWithStaging } from '../../src/layers/staging.ts';
import { uploadTableIn } from '../../src/server/upload-table.ts';

/** Puts right all that one side hides, as housekeeping does from time to time. */
export function restorerOf(
  parts: Pick<AbandonedUploads, 'journal' | 'locks'> & { stores: Record<Side, StoreWithStaging> },
  more: Partial<AbandonedUploads> = {},
): (side: Side) => Promise<void> {
  const { stores, journal, locks } = parts;
  const restore = createRestorer({
    stores,
    journal,
    locks,
    mounts: () => [{ source: '/', target: '/' }],
    forget: async (side, path) => stores[side].forgetUpload?.(path),
    ctx: () => ownCtx('upload'),
    now: Date.now,
    backoffMs: 0,
    maxBackoffMs: 0,
    goneMs: 0,
    ...more,
  });
  return async (side) => {
    const kept = await uploadTableIn(() => journal, side).all();
    await restore(
      side,
      kept.map(({ shown }) => shown.path),
    );
  };
}
