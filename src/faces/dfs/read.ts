// Reads with ranges, for both APIs (Gen2 reference §2.6).
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { ReadQuery } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply } from '../../wire/http.ts';
import { badHeader, conditioned, type Exchange, given } from './exchange.ts';
import { entryHeaders } from './replies.ts';

/** Longest range whose MD5 may be asked for: 4 MiB. */
export const maxMd5RangeBytes = 4_194_304;

/** Behind the end of every file; larger numbers count as this one. */
const farEnd = 2 ** 52;

/** `bytes=a-b` or `bytes=a-`; `x-ms-range` wins. Undefined: the whole file. Other forms are ignored, as HTTP allows. */
export function rangeOf(exchange: Exchange): { first: number; last?: number } | undefined {
  const text = given(exchange, 'x-ms-range') ?? given(exchange, 'range');
  const match = /^bytes=(\d+)-(\d+)?$/.exec(text ?? '');
  if (!match) return undefined;
  const first = Math.min(Number(match[1]), farEnd);
  if (match[2] === undefined) return { first };
  const last = Math.min(Number(match[2]), farEnd);
  return last < first ? undefined : { first, last };
}

/** 200 with everything, or 206 with a range. */
export async function read(exchange: Exchange): Promise<FaceReply> {
  const { address, store, ctx } = exchange;
  const range = rangeOf(exchange);
  const withMd5 = given(exchange, 'x-ms-range-get-content-md5')?.toLowerCase() === 'true';
  const query: ReadQuery = {
    verb: 'read',
    path: address.path,
    offset: range?.first ?? 0,
    ...conditioned(exchange),
  };
  if (range?.last !== undefined) query.lengthBytes = range.last - range.first + 1;
  if (withMd5 && (range?.last === undefined || query.lengthBytes! > maxMd5RangeBytes)) {
    throw badHeader('x-ms-range-get-content-md5', `it needs a range of at most ${maxMd5RangeBytes} bytes`);
  }
  const { entry, offset, lengthBytes, body } = await store.query(query, ctx);
  // An empty file has no first byte: Python asks again without a range when it hears 416 (Gen2 reference §0.18).
  if (range && lengthBytes === 0) {
    body.destroy();
    throw new StoreError('invalid-range', 'the range starts behind the end of the file');
  }
  const headers: FaceReply['headers'] = { ...entryHeaders(entry), 'content-length': lengthBytes };
  if (!range) return { status: 200, headers, body };
  headers['content-range'] = `bytes ${offset}-${offset + lengthBytes - 1}/${entry.lengthBytes}`;
  const whole = headers['content-md5'];
  delete headers['content-md5'];
  if (whole !== undefined) headers['x-ms-blob-content-md5'] = whole;
  if (!withMd5) return { status: 206, headers, body };
  const bytes = await buffer(body);
  return {
    status: 206,
    headers: { ...headers, 'content-md5': createHash('md5').update(bytes).digest('base64') },
    body: bytes,
  };
}
