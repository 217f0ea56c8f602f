// TRUNCATE: HDFS cuts a file in place, and takes a while for a block that is cut in its middle.
import { setTimeout as delay } from 'node:timers/promises';
import type { MutationResult, TruncateMutation } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { entryFor } from './files.ts';
import { isDirectory, mustFind, type StoreParts } from './store-parts.ts';
import { permission } from './upload-body.ts';

/** How long a block may take to be cut, and how often it is asked for, milliseconds. */
const cutMs = 30_000;
const askAgainMs = 200;

/** @throws StoreError `unsupported` on Gen1, which has no TRUNCATE */
export async function truncate(
  parts: StoreParts,
  { path, lengthBytes }: TruncateMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { calls } = parts;
  if (calls.dialect === 'gen1') throw StoreError.unsupported('Gen1 has no truncate');
  const entry = await mustFind(parts, path, ctx);
  if (entry.type === 'directory') throw isDirectory(path);
  if (lengthBytes > entry.lengthBytes)
    throw StoreError.invalid(`the file is ${entry.lengthBytes} bytes long`);
  await permission(ctx);
  const cut = async (): Promise<boolean> => {
    const params = { newlength: lengthBytes };
    const answer = await calls.json({ method: 'POST', op: 'TRUNCATE', path, params }, ctx);
    return (answer as { boolean?: unknown } | undefined)?.boolean === true;
  };
  // False: begun. Once it is done, cutting to the length that it has is nothing to do and says true; until then it is refused.
  let done = await cut();
  for (const endMs = performance.now() + cutMs; !done; done = await cut().catch(() => false)) {
    if (performance.now() > endMs || ctx.signal.aborted)
      throw new StoreError('timeout', `the last block has not been cut yet: ${path}`, { applied: 'unknown' });
    await delay(askAgainMs);
  }
  return entryFor(parts, path, ctx);
}
