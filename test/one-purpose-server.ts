// Servers made for one test: a NameNode that answers a few operations, or whatever the listener does.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** Listens until the test ends. @returns its URL */
export async function serve(test: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function remote(response: ServerResponse, status: number, exception: string, message = 'no'): void {
  json(response, status, { RemoteException: { exception, javaClassName: `java.io.${exception}`, message } });
}

export const missing = (response: ServerResponse): void => remote(response, 404, 'FileNotFoundException');

export interface Seen {
  method: string;
  op: string;
  params: URLSearchParams;
  path: string;
  request: IncomingMessage;
}

/** A NameNode that answers by operation; anything else is not there. */
export function namenode(
  answers: Record<string, (response: ServerResponse, seen: Seen) => void>,
  seen: string[] = [],
): RequestListener {
  return (request, response) => {
    const [path = '', search = ''] = request.url!.split('?');
    const params = new URLSearchParams(search);
    const op = params.get('op') ?? '';
    seen.push(`${request.method} ${op}`);
    const answer = answers[op];
    if (answer) answer(response, { method: request.method!, op, params, path, request });
    else missing(response);
  };
}
