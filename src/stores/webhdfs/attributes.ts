// Attributes beside the bytes: each is a call of its own, so a change of several is not atomic.
import { type AclEntry, formatAcl } from '../../core/acl.ts';
import { checkCondition } from '../../core/condition.ts';
import type { Attributes, MutationResult, SetAttributesMutation } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { afterChange, StoreError } from '../../core/store-error.ts';
import type { Dialect } from '../../wire/webhdfs/file-status.ts';
import type { Call, CallParams } from './hadoop-calls.ts';
import { writeContent, writeProperties } from './properties.ts';
import { isDirectory, mustFind, type StoreParts } from './store-parts.ts';
import { asUnknown } from './transport-errors.ts';
import { permission } from './upload-body.ts';

type Step = () => Promise<unknown>;

const aclVerbs = {
  set: 'SETACL',
  replace: 'SETACL',
  modify: 'MODIFYACLENTRIES',
  remove: 'REMOVEACLENTRIES',
  'remove-default': 'REMOVEDEFAULTACL',
  'remove-all': 'REMOVEACL',
} as const;

/** @throws StoreError; `applied: unknown` if some of the change was made */
export async function setAttributes(
  parts: StoreParts,
  mutation: SetAttributesMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, acl } = mutation;
  checkSupported(parts, mutation);
  for (const time of [mutation.modifiedMs, mutation.accessedMs, mutation.expiresMs ?? 0]) {
    if (time !== undefined && !(Number.isSafeInteger(time) && time >= 0))
      throw StoreError.invalid('a time is a whole number of milliseconds since 1970');
  }
  const entry = await mustFind(parts, path, ctx);
  checkCondition(mutation.condition, entry);
  if (acl) checkScopes(entry.type, acl.entries);
  if (mutation.expiresMs !== undefined && entry.type === 'directory') throw isDirectory(path);
  await permission(ctx);
  const put = putter(parts, path, ctx);
  const steps = valueSteps(parts, mutation, ctx);
  if (acl) {
    const aclspec =
      acl.mode === 'remove' ? namesOf(acl.entries, parts.calls.dialect) : formatAcl(acl.entries);
    const params = acl.mode.startsWith('remove-') ? {} : { aclspec };
    steps.push(() => put(aclVerbs[acl.mode], params));
    // SETACL with access entries alone keeps the default ones.
    const keepsDefault = !acl.entries.some(({ scope }) => scope === 'default');
    if (acl.mode === 'replace' && entry.type === 'directory' && keepsDefault)
      steps.push(() => put(aclVerbs['remove-default'], {}));
  }
  if (mutation.permission !== undefined) {
    steps.push(() => put('SETPERMISSION', { permission: mutation.permission!.toString(8) }));
  }
  // Last, because other changes may touch the times.
  if (mutation.modifiedMs !== undefined || mutation.accessedMs !== undefined) {
    const params = { modificationtime: mutation.modifiedMs, accesstime: mutation.accessedMs };
    steps.push(() => put('SETTIMES', params));
  }
  await runSteps(steps);
  return { entry: await afterChange(mustFind(parts, path, ctx)) };
}

/** What CREATE and MKDIRS cannot carry. The path was just made, so any failure leaves it half done. @throws StoreError */
export async function addAttributes(
  parts: StoreParts,
  path: string,
  attributes: Attributes | undefined,
  ctx: Ctx,
): Promise<void> {
  if (!attributes) return;
  const { acl } = attributes;
  const steps = valueSteps(parts, { ...attributes, path }, ctx);
  const put = putter(parts, path, ctx);
  if (acl) steps.unshift(() => put('SETACL', { aclspec: formatAcl(acl) }));
  await afterChange(runSteps(steps));
}

type Values = Pick<
  SetAttributesMutation,
  'path' | 'owner' | 'group' | 'properties' | 'content' | 'expiresMs'
>;

function valueSteps(parts: StoreParts, values: Values, ctx: Ctx): Step[] {
  const { path, owner, group, properties, content, expiresMs } = values;
  const put = putter(parts, path, ctx);
  const steps: Step[] = [];
  if (properties) steps.push(() => writeProperties(parts, path, properties, ctx));
  if (content) steps.push(() => writeContent(parts, path, content, ctx));
  if (owner !== undefined || group !== undefined) steps.push(() => put('SETOWNER', { owner, group }));
  // Nothing expires where nothing can.
  if (expiresMs !== undefined && (expiresMs !== null || parts.supports.expiry)) {
    const params =
      expiresMs === null
        ? { expiryOption: 'NeverExpire' }
        : { expiryOption: 'Absolute', expireTime: expiresMs };
    steps.push(() => put('SETEXPIRY', params, true));
  }
  return steps;
}

/** @throws StoreError `unsupported` before anything is changed */
export function checkSupported(
  { name, supports }: StoreParts,
  {
    properties,
    content,
    expiresMs,
  }: Pick<Attributes, 'properties' | 'content'> & { expiresMs?: number | null },
): void {
  const given = Object.keys(properties ?? {}).length + Object.keys(content ?? {}).length > 0;
  if (given && !supports.properties) {
    throw StoreError.unsupported(`${name} cannot hold properties and content headers`);
  }
  if (expiresMs !== undefined && expiresMs !== null && !supports.expiry) {
    throw StoreError.unsupported(`${name} cannot hold expiry times`);
  }
}

/** @throws StoreError `invalid`: only folders have a default ACL */
export function checkScopes(type: 'file' | 'directory', acl: readonly AclEntry[] | undefined): void {
  if (type === 'file' && acl?.some((entry) => entry.scope === 'default'))
    throw StoreError.invalid('a file cannot have a default ACL');
}

/** The REMOVEACLENTRIES form has no permissions; Hadoop still wants the colon in front of them, Gen1 does not. */
function namesOf(entries: readonly AclEntry[], dialect: Dialect): string {
  const end = dialect === 'webhdfs' ? ':' : '';
  return entries
    .map(({ scope, type, name }) => `${scope === 'default' ? 'default:' : ''}${type}:${name}${end}`)
    .join(',');
}

function putter(
  { calls }: StoreParts,
  path: string,
  ctx: Ctx,
): (op: string, params: CallParams, extension?: boolean) => Promise<unknown> {
  return (op, params, extension) => {
    const call: Call = { method: 'PUT', op, path, params, ...(extension ? { extension } : {}) };
    return calls.json(call, ctx);
  };
}

/** After the first step nothing is as it was. */
async function runSteps(steps: readonly Step[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    try {
      await step();
    } catch (error) {
      throw index === 0 ? error : asUnknown(error);
    }
  }
}
