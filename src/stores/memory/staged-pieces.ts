// Staged bytes of one upload in memory: disjoint pieces in order of position; later ones win.

/** Bytes from `start` on. */
export interface Piece {
  start: number;
  bytes: Buffer;
}

/** The pieces with one more, which overwrites what it overlaps. */
export function addPiece(pieces: readonly Piece[], added: Piece): Piece[] {
  if (added.bytes.length === 0) return [...pieces];
  const end = added.start + added.bytes.length;
  const result = [added];
  for (const { start, bytes } of pieces) {
    if (start < added.start) result.push({ start, bytes: bytes.subarray(0, added.start - start) });
    if (start + bytes.length > end) {
      const from = Math.max(start, end);
      result.push({ start: from, bytes: bytes.subarray(from - start) });
    }
  }
  return result.sort((a, b) => a.start - b.start);
}

/** The bytes from `start` to `end` (exclusive), which must all be there. */
export function slicePieces(pieces: readonly Piece[], start: number, end: number): Buffer[] {
  return pieces
    .filter((piece) => piece.start < end && piece.start + piece.bytes.length > start)
    .map((piece) => piece.bytes.subarray(Math.max(0, start - piece.start), end - piece.start));
}
