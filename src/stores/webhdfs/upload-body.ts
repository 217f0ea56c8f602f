// A mutation's body on its way out: small ones as one piece, large ones as a stream whose last chunk waits for the word to commit.
import type { Body } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { bodyChunks } from '../tree/receive-body.ts';

/** A body up to this size is read whole before a byte is sent, so that one that breaks off changes nothing. */
const wholeBodyBytes = 262_144;

/** A body that is sent chunk by chunk. */
interface StreamedUpload {
  chunks: AsyncIterable<Buffer>;
  lengthBytes?: number;
  /** Set when the first chunk was handed over: from then on the store may have seen the request. */
  started?: boolean;
  /** Set when the body, or the word to commit, failed: the store is not to blame. */
  broken?: boolean;
}

/** What is to be sent: all at once, or chunk by chunk. */
export type Upload = { bytes: Buffer } | StreamedUpload;

/** The length if it is known. */
export function lengthOf(upload: Upload): number | undefined {
  return 'bytes' in upload ? upload.bytes.length : upload.lengthBytes;
}

/**
 * Reads ahead. A body that fits is returned whole after `ctx.beforeCommit`; of a larger one the last chunk is held back until then.
 * @throws StoreError `aborted` or `invalid` (nothing was sent yet)
 */
export async function prepareUpload(body: Body | undefined, ctx: Ctx): Promise<Upload> {
  const chunks = body ? bodyChunks(body, ctx.signal) : undefined;
  const first: Buffer[] = [];
  let held = 0;
  while (chunks && held <= wholeBodyBytes) {
    const next = await chunks.next();
    if (next.done) {
      await permission(ctx);
      return { bytes: Buffer.concat(first) };
    }
    first.push(next.value);
    held += next.value.length;
  }
  if (!body || !chunks) {
    await permission(ctx);
    return { bytes: Buffer.alloc(0) };
  }
  const upload: StreamedUpload = {
    chunks: watched(lastHeldBack(first, chunks, ctx), () => upload),
  };
  if (body.lengthBytes !== undefined) upload.lengthBytes = body.lengthBytes;
  return upload;
}

async function* watched(
  chunks: AsyncIterable<Buffer>,
  uploadOf: () => StreamedUpload,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of chunks) {
      uploadOf().started = true;
      yield chunk;
    }
  } catch (error) {
    uploadOf().broken = true;
    throw error;
  }
}

async function* lastHeldBack(
  first: readonly Buffer[],
  rest: AsyncGenerator<Buffer>,
  ctx: Ctx,
): AsyncGenerator<Buffer> {
  let last = first.at(-1)!;
  try {
    yield* first.slice(0, -1);
    for await (const chunk of rest) {
      yield last;
      last = chunk;
    }
  } finally {
    await rest.return(undefined);
  }
  await permission(ctx);
  yield last;
}

/** @throws StoreError `aborted` */
export async function permission(ctx: Ctx): Promise<void> {
  try {
    await ctx.beforeCommit?.();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the change was called off before its last step', { cause: error });
  }
}
