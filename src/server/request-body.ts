// The body of a request as a stream of its own: asks for it only when read, cut when it stands still, and apart from the socket,
// so that a face may destroy it and still answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { StoreError } from '../core/store-error.ts';

/** A body and what became of it. */
export interface RequestBody {
  stream: Readable;
  /** True if the client waits for `100 Continue` and nobody has read the body. */
  awaitsContinue(): boolean;
  /** How many bytes the client promised and has not sent; undefined if it promised none (chunked). 0: complete. */
  remainingBytes(): number | undefined;
  /** Lets what is left flow away unread; resolves at its end (true), or once the limits are passed (false). */
  drain(maxBytes: number, maxMs: number): Promise<boolean>;
}

const none: RequestBody = {
  stream: Readable.from([]),
  awaitsContinue: () => false,
  remainingBytes: () => 0,
  drain: async () => true,
};

/** @param idleMs how long a body that is being read may give nothing, milliseconds */
export function takeBody(request: IncomingMessage, response: ServerResponse, idleMs: number): RequestBody {
  const { headers } = request;
  const promised = headers['content-length'];
  if (headers['transfer-encoding'] === undefined && (promised === undefined || Number(promised) === 0)) {
    request.resume();
    return { ...none, stream: Readable.from([]) };
  }
  let awaitsContinue = /100-continue/i.test(headers.expect ?? '');
  let receivedBytes = 0;
  let idle: NodeJS.Timeout | undefined;
  const disarm = (): void => clearTimeout(idle);
  const stream = new Readable({
    read() {
      if (awaitsContinue) {
        awaitsContinue = false;
        response.writeContinue();
      }
      disarm();
      idle = setTimeout(() => stream.destroy(stalled(idleMs)), idleMs);
      request.resume();
    },
    destroy(error, callback) {
      disarm();
      request.pause();
      callback(error);
    },
  });
  request.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (stream.destroyed) return;
    if (stream.push(chunk)) idle?.refresh();
    else {
      disarm();
      request.pause();
    }
  });
  request.pause();
  request.once('end', () => {
    disarm();
    if (!stream.destroyed) stream.push(null);
  });
  request.once('error', () => stream.destroy(brokenOff()));
  request.once('close', () => {
    disarm();
    if (!request.complete) stream.destroy(brokenOff());
  });
  // Without a listener an error that comes when nobody reads any more would end the process.
  stream.on('error', () => {});
  return {
    stream,
    awaitsContinue: () => awaitsContinue,
    remainingBytes() {
      if (request.complete) return 0;
      return promised === undefined ? undefined : Number(promised) - receivedBytes;
    },
    drain: (maxBytes, maxMs) => drain(request, stream, maxBytes, maxMs),
  };
}

function drain(
  request: IncomingMessage,
  stream: Readable,
  maxBytes: number,
  maxMs: number,
): Promise<boolean> {
  stream.destroy();
  if (request.readableEnded || request.destroyed) return Promise.resolve(request.readableEnded);
  return new Promise((resolve) => {
    let drainedBytes = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off('data', count).off('end', finish).off('close', finish);
      resolve(request.readableEnded);
    };
    const count = (chunk: Buffer): void => {
      drainedBytes += chunk.length;
      if (drainedBytes > maxBytes) finish();
    };
    const timer = setTimeout(finish, maxMs);
    request.on('data', count).once('end', finish).once('close', finish);
    request.resume();
  });
}

const brokenOff = (): StoreError =>
  new StoreError('aborted', 'the request ended before its body was complete');
const stalled = (idleMs: number): StoreError =>
  new StoreError('aborted', `the body stood still for ${idleMs} ms`);
