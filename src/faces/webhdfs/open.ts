// OPEN: the bytes of a file, or of a range of it.
import type { Readable } from 'node:stream';
import type { ReadQuery } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import type { WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import type { Exchange } from './exchange.ts';

/** Reading from exactly the end of a file gives nothing; beyond it is an error (Hadoop: "out of the range"). */
export async function open(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target } = exchange;
  const query = readQuery(target);
  const { offset } = query;
  if (query.lengthBytes === 0) return await nothing(exchange, offset);
  try {
    const result = await store.query(query, ctx);
    return bytes(result.body, result.lengthBytes);
  } catch (error) {
    const failure = StoreError.from(error);
    if (failure.kind === 'invalid-range') return await nothing(exchange, offset);
    throw failure.kind === 'is-directory' ? notAFile(target.path) : failure;
  }
}

/** @throws StoreError `invalid` */
export function readQuery({ path, params }: WebhdfsTarget): ReadQuery {
  const query: ReadQuery = { verb: 'read', path, offset: params.integer('offset', 0) ?? 0 };
  // -1 is how some clients say "to the end".
  const length = params.integer('length', -1);
  if (length !== undefined && length >= 0) query.lengthBytes = length;
  return query;
}

/** No bytes, if the offset lies in the file or at its end. */
async function nothing(exchange: Exchange, offset: number): Promise<FaceReply> {
  const { store, ctx, target } = exchange;
  const { entry } = await store.query({ verb: 'stat', path: target.path }, ctx);
  if (entry.type === 'directory') throw notAFile(target.path);
  if (offset > entry.lengthBytes) {
    const message = `Offset=${offset} out of the range [0, ${entry.lengthBytes}); OPEN, path=${target.path}`;
    throw new StoreError('invalid-range', message);
  }
  return bytes(undefined, 0);
}

function bytes(body: Readable | undefined, lengthBytes: number): FaceReply {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': lengthBytes };
  return { status: 200, headers, ...(body ? { body } : {}) };
}

/** A NameNode words this as a missing file. */
function notAFile(path: string): StoreError {
  return new StoreError('is-directory', `Path is not a file: ${path}`, { code: 'FileNotFoundException' });
}
