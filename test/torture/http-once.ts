// One HTTP request on a connection of its own, and whether it can have had any effect if no answer came.
import { request } from 'node:http';

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  bytes: Buffer;
}

/** `not-sent`: nobody listened. `lost`: it was sent, at least in part, and no whole answer came. */
export type Sent = Answer | 'not-sent' | 'lost';

/** A request. */
export interface Asked {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: Buffer | undefined;
}

/** How long a client waits for an answer, milliseconds. */
const patienceMs = 30_000;

/** Never rejects. @param onSent called when the whole request has been handed to the kernel */
export function askOnce({ method, url, headers = {}, body }: Asked, onSent: () => void): Promise<Sent> {
  return new Promise((resolve) => {
    let connected = false;
    const length: Record<string, number> =
      body || method !== 'GET' ? { 'content-length': body?.length ?? 0 } : {};
    const outgoing = request(url, { method, headers: { ...headers, ...length }, agent: false });
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer')), patienceMs);
    const end = (sent: Sent): void => {
      clearTimeout(timer);
      resolve(sent);
    };
    outgoing.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
      });
    });
    outgoing.on('error', () => end(connected ? 'lost' : 'not-sent'));
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', () => end('lost'));
      incoming.on('close', () => {
        const { statusCode = 0, headers: given } = incoming;
        const answered = { status: statusCode, headers: given as Answer['headers'] };
        end(incoming.complete ? { ...answered, bytes: Buffer.concat(chunks) } : 'lost');
      });
    });
    outgoing.on('finish', onSent);
    outgoing.end(body);
  });
}
