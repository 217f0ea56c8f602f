// Many files become one by the store's own CONCAT.
import type { Entry } from '../../core/entry.ts';
import type { ConcatMutation, MutationResult } from '../../core/mutation.ts';
import { isWithin, parentOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { entryFor } from './files.ts';
import { checkParents, isDirectory, lookUp, missing, type StoreParts } from './store-parts.ts';
import { permission } from './upload-body.ts';

/** @throws StoreError `unsupported` if one request cannot do it: made anew, other folders, empty files, partial blocks */
export async function concat(parts: StoreParts, mutation: ConcatMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, sources } = mutation;
  await checkConcat(parts, mutation, ctx);
  const folder = parentOf(path);
  // The list of the sources cannot say a comma.
  const isPlain = sources.every((source) => !source.includes(',') && parentOf(source) === folder);
  if (mutation.create || mutation.deleteSourceDirectory || !isPlain) throw notAtOnce();
  await permission(ctx);
  const params = { sources: sources.join(',') };
  try {
    await parts.calls.json({ method: 'POST', op: 'CONCAT', path, params }, ctx);
  } catch (error) {
    const { kind, message, applied } = StoreError.from(error);
    // HttpFS gives every refusal of the NameNode the same name; its words tell.
    const refuses =
      kind === 'invalid' || kind === 'unsupported' || /\bconcat\b|same directory/i.test(message);
    throw refuses && applied === 'no' ? notAtOnce(error) : error;
  }
  return { ...(await entryFor(parts, path, ctx)), created: false };
}

/** What takes a copy, and is no work of a driver. */
export function notAtOnce(cause?: unknown): StoreError {
  return new StoreError('unsupported', 'the store cannot join these files in one request', { cause });
}

/** @throws StoreError before anything is changed */
export async function checkConcat(
  parts: StoreParts,
  mutation: ConcatMutation,
  ctx: Ctx,
): Promise<Entry | undefined> {
  const { path, sources, deleteSourceDirectory } = mutation;
  if (path === '/') throw isDirectory(path);
  if (sources.length === 0) throw StoreError.invalid('concat needs at least one source');
  if (new Set([path, ...sources]).size !== sources.length + 1)
    throw StoreError.invalid('the sources of concat must differ from each other and from the destination');
  const folder = parentOf(sources[0]!);
  if (deleteSourceDirectory && (folder === '/' || isWithin(path, folder)))
    throw StoreError.invalid('the folder of the sources holds the destination and cannot be deleted');
  const there = await lookUp(parts, path, ctx);
  if (there?.type === 'directory') throw isDirectory(path);
  if (!there && !mutation.create) throw await missing(parts, path, ctx);
  for (const source of sources) {
    const entry = await lookUp(parts, source, ctx);
    if (!entry) throw await missing(parts, source, ctx);
    if (entry.type === 'directory') throw isDirectory(source);
  }
  if (!there) await checkParents(parts, path, 'none', ctx);
  return there;
}
