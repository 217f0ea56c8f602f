// Bodies of any size that are the same every time: a cipher's key stream, made as it is read.
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

const chunkBytes = 262_144;
const zeros = Buffer.alloc(chunkBytes);

/** The bytes from `start` (a multiple of 16) to `end` of the endless body with this seed. */
export function steadyBody(seed: number, start: number, end: number): Readable {
  function* chunks(): Generator<Buffer> {
    const key = Buffer.alloc(16, seed);
    const counter = Buffer.alloc(16);
    counter.writeBigUInt64BE(BigInt(start / 16), 8);
    const cipher = createCipheriv('aes-128-ctr', key, counter);
    for (let at = start; at < end; at += chunkBytes) {
      yield cipher.update(zeros.subarray(0, Math.min(chunkBytes, end - at)));
    }
  }
  return Readable.from(chunks(), { objectMode: false, highWaterMark: chunkBytes });
}

/** Length and SHA-256 of a body, read to its end. */
export async function digestOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  let lengthBytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    lengthBytes += chunk.length;
  }
  return `${lengthBytes} ${hash.digest('hex')}`;
}
