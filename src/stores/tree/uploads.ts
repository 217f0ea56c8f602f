// Uploads in pieces: Gen2's append and flush, and the Blob API's blocks.
import { checkCondition } from '../../core/condition.ts';
import { checkLease } from '../../core/lease.ts';
import type {
  CommitBlocksMutation,
  FlushMutation,
  MutationResult,
  StageBlockMutation,
  StageMutation,
} from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import {
  alive,
  checkPlace,
  commit,
  entryOf,
  isDirectory,
  missingParents,
  type Rules,
  requireFile,
} from './rules.ts';
import type { Content, NodeAttributes, TreeNode } from './tree.ts';
import { putFile } from './write-files.ts';

/** Most blocks of one file (wire reference §6). */
const maxBlocks = 50_000;
/** Longest block id before base64, in bytes (Put Block reference). */
const maxBlockIdBytes = 64;

/** @throws StoreError `bad-offset` for a position inside the file: what is committed cannot be staged again */
export async function stage<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: StageMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, position, condition } = mutation;
  checkPosition(position);
  const check = async (): Promise<N> => {
    const nowMs = rules.now();
    const node = await requireFile(rules, path);
    checkCondition(condition, entryOf(path, node, nowMs));
    checkLease(node.attributes.lease, condition?.leaseId, nowMs);
    if (position < node.lengthBytes)
      throw new StoreError('bad-offset', `the file has ${node.lengthBytes} bytes already`);
    return node;
  };
  const node = await check();
  const pending = await rules.tree.receiveStaged(path, node, position, mutation.body, ctx.signal);
  try {
    return await commit(rules, ctx, [{ path, deep: false }], async () => {
      const now = await check();
      if (now.fileId !== node.fileId)
        throw new StoreError('not-found', `the file was replaced meanwhile: ${path}`);
      await pending.keep();
      return { entry: entryOf(path, now, rules.now(), true) };
    });
  } finally {
    await pending.discard();
  }
}

/** @throws StoreError */
export async function flush<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: FlushMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, position, retain, content, condition } = mutation;
  checkPosition(position);
  return commit(rules, ctx, [{ path, deep: false }], async () => {
    const nowMs = rules.now();
    const node = await requireFile(rules, path);
    checkCondition(condition, entryOf(path, node, nowMs));
    checkLease(node.attributes.lease, condition?.leaseId, nowMs);
    const attributes: NodeAttributes = { ...node.attributes, etag: rules.mintEtag() };
    if (content) attributes.content = { ...attributes.content, ...content };
    const flushed = await rules.tree.flush(path, node, position, retain, attributes);
    return { entry: entryOf(path, flushed, rules.now(), true) };
  });
}

/** @throws StoreError */
export async function stageBlock<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: StageBlockMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  const { path, blockId, condition } = mutation;
  checkPlace(rules, path, 'file');
  const idBytes = Buffer.from(blockId, 'base64').length;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blockId) || idBytes === 0 || idBytes > maxBlockIdBytes)
    throw StoreError.invalid(`a block id is base64 of 1 to ${maxBlockIdBytes} bytes`);
  const check = async (): Promise<void> => {
    const nowMs = rules.now();
    const [root] = segmentsOf(path);
    await missingParents(rules, `/${root}/x`, 'none');
    const there = alive(await rules.tree.find(path), nowMs);
    if (there?.type === 'directory') throw isDirectory(path);
    if (there || condition?.leaseId !== undefined)
      checkLease(there?.attributes.lease, condition?.leaseId, nowMs);
  };
  await check();
  const content = await rules.tree.receive(mutation.body, ctx.signal);
  try {
    return await commit(rules, ctx, [{ path, deep: false }], async () => {
      await check();
      await rules.tree.addBlock(path, blockId, content);
      return {};
    });
  } finally {
    await content.discard();
  }
}

/** @throws StoreError `invalid`, code `InvalidBlockList`, for a block that is not there */
export async function commitBlocks<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  mutation: CommitBlocksMutation,
  ctx: Ctx,
): Promise<MutationResult> {
  if (mutation.blockIds.length > maxBlocks)
    throw new StoreError('too-large', `a file has at most ${maxBlocks} blocks`, { code: 'BlockListTooLong' });
  return putFile(rules, mutation, () => rules.tree.joinBlocks(mutation.path, mutation.blockIds), ctx);
}

function checkPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0)
    throw StoreError.invalid('a position is a whole number of bytes, 0 or more');
}
