// Rename: one atomic call of the service, with conditions that make it mean what the mutation says. The SDK's `move` forgets the
// account in path-style URLs (Gen2 reference §0.13), so the request is our own.
import type { Entry } from '../../core/entry.ts';
import type { MutationResult, RenameMutation } from '../../core/mutation.ts';
import { isWithin, joinPath, nameOf } from '../../core/path.ts';
import type { Condition } from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { afterChange, StoreError } from '../../core/store-error.ts';
import { formatProperties } from '../../wire/dfs/properties.ts';
import type { Account } from './account.ts';
import { permission } from './body.ts';
import { conditionHeaders } from './conditions.ts';
import { requireParent } from './making.ts';
import { type Place, placeForNew, placeOf, urlPath } from './place.ts';
import { find, stat } from './queries.ts';

/** How often a rename looks anew at its destination when another writer was faster. */
const tries = 3;

/** @throws StoreError */
export async function rename(account: Account, mutation: RenameMutation, ctx: Ctx): Promise<MutationResult> {
  const { path } = mutation;
  const from = placeOf(path);
  if (!from || from.path === '') throw invalidSource('a filesystem, or the root, cannot be renamed');
  let { destination } = mutation;
  let there = await find(account, destination, ctx);
  if (mutation.intoDirectory && there?.type === 'directory' && destination !== path) {
    destination = joinPath(destination, nameOf(path));
    there = await find(account, destination, ctx);
  }
  const to = placeForNew(destination);
  if (destination === path) return renameOntoItself(account, mutation, ctx);
  if (isWithin(destination, path)) throw invalidSource('a folder cannot be moved into itself');
  await permission(ctx);
  for (let attempt = 1; ; attempt++) {
    const condition = allowed(mutation, destination, there);
    try {
      await send(account, mutation, from, to, condition, ctx);
      break;
    } catch (error) {
      const failure = await explain(account, StoreError.from(error), destination, ctx);
      const raced =
        failure.kind === 'exists' ? mutation.replace !== 'none' : failure.kind === 'condition-failed';
      const asked =
        mutation.condition?.ifMatch !== undefined || mutation.condition?.ifNoneMatch !== undefined;
      if (!raced || asked || attempt === tries) throw failure;
      there = await find(account, destination, ctx);
    }
  }
  if (!ctx.wantEntry) return {};
  return { entry: (await afterChange(stat(account, { verb: 'stat', path: destination }, ctx))).entry };
}

/**
 * The condition under which the destination may be replaced: only what was seen there.
 * @throws StoreError `exists`
 */
function allowed(mutation: RenameMutation, destination: string, there: Entry | undefined): Condition {
  const condition: Condition = { ...mutation.condition };
  const { replace } = mutation;
  const refused = there && (replace === 'none' || (replace === 'file' && there.type === 'directory'));
  if (refused) throw new StoreError('exists', `the destination is there already: ${destination}`);
  if (condition.ifMatch !== undefined || condition.ifNoneMatch !== undefined) return condition;
  if (!there) condition.ifNoneMatch = '*';
  else if (replace === 'file' && there.etag !== undefined) condition.ifMatch = there.etag;
  return condition;
}

async function send(
  account: Account,
  mutation: RenameMutation,
  from: Place,
  to: Place,
  condition: Condition,
  ctx: Ctx,
): Promise<void> {
  const { sourceCondition, properties } = mutation;
  const headers = {
    'x-ms-rename-source': urlPath(from),
    ...conditionHeaders(condition),
    ...conditionHeaders(sourceCondition, true),
    ...(properties ? { 'x-ms-properties': formatProperties(properties) } : {}),
  };
  await account.ask({ method: 'PUT', place: to, query: { mode: 'legacy' }, headers }, ctx);
}

/** A missing parent of the destination, or one that is a file, is told in several ways. */
async function explain(
  account: Account,
  failure: StoreError,
  destination: string,
  ctx: Ctx,
): Promise<StoreError> {
  const unclear =
    failure.kind === 'not-found' ? failure.code !== 'SourcePathNotFound' : failure.kind === 'not-directory';
  if (!unclear || failure.applied === 'unknown') return failure;
  try {
    await requireParent(account, destination, ctx);
    return failure;
  } catch (error) {
    return StoreError.from(error, 'no');
  }
}

async function renameOntoItself(
  account: Account,
  mutation: RenameMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, sourceCondition } = mutation;
  const query = { verb: 'stat', path, ...(sourceCondition ? { condition: sourceCondition } : {}) } as const;
  const { entry } = await stat(account, query, ctx);
  if (mutation.replace === 'none')
    throw new StoreError('exists', `the destination is there already: ${path}`);
  return { entry };
}

function invalidSource(message: string): StoreError {
  return new StoreError('invalid', message, { code: 'InvalidRenameSourcePath' });
}
