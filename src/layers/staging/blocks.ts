// Put Block and Put Block List over a store without them: a file per block in a hidden folder, joined and moved at the commit (semantics A5).
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { aclOfPermission, changeAcl, inheritedAcl } from '../../core/acl.ts';
import { checkCondition } from '../../core/condition.ts';
import type {
  Attributes,
  CommitBlocksMutation,
  MutationResult,
  SetAttributesMutation,
  StageBlockMutation,
} from '../../core/mutation.ts';
import { nameOf, parentOf, segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { afterChange, StoreError } from '../../core/store-error.ts';
import { forgetReplaced, hideLate, type Staged } from './appends.ts';
import { lookUp, permission, quiet, removeUploads, uploadFolder } from './hidden.ts';
import { entriesIn } from './pieces.ts';
import { bytesOf } from './rewrite.ts';
import { masked } from './uploads.ts';

/** Most blocks of one file, and longest block id before base64 in bytes: Gen2's own limits. */
const maxBlocks = 50_000;
const maxBlockIdBytes = 64;
const defaultFilePermission = 0o644;
/** Mode of a new file that is asked for nothing, before a umask: what an inherited ACL is limited by. */
const newFileMode = 0o666;

/** One block, whole or not at all: it gets its name in the last step. @throws StoreError */
export async function stageBlock(
  { store }: Pick<Staged, 'store'>,
  mutation: StageBlockMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, blockId, body } = mutation;
  const idBytes = Buffer.from(blockId, 'base64').length;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blockId) || idBytes === 0 || idBytes > maxBlockIdBytes)
    throw StoreError.invalid(`a block id is base64 of 1 to ${maxBlockIdBytes} bytes`);
  const plain = quiet(ctx);
  await checkTarget({ store }, path, plain);
  const destination = blockPath(path, blockId);
  const fresh = `${destination}.${randomUUID()}`;
  try {
    await store.mutate({ verb: 'create', path: fresh, parents: 'all', body }, plain);
    await permission(ctx);
    const move = { destination, replace: 'file', intoDirectory: false } as const;
    await store.mutate({ verb: 'rename', path: fresh, ...move }, plain);
    return {};
  } catch (error) {
    await removeQuietly({ store }, fresh, plain);
    throw error;
  }
}

/** @throws StoreError `is-directory`; `parent-not-found` if there is not even a root folder */
async function checkTarget({ store }: Pick<Staged, 'store'>, path: string, ctx: Ctx): Promise<void> {
  const [root] = segmentsOf(path);
  try {
    const { entry } = await store.query({ verb: 'stat', path }, ctx);
    if (entry.type === 'directory') throw new StoreError('is-directory', `this is a directory: ${path}`);
  } catch (error) {
    const failure = StoreError.from(error);
    if (failure.kind !== 'not-found') throw failure;
    if (segmentsOf(path).length > 1) await store.query({ verb: 'stat', path: `/${root}` }, ctx);
  }
}

const blockPath = (path: string, blockId: string): string =>
  `${uploadFolder(path)}/${Buffer.from(blockId).toString('hex')}`;

/** The blocks are joined onto the first of them, which then takes the place of the file. @throws StoreError */
export async function commitBlocks(
  staged: Staged,
  mutation: CommitBlocksMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { store, uploads } = staged;
  const { path, blockIds, condition } = mutation;
  if (blockIds.length > maxBlocks)
    throw new StoreError('too-large', `a file has at most ${maxBlocks} blocks`, { code: 'BlockListTooLong' });
  const plain = quiet(ctx);
  const there = await lookUp(store, path, plain);
  checkCondition(condition, there && masked(there, uploads.get(path)));
  if (there?.type === 'directory') throw new StoreError('is-directory', `this is a directory: ${path}`);
  const files = blockIds.map((blockId) => blockPath(path, blockId));
  await checkBlocks(staged, path, files, plain);
  await permission(ctx);
  if (!there) await makeParents(staged, mutation, plain);
  const joined = await join(staged, path, files, plain);
  try {
    await dress(staged, joined, mutation, plain);
    const replace = condition?.ifNoneMatch === '*' ? 'none' : 'file';
    const move = { destination: path, replace, intoDirectory: false } as const;
    await store.mutate({ verb: 'rename', path: joined, ...move }, plain);
    await uploads.end(path);
    await hideLate(staged, uploads.lateBelow(path), plain);
    await removeUploads(store, path, plain);
  } catch (error) {
    await forgetReplaced(staged, path, plain).catch(() => undefined);
    // The blocks are no longer what they were, so the same commit may not work again.
    throw StoreError.from(error).asUnknown();
  }
  const { entry } = await afterChange(store.query({ verb: 'stat', path }, plain));
  return { entry, created: !there };
}

/** @throws StoreError `invalid`, code `InvalidBlockList` */
async function checkBlocks(
  { store }: Staged,
  path: string,
  files: readonly string[],
  ctx: Ctx,
): Promise<void> {
  const folder = uploadFolder(path);
  const known = new Set<string>();
  for await (const entry of entriesIn(store, folder, ctx)) known.add(nameOf(entry.path));
  if (files.some((file) => !known.has(nameOf(file))))
    throw new StoreError('invalid', 'a block of the list has not been uploaded', {
      code: 'InvalidBlockList',
    });
}

async function makeParents({ store }: Staged, mutation: CommitBlocksMutation, ctx: Ctx): Promise<void> {
  const folder = parentOf(mutation.path);
  if (folder === '/') return;
  if (mutation.parents === 'all' || segmentsOf(folder).length > 1) {
    if (mutation.parents !== 'none') {
      await store.mutate({ verb: 'mkdir', path: folder, parents: mutation.parents }, ctx);
      return;
    }
  }
  try {
    await store.query({ verb: 'stat', path: folder }, ctx);
  } catch (error) {
    const failure = StoreError.from(error);
    if (failure.kind !== 'not-found') throw failure;
    throw new StoreError('parent-not-found', `the parent directory is not there: ${folder}`, {
      cause: failure,
      ...(failure.code === undefined ? {} : { code: failure.code }),
    });
  }
}

/** @returns where the joined bytes are */
async function join({ store }: Staged, path: string, files: readonly string[], ctx: Ctx): Promise<string> {
  const [first, ...others] = files;
  if (first !== undefined && new Set(files).size === files.length) {
    if (others.length > 0) {
      const rest = { sources: others, create: false, deleteSourceDirectory: false };
      await store.mutate({ verb: 'concat', path: first, ...rest }, ctx);
    }
    return first;
  }
  // No block at all, or one that is named twice.
  const fresh = `${uploadFolder(path)}/joined-${randomUUID()}`;
  const stream = Readable.from(allBytes(store, files, ctx), { objectMode: false });
  await store.mutate({ verb: 'create', path: fresh, parents: 'all', body: { stream } }, ctx);
  return fresh;
}

async function* allBytes(store: Staged['store'], files: readonly string[], ctx: Ctx): AsyncGenerator<Buffer> {
  for (const path of files) {
    const { entry } = await store.query({ verb: 'stat', path }, ctx);
    yield* bytesOf(store, path, 0, entry.lengthBytes, ctx);
  }
}

/** The attributes that the file at `mutation.path` is to have, before anybody can see it. */
async function dress(
  { store }: Staged,
  joined: string,
  { path, attributes = {} }: CommitBlocksMutation,
  ctx: Ctx,
): Promise<void> {
  const { permission: _, umask: __, acl: ___, owner, group, properties, content, expiresMs } = attributes;
  const change: SetAttributesMutation = {
    verb: 'set-attributes',
    path: joined,
    ...(await rightsOf({ store }, { joined, path }, attributes, ctx)),
  };
  if (owner !== undefined) change.owner = owner;
  if (group !== undefined) change.group = group;
  if (properties && Object.keys(properties).length > 0) change.properties = properties;
  if (content && Object.keys(content).length > 0) change.content = content;
  if (expiresMs !== undefined) change.expiresMs = expiresMs;
  await store.mutate(change, ctx);
}

/** A new file inherits from the folder that it is to stand in, and not from the hidden one. */
async function rightsOf(
  { store }: Pick<Staged, 'store'>,
  { joined, path }: { joined: string; path: string },
  { permission: mode, umask = 0, acl }: Attributes,
  ctx: Ctx,
): Promise<Pick<SetAttributesMutation, 'permission' | 'acl'>> {
  const permission = mode === undefined ? defaultFilePermission : mode & ~umask;
  if (!store.supports.acl) return { permission };
  const [made, folder] = await Promise.all([
    store.query({ verb: 'stat', path: joined }, ctx),
    store.query({ verb: 'stat', path: parentOf(path), attributes: true }, ctx),
  ]);
  const inherited = inheritedAcl(folder.entry.acl ?? [], 'file', mode ?? newFileMode);
  if (!inherited && !acl && !made.entry.extendedAcl) return { permission };
  const own = inherited ?? aclOfPermission(permission);
  return { acl: { mode: 'set', entries: acl ? changeAcl(own, 'set', acl) : own } };
}

async function removeQuietly({ store }: Pick<Staged, 'store'>, path: string, ctx: Ctx): Promise<void> {
  try {
    await store.mutate({ verb: 'delete', path, recursive: false }, ctx);
  } catch {
    // What failed before is what the caller has to know; a piece that stays is removed with its folder.
  }
}
