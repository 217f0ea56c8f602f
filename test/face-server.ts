// A face behind a plain node:http server on a free port, for clients that we did not write.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Face } from '../src/wire/http.ts';
import { incomingBody } from '../src/wire/incoming-body.ts';

/** A listening server; `close` ends open connections too. */
export interface FaceServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Serves the face on 127.0.0.1. @param onError told of answers that broke off */
export async function serveFace(
  face: Face,
  onError: (error: unknown) => void = () => {},
): Promise<FaceServer> {
  let count = 0;
  const server = createServer((request, response) => {
    answer(face, request, response, `http-${++count}`).catch(onError);
  });
  server.on('checkContinue', (request, response) => {
    response.writeContinue();
    server.emit('request', request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(face: Face, request: IncomingMessage, response: ServerResponse, requestId: string) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const reply = await face({
    requestId,
    method: request.method!,
    target: request.url!,
    headers: request.headers,
    body: incomingBody(request),
    scheme: 'http',
    loopback: true,
    signal: gone.signal,
  });
  response.writeHead(reply.status, reply.headers);
  if (reply.body instanceof Readable) await pipeline(reply.body, response);
  else response.end(reply.body);
}
