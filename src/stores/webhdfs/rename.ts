// Rename with the exact rules of the contract: what stands where is looked up first, the store's own rename is the last step.
import { checkCondition } from '../../core/condition.ts';
import type { Entry } from '../../core/entry.ts';
import type { MutationResult, RenameMutation } from '../../core/mutation.ts';
import { isWithin, joinPath, nameOf, parentOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { checkSupported } from './attributes.ts';
import { entryFor } from './files.ts';
import { writeProperties } from './properties.ts';
import { checkParents, forget, lookUp, missing, type StoreParts } from './store-parts.ts';
import { asUnknown } from './transport-errors.ts';
import { permission } from './upload-body.ts';

/** @throws StoreError */
export async function rename(parts: StoreParts, mutation: RenameMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, destination } = mutation;
  checkSupported(parts, mutation.properties ? { properties: mutation.properties } : {});
  if (path === '/') throw invalidSource('the root cannot be renamed');
  const [source, received] = await Promise.all([
    lookUp(parts, path, ctx),
    destination === path ? undefined : lookUp(parts, destination, ctx),
  ]);
  if (!source) throw await missing(parts, path, ctx);
  checkCondition(mutation.sourceCondition, source, 'source-condition-failed');
  const into = mutation.intoDirectory && received?.type === 'directory';
  const to = into ? joinPath(destination, nameOf(path)) : destination;
  if (to !== path) {
    if (isWithin(to, path)) throw invalidSource('a directory cannot be moved into itself');
    const there = into ? await lookUp(parts, to, ctx) : received;
    if (!there && parentOf(to) !== '/') await checkParents(parts, to, 'none', ctx);
    checkCondition(mutation.condition, there);
    if (there) checkReplaced(to, there, mutation);
    await permission(ctx);
    forget(parts, path);
    await move(parts, source, to, there, ctx);
  } else {
    await permission(ctx);
  }
  if (mutation.properties) {
    try {
      await writeProperties(parts, to, mutation.properties, ctx);
    } catch (error) {
      throw to === path ? error : asUnknown(error);
    }
  }
  return entryFor(parts, to, ctx);
}

function checkReplaced(to: string, there: Entry, { replace }: RenameMutation): void {
  const allowed = replace === 'any' || (replace === 'file' && there.type === 'file');
  if (!allowed) throw new StoreError('exists', `the destination is there already: ${to}`);
}

/**
 * A NameNode replaces a file by a file, and an empty folder by a folder, in one step. Everything else that stands in the way is removed
 * first: a folder for a file or the other way round, and on HttpFS, which does not look at renameoptions, anything.
 */
async function move(
  parts: StoreParts,
  source: Entry,
  to: string,
  there: Entry | undefined,
  ctx: Ctx,
): Promise<void> {
  const { calls } = parts;
  const replaces = await calls.replacesOnRename(ctx);
  const atOnce =
    there?.type === source.type && replaces && !(calls.dialect === 'gen1' && there.type !== 'file');
  if (there && !atOnce) {
    await ctx.beforeSteps?.(to);
    await clear(parts, there, ctx);
  }
  const options = calls.dialect === 'gen1' ? undefined : replaces ? 'NONE' : undefined;
  const renameoptions = atOnce ? 'OVERWRITE' : options;
  const params = { destination: to, renameoptions };
  const cleared = there !== undefined && !atOnce;
  try {
    const call = { method: 'PUT', op: 'RENAME', path: source.path, params } as const;
    const answer = (await calls.json(call, ctx)) as { boolean?: unknown } | undefined;
    if (answer?.boolean === false) throw await reasonForFalse(parts, source.path, to, ctx);
  } catch (error) {
    const failure = renamed(StoreError.from(error));
    throw cleared ? asUnknown(failure) : failure;
  }
}

/** @throws StoreError `not-empty` */
async function clear({ calls }: StoreParts, there: Entry, ctx: Ctx): Promise<void> {
  const params = { recursive: false };
  await calls.json({ method: 'DELETE', op: 'DELETE', path: there.path, params }, ctx);
}

/** Somebody was faster than the rename, and `false` does not say how. */
async function reasonForFalse(parts: StoreParts, path: string, to: string, ctx: Ctx): Promise<StoreError> {
  if (!(await lookUp(parts, path, ctx))) return missing(parts, path, ctx);
  if (await lookUp(parts, to, ctx))
    return new StoreError('exists', `the destination is there already: ${to}`);
  return new StoreError('parent-not-found', `the parent directory is not there: ${parentOf(to)}`);
}

/** What a NameNode says of a rename in words that are its own. */
function renamed(failure: StoreError): StoreError {
  if (/destination directory is not empty|is not empty/i.test(failure.message)) {
    return new StoreError('not-empty', failure.message, { cause: failure });
  }
  if (/rename destination parent .* not found/i.test(failure.message)) {
    return new StoreError('parent-not-found', failure.message, { cause: failure });
  }
  return failure;
}

function invalidSource(message: string): StoreError {
  return new StoreError('invalid', message, { code: 'InvalidRenameSourcePath' });
}
