// Changes beside the bytes: attributes and leases.
import { randomUUID } from 'node:crypto';
import { aclOfPermission, applyPermission, changeAcl } from '../../core/acl.ts';
import { checkCondition } from '../../core/condition.ts';
import { changeLease, checkLease } from '../../core/lease.ts';
import type { LeaseMutation, MutationResult, SetAttributesMutation } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { checkScopes } from './new-attributes.ts';
import { commit, entryOf, isDirectory, type Rules, require } from './rules.ts';
import type { Content, NodeAttributes, NodeChange, TreeNode } from './tree.ts';

/**
 * As on Gen2, properties and content headers give a new ETag and a new modification time; ACL, owner and expiry do not.
 * @throws StoreError
 */
export async function setAttributes<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: SetAttributesMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, condition } = mutation;
  for (const time of [mutation.modifiedMs, mutation.accessedMs, mutation.expiresMs ?? 0]) {
    if (time !== undefined && !(Number.isSafeInteger(time) && time >= 0))
      throw StoreError.invalid('a time is a whole number of milliseconds since 1970');
  }
  return commit(rules, ctx, [{ path, deep: false }], async () => {
    const nowMs = rules.now();
    const node = await require(rules, path);
    checkCondition(condition, entryOf(path, node, nowMs));
    checkLease(node.attributes.lease, condition?.leaseId, nowMs);
    const changed = await rules.tree.change(path, node, changeOf(rules, node, mutation));
    return { entry: entryOf(path, changed, rules.now(), true) };
  });
}

function changeOf(
  rules: Pick<Rules, 'now' | 'mintEtag'>,
  node: TreeNode,
  mutation: SetAttributesMutation,
): NodeChange {
  const attributes: NodeAttributes = { ...node.attributes };
  const change: NodeChange = { attributes };
  const { permission, acl, properties, content, expiresMs } = mutation;
  if (mutation.owner !== undefined) attributes.owner = mutation.owner;
  if (mutation.group !== undefined) attributes.group = mutation.group;
  if (permission !== undefined) {
    attributes.acl = applyPermission(
      attributes.acl.length > 0 ? attributes.acl : aclOfPermission(0),
      permission,
    );
    attributes.sticky = (permission & 0o1000) !== 0;
  }
  if (acl) {
    checkScopes(node.type, acl.entries);
    attributes.acl = changeAcl(attributes.acl, acl.mode, acl.entries);
  }
  if (expiresMs !== undefined) {
    if (node.type === 'directory') throw isDirectory(mutation.path);
    if (expiresMs === null) delete attributes.expiresMs;
    else attributes.expiresMs = expiresMs;
  }
  if (properties || content) {
    if (properties) attributes.properties = { ...properties };
    if (content) attributes.content = { ...content };
    attributes.etag = rules.mintEtag();
    change.modifiedMs = rules.now();
  }
  if (mutation.modifiedMs !== undefined) change.modifiedMs = mutation.modifiedMs;
  if (mutation.accessedMs !== undefined) change.accessedMs = mutation.accessedMs;
  return change;
}

/** @throws StoreError `lease-conflict` */
export async function lease<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: LeaseMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, condition } = mutation;
  return commit(rules, ctx, [{ path, deep: false }], async () => {
    const nowMs = rules.now();
    const node = await require(rules, path);
    checkCondition(condition, entryOf(path, node, nowMs));
    const { state, leaseId, leaseSeconds } = changeLease(node.attributes.lease, mutation, nowMs, randomUUID);
    const attributes = { ...node.attributes };
    if (state) attributes.lease = state;
    else delete attributes.lease;
    const changed = await rules.tree.change(path, node, { attributes });
    const result: MutationResult = { entry: entryOf(path, changed, nowMs, true) };
    if (leaseId !== undefined) result.leaseId = leaseId;
    if (leaseSeconds !== undefined) result.leaseSeconds = leaseSeconds;
    return result;
  });
}
