// Tokens as bytes, and files back into tokens: any content that is not a sequence of whole tokens is torn.
import { createCipheriv } from 'node:crypto';
import type { Seen, Token } from './history.ts';

/** `TOKN`, id, length, and the id once more in other bits. */
const headerBytes = 16;
const magic = 0x544f4b4e;
/** Shortest token. */
export const minTokenBytes = headerBytes;

/** The token's bytes: a header, then a key stream of its own, so that no piece of it is like another piece or another token. */
export function bytesOfToken({ id, lengthBytes }: Token): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(id, 0);
  const bytes = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(lengthBytes));
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt32BE(id, 4);
  bytes.writeUInt32BE(lengthBytes, 8);
  bytes.writeUInt32BE(~id >>> 0, 12);
  return bytes;
}

/** What a whole file shows. */
export function seenOfBytes(bytes: Buffer): Seen {
  const tokens: number[] = [];
  const torn = (at: number, why: string): Seen => ({
    type: 'torn',
    detail: `after tokens [${tokens}], at byte ${at} of ${bytes.length}: ${why}`,
  });
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < headerBytes || bytes.readUInt32BE(at) !== magic)
      return torn(at, 'no token begins');
    const token = { id: bytes.readUInt32BE(at + 4), lengthBytes: bytes.readUInt32BE(at + 8) };
    const end = at + token.lengthBytes;
    if (token.lengthBytes < headerBytes || end > bytes.length)
      return torn(at, `token ${token.id} is cut off`);
    if (!bytes.subarray(at, end).equals(bytesOfToken(token)))
      return torn(at, `token ${token.id} has other bytes`);
    tokens.push(token.id);
    at = end;
  }
  return { type: 'file', lengthBytes: bytes.length, tokens };
}
