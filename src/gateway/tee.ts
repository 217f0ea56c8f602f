// One read of the client's body feeds both sides. The primary paces it; the secondary may lag, then it is let go.
import { PassThrough, type Readable } from 'node:stream';
import type { Side } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** How far a secondary may stay behind its primary (semantics A1). */
export interface LagLimits {
  /** Total time per request that the primary waits for the secondary, milliseconds. */
  lagMs: number;
  /** Bytes held for the secondary of one request. */
  lagBytes: number;
  /** Bytes held for all secondaries of the process. */
  lagTotalBytes: number;
  /** Writes of the process that may wait for one side as their secondary. */
  lagRequests: number;
}

/** What all secondaries of the process hold, and hold up, together. */
export interface LagBudget {
  limits: LagLimits;
  heldBytes: number;
  /** Writes that their primary has acked and that still wait for this side. */
  waiting: Record<Side, number>;
}

/** Why a secondary was let go, for metrics. */
export type LetGo = 'lag' | 'lag-total-bytes' | 'lag-requests' | 'late';

/** Share of `lagTotalBytes` from which on all secondaries together count as many: then each may hold `crowdedBytes` only. */
const crowdedShare = 1 / 32;
/** What a secondary may hold before the primary waits for it while there are many, bytes. */
const crowdedBytes = 262_144;

/** Two readings of one body. */
export interface Tee {
  primary: PassThrough;
  secondary: PassThrough;
  /** Takes the secondary out; its branch ends with an error and the primary goes on alone. */
  letGo(reason: string): void;
  /** Resolves when the body was read to its end or failed. */
  done: Promise<void>;
}

/** Waits until `stream` wants more or is no longer there. */
function drained(stream: PassThrough, timeoutMs?: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (inTime: boolean): void => {
      clearTimeout(timer);
      for (const event of ['drain', 'close', 'error']) stream.off(event, onEvent);
      resolve(inTime);
    };
    const onEvent = (): void => finish(true);
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => finish(false), timeoutMs);
    for (const event of ['drain', 'close', 'error']) stream.on(event, onEvent);
  });
}

/** Splits `body`; `onLetGo` is told when the secondary falls behind by itself. */
export function tee(body: Readable, budget: LagBudget, onLetGo: (reason: LetGo) => void): Tee {
  const { limits } = budget;
  const primary = new PassThrough();
  const secondary = new PassThrough({ highWaterMark: crowdedBytes });
  let stalledMs = 0;
  let held = 0;
  // A branch may fail before anyone listens; whoever reads it gets the error through its own handlers.
  primary.on('error', () => undefined);
  secondary.on('error', () => undefined);

  const account = (): void => {
    const now = secondary.destroyed ? 0 : secondary.writableLength + secondary.readableLength;
    budget.heldBytes += now - held;
    held = now;
  };
  const letGo = (reason: string): void => {
    if (secondary.destroyed) return;
    secondary.destroy(new StoreError('aborted', reason, { applied: 'unknown' }));
    account();
  };
  const fallBehind = (code: LetGo, reason: string): void => {
    if (secondary.destroyed) return;
    letGo(reason);
    onLetGo(code);
  };
  const feedSecondary = async (chunk: Buffer): Promise<void> => {
    const mayDrain = !secondary.write(chunk);
    account();
    // Many uploads at once would each fill `lagBytes`, although every one of their secondaries is well.
    const crowded = budget.heldBytes > limits.lagTotalBytes * crowdedShare;
    const full = mayDrain && held > (crowded ? Math.min(crowdedBytes, limits.lagBytes) : limits.lagBytes);
    if (budget.heldBytes > limits.lagTotalBytes) {
      fallBehind(
        'lag-total-bytes',
        `all secondaries together lag by more than ${limits.lagTotalBytes} bytes`,
      );
    } else if (full) {
      const began = performance.now();
      // Without a primary it lags behind nobody: it takes the write over.
      const patienceMs = primary.destroyed ? undefined : Math.max(0, limits.lagMs - stalledMs);
      const inTime = await drained(secondary, patienceMs);
      stalledMs += performance.now() - began;
      if (!inTime)
        fallBehind('lag', `the secondary lags by more than ${limits.lagBytes} bytes and ${limits.lagMs} ms`);
    }
  };
  const pump = async (): Promise<void> => {
    try {
      for await (const chunk of body) {
        if (!primary.destroyed && !primary.write(chunk)) await drained(primary);
        if (!secondary.destroyed) await feedSecondary(chunk as Buffer);
        if (primary.destroyed && secondary.destroyed)
          throw new StoreError('aborted', 'nobody reads the body any more');
      }
      primary.end();
      secondary.end();
    } catch (error) {
      const cause = StoreError.from(error, 'no');
      // What a store has seen of it by then is for its driver to say.
      const failure = new StoreError('aborted', `the body ended early: ${cause.message}`, { cause });
      primary.destroy(failure);
      secondary.destroy(failure);
    } finally {
      account();
    }
  };
  secondary.on('close', account);
  secondary.on('drain', account);
  const done = pump();
  return { primary, secondary, letGo, done };
}
