// Whole files: create and append, both a stream from the client to the store.
import { setTimeout as delay } from 'node:timers/promises';
import { checkCondition } from '../../core/condition.ts';
import type { Entry } from '../../core/entry.ts';
import type { AppendMutation, Attributes, CreateMutation, MutationResult } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { afterChange, StoreError } from '../../core/store-error.ts';
import { addAttributes, checkScopes, checkSupported } from './attributes.ts';
import type { CallParams } from './hadoop-calls.ts';
import { checkParents, isDirectory, lookUp, missing, mustFind, type StoreParts } from './store-parts.ts';
import { asUndone } from './transport-errors.ts';
import { prepareUpload, type Upload } from './upload-body.ts';

/**
 * When a broken create is looked for, in milliseconds after the one before: a DataNode may still be reading what had left when the
 * connection was cut (seen: 500 ms), and makes the file only then.
 */
const undoDelaysMs = [0, 50, 100, 200, 400, 800];
/** How long all of it may take. */
const undoMs = 5_000;
/** What HDFS takes off when neither a permission nor a umask is given (`fs.permissions.umask-mode`). */
const defaultUmask = 0o022;

/**
 * The file is seen while it is written: HDFS has no other way. One that breaks off is removed again if nothing stood there before.
 * @throws StoreError
 */
export async function create(parts: StoreParts, mutation: CreateMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, condition, attributes } = mutation;
  if (path === '/') throw isDirectory(path);
  checkSupported(parts, attributes ?? {});
  checkScopes('file', attributes?.acl);
  const there = await lookUp(parts, path, ctx);
  checkCondition(condition, there);
  if (there?.type === 'directory') throw isDirectory(path);
  if (!there) await checkParents(parts, path, mutation.parents, ctx);
  const upload = await prepareUpload(mutation.body, ctx);
  const params: CallParams = {
    overwrite: condition?.ifNoneMatch !== '*',
    ...permissionParams(attributes, 'file'),
    replication: mutation.replication,
    blocksize: mutation.blockSizeBytes,
  };
  try {
    await parts.calls.write({ op: 'CREATE', path, position: 0, params }, upload, ctx);
  } catch (error) {
    throw await takenBack(parts, path, there, upload, StoreError.from(error));
  }
  await addAttributes(parts, path, attributes, ctx);
  return { ...(await entryFor(parts, path, ctx)), created: !there };
}

/** The mode as it is to be, and as it would be without the umask: a default ACL of the parent wants the latter. */
export function permissionParams(attributes: Attributes | undefined, type: 'file' | 'directory'): CallParams {
  const unmasked = attributes?.permission ?? (type === 'file' ? 0o666 : 0o777);
  const umask = attributes?.umask ?? (attributes?.permission === undefined ? defaultUmask : 0);
  return { permission: (unmasked & ~umask).toString(8), unmaskedpermission: unmasked.toString(8) };
}

/** The path after a change, if the caller wants it. @throws StoreError of unknown outcome: the change has been made */
export async function entryFor(parts: StoreParts, path: string, ctx: Ctx): Promise<{ entry?: Entry }> {
  return ctx.wantEntry ? { entry: await afterChange(mustFind(parts, path, ctx)) } : {};
}

/** What a broken body left behind is removed; that the store says it was there proves that nothing of it can come any more. */
async function takenBack(
  parts: StoreParts,
  path: string,
  there: Entry | undefined,
  upload: Upload,
  failure: StoreError,
): Promise<StoreError> {
  const broken = 'broken' in upload && upload.broken;
  if (there || !broken || failure.applied === 'no') return failure;
  const ctx: Ctx = {
    requestId: 'undo-create',
    caller: {},
    signal: AbortSignal.timeout(undoMs),
    trail: {},
    protocol: 'webhdfs',
  };
  try {
    const call = { method: 'DELETE', op: 'DELETE', path, params: { recursive: false } } as const;
    for (const delayMs of undoDelaysMs) {
      await delay(delayMs);
      const answer = (await parts.calls.json(call, ctx)) as { boolean?: unknown } | undefined;
      if (answer?.boolean === true) return asUndone(failure);
    }
  } catch {
    // The first failure is the one to tell; it says already that the outcome is unknown.
  }
  return failure;
}

/** @throws StoreError `bad-offset`; of a body that breaks off a part may have been written */
export async function append(parts: StoreParts, mutation: AppendMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, position, condition } = mutation;
  const there = await lookUp(parts, path, ctx);
  checkCondition(condition, there);
  if (!there) throw await missing(parts, path, ctx);
  if (there.type === 'directory') throw isDirectory(path);
  if (position !== undefined && position !== there.lengthBytes) {
    throw new StoreError('bad-offset', `the file is ${there.lengthBytes} bytes long, not ${position}`);
  }
  const upload = await prepareUpload(mutation.body, ctx);
  const empty = 'bytes' in upload && upload.bytes.length === 0;
  if (!empty) {
    const write = { op: 'APPEND' as const, path, position: there.lengthBytes, params: {} };
    await parts.calls.write(write, upload, ctx);
  }
  return entryFor(parts, path, ctx);
}
