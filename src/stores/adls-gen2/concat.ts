// Concat, which Gen2 does not have: the bytes are read and written again into a hidden file, which then takes the place of the first.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Entry } from '../../core/entry.ts';
import type { ConcatMutation, MutationResult } from '../../core/mutation.ts';
import { parentOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import type { Account } from './account.ts';
import { permission } from './body.ts';
import { create, remove } from './files.ts';
import { pathOf, placeForNew } from './place.ts';
import { accessControl, isDirectory, read, stat } from './queries.ts';
import { rename } from './rename.ts';

/**
 * Not atomic as a whole: the destination changes at once, by a rename; the sources go after it.
 * @throws StoreError; `applied: 'unknown'` if the destination has changed and a source could not be deleted
 */
export async function concat(account: Account, mutation: ConcatMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, sources, deleteSourceDirectory } = mutation;
  const place = placeForNew(path);
  if (sources.length === 0) throw StoreError.invalid('concat needs at least one source');
  if (new Set([path, ...sources]).size !== sources.length + 1)
    throw StoreError.invalid('a file can be joined only once');
  const target = mutation.create ? undefined : await file(account, path, ctx);
  const parts = await Promise.all(sources.map((source) => file(account, source, ctx)));
  const all = target ? [target, ...parts] : parts;
  const hidden = pathOf({ filesystem: place.filesystem, path: `.twinlake/concat/${randomUUID()}` });
  // The last word is for the rename, which shows the change.
  const { beforeCommit: _commit, ...early } = ctx;
  const written = {
    stream: Readable.from(contents(account, all, ctx), { objectMode: false }),
    lengthBytes: all.reduce((sum, part) => sum + part.lengthBytes, 0),
  };
  // A file that is made anew has the rights of its first part, as where a store joins the others onto that one.
  const rights = await accessControl(account, target ? place : placeForNew(sources[0]!), ctx);
  const attributes = {
    owner: rights.owner,
    group: rights.group,
    acl: rights.acl,
    ...(target?.properties ? { properties: target.properties } : {}),
    ...(target?.content ? { content: target.content } : {}),
  };
  delete attributes.content?.contentMd5;
  await create(account, { verb: 'create', path: hidden, parents: 'all', body: written, attributes }, early);
  let entry: MutationResult;
  try {
    await permission(ctx);
    const fence = target?.etag === undefined ? {} : { condition: { ifMatch: target.etag } };
    const move = { verb: 'rename', path: hidden, destination: path, intoDirectory: false, ...fence } as const;
    entry = await rename(account, { ...move, replace: 'file' }, early);
  } catch (error) {
    await remove(account, { verb: 'delete', path: hidden, recursive: false }, early).catch(() => undefined);
    throw error;
  }
  try {
    for (const source of sources)
      await remove(account, { verb: 'delete', path: source, recursive: false }, early);
    if (deleteSourceDirectory)
      await remove(account, { verb: 'delete', path: parentOf(sources[0]!), recursive: true }, early);
  } catch (error) {
    throw StoreError.from(error).asUnknown();
  }
  return entry;
}

async function file(account: Account, path: string, ctx: Ctx): Promise<Entry> {
  const { entry } = await stat(account, { verb: 'stat', path, attributes: true }, ctx);
  if (entry.type === 'directory') throw isDirectory(path);
  return entry;
}

async function* contents(account: Account, parts: readonly Entry[], ctx: Ctx): AsyncGenerator<Buffer> {
  for (const { path, etag, lengthBytes } of parts) {
    if (lengthBytes === 0) continue;
    const condition = etag === undefined ? {} : { condition: { ifMatch: etag } };
    const { body } = await read(account, { verb: 'read', path, offset: 0, ...condition }, ctx);
    yield* body as AsyncIterable<Buffer>;
  }
}
