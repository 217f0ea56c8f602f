// CREATE, APPEND and CONCURRENTAPPEND: the operations that bring bytes.
import type { Attributes, Body, CreateMutation } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import { type FaceReply, type FaceRequest, header } from '../../wire/http.ts';
import { encodePath, type WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import type { Exchange } from './exchange.ts';
import { emptyReply, jsonReply } from './replies.ts';

/** What Hadoop gives a file that names no permission; Gen1 gives everything the same. */
const defaultFilePermission = { webhdfs: 0o644, gen1: 0o770 } as const;
const defaultDirectoryPermission = { webhdfs: 0o755, gen1: 0o770 } as const;

/** 201 with a Location that no client follows. */
export async function create(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target, request, baseUrl } = exchange;
  await store.mutate({ ...createMutation(target), body: bodyFrom(request) }, ctx);
  const local = `/webhdfs/v1${encodePath(target.path)}`;
  const location =
    target.dialect === 'gen1' ? baseUrl() + local : baseUrl().replace(/^https?/, 'webhdfs') + local;
  return emptyReply(201, target.dialect, { location });
}

/** All of it but the body. @throws StoreError `invalid` */
export function createMutation(target: WebhdfsTarget): CreateMutation {
  const { params, path } = target;
  const mutation: CreateMutation = {
    verb: 'create',
    path,
    parents: params.flag('createparent', true) ? 'all' : 'none',
    attributes: newAttributes(target, 'file'),
  };
  if (!overwrites(target)) mutation.condition = { ifNoneMatch: '*' };
  const replication = params.integer('replication', 1);
  if (replication !== undefined) mutation.replication = replication;
  const blockSizeBytes = params.integer('blocksize', 1);
  if (blockSizeBytes !== undefined) mutation.blockSizeBytes = blockSizeBytes;
  return mutation;
}

/** Hadoop's `createflag` list wins over `overwrite` where a client sends it. */
function overwrites({ params }: WebhdfsTarget): boolean {
  const flags = params.text('createflag');
  const overwrite = params.flag('overwrite', false);
  return flags === undefined ? overwrite : overwrite || /(^|,)\s*overwrite\s*(,|$)/i.test(flags);
}

/**
 * Mode of a new file or folder. Hadoop sends both the masked and the unmasked one, so that a default ACL of the parent can take the
 * place of the umask.
 */
export function newAttributes({ params, dialect }: WebhdfsTarget, type: 'file' | 'directory'): Attributes {
  const masked = params.permission('permission');
  const unmasked = params.permission('unmaskedpermission');
  const fallback = (type === 'file' ? defaultFilePermission : defaultDirectoryPermission)[dialect];
  if (unmasked === undefined) return { permission: masked ?? fallback };
  return { permission: unmasked, umask: unmasked & ~(masked ?? fallback) };
}

/**
 * 200. Gen1's `offset` is a promise about the file's length, kept even by an append of nothing, with which clients ask whether a
 * lost write arrived; but nothing at offset 0 is how .NET takes its lease on a file of any length. What `syncFlag=DATA` appends is
 * visible at once, which is more than Gen1 promises; `leaseid` and `filesessionid` are not looked at.
 */
export async function append(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target, request } = exchange;
  const body = bodyFrom(request);
  // A WebHDFS client may add an offset to any link; a DataNode does not look at it.
  const position = target.dialect === 'gen1' ? target.params.integer('offset', 0) : undefined;
  if (body.lengthBytes === 0 && !position) {
    await mustBeFile(exchange);
  } else {
    const at = position === undefined ? {} : { position };
    await store.mutate({ verb: 'append', path: target.path, body, ...at }, ctx);
  }
  return emptyReply(200, target.dialect);
}

/** Appends of many writers in no promised order; the file may be made on the way. */
export async function concurrentAppend(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target, request } = exchange;
  const { path, params } = target;
  if (params.text('appendmode')?.toLowerCase() === 'autocreate') {
    const attributes = newAttributes(target, 'file');
    const condition = { ifNoneMatch: '*' };
    await store
      .mutate({ verb: 'create', path, parents: 'all', attributes, condition }, ctx)
      .catch((error) => {
        if (StoreError.from(error).kind !== 'exists') throw error;
      });
  }
  await store.mutate({ verb: 'append', path, body: bodyFrom(request) }, ctx);
  return jsonReply(200, 'Operation succeeded.');
}

async function mustBeFile({ store, ctx, target }: Exchange): Promise<void> {
  const { entry } = await store.query({ verb: 'stat', path: target.path }, ctx);
  if (entry.type === 'directory')
    throw new StoreError('is-directory', `Cannot append to a directory: ${target.path}`);
}

/** @throws StoreError `unsupported` for an encoded body: its bytes are not the file's */
function bodyFrom(request: FaceRequest): Body {
  const encoding = header(request.headers, 'content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw StoreError.unsupported(`a body with Content-Encoding '${encoding.slice(0, 40)}' is not accepted`);
  }
  const length = header(request.headers, 'content-length');
  if (length !== undefined) return { stream: request.body, lengthBytes: Number(length) };
  // Without length and without chunks HTTP says that there is no body.
  const chunked = request.headers['transfer-encoding'] !== undefined;
  return chunked ? { stream: request.body } : { stream: request.body, lengthBytes: 0 };
}
