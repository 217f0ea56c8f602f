// Many files become one: by the store's own CONCAT where its block rules allow it, by copying where they do not.
import { randomUUID } from 'node:crypto';
import type { Entry } from '../../core/entry.ts';
import type { ConcatMutation, MutationResult } from '../../core/mutation.ts';
import { isWithin, parentOf, segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { append, create, entryFor } from './files.ts';
import { remove } from './folders.ts';
import { read, stat } from './queries.ts';
import { rename } from './rename.ts';
import { checkParents, isDirectory, lookUp, missing, type StoreParts } from './store-parts.ts';
import { asUnknown } from './transport-errors.ts';
import { permission } from './upload-body.ts';

/** @throws StoreError; `applied: unknown` once the first source was touched */
export async function concat(parts: StoreParts, mutation: ConcatMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, sources, deleteSourceDirectory } = mutation;
  const there = await checkConcat(parts, mutation, ctx);
  await permission(ctx);
  const plain: Ctx = { ...ctx };
  delete plain.beforeCommit;
  if (mutation.create) await joinAnew(parts, path, sources, plain);
  else await joinOnto(parts, path, sources, plain);
  if (deleteSourceDirectory) {
    const rest = remove(parts, { verb: 'delete', path: parentOf(sources[0]!), recursive: true }, plain);
    await rest.catch((error: unknown) => {
      if (StoreError.from(error).kind !== 'not-found') throw asUnknown(error);
    });
  }
  return { ...(await entryFor(parts, path, ctx)), created: !there };
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

/** The destination exists and grows. */
async function joinOnto(
  parts: StoreParts,
  path: string,
  sources: readonly string[],
  ctx: Ctx,
): Promise<void> {
  if (await nativeConcat(parts, path, sources, ctx)) return;
  try {
    await copyOnto(parts, path, sources, ctx);
    await removeAll(parts, sources, ctx);
  } catch (error) {
    throw asUnknown(error);
  }
}

/**
 * The destination is replaced in the last step, a rename. Where CONCAT works, the others are joined onto the first source; else all
 * are copied into a new file beside nothing that a listing shows.
 */
async function joinAnew(
  parts: StoreParts,
  path: string,
  sources: readonly string[],
  ctx: Ctx,
): Promise<void> {
  const [first, ...others] = sources as [string, ...string[]];
  let joined = first;
  try {
    if (others.length > 0 && !(await nativeConcat(parts, first, others, ctx))) {
      joined = `/${segmentsOf(path)[0]}/.twinlake/concat/${randomUUID()}`;
      const { entry } = await stat(parts, { verb: 'stat', path: first, attributes: true }, ctx);
      const attributes = { permission: entry.permission, ...(entry.acl ? { acl: entry.acl } : {}) };
      await create(parts, { verb: 'create', path: joined, parents: 'all', attributes }, ctx);
      await copyOnto(parts, joined, sources, ctx);
    }
    const move = { path: joined, destination: path, replace: 'file', intoDirectory: false } as const;
    await rename(parts, { verb: 'rename', ...move }, ctx);
    if (joined !== first) await removeAll(parts, sources, ctx);
  } catch (error) {
    throw asUnknown(error);
  }
}

/** False if the store's rules refuse: other folders, empty files, partial blocks; or a name has a comma, which the list cannot say. */
async function nativeConcat(
  { calls }: StoreParts,
  path: string,
  sources: readonly string[],
  ctx: Ctx,
): Promise<boolean> {
  const folder = parentOf(path);
  if (sources.some((source) => source.includes(',') || parentOf(source) !== folder)) return false;
  try {
    await calls.json({ method: 'POST', op: 'CONCAT', path, params: { sources: sources.join(',') } }, ctx);
    return true;
  } catch (error) {
    const { kind, message } = StoreError.from(error);
    // HttpFS gives every refusal of the NameNode the same name; its words tell.
    if (kind === 'invalid' || kind === 'unsupported' || /\bconcat\b|same directory/i.test(message))
      return false;
    throw error;
  }
}

async function copyOnto(
  parts: StoreParts,
  path: string,
  sources: readonly string[],
  ctx: Ctx,
): Promise<void> {
  for (const source of sources) {
    const { body, lengthBytes } = await read(parts, { verb: 'read', path: source, offset: 0 }, ctx);
    try {
      await append(parts, { verb: 'append', path, body: { stream: body, lengthBytes } }, ctx);
    } finally {
      body.destroy();
    }
  }
}

async function removeAll(parts: StoreParts, paths: readonly string[], ctx: Ctx): Promise<void> {
  for (const path of paths) await remove(parts, { verb: 'delete', path, recursive: false }, ctx);
}
