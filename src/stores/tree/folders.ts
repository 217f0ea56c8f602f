// Changes of a tree's shape: mkdir, rename, delete.
import { checkCondition } from '../../core/condition.ts';
import { checkLease } from '../../core/lease.ts';
import type { DeleteMutation, MkdirMutation, MutationResult, RenameMutation } from '../../core/mutation.ts';
import { isWithin, joinPath, nameOf, segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import {
  alive,
  checkPlace,
  commit,
  entryOf,
  freshAttributes,
  isExpired,
  makeParents,
  missing,
  missingParents,
  type Rules,
  require,
} from './rules.ts';
import type { Content, TreeNode } from './tree.ts';

/** @throws StoreError `exists` if a file stands there */
export async function mkdir<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: MkdirMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, condition } = mutation;
  checkPlace(rules, path, 'directory');
  return commit(rules, ctx, [{ path, deep: false }], async () => {
    const nowMs = rules.now();
    const found = await rules.tree.find(path);
    const there = alive(found, nowMs);
    checkCondition(condition, there && entryOf(path, there, nowMs));
    if (there?.type === 'file') throw new StoreError('exists', `a file stands there: ${path}`);
    if (there) return { entry: entryOf(path, there, nowMs, true), created: false };
    const attributes = mutation.attributes;
    await freshAttributes(rules, path, 'directory', attributes, ctx);
    await makeParents(rules, path, mutation.parents, attributes, ctx);
    return rules.folderLocks([{ path, deep: false }], async () => {
      const made = await rules.tree.find(path);
      // A file below was made meanwhile and brought this folder along.
      if (made?.type === 'directory')
        return { entry: entryOf(path, made, rules.now(), true), created: false };
      if (made) await rules.tree.remove(path, made);
      const fresh = await freshAttributes(rules, path, 'directory', attributes, ctx);
      const node = await rules.tree.addFolder(path, fresh);
      return { entry: entryOf(path, node, rules.now(), true), created: true };
    });
  });
}

/** @throws StoreError `invalid` for the root */
export async function remove<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: DeleteMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, condition } = mutation;
  if (path === '/') throw StoreError.invalid('the root cannot be deleted');
  return commit(rules, ctx, [{ path, deep: true }], async () => {
    const nowMs = rules.now();
    const node = await require(rules, path);
    checkCondition(condition, entryOf(path, node, nowMs));
    checkLease(node.attributes.lease, condition?.leaseId, nowMs);
    if (node.type === 'directory' && !mutation.recursive && !(await isEmpty(rules, path)))
      throw new StoreError('not-empty', `the directory is not empty: ${path}`);
    await rules.tree.remove(path, node);
    await rules.tree.dropBlocks(path);
    return {};
  });
}

/** @throws StoreError */
export async function rename<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: RenameMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, destination } = mutation;
  if (path === '/') throw invalidSource('the root cannot be renamed');
  if (rules.rootFolders === 'filesystems' && segmentsOf(path).length === 1)
    throw invalidSource('a filesystem cannot be renamed');
  const locked = [
    { path, deep: true },
    { path: destination, deep: true },
  ];
  return commit(rules, ctx, locked, async () => {
    const nowMs = rules.now();
    const node = alive(await rules.tree.find(path), nowMs);
    if (!node) throw await missing(rules, path);
    checkCondition(mutation.sourceCondition, entryOf(path, node, nowMs), 'source-condition-failed');
    const to = await receivingPath(rules, mutation);
    if (to === path) {
      checkLease(node.attributes.lease, mutation.sourceCondition?.leaseId, nowMs);
      return { entry: entryOf(to, await withProperties(rules, to, node, mutation), nowMs, true) };
    }
    if (isWithin(to, path)) throw invalidSource('a directory cannot be moved into itself');
    checkPlace(rules, to, node.type);
    await missingParents(rules, to, 'none');
    const found = to === '/' ? await require(rules, to) : await rules.tree.find(to);
    const there = alive(found, nowMs);
    checkCondition(mutation.condition, there && entryOf(to, there, nowMs));
    if (there) await checkReplaced(rules, to, there, mutation);
    checkLease(node.attributes.lease, mutation.sourceCondition?.leaseId, nowMs);
    if (there || mutation.condition?.leaseId !== undefined)
      checkLease(there?.attributes.lease, mutation.condition?.leaseId, nowMs);
    const kept = await withProperties(rules, path, node, mutation);
    await rules.tree.move(path, kept, to, found);
    const moved = await require(rules, to);
    return { entry: entryOf(to, moved, rules.now(), true) };
  });
}

async function receivingPath<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: RenameMutation,
): Promise<string> {
  const { path, destination } = mutation;
  if (!mutation.intoDirectory || destination === path) return destination;
  const there = alive(await rules.tree.find(destination), rules.now());
  return there?.type === 'directory' ? joinPath(destination, nameOf(path)) : destination;
}

async function checkReplaced<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  to: string,
  there: N,
  mutation: RenameMutation,
): Promise<void> {
  const allowed = mutation.replace === 'any' || (mutation.replace === 'file' && there.type === 'file');
  if (!allowed) throw new StoreError('exists', `the destination is there already: ${to}`);
  if (there.type === 'directory' && !(await isEmpty(rules, to)))
    throw new StoreError('not-empty', `the directory at the destination is not empty: ${to}`);
}

async function withProperties<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  node: N,
  mutation: RenameMutation,
): Promise<N> {
  if (!mutation.properties) return node;
  return rules.tree.change(path, node, {
    attributes: { ...node.attributes, properties: { ...mutation.properties } },
  });
}

async function isEmpty<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
): Promise<boolean> {
  for (const name of await rules.tree.childNames(path)) {
    const child = await rules.tree.find(joinPath(path, name));
    if (child && !isExpired(child, rules.now())) return false;
  }
  return true;
}

function invalidSource(message: string): StoreError {
  return new StoreError('invalid', message, { code: 'InvalidRenameSourcePath' });
}
