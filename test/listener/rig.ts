// A data listener on a free port, and clients on bare sockets.
import { once } from 'node:events';
import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import type { Test } from 'tap';
import { createDataListener, type DataListenerOptions } from '../../src/server/data-listener.ts';
import type { Face, FaceReply, FaceRequest } from '../../src/wire/http.ts';

const silent = pino({ level: 'silent' });

export async function listen(
  t: Test,
  faces: DataListenerOptions['faces'],
  more: Partial<DataListenerOptions> = {},
) {
  const listener = await createDataListener({ faces, host: '127.0.0.1', port: 0, logger: silent, ...more });
  t.teardown(() => listener.close());
  return listener;
}

export const echo =
  (name: string): Face =>
  async ({ method, target, body, headers }) => ({
    status: 200,
    headers: { 'x-face': name },
    body: JSON.stringify({ name, method, target, type: headers['content-type'], body: await text(body) }),
  });

/** A raw connection whose whole input can be awaited. */
export function dial(
  t: Test,
  port: number,
): { socket: Socket; until(pattern: RegExp): Promise<string>; all(): Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  let seen = '';
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1');
  });
  return {
    socket,
    async until(pattern) {
      while (!pattern.test(seen)) {
        if (socket.destroyed || socket.readableEnded) throw new Error(`the connection ended after: ${seen}`);
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      }
      const match = pattern.exec(seen)!;
      const part = seen.slice(0, match.index + match[0].length);
      seen = seen.slice(part.length);
      return part;
    },
    async all() {
      if (!socket.destroyed) await once(socket, 'close');
      return seen;
    },
  };
}

export interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer;
  agent?: Agent;
}

export function send(port: number, sent: Sent): Promise<IncomingMessage> {
  const { method = 'GET', path, headers = {}, body, agent } = sent;
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      method,
      path,
      headers,
      ...(agent ? { agent } : { agent: false as const }),
    };
    httpRequest(options, resolve).on('error', reject).end(body);
  });
}

/** A face whose requests a test can wait for and answer. */
export function heldFace(): {
  face: Face;
  next(): Promise<{ request: FaceRequest; answer(reply: FaceReply): void }>;
} {
  const arrived: { request: FaceRequest; answer(reply: FaceReply): void }[] = [];
  let wake = (): void => {};
  return {
    face: (request) =>
      new Promise((answer) => {
        arrived.push({ request, answer });
        wake();
      }),
    async next() {
      while (arrived.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return arrived.shift()!;
    },
  };
}
