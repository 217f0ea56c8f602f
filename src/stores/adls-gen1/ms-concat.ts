// Gen1's MSCONCAT: the destination is made anew from any files of the account.
import { randomUUID } from 'node:crypto';
import type { ConcatMutation, MutationResult } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { checkConcat, concat } from '../webhdfs/concat.ts';
import { entryFor } from '../webhdfs/files.ts';
import { mkdir } from '../webhdfs/folders.ts';
import { rename } from '../webhdfs/rename.ts';
import type { StoreParts } from '../webhdfs/store-parts.ts';
import { asUnknown } from '../webhdfs/transport-errors.ts';
import { permission } from '../webhdfs/upload-body.ts';

/** Without `create` it is Hadoop's CONCAT. MSCONCAT is not atomic: it may stop half way. @throws StoreError */
export async function msConcat(
  parts: StoreParts,
  mutation: ConcatMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  if (!mutation.create) return concat(parts, mutation, ctx);
  const { path, sources, deleteSourceDirectory } = mutation;
  const there = await checkConcat(parts, mutation, ctx);
  await permission(ctx);
  const { beforeCommit: _, ...plain } = ctx;
  // A file that stands there is replaced in one step, by a rename.
  const folder = `/${segmentsOf(path)[0]}/.twinlake/concat`;
  const target = there ? `${folder}/${randomUUID()}` : path;
  if (there) await mkdir(parts, { verb: 'mkdir', path: folder, parents: 'all' }, plain);
  const body = JSON.stringify({ sources: sources.map((source) => source.slice(1)) });
  const params = { deleteSourceDirectory };
  await parts.calls.json({ method: 'POST', op: 'MSCONCAT', path: target, params, body }, plain);
  if (there) {
    try {
      const move = { destination: path, replace: 'file', intoDirectory: false } as const;
      await rename(parts, { verb: 'rename', path: target, ...move }, plain);
    } catch (error) {
      throw asUnknown(error);
    }
  }
  return { ...(await entryFor(parts, path, ctx)), created: !there };
}
