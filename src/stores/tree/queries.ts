// The questions a tree store answers.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { checkCondition } from '../../core/condition.ts';
import { checkLease } from '../../core/lease.ts';
import type {
  AccessQuery,
  AccessResult,
  ChecksumResult,
  ReadQuery,
  ReadResult,
  StatQuery,
  StatResult,
  SummaryResult,
} from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { walk } from './list-page.ts';
import { alive, entryOf, isDirectory, missing, type Rules, require, throwIfAborted } from './rules.ts';
import type { Content, OpenFile, TreeNode } from './tree.ts';

/** @throws StoreError */
export async function stat<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  query: StatQuery,
): Promise<StatResult> {
  const nowMs = rules.now();
  const node = await require(rules, query.path);
  const entry = entryOf(query.path, node, nowMs, query.attributes ?? false);
  checkCondition(query.condition, entry);
  checkLease(node.attributes.lease, query.condition?.leaseId, nowMs, 'read');
  return { entry };
}

/** @throws StoreError */
export async function read<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  query: ReadQuery,
  ctx: Ctx,
): Promise<ReadResult> {
  const { path, offset, condition } = query;
  for (const number of [offset, query.lengthBytes ?? 0]) {
    if (!Number.isSafeInteger(number) || number < 0)
      throw StoreError.invalid('offset and length are whole numbers of bytes, 0 or more');
  }
  const file = await openFile(rules, path);
  try {
    const nowMs = rules.now();
    const entry = entryOf(path, file.node, nowMs);
    checkCondition(condition, entry);
    checkLease(file.node.attributes.lease, condition?.leaseId, nowMs, 'read');
    const { lengthBytes } = file.node;
    if (offset >= lengthBytes && !(offset === 0 && query.lengthBytes === undefined))
      throw new StoreError('invalid-range', `the file is ${lengthBytes} bytes long`);
    const count = Math.min(query.lengthBytes ?? lengthBytes, lengthBytes - offset);
    const body = file.stream(offset, count);
    endOnAbort(body, ctx.signal);
    return { entry, offset, lengthBytes: count, body };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** MD5 of the whole file. @throws StoreError */
export async function checksum<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  ctx: Ctx,
): Promise<ChecksumResult> {
  const file = await openFile(rules, path);
  const hash = createHash('md5');
  const body = file.stream(0, file.node.lengthBytes);
  endOnAbort(body, ctx.signal);
  for await (const chunk of body) hash.update(chunk as Buffer);
  return { algorithm: 'MD5', bytes: hash.digest('hex') };
}

/** @throws StoreError */
export async function summary<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
  ctx: Ctx,
): Promise<SummaryResult> {
  const top = await require(rules, path);
  if (top.type === 'file') return { directoryCount: 0, fileCount: 1, lengthBytes: top.lengthBytes };
  const result: SummaryResult = { directoryCount: 0, fileCount: 0, lengthBytes: 0 };
  for await (const [, node] of walk(rules, path, true, [])) {
    throwIfAborted(ctx.signal);
    if (node.type === 'directory') result.directoryCount += 1;
    else {
      result.fileCount += 1;
      result.lengthBytes += node.lengthBytes;
    }
  }
  return result;
}

/** Callers are superusers here: what is there may be used. @throws StoreError `not-found`, `invalid` */
export async function access<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  query: AccessQuery,
): Promise<AccessResult> {
  if (!Number.isInteger(query.action) || query.action < 0 || query.action > 7)
    throw StoreError.invalid('an action is 0 to 7');
  await require(rules, query.path);
  return {};
}

async function openFile<N extends TreeNode, C extends Content>(
  rules: Rules<N, C>,
  path: string,
): Promise<OpenFile<N>> {
  const node = alive(await rules.tree.find(path), rules.now());
  if (node?.type === 'directory') throw isDirectory(path);
  const file = node && (await rules.tree.open(path));
  if (!file) throw await missing(rules, path);
  return file;
}

function endOnAbort(body: Readable, signal: AbortSignal): void {
  const end = (): void => {
    body.destroy(new StoreError('aborted', 'the caller has gone away', { cause: signal.reason as unknown }));
  };
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  body.once('close', () => signal.removeEventListener('abort', end));
}
