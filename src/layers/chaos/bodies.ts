// Bodies under fault: cut short, slowed down, or taken away.
import { Readable } from 'node:stream';
import { StoreError } from '../../core/store-error.ts';

/** Resolves after so long, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish, { once: true });
  });
}

/** A body made of another's chunks; when one of the two is let go, so is the other. */
function reshaped(
  source: Readable,
  shape: (chunks: AsyncIterable<Buffer>, gone: AbortSignal) => AsyncIterable<Buffer>,
): Readable {
  const gone = new AbortController();
  // Nothing is read ahead: what was passed has been taken by the reader when an error follows it.
  const body = Readable.from(shape(source, gone.signal), { objectMode: false, highWaterMark: 1 });
  body.on('error', () => undefined);
  // The generator is waited for before `close`, and it may be waiting itself: for the source, or for the clock.
  const destroy = body._destroy.bind(body);
  body._destroy = (error, done) => {
    gone.abort();
    source.destroy();
    destroy(error, done);
  };
  return body;
}

/** Breaks off after `afterBytes`; a body that is no longer than that stays whole. */
export function cutBody(source: Readable, afterBytes: number, error: StoreError): Readable {
  return reshaped(source, async function* cut(chunks) {
    let leftBytes = afterBytes;
    for await (const chunk of chunks) {
      if (chunk.length > leftBytes) {
        if (leftBytes > 0) yield chunk.subarray(0, leftBytes);
        throw error;
      }
      leftBytes -= chunk.length;
      yield chunk;
    }
  });
}

/** How often a drip falls, milliseconds; less often if that is less than a byte. */
const dripMs = 100;

/** The same bytes, so many a second. */
export function drippingBody(source: Readable, bytesPerSecond: number): Readable {
  const dropBytes = Math.max(1, Math.floor((bytesPerSecond * dripMs) / 1000));
  return reshaped(source, async function* drip(chunks, gone) {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += dropBytes) {
        const drop = chunk.subarray(at, at + dropBytes);
        await pause((drop.length * 1000) / bytesPerSecond, gone);
        yield drop;
      }
    }
  });
}

/**
 * Reads a body to its end. Bytes beyond `keepBytes` are read and dropped, and so is then all that was kept.
 * @returns undefined if there was too much
 * @throws StoreError `aborted` if the body breaks off or the caller goes away
 */
export async function takeBody(
  source: Readable,
  keepBytes: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const end = (): void => void source.destroy(new Error('the caller has gone away'));
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  let kept: Buffer[] | undefined = [];
  let lengthBytes = 0;
  try {
    for await (const chunk of source) {
      lengthBytes += chunk.length;
      if (lengthBytes > keepBytes) kept = undefined;
      kept?.push(chunk);
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the body broke off', { applied: 'unknown', cause: error });
  } finally {
    signal.removeEventListener('abort', end);
  }
  return kept && Buffer.concat(kept);
}
