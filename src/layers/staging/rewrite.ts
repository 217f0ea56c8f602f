// Changes bytes in the middle of a file on a store that only appends: a new file beside it takes its place.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { aclOfPermission } from '../../core/acl.ts';
import type { Entry } from '../../core/entry.ts';
import type { Attributes, Body, SetAttributesMutation } from '../../core/mutation.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { permission, quiet, uploadFolder } from './hidden.ts';

/** Longest file that is written anew because some of its unflushed bytes change. */
const maxRewriteBytes = 4_294_967_296;

/** Bytes `start` to `end` (exclusive) of a file. */
export async function* bytesOf(
  store: Store,
  path: string,
  start: number,
  end: number,
  ctx: Ctx,
): AsyncGenerator<Buffer> {
  if (end <= start) return;
  const lengthBytes = end - start;
  const { body } = await store.query({ verb: 'read', path, offset: start, lengthBytes }, ctx);
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } finally {
    body.destroy();
  }
}

/**
 * Makes `content` the content of `path`, attributes kept. Nothing is changed if it fails before the last step.
 * @returns the new file as it was before it got its name
 * @throws StoreError `too-large`
 */
export async function rewrite(
  store: Store,
  path: string,
  content: AsyncIterable<Buffer>,
  ctx: Ctx,
): Promise<Entry> {
  const plain = quiet(ctx);
  const { entry } = await store.query({ verb: 'stat', path, attributes: true }, plain);
  if (entry.lengthBytes > maxRewriteBytes) {
    throw new StoreError('too-large', `a file over ${maxRewriteBytes} bytes cannot be changed in its middle`);
  }
  const fresh = `${uploadFolder(path)}/rewrite-${randomUUID()}`;
  try {
    const made = await writeLike(
      store,
      fresh,
      entry,
      { stream: Readable.from(content, { objectMode: false }) },
      plain,
    );
    await permission(ctx);
    const move = { destination: path, replace: 'file', intoDirectory: false } as const;
    await store.mutate({ verb: 'rename', path: fresh, ...move }, plain);
    return made;
  } catch (error) {
    // It is hidden; what cannot be removed goes with its folder.
    await store.mutate({ verb: 'delete', path: fresh, recursive: false }, plain).catch(() => undefined);
    throw error;
  }
}

/** Writes a new file with what another one is beside its bytes. @throws StoreError; the new file may be there */
export async function writeLike(
  store: Store,
  path: string,
  like: Entry,
  body: Body,
  ctx: Ctx,
): Promise<Entry> {
  const attributes = attributesOf(like, store);
  const create = { verb: 'create', path, parents: 'all', body, attributes } as const;
  await store.mutate(create, ctx);
  const { entry } = await store.query({ verb: 'stat', path }, ctx);
  if (entry.extendedAcl && !like.extendedAcl) {
    // Inherited from the folder that it was made in, which is not the one that it is to stand in.
    const acl = { mode: 'set', entries: aclOfPermission(like.permission) } as const;
    await store.mutate({ verb: 'set-attributes', path, acl }, ctx);
  }
  await restoreOwner(store, like, entry, ctx);
  return entry;
}

function attributesOf(entry: Entry, store: Store): Attributes {
  const attributes: Attributes = { permission: entry.permission };
  if (entry.acl && entry.extendedAcl) attributes.acl = entry.acl;
  if (entry.properties && store.supports.properties) attributes.properties = entry.properties;
  if (entry.content && store.supports.properties) {
    // The digest was that of other bytes.
    const { contentMd5: _, ...content } = entry.content;
    attributes.content = content;
  }
  return attributes;
}

async function restoreOwner(store: Store, old: Entry, fresh: Entry, ctx: Ctx): Promise<void> {
  if (!store.supports.owners) return;
  const change: SetAttributesMutation = { verb: 'set-attributes', path: fresh.path };
  if (old.owner !== fresh.owner) change.owner = old.owner;
  if (old.group !== fresh.group) change.group = old.group;
  if (change.owner !== undefined || change.group !== undefined) await store.mutate(change, ctx);
}
