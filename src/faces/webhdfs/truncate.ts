// TRUNCATE: a file is cut to its first bytes.
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import { wrong } from '../../wire/webhdfs/params.ts';
import type { Exchange } from './exchange.ts';
import { booleanReply } from './replies.ts';

/** True: it is done, and an append may follow; nobody here is told that a block is still being cut. */
export async function truncate({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const { path, params, dialect } = target;
  if (dialect === 'gen1') throw StoreError.unsupported('Gen1 has no TRUNCATE');
  params.required('newlength');
  const lengthBytes = params.integer('newlength', 0) ?? 0;
  if (lengthBytes < 0) wrong('newlength', 'it is negative');
  await store.mutate({ verb: 'truncate', path, lengthBytes }, ctx);
  return booleanReply(true, dialect);
}
