// Folders and filesystems.
import type { MkdirMutation, MutationResult } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import type { Account } from './account.ts';
import { permission } from './body.ts';
import { sdkConditions } from './conditions.ts';
import { writtenEntry } from './entries.ts';
import { createOptions } from './files.ts';
import { makeFilesystem, making } from './making.ts';
import { checkFilesystemName, placeForNew } from './place.ts';
import { rootEntry, stat } from './queries.ts';
import { setAttributes } from './set-attributes.ts';

/**
 * A folder that is there is left alone: without `If-None-Match: *` the service would reset its properties and rights.
 * @throws StoreError `exists` if a file is there
 */
export async function mkdir(account: Account, mutation: MkdirMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, parents, attributes, condition } = mutation;
  const mustBeNew = condition?.ifNoneMatch === '*';
  const segments = segmentsOf(path);
  if (segments.length === 0) {
    if (mustBeNew) throw new StoreError('exists', 'the root is there already');
    return { created: false, entry: { ...rootEntry } };
  }
  if (segments.length === 1) return mkFilesystem(account, mutation, segments[0]!, mustBeNew, ctx);
  const place = placeForNew(path);
  await permission(ctx);
  const client = account.filesystem(place.filesystem).getDirectoryClient(place.path);
  try {
    const made = await making(account, place, path, { parents, type: 'directory' }, ctx, () =>
      client.create({
        ...createOptions(attributes),
        abortSignal: ctx.signal,
        conditions: sdkConditions({ ...condition, ifNoneMatch: '*' }),
      }),
    );
    return {
      created: true,
      entry: writtenEntry(path, made, { type: 'directory', lengthBytes: 0, attributes }),
    };
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'exists') throw error;
    const { entry } = await stat(account, { verb: 'stat', path }, ctx);
    if (mustBeNew || entry.type === 'file') throw error;
    return { created: false, entry };
  }
}

async function mkFilesystem(
  account: Account,
  { path, attributes }: MkdirMutation,
  name: string,
  mustBeNew: boolean,
  ctx: Ctx,
): Promise<MutationResult> {
  checkFilesystemName(name);
  await permission(ctx);
  const created = await makeFilesystem(account, name, ctx, attributes?.properties);
  if (!created && mustBeNew) throw new StoreError('exists', `the filesystem is there already: ${path}`);
  const { permission: mode, umask = 0, owner, group, acl } = attributes ?? {};
  if (created && (mode !== undefined || owner !== undefined || group !== undefined || acl)) {
    const rights = {
      ...(mode === undefined || acl ? {} : { permission: mode & ~umask }),
      ...(owner === undefined ? {} : { owner }),
      ...(group === undefined ? {} : { group }),
      ...(acl ? { acl: { mode: 'set', entries: acl } as const } : {}),
    };
    await setAttributes(account, { verb: 'set-attributes', path, ...rights }, ctx);
  }
  if (!ctx.wantEntry) return { created };
  return { created, entry: (await stat(account, { verb: 'stat', path }, ctx)).entry };
}
