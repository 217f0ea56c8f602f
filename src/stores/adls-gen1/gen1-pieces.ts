// Cuts a body into the pieces that Gen1 takes, and says which one is the last.
import { lengthOf, type Upload } from '../webhdfs/upload-body.ts';

/** Most bytes of one CREATE or APPEND (swagger of the service). */
const maxPieceBytes = 4_194_304;

export interface Piece {
  bytes: Buffer;
  /** Where it begins in the body. */
  offset: number;
  last: boolean;
}

/** At least one piece, which may be empty; two are held at a time. */
export async function* pieces(upload: Upload): AsyncGenerator<Piece> {
  if ('bytes' in upload && (lengthOf(upload) ?? 0) <= maxPieceBytes) {
    yield { bytes: upload.bytes, offset: 0, last: true };
    return;
  }
  let offset = 0;
  let ready: Buffer | undefined;
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of 'bytes' in upload ? [upload.bytes] : upload.chunks) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + maxPieceBytes - heldBytes);
      from += part.length;
      held.push(part);
      heldBytes += part.length;
      if (heldBytes < maxPieceBytes) continue;
      if (ready) {
        yield { bytes: ready, offset, last: false };
        offset += ready.length;
      }
      ready = Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  const rest = Buffer.concat(held);
  if (ready) {
    yield { bytes: ready, offset, last: rest.length === 0 };
    offset += ready.length;
  }
  if (!ready || rest.length > 0) yield { bytes: rest, offset, last: true };
}
