// Changes of a tree's shape: mkdir and delete.
import { checkCondition, hasCondition } from '../../core/condition.ts';
import type { DeleteMutation, MkdirMutation, MutationResult } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { addAttributes, checkSupported } from './attributes.ts';
import { entryFor, permissionParams } from './files.ts';
import { checkParents, forget, lookUp, missing, mustFind, type StoreParts } from './store-parts.ts';
import { permission } from './upload-body.ts';

/** @throws StoreError `exists` if a file stands there */
export async function mkdir(parts: StoreParts, mutation: MkdirMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, condition, attributes } = mutation;
  checkSupported(parts, attributes ?? {});
  const there = await lookUp(parts, path, ctx);
  checkCondition(condition, there);
  if (there?.type === 'file') throw new StoreError('exists', `a file stands there: ${path}`);
  if (there) {
    await permission(ctx);
    return { entry: there, created: false };
  }
  // A root folder has no root folder above it that could be missing.
  const parents = segmentsOf(path).length === 1 ? 'all' : mutation.parents;
  await checkParents(parts, path, parents, ctx);
  await permission(ctx);
  const params = permissionParams(attributes, 'directory');
  await parts.calls.json({ method: 'PUT', op: 'MKDIRS', path, params }, ctx);
  await addAttributes(parts, path, attributes, ctx);
  return { ...(await entryFor(parts, path, ctx)), created: true };
}

/** @throws StoreError `invalid` for the root, `not-found`, `not-empty` */
export async function remove(parts: StoreParts, mutation: DeleteMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, condition, recursive } = mutation;
  if (path === '/') throw StoreError.invalid('the root cannot be deleted');
  if (hasCondition(condition)) checkCondition(condition, await mustFind(parts, path, ctx));
  await permission(ctx);
  forget(parts, path);
  let answer: unknown;
  try {
    answer = await parts.calls.json({ method: 'DELETE', op: 'DELETE', path, params: { recursive } }, ctx);
  } catch (error) {
    const failure = StoreError.from(error);
    if (failure.kind === 'not-found' || failure.kind === 'not-directory')
      throw await missing(parts, path, ctx);
    throw failure;
  }
  if ((answer as { boolean?: unknown } | undefined)?.boolean !== true) throw await missing(parts, path, ctx);
  return {};
}
