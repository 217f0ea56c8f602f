// One request and its answer between Node's HTTP server and a face.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { StoreError } from '../core/store-error.ts';
import type { Face, FaceReply, FaceRequest } from '../wire/http.ts';
import { type RequestBody, takeBody } from './request-body.ts';

/** Most bytes of a refused body that are read away to keep the connection: 1 MiB. */
export const keepAliveDrainBytes = 1_048_576;
/** Most bytes that are read away while a closing connection's client still has to see its answer: 64 MiB. */
export const closingDrainBytes = 67_108_864;
/** How long either may take: 2 s. */
export const drainMs = 2_000;

/** What all exchanges of a listener share. */
export interface ExchangeSettings {
  scheme: 'http' | 'https';
  /** How long a body may stand still, and how long a client may leave its answer unread. */
  bodyIdleMs: number;
  /** True once the listener stops: every answer then closes its connection. */
  closing(): boolean;
}

/**
 * Asks the face and sends its answer. Resolves with the status when the answer is out or the client gone (499, nginx' word
 * for it); rejects if the answer broke off, the connection is then destroyed so that the client sees it.
 */
export async function exchange(
  face: Face,
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  requestId: string,
  settings: ExchangeSettings,
): Promise<number> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new StoreError('aborted', 'the client has gone away'));
  });
  response.on('error', () => {});
  const body = takeBody(request, response, settings.bodyIdleMs);
  const peer = request.socket.remoteAddress;
  const reply = await face({
    requestId,
    method: request.method ?? 'GET',
    target,
    headers: request.headers,
    body: body.stream,
    scheme: settings.scheme,
    loopback: isLoopback(peer),
    ...(peer === undefined ? {} : { peer }),
    ...certificateOf(request.socket),
    signal: gone.signal,
  });
  if (response.destroyed) {
    if (reply.body instanceof Readable) reply.body.destroy();
    return 499;
  }
  try {
    await send(reply, request, response, body, settings);
  } catch (error) {
    response.destroy();
    throw error;
  }
  return reply.status;
}

/** The certificate that the client showed, if the listener asks for one. */
function certificateOf(socket: Socket): Pick<FaceRequest, 'certificate'> {
  if (!(socket instanceof TLSSocket)) return {};
  // Null if the connection has gone meanwhile.
  const shown: Partial<PeerCertificate> | null = socket.getPeerCertificate();
  const subject = shown?.subject;
  if (subject === undefined) return {};
  // A list if it is there more than once.
  const name: unknown = subject.CN;
  const commonName = typeof name === 'string' && name !== '' ? name : undefined;
  return { certificate: { trusted: socket.authorized, commonName } };
}

async function send(
  reply: FaceReply,
  request: IncomingMessage,
  response: ServerResponse,
  body: RequestBody,
  settings: ExchangeSettings,
): Promise<void> {
  const remaining = body.remainingBytes();
  const keepAlive = !body.awaitsContinue() && remaining !== undefined && remaining <= keepAliveDrainBytes;
  if (!keepAlive || settings.closing()) response.shouldKeepAlive = false;
  const isEmpty = request.method === 'HEAD' || reply.status === 204 || reply.status === 304;
  writeHead(reply, response, isEmpty);
  if (reply.body instanceof Readable) {
    if (isEmpty) reply.body.destroy();
    else await sendStream(reply.body, reply, response, settings.bodyIdleMs);
  } else if (!isEmpty && reply.body !== undefined) response.write(reply.body);
  if (remaining === 0) response.end();
  else await endUnread(request, response, body, keepAlive);
}

// A client that is still sending must be able to read its answer: closing at once would reset the connection under it.
async function endUnread(
  request: IncomingMessage,
  response: ServerResponse,
  body: RequestBody,
  keepAlive: boolean,
): Promise<void> {
  if (body.awaitsContinue()) {
    response.end();
    return;
  }
  response.flushHeaders();
  const limitBytes = keepAlive ? keepAliveDrainBytes : closingDrainBytes;
  const drained = await body.drain(limitBytes, drainMs);
  if (!drained) response.once('finish', () => request.destroy());
  response.end();
}

function writeHead(reply: FaceReply, response: ServerResponse, isEmpty: boolean): void {
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  const { body } = reply;
  if (!isEmpty && !(body instanceof Readable) && !response.hasHeader('content-length')) {
    response.setHeader('content-length', body === undefined ? 0 : Buffer.byteLength(body));
  }
  response.writeHead(reply.status);
}

async function sendStream(
  body: Readable,
  reply: FaceReply,
  response: ServerResponse,
  idleMs: number,
): Promise<void> {
  let sentBytes = 0;
  await new Promise<void>((resolve, reject) => {
    if (body.destroyed) throw body.errored ?? brokeOff();
    const finish = (error?: Error): void => {
      response.off('close', onClose);
      if (error && !response.destroyed) reject(error);
      else resolve();
    };
    // A client that has gone away must not leave the store's stream waiting for it.
    const onClose = (): void => {
      body.destroy();
      finish();
    };
    response.once('close', onClose);
    body.once('end', () => finish());
    body.once('error', finish);
    body.once('close', () => finish(body.readableEnded ? undefined : brokeOff()));
    body.on('data', (chunk: Buffer) => {
      sentBytes += chunk.length;
      if (response.write(chunk)) return;
      body.pause();
      writable(response, idleMs).then(
        () => body.resume(),
        (error: Error) => body.destroy(error),
      );
    });
  });
  if (response.destroyed) return;
  const promised = response.getHeader('content-length');
  if (promised !== undefined && Number(promised) !== sentBytes) {
    throw new StoreError('internal', `the answer (${reply.status}) has ${sentBytes} of ${promised} bytes`);
  }
}

const brokeOff = (): StoreError => new StoreError('unavailable', 'the answer broke off');

function writable(response: ServerResponse, idleMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(() => {
      response.off('drain', done).off('close', done);
      reject(new StoreError('aborted', `the client read nothing for ${idleMs} ms`));
    }, idleMs);
    response.once('drain', done).once('close', done);
    if (response.destroyed) done();
  });
}

/** True for addresses of this machine, IPv4-mapped ones included. */
export function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}
