// Changing what a path is, but not its bytes: rights, properties, content headers, expiry. Each is a call of its own.
import { applyPermission, changeAcl, formatAcl, isExtendedAcl } from '../../core/acl.ts';
import { mtimeProperty } from '../../core/entry.ts';
import type { MutationResult, SetAttributesMutation } from '../../core/mutation.ts';
import type { Condition } from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { afterChange, StoreError } from '../../core/store-error.ts';
import { formatProperties } from '../../wire/dfs/properties.ts';
import type { Account } from './account.ts';
import { permission } from './body.ts';
import { conditionHeaders, sdkConditions } from './conditions.ts';
import { sdkContent } from './files.ts';
import { type Place, placeOf } from './place.ts';
import { accessControl, isDirectory, sdk, stat } from './queries.ts';

/** How often a change of an ACL is computed anew when another writer was faster. */
const aclTries = 5;

type Change = SetAttributesMutation;

/**
 * The condition guards the first call; the lease id goes with all.
 * @throws StoreError; `applied: 'unknown'` if an earlier call has succeeded and a later one not
 */
export async function setAttributes(account: Account, change: Change, ctx: Ctx): Promise<MutationResult> {
  const { path } = change;
  const place = placeOf(path);
  if (!place) throw StoreError.invalid('the root has no attributes of its own');
  checkChange(place, change);
  const calls = callsOf(account, place, change, ctx);
  await permission(ctx);
  let condition = change.condition;
  for (const [index, call] of calls.entries()) {
    try {
      await call(condition);
    } catch (error) {
      const failure = StoreError.from(error);
      throw index === 0 ? failure : failure.asUnknown();
    }
    condition = condition?.leaseId === undefined ? undefined : { leaseId: condition.leaseId };
  }
  const query = { verb: 'stat', path, attributes: false } as const;
  // Nothing to change is still a question whether the path is there.
  if (calls.length > 0 && !ctx.wantEntry) return {};
  const asked = stat(account, { ...query, ...(condition ? { condition } : {}) }, ctx);
  return { entry: (await (calls.length > 0 ? afterChange(asked) : asked)).entry };
}

// Before the first call: a change of which one part cannot be must not be made by half.
function checkChange(place: Place, { path, content, expiresMs }: Change): void {
  if (place.path === '' && (content || expiresMs !== undefined)) throw isDirectory(path);
  if (typeof expiresMs === 'number' && expiresMs <= Date.now())
    throw StoreError.invalid('this store takes no expiry in the past: delete the file instead');
}

type Call = (condition: Condition | undefined) => Promise<unknown>;

function callsOf(account: Account, place: Place, change: Change, ctx: Ctx): Call[] {
  const { permission: mode, owner, group, acl, properties, content, modifiedMs, expiresMs } = change;
  const calls: Call[] = [];
  if (acl) calls.push((condition) => changeRights(account, place, change, condition, ctx));
  else if (mode !== undefined || owner !== undefined || group !== undefined) {
    calls.push((condition) =>
      account.ask(
        {
          method: 'PATCH',
          place,
          query: { action: 'setAccessControl' },
          headers: {
            ...conditionHeaders(condition),
            ...ownerHeaders(change),
            ...(mode === undefined ? {} : { 'x-ms-permissions': mode.toString(8).padStart(4, '0') }),
          },
        },
        ctx,
      ),
    );
  }
  if (properties || modifiedMs !== undefined)
    calls.push((condition) => setProperties(account, place, change, condition, ctx));
  if (content) {
    calls.push((condition) => {
      const options = { abortSignal: ctx.signal, conditions: sdkConditions(condition) };
      return sdk(account.file(place).setHttpHeaders(sdkContent(content), options), true);
    });
  }
  if (expiresMs !== undefined) calls.push(() => setExpiry(account, place, expiresMs, ctx));
  return calls;
}

function ownerHeaders({ owner, group }: Change): Record<string, string> {
  return {
    ...(owner === undefined ? {} : { 'x-ms-owner': owner }),
    ...(group === undefined ? {} : { 'x-ms-group': group }),
  };
}

// The service takes whole ACLs only: read, change, write if nobody else has written.
async function changeRights(
  account: Account,
  place: Place,
  change: Change,
  condition: Condition | undefined,
  ctx: Ctx,
): Promise<void> {
  const { mode, entries } = change.acl!;
  for (let attempt = 1; ; attempt++) {
    const current = await accessControl(account, place, ctx);
    let acl = changeAcl(current.acl, mode, entries);
    if (change.permission !== undefined) acl = applyPermission(acl, change.permission);
    // Setting an ACL says nothing of the sticky bit; setting a mode does, but only a plain ACL fits into one.
    const sticky = (change.permission ?? current.permission) & 0o1000;
    const fence: Condition = { ...condition };
    if (fence.ifMatch === undefined && current.etag !== undefined) fence.ifMatch = current.etag;
    try {
      const headers = { ...conditionHeaders(fence), ...ownerHeaders(change), 'x-ms-acl': formatAcl(acl) };
      await account.ask({ method: 'PATCH', place, query: { action: 'setAccessControl' }, headers }, ctx);
      if (sticky !== (current.permission & 0o1000) && !isExtendedAcl(acl)) {
        const octal = { 'x-ms-permissions': (change.permission! & 0o1777).toString(8).padStart(4, '0') };
        const query = { action: 'setAccessControl' };
        await afterChange(account.ask({ method: 'PATCH', place, query, headers: octal }, ctx));
      }
      return;
    } catch (error) {
      const raced = error instanceof StoreError && error.kind === 'condition-failed';
      if (!raced || condition?.ifMatch !== undefined || attempt === aclTries) throw error;
    }
  }
}

// DFS `setProperties`, not Blob metadata: that would lower the names' case and take no value beyond ASCII.
async function setProperties(
  account: Account,
  place: Place,
  change: Change,
  condition: Condition | undefined,
  ctx: Ctx,
): Promise<void> {
  let { properties } = change;
  if (!properties) {
    const { entry } = await stat(account, { verb: 'stat', path: change.path, attributes: true }, ctx);
    properties = entry.properties ?? {};
  }
  if (change.modifiedMs !== undefined)
    properties = { ...properties, [mtimeProperty]: String(change.modifiedMs) };
  if (place.path === '') {
    const client = account.filesystem(place.filesystem);
    const leaseId = condition?.leaseId;
    const conditions = leaseId === undefined ? {} : { leaseId };
    await sdk(client.setMetadata(properties, { abortSignal: ctx.signal, conditions }), true);
    return;
  }
  const headers = { ...conditionHeaders(condition), 'x-ms-properties': formatProperties(properties) };
  await account.ask({ method: 'PATCH', place, query: { action: 'setProperties' }, headers }, ctx);
}

async function setExpiry(account: Account, place: Place, expiresMs: number | null, ctx: Ctx): Promise<void> {
  const file = account.file(place);
  const { signal: abortSignal } = ctx;
  if (expiresMs === null) {
    await sdk(file.setExpiry('NeverExpire', { abortSignal }), true);
    return;
  }
  await sdk(file.setExpiry('Absolute', { abortSignal, expiresOn: new Date(expiresMs) }), true);
}
