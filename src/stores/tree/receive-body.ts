// Reads a body to its end and holds it to its promises.
import type { Body } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';

/**
 * The chunks of a body; ends normally only if the body did and had the promised length.
 * @throws StoreError `aborted` if it breaks off or is too short, `invalid` if it is too long
 */
export async function* bodyChunks(body: Body, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { stream, lengthBytes } = body;
  const end = (): void => {
    stream.destroy(new StoreError('aborted', 'the caller has gone away', { cause: signal.reason }));
  };
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  let received = 0;
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
      received += bytes.length;
      if (lengthBytes !== undefined && received > lengthBytes)
        throw StoreError.invalid(`the body is longer than the promised ${lengthBytes} bytes`);
      if (bytes.length > 0) yield bytes;
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the body broke off', { cause: error });
  } finally {
    signal.removeEventListener('abort', end);
  }
  if (lengthBytes !== undefined && received < lengthBytes)
    throw new StoreError('aborted', `the body ended after ${received} of ${lengthBytes} bytes`);
}
