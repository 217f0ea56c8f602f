// Blob Batch (Gen2 reference §3.4): deletes of many blobs in one multipart request. object_store, OpenDAL and the SDKs send it.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import { StoreError } from '../../core/store-error.ts';
import { toDfsError } from '../../wire/dfs/errors.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import { badHeader, type Exchange, given, type Operation } from './exchange.ts';
import { readBounded } from './read-bounded.ts';
import { errorReply } from './replies.ts';

/** Most requests of one batch, and most bytes of its body: the service's own limits. */
const maxRequests = 256;
const maxBatchBytes = 4 * 1024 * 1024;

interface Part {
  contentId: string | undefined;
  method: string;
  target: string;
  headers: Record<string, string>;
}

function malformed(why: string): StoreError {
  return new StoreError('invalid', `the batch is malformed: ${why}`, { code: 'InvalidInput' });
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformed('a header has no name');
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** One `application/http` part: its headers, an empty line, a request line, the request's headers. */
function parsePart(text: string): Part {
  const [outer = '', ...inner] = text.replace(/^\n+/, '').split(/\n\n+/);
  const lines = inner.join('\n').split('\n').filter(Boolean);
  const match = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(lines[0] ?? '');
  if (!match) throw malformed('a part has no request line');
  const contentId = parseHeaders(outer.split('\n').filter(Boolean))['content-id'];
  return { contentId, method: match[1]!, target: match[2]!, headers: parseHeaders(lines.slice(1)) };
}

/** @throws StoreError `invalid` */
function parseBatch(body: string, contentType: string | undefined): Part[] {
  const boundary = /^multipart\/mixed\s*;\s*boundary="?([^";\s]{1,200})"?/i.exec(contentType ?? '')?.[1];
  if (boundary === undefined) throw badHeader('Content-Type', 'it is not multipart/mixed with a boundary');
  const [, ...sections] = `\n${body.replaceAll('\r\n', '\n')}`.split(`\n--${boundary}`);
  if (!sections.at(-1)?.startsWith('--')) throw malformed('it has no end');
  const parts = sections.slice(0, -1);
  if (parts.length === 0) throw malformed('it has no requests');
  if (parts.length > maxRequests) throw malformed(`it has more than ${maxRequests} requests`);
  return parts.map(parsePart);
}

/** What a part says for itself. */
const ownHeader = /^(x-ms-|if-|content-|transfer-encoding$|authorization$|date$)/;

/** The rest is the batch's, and every part with it the same app's: also where a proxy says by a header which app that is. */
function headersOf(request: FaceRequest, part: Part): FaceRequest['headers'] {
  const outer = Object.entries(request.headers).filter(([name]) => !ownHeader.test(name));
  const inner = Object.entries(part.headers).filter(([name]) => ownHeader.test(name));
  return Object.fromEntries([...outer, ...inner]);
}

async function run(exchange: Exchange, part: Part, index: number): Promise<FaceReply> {
  const { request, face, ctx, now } = exchange;
  const requestId = `${ctx.requestId}-${index}`;
  if (part.method !== 'DELETE') {
    const error = toDfsError(StoreError.unsupported('a batch may only delete'), 'blob');
    return errorReply('blob', part.method, error, requestId, now());
  }
  const one: FaceRequest = {
    ...request,
    requestId,
    method: part.method,
    target: part.target,
    headers: { ...headersOf(request, part), accept: 'application/xml' },
    body: Readable.from([]),
  };
  return face(one);
}

function printPart(reply: FaceReply, part: Part, index: number): string {
  const headers = Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}`);
  return [
    'Content-Type: application/http',
    `Content-ID: ${part.contentId ?? index}`,
    '',
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}`,
    ...headers,
    '',
    typeof reply.body === 'string' ? reply.body : '',
  ].join('\r\n');
}

/** One answer for each part; the batch itself succeeds if it can be read. Parts are done in order, each a mutation of its own. */
export const batch: Operation = async (exchange) => {
  const body = (await readBounded(exchange.request, maxBatchBytes)).toString();
  const parts = parseBatch(body, given(exchange, 'content-type'));
  const boundary = `batchresponse_${randomUUID()}`;
  const answers: string[] = [];
  for (const [index, part] of parts.entries()) {
    answers.push(`--${boundary}\r\n${printPart(await run(exchange, part, index), part, index)}\r\n`);
  }
  return {
    status: 202,
    headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
    body: `${answers.join('')}--${boundary}--\r\n`,
  };
};
