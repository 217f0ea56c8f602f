// MKDIRS, RENAME and DELETE.
import type { DeleteMutation, RenameMutation } from '../../core/mutation.ts';
import { normalizePath } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import { wrong } from '../../wire/webhdfs/params.ts';
import type { Exchange } from './exchange.ts';
import { booleanReply } from './replies.ts';
import { newAttributes } from './uploads.ts';

export async function mkdirs({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const { path, dialect } = target;
  const attributes = newAttributes(target, 'directory');
  if (path === '/') await store.query({ verb: 'stat', path }, ctx);
  else await store.mutate({ verb: 'mkdir', path, parents: 'all', attributes }, ctx);
  return booleanReply(true, dialect);
}

/** A missing path is a plain `false`, and so is the root, which HDFS never deletes. */
export async function remove({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const { path, params, dialect } = target;
  const mutation: DeleteMutation = { verb: 'delete', path, recursive: params.flag('recursive', false) };
  // Gen1: delete only the very file that a listing showed.
  const contextId = dialect === 'gen1' ? params.text('fileContextId') : undefined;
  if (contextId !== undefined) mutation.condition = { ifMatch: contextId };
  if (path === '/') return booleanReply(false, dialect);
  try {
    await store.mutate(mutation, ctx);
    return booleanReply(true, dialect);
  } catch (error) {
    const failure = StoreError.from(error);
    if (failure.kind === 'not-found') return booleanReply(false, dialect, true);
    if (failure.kind === 'condition-failed' && contextId !== undefined) {
      throw new StoreError('condition-failed', `StreamID mismatch: ${path}`, { code: 'RuntimeException' });
    }
    throw failure;
  }
}

/**
 * Three sets of rules: Hadoop without options and Gen1 answer a boolean and move into a folder that stands at the destination; Hadoop
 * with options replaces or refuses, and throws. A NameNode then answers nothing, on which HdfsCLI chokes, so it is a boolean here too.
 */
export async function rename(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target } = exchange;
  const { path, params, dialect } = target;
  const destination = normalizePath(params.required('destination'));
  const options = renameOptions(params.text('renameoptions'));
  const strict = dialect === 'webhdfs' && options !== undefined;
  const mutation: RenameMutation = {
    verb: 'rename',
    path,
    destination,
    replace: 'none',
    intoDirectory: !strict,
  };
  if (options?.has('OVERWRITE')) mutation.replace = strict ? 'any' : 'file';
  if (path === destination) return await ontoItself(exchange, strict);
  try {
    await store.mutate(mutation, ctx);
    return booleanReply(true, dialect);
  } catch (error) {
    const failure = StoreError.from(error);
    if (!strict && failure.kind === 'not-found') return booleanReply(false, dialect, true);
    if (!strict && saysFalse(failure)) return booleanReply(false, dialect);
    throw failure;
  }
}

/** `FSDirRenameOp`: these are answers, not exceptions, in the rename without options. */
function saysFalse(error: StoreError): boolean {
  if (error.kind === 'exists' || error.kind === 'parent-not-found') return true;
  return error.kind === 'invalid' && error.code === 'InvalidRenameSourcePath';
}

/** A file onto itself is done; a folder would land inside itself. */
async function ontoItself({ store, ctx, target }: Exchange, strict: boolean): Promise<FaceReply> {
  const { path, dialect } = target;
  try {
    const { entry } = await store.query({ verb: 'stat', path }, ctx);
    if (strict) throw new StoreError('exists', `The source ${path} and the destination are the same`);
    return booleanReply(entry.type === 'file', dialect);
  } catch (error) {
    if (!strict && StoreError.from(error).kind === 'not-found') return booleanReply(false, dialect, true);
    throw error;
  }
}

/** TO_TRASH is what a client calls a rename into its trash folder. HdfsCLI writes them in lower case. */
function renameOptions(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const options = text.toUpperCase().split(',');
  if (options.some((option) => !['NONE', 'OVERWRITE', 'TO_TRASH'].includes(option))) {
    wrong('renameoptions', 'it is a list of NONE, OVERWRITE and TO_TRASH');
  }
  return new Set(options);
}
