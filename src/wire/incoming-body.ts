// The body of a Node request as a stream of its own, so that whoever gives it up does not cut the connection before the answer.
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/**
 * Destroying an `IncomingMessage` destroys its socket, and with it the error that the client was to be told. The body returned here
 * can be destroyed freely: what is left of the request is then read and dropped, since a client that is cut off while it sends
 * does not read answers. Nothing is read before the first consumer asks. Ends with an error if the client breaks off.
 */
export function incomingBody(request: IncomingMessage): Readable {
  let started = false;
  const onData = (chunk: Buffer): void => {
    if (!body.push(chunk)) request.pause();
  };
  const body = new Readable({
    read() {
      if (!started) request.on('data', onData);
      started = true;
      request.resume();
    },
    destroy(error, done) {
      request.off('data', onData);
      // An unread request is left alone: Node drops it when the answer is out.
      if (started) request.resume();
      done(error);
    },
  });
  request.on('end', () => body.push(null));
  request.on('error', (error) => body.destroy(error));
  request.on('close', () => {
    if (!request.complete) body.destroy(new Error('the client broke off its request'));
  });
  // Whoever reads hears of it; if nobody does, it must not end the process.
  body.on('error', () => {});
  return body;
}
