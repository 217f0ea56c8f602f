// A body on its way into a file: staged by append requests whose length is known, never held whole.
import { Readable } from 'node:stream';
import type { Body } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { bodyChunks } from '../tree/receive-body.ts';
import type { Account } from './account.ts';
import type { Place } from './place.ts';

/** A body up to this size is read whole before the first request, so that one that breaks off changes nothing: 256 KiB. */
export const wholeBodyBytes = 262_144;
/** One append request carries at most this much of a body of known length: 100 MiB (Gen2 reference §6, old limit). */
export const appendBytes = 104_857_600;
/** A body of unknown length goes in appends of this size, one held at a time: 4 MiB. */
export const chunkBytes = 4_194_304;

/** A body that gives its bytes in portions. */
export interface Portions {
  /** Undefined until the end is seen. */
  lengthBytes: number | undefined;
  /** At most `maxBytes` as one buffer; empty at the end. */
  take(maxBytes: number): Promise<Buffer>;
  /** Exactly `bytes` as a stream. */
  stream(bytes: number): Readable;
  release(): void;
}

/** @param body of a mutation; undefined: empty */
export function portionsOf(body: Body | undefined, ctx: Ctx): Portions {
  const chunks = body && bodyChunks(body, ctx.signal);
  let rest: Buffer = Buffer.alloc(0);
  const next = async (): Promise<boolean> => {
    if (rest.length > 0) return true;
    const result = await chunks?.next();
    if (!result || result.done) return false;
    rest = result.value;
    return true;
  };
  const cut = (bytes: number): Buffer => {
    const part = rest.subarray(0, bytes);
    rest = rest.subarray(part.length);
    return part;
  };
  async function* exactly(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      if (!(await next())) throw new StoreError('aborted', 'the body ended early');
      const part = cut(left);
      left -= part.length;
      yield part;
    }
  }
  return {
    lengthBytes: body ? body.lengthBytes : 0,
    async take(maxBytes) {
      const parts: Buffer[] = [];
      let size = 0;
      while (size < maxBytes && (await next())) {
        const part = cut(maxBytes - size);
        parts.push(part);
        size += part.length;
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
    stream: (bytes) => Readable.from(exactly(bytes), { objectMode: false }),
    release: () => void body?.stream.destroy(),
  };
}

/**
 * Stages a body behind `position`.
 * @param last asked before the bytes that complete the last request go out
 * @returns the position behind it
 * @throws StoreError
 */
export async function stageBody(
  account: Account,
  place: Place,
  position: number,
  portions: Portions,
  ctx: Ctx,
  options: { leaseId?: string | undefined; first?: Buffer; last?: () => Promise<void> } = {},
): Promise<number> {
  const { leaseId, last } = options;
  const headers = leaseId === undefined ? {} : { 'x-ms-lease-id': leaseId };
  const append = (body: Buffer | Readable, at: number, bytes: number) => {
    const query = { position: String(at), action: 'append' };
    return account.ask({ method: 'PATCH', place, query, headers, body: { bytes: body, length: bytes } }, ctx);
  };
  const isSmall = portions.lengthBytes !== undefined && portions.lengthBytes <= wholeBodyBytes;
  const first = options.first ?? (isSmall ? await portions.take(wholeBodyBytes + 1) : undefined);
  let at = position;
  if (first) {
    await last?.();
    if (first.length > 0) await append(first, at, first.length);
    return at + first.length;
  }
  if (portions.lengthBytes !== undefined) {
    for (let left = portions.lengthBytes; left > 0; ) {
      const bytes = Math.min(left, appendBytes);
      left -= bytes;
      const source = portions.stream(bytes);
      const body = left === 0 && last ? Readable.from(heldBack(source, last), { objectMode: false }) : source;
      await append(body, at, bytes);
      at += bytes;
    }
    return at;
  }
  let chunk = await portions.take(chunkBytes);
  while (chunk.length > 0) {
    const following = chunk.length < chunkBytes ? Buffer.alloc(0) : await portions.take(chunkBytes);
    if (following.length === 0) await last?.();
    await append(chunk, at, chunk.length);
    at += chunk.length;
    chunk = following;
  }
  return at;
}

/** The stream, its last chunk only after the word is given. */
export async function* heldBack(
  source: AsyncIterable<Buffer>,
  word: () => Promise<void>,
): AsyncGenerator<Buffer> {
  let held: Buffer | undefined;
  for await (const chunk of source) {
    if (held) yield held;
    held = chunk;
  }
  await word();
  if (held) yield held;
}

/** Waits for the caller's last word. @throws StoreError `aborted` */
export async function permission(ctx: Ctx): Promise<void> {
  try {
    await ctx.beforeCommit?.();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the change was called off before its last step', { cause: error });
  }
}
