// Drives a face as a function: a request from a few words, the whole answer as text and JSON.
import { Readable } from 'node:stream';
import type { Face, FaceReply, FaceRequest } from '../src/wire/http.ts';

/** What a test says of a request. */
export interface RequestWords {
  method?: string;
  target: string;
  headers?: Record<string, string>;
  /** A string or buffer brings its content-length; a stream is sent as chunks. */
  body?: string | Buffer | Readable;
  signal?: AbortSignal;
  loopback?: boolean;
}

let count = 0;

/** A request as the server would hand it to a face. */
export function faceRequest(words: RequestWords): FaceRequest {
  const { body } = words;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const framing: Record<string, string> = {};
  if (bytes instanceof Readable) framing['transfer-encoding'] = 'chunked';
  else if (bytes) framing['content-length'] = String(bytes.length);
  return {
    requestId: `req-${++count}`,
    method: words.method ?? 'GET',
    target: words.target,
    headers: { host: 'gateway.test:8080', ...framing, ...words.headers },
    body: bytes instanceof Readable ? bytes : Readable.from(bytes && bytes.length > 0 ? [bytes] : []),
    scheme: 'http',
    loopback: words.loopback ?? true,
    signal: words.signal ?? new AbortController().signal,
  };
}

/** An answer read to its end; header names in lower case. */
export interface ReadReply {
  status: number;
  headers: Record<string, string>;
  bytes: Buffer;
  text: string;
  /** The parsed body, undefined if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  json: any;
}

/** Reads an answer; its content-length, if it has one, must be the body's. */
export async function readReply(reply: FaceReply): Promise<ReadReply> {
  const chunks: Buffer[] = [];
  if (reply.body instanceof Readable) for await (const chunk of reply.body) chunks.push(Buffer.from(chunk));
  else if (reply.body !== undefined) chunks.push(Buffer.from(reply.body));
  const bytes = Buffer.concat(chunks);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(reply.headers)) headers[name.toLowerCase()] = String(value);
  const promised = headers['content-length'];
  if (promised !== undefined && Number(promised) !== bytes.length) {
    throw new Error(`content-length says ${promised}, the body has ${bytes.length} bytes`);
  }
  const text = bytes.toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: reply.status, headers, bytes, text, json };
}

/** One round trip. */
export async function ask(face: Face, words: RequestWords): Promise<ReadReply> {
  return readReply(await face(faceRequest(words)));
}

/** One round trip that follows redirects to the face itself, as two-step clients do. */
export async function askFollowing(face: Face, words: RequestWords): Promise<ReadReply> {
  const first = await ask(face, { ...words, ...(words.body === undefined ? {} : { body: '' }) });
  if (first.status !== 307) return first;
  const { pathname, search } = new URL(first.headers.location!);
  return ask(face, { ...words, target: pathname + search });
}
