// The body of a store's answer, on its way to whoever asked: errors in our words, and no more or fewer bytes than were promised.
import { Readable } from 'node:stream';
import { StoreError } from '../core/store-error.ts';

/** How a body is watched. */
export interface AnswerBodyOptions {
  /** What a failure of the connection means. */
  failure: (error: unknown) => StoreError;
  /** Exactly so many bytes have to come; absent: as many as there are. */
  lengthBytes?: number;
}

/**
 * The same bytes with back-pressure. An error without a listener ends nobody's process: it is for whoever reads. Letting go of the body
 * gives up the connection.
 */
export function answerBody(source: Readable, { failure, lengthBytes }: AnswerBodyOptions): Readable {
  let received = 0;
  const body = new Readable({
    read: () => void source.resume(),
    destroy(error, done) {
      source.destroy();
      done(error);
    },
  });
  const changed = (): StoreError =>
    new StoreError('unavailable', 'the file was changed while it was read', { temporary: true });
  source.on('data', (chunk: Buffer) => {
    if (body.destroyed) return;
    received += chunk.length;
    if (lengthBytes !== undefined && received > lengthBytes) body.destroy(changed());
    else if (!body.push(chunk)) source.pause();
  });
  source.pause();
  source.on('end', () => {
    if (lengthBytes !== undefined && received < lengthBytes) body.destroy(changed());
    else if (!body.destroyed) body.push(null);
  });
  source.on('error', (error) => body.destroy(failure(error)));
  source.on('close', () => {
    if (!source.readableEnded) body.destroy(failure(new Error('the answer broke off')));
  });
  body.on('error', () => undefined);
  return body;
}
