// Request bodies on their way to a store: never held, checked against what the client promised.
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import type { Body } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import { contentLength, type Exchange, given } from './exchange.ts';

/** Largest body of one append, Put Block or Put Blob: 4,000 MiB (Gen2 reference §6). */
export const maxBodyBytes = 4_000 * 1024 * 1024;

/**
 * Runs `send` with the request's body. With Content-MD5 the stream fails before its last chunk if the digest is wrong, so that no
 * store ever has a whole wrong body; the client then hears of the digest, not of what the store made of the broken stream.
 * @returns what `send` gave and how many bytes the body had
 * @throws StoreError `too-large`, `checksum-mismatch`, `invalid` for framed bodies, or what `send` throws
 */
export async function withBody<T>(
  exchange: Exchange,
  send: (body: Body) => Promise<T>,
): Promise<{ result: T; bytes: number }> {
  const { request } = exchange;
  if (given(exchange, 'x-ms-structured-body') !== undefined) {
    throw new StoreError('invalid', 'structured bodies are not supported', { code: 'UnsupportedHeader' });
  }
  const lengthBytes = contentLength(exchange);
  if (lengthBytes !== undefined && lengthBytes > maxBodyBytes)
    throw new StoreError('too-large', 'the body is too large');
  const expected = given(exchange, 'content-md5');
  if (expected === undefined && lengthBytes !== undefined) {
    return { result: await send({ stream: request.body, lengthBytes }), bytes: lengthBytes };
  }
  const check = inspect(expected);
  request.body.on('error', (error) => check.stream.destroy(error));
  request.body.pipe(check.stream);
  try {
    const result = await send(
      lengthBytes === undefined ? { stream: check.stream } : { stream: check.stream, lengthBytes },
    );
    return { result, bytes: check.bytes() };
  } catch (error) {
    throw check.failure() ?? error;
  }
}

/** Counts, and holds the last chunk back until the digest is known. */
function inspect(expected: string | undefined) {
  const hash = createHash('md5');
  let held: Buffer | undefined;
  let bytes = 0;
  let failure: StoreError | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _, next) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) failure = new StoreError('too-large', 'the body is too large');
      hash.update(chunk);
      const ready = held;
      held = chunk;
      next(failure ?? null, ready);
    },
    flush(done) {
      if (expected !== undefined && hash.digest('base64') !== expected) {
        failure = new StoreError('checksum-mismatch', 'the body is not what Content-MD5 says');
      }
      done(failure ?? null, held);
    },
  });
  // A store may not be reading yet, or no more, when the digest turns out wrong; without a listener that would end the process.
  stream.on('error', () => undefined);
  return { stream, bytes: () => bytes, failure: () => failure };
}
