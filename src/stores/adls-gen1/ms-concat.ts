// Gen1's MSCONCAT: the destination is made anew from any files of the account.
import type { ConcatMutation, MutationResult } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { checkConcat, concat, notAtOnce } from '../webhdfs/concat.ts';
import { entryFor } from '../webhdfs/files.ts';
import type { StoreParts } from '../webhdfs/store-parts.ts';
import { permission } from '../webhdfs/upload-body.ts';

/** Without `create` it is Hadoop's CONCAT. MSCONCAT is not atomic: it may stop half way. @throws StoreError see `concat` */
export async function msConcat(
  parts: StoreParts,
  mutation: ConcatMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  if (!mutation.create) return concat(parts, mutation, ctx);
  const { path, sources, deleteSourceDirectory } = mutation;
  // The sources would be gone while what stands there is still to be replaced.
  if (await checkConcat(parts, mutation, ctx)) throw notAtOnce();
  await permission(ctx);
  const body = JSON.stringify({ sources: sources.map((source) => source.slice(1)) });
  await parts.calls.json(
    { method: 'POST', op: 'MSCONCAT', path, params: { deleteSourceDirectory }, body },
    ctx,
  );
  return { ...(await entryFor(parts, path, ctx)), created: true };
}
