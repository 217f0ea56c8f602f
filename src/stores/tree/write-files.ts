// Whole-file changes of a tree store: create, append, concat. Bodies are received before any lock is taken.
import { checkCondition } from '../../core/condition.ts';
import { checkLease } from '../../core/lease.ts';
import type {
  AppendMutation,
  Attributes,
  ConcatMutation,
  CreateMutation,
  MutationResult,
  Parents,
  TruncateMutation,
} from '../../core/mutation.ts';
import { isWithin, parentOf } from '../../core/path.ts';
import type { Condition } from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import {
  alive,
  checkPlace,
  commit,
  entryOf,
  freshAttributes,
  isDirectory,
  makeParents,
  missingParents,
  type Rules,
  requireFile,
} from './rules.ts';
import type { Content, NodeAttributes, TreeNode } from './tree.ts';

/** A file that is to be made or replaced. */
export interface NewFile {
  path: string;
  parents: Parents;
  attributes?: Attributes;
  condition?: Condition;
  replication?: number;
  blockSizeBytes?: number;
}

async function checkNewFile<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  file: NewFile,
): Promise<N | undefined> {
  const nowMs = rules.now();
  const found = await rules.tree.find(file.path);
  const there = alive(found, nowMs);
  checkCondition(file.condition, there && entryOf(file.path, there, nowMs));
  if (there?.type === 'directory') throw isDirectory(file.path);
  if (there || file.condition?.leaseId !== undefined)
    checkLease(there?.attributes.lease, file.condition?.leaseId, nowMs);
  if (!there) await missingParents(rules, file.path, file.parents);
  return found;
}

/** Puts `content` at the path, whatever file stood there. Takes the content over, also when it fails. */
export async function putFile<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  file: NewFile,
  receive: () => Promise<C | undefined>,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path } = file;
  checkPlace(rules, path, 'file');
  await checkNewFile(rules, file);
  // An ACL or property that cannot be is refused before the body is read.
  await freshAttributes(rules, path, 'file', file.attributes, ctx);
  const content = await receive();
  try {
    return await commit(rules, ctx, [{ path, deep: false }], async () => {
      const found = await checkNewFile(rules, file);
      await makeParents(rules, path, file.parents, file.attributes, ctx);
      const attributes: NodeAttributes = await freshAttributes(rules, path, 'file', file.attributes, ctx);
      const there = alive(found, rules.now());
      if (file.condition?.leaseId !== undefined && there?.attributes.lease)
        attributes.lease = there.attributes.lease;
      if (file.replication !== undefined) attributes.replication = file.replication;
      if (file.blockSizeBytes !== undefined) attributes.blockSizeBytes = file.blockSizeBytes;
      const node = await rules.tree.addFile(path, content, attributes, found);
      await rules.tree.dropBlocks(path);
      return { entry: entryOf(path, node, rules.now(), true), created: !there };
    });
  } finally {
    await content?.discard();
  }
}

/** @throws StoreError */
export async function create<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: CreateMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { body } = mutation;
  return putFile(rules, mutation, async () => (body ? rules.tree.receive(body, ctx.signal) : undefined), ctx);
}

/** @throws StoreError */
export async function append<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: AppendMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, position, condition } = mutation;
  const check = async (): Promise<N> => {
    const nowMs = rules.now();
    const node = await requireFile(rules, path);
    checkCondition(condition, entryOf(path, node, nowMs));
    checkLease(node.attributes.lease, condition?.leaseId, nowMs);
    if (position !== undefined && position !== node.lengthBytes) {
      throw new StoreError('bad-offset', `the file is ${node.lengthBytes} bytes long, not ${position}`);
    }
    return node;
  };
  await check();
  const content = await rules.tree.receive(mutation.body, ctx.signal);
  try {
    return await commit(rules, ctx, [{ path, deep: false }], async () => {
      let node = await check();
      if (content.lengthBytes > 0) {
        node = await rules.tree.extend(path, node, content, { ...node.attributes, etag: rules.mintEtag() });
      }
      return { entry: entryOf(path, node, rules.now(), true) };
    });
  } finally {
    await content.discard();
  }
}

/** @throws StoreError */
export async function concat<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: ConcatMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, sources, deleteSourceDirectory } = mutation;
  checkPlace(rules, path, 'file');
  if (sources.length === 0) throw StoreError.invalid('concat needs at least one source');
  if (new Set([path, ...sources]).size !== sources.length + 1)
    throw StoreError.invalid('the sources of concat must differ from each other and from the destination');
  const folder = parentOf(sources[0]!);
  if (deleteSourceDirectory && (folder === '/' || isWithin(path, folder)))
    throw StoreError.invalid('the folder of the sources holds the destination and cannot be deleted');
  const locked = [path, ...sources].map((each) => ({ path: each, deep: false }));
  if (deleteSourceDirectory) locked.push({ path: folder, deep: true });
  return commit(rules, ctx, locked, async () => {
    const nowMs = rules.now();
    const found = await rules.tree.find(path);
    const there = mutation.create ? alive(found, nowMs) : await requireFile(rules, path);
    if (there?.type === 'directory') throw isDirectory(path);
    if (there) checkLease(there.attributes.lease, undefined, nowMs);
    for (const source of sources)
      checkLease((await requireFile(rules, source)).attributes.lease, undefined, nowMs);
    if (!there) await missingParents(rules, path, 'none');
    const content = await rules.tree.gather(mutation.create ? sources : [path, ...sources]);
    try {
      const attributes =
        there && !mutation.create
          ? { ...there.attributes, etag: rules.mintEtag() }
          : await joinedAttributes(rules, path, sources[0]!, ctx);
      const node = await rules.tree.addFile(path, content, attributes, found);
      for (const source of sources) {
        const left = await rules.tree.find(source);
        if (left) await rules.tree.remove(source, left);
      }
      const rest = deleteSourceDirectory ? await rules.tree.find(folder) : undefined;
      if (rest) await rules.tree.remove(folder, rest);
      return { entry: entryOf(path, node, rules.now(), true), created: !there };
    } finally {
      await content.discard();
    }
  });
}

/** @throws StoreError */
export async function truncate<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  { path, lengthBytes }: TruncateMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  return commit(rules, ctx, [{ path, deep: false }], async () => {
    const node = await requireFile(rules, path);
    checkLease(node.attributes.lease, undefined, rules.now());
    if (lengthBytes > node.lengthBytes)
      throw StoreError.invalid(`the file is ${node.lengthBytes} bytes long`);
    if (lengthBytes === node.lengthBytes) return { entry: entryOf(path, node, rules.now(), true) };
    const opened = await rules.tree.open(path);
    if (!opened) throw StoreError.notFound(path);
    const content = await rules.tree.receive(
      { stream: opened.stream(0, lengthBytes), lengthBytes },
      new AbortController().signal,
    );
    try {
      const attributes = { ...node.attributes, etag: rules.mintEtag() };
      const cut = await rules.tree.addFile(path, content, attributes, node);
      return { entry: entryOf(path, cut, rules.now(), true) };
    } finally {
      await content.discard();
    }
  });
}

/** Of a file made anew of others: the rights of the first of them, as where a store joins the others onto that one. */
async function joinedAttributes<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  first: string,
  ctx: Ctx,
): Promise<NodeAttributes> {
  const { acl, sticky, owner, group } = (await requireFile(rules, first)).attributes;
  return { ...(await freshAttributes(rules, path, 'file', undefined, ctx)), acl, sticky, owner, group };
}
