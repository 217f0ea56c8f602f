// The data port: both faces on one listener, told apart by the raw request target (design §4, §10).
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import type { Logger } from '../telemetry/logger.ts';
import type { Face } from '../wire/http.ts';
import { isWebhdfsTarget } from '../wire/webhdfs/target.ts';
import { type ExchangeSettings, exchange } from './face-exchange.ts';
import { type ClientError, isRawTarget, reenter } from './raw-target.ts';
import {
  type FollowedCertificates,
  followCertificates,
  readTlsFiles,
  type TlsContent,
  type TlsFiles,
} from './tls-files.ts';

/** Longest request line and headers together: 128 KiB (a path of 8,000 characters, escaped, has up to 72 KB). */
export const maxHeaderBytes = 131_072;
/** How long a client may take for its headers: 60 s. */
export const headersTimeoutMs = 60_000;
/** How long an idle connection is kept: 75 s, longer than the 60 s that load balancers keep theirs. */
export const keepAliveTimeoutMs = 75_000;
/** How long `close` waits for requests in flight: 10 s. */
export const closeGraceMs = 10_000;
/** How long a request's body may stand still, and an answer be left unread: 60 s (semantics A9). */
export const defaultBodyIdleMs = 60_000;

type FaceName = 'webhdfs' | 'dfs';

/** What the metrics are told of each answered request. */
export interface ServedRequest {
  face: FaceName;
  method: string;
  /** 499: the client went away before its answer. */
  status: number;
  seconds: number;
}

/** What the listener serves and where. */
export interface DataListenerOptions {
  /** At least one; alone it answers every request, also the other protocol's. */
  faces: Partial<Record<FaceName, Face>>;
  host: string;
  /** 0: any free one. */
  port: number;
  tls?: TlsFiles;
  bodyIdleMs?: number;
  closeGraceMs?: number;
  logger: Logger;
  onRequest?(served: ServedRequest): void;
}

/** A listening data port. */
export interface DataListener {
  url: string;
  port: number;
  /** Present with TLS. */
  certificates?: FollowedCertificates;
  /** Takes no more connections, lets requests in flight end, destroys what is left after `closeGraceMs`. */
  close(): Promise<void>;
}

/** Starts listening. Rejects if the address is taken or a PEM file cannot be read. */
export async function createDataListener(options: DataListenerOptions): Promise<DataListener> {
  const { faces, host, port, tls, logger } = options;
  let closing = false;
  const settings: ExchangeSettings = {
    scheme: tls ? 'https' : 'http',
    bodyIdleMs: options.bodyIdleMs ?? defaultBodyIdleMs,
    closing: () => closing,
  };
  const content = tls && (await readTlsFiles(tls));
  const app = makeServer(content);
  const server = app.server as Server;
  const busy = new WeakMap<object, ServerResponse>();
  const serve = (name: FaceName) => {
    const face = faces[name] ?? faces.dfs ?? faces.webhdfs;
    if (!face) throw new Error('a data listener needs a face');
    return (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse, id: string) => {
      const started = performance.now();
      const target = request.originalUrl ?? request.url ?? '/';
      const shown = withoutSecrets(target);
      const method = request.method ?? 'GET';
      const log = logger.child({ requestId: id });
      busy.set(request.socket, response);
      const note = (status: number): void => {
        const seconds = (performance.now() - started) / 1000;
        log.debug({ face: name, method, target: shown, status, seconds }, 'request');
        options.onRequest?.({ face: name, method, status, seconds });
      };
      exchange(face, request, response, target, id, settings)
        .then(note, (error: unknown) => {
          log.warn({ err: error, face: name, method, target: shown }, 'an answer broke off');
          response.destroy();
          note(response.statusCode);
        })
        .finally(() => {
          if (busy.get(request.socket) === response) busy.delete(request.socket);
        });
    };
  };
  route(app, serve('webhdfs'), serve('dfs'));
  // `100 Continue` is sent when a face reads the body: step 1 of a WebHDFS write must not ask for it.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  answerClientErrors(server, tls ? 'secureConnection' : 'connection', busy);
  await app.listen({ host, port });
  const address = server.address() as AddressInfo;
  const certificates =
    tls &&
    content &&
    followCertificates(server as HttpsServer, tls, content, {
      onReload: () => logger.info({ certFile: tls.certFile }, 'the certificate was read anew'),
      onProblem: (error) =>
        logger.error({ err: error, ...tls }, 'the certificate on disk cannot be used; the former one stays'),
    });
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `${settings.scheme}://${shown}:${address.port}`,
    port: address.port,
    ...(certificates ? { certificates } : {}),
    async close() {
      closing = true;
      certificates?.close();
      const late = setTimeout(() => server.closeAllConnections(), options.closeGraceMs ?? closeGraceMs);
      await app.close();
      clearTimeout(late);
    },
  };
}

/** A target as logs may have it: who reads them must not be able to come in by a SAS, a token or a link that stands in a URL. */
export function withoutSecrets(target: string): string {
  return target.replace(/([?&](?:sig|delegation|twinlake\.link)=)[^&]*/gi, '$1[secret]');
}

type Serve = (request: IncomingMessage, response: ServerResponse, id: string) => void;

// Faces answer by themselves, from the request line to the last byte: fastify must neither parse bodies by their type (Java labels
// raw bytes as a form) nor refuse a malformed URL, nor add headers. So its router sees two fixed paths, and the first hook takes over.
function route(app: FastifyInstance, webhdfs: Serve, dfs: Serve): void {
  const hand = (serve: Serve) => ({
    onRequest: (
      request: { raw: IncomingMessage; id: string },
      reply: { raw: ServerResponse; hijack(): void },
    ) => {
      reply.hijack();
      serve(request.raw, reply.raw, request.id);
    },
    handler: () => {},
  });
  app.all('/webhdfs', hand(webhdfs) as never);
  app.all('/dfs', hand(dfs) as never);
  // Methods that fastify does not know (PROPFIND and the like) come out here.
  app.setNotFoundHandler((request, reply) => {
    reply.hijack();
    const target = request.originalUrl;
    (isWebhdfsTarget(target) ? webhdfs : dfs)(request.raw, reply.raw, request.id);
  });
}

function makeServer(tls: TlsContent | undefined): FastifyInstance {
  const http = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // An upload may take days; a body that stands still is cut by `bodyIdleMs`.
    requestTimeout: 0,
  };
  const common = {
    genReqId: () => randomUUID(),
    rewriteUrl: (request: IncomingMessage) => (isWebhdfsTarget(request.url ?? '/') ? '/webhdfs' : '/dfs'),
    forceCloseConnections: 'idle' as const,
    return503OnClosing: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: 0,
  };
  const app = tls
    ? fastify({
        ...common,
        // A client may come without a certificate, or with a bad one: who calls is found out by the face.
        https: {
          ...http,
          ...tls,
          ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false }),
        },
      })
    : fastify({ ...common, http });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  return app as unknown as FastifyInstance;
}

// The client's end of the connection came in the middle of a request.
const ended = new Set(['HPE_INVALID_EOF_STATE', 'ECONNRESET', 'EPIPE']);
const refusals: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function answerClientErrors(
  server: Server,
  event: 'connection' | 'secureConnection',
  busy: WeakMap<object, ServerResponse>,
): void {
  const leftBehind = new WeakSet<object>();
  server.removeAllListeners('clientError');
  server.on('clientError', (error: ClientError, socket: Socket) => {
    if (leftBehind.has(socket)) return;
    if (!socket.writable || ended.has(error.code ?? '')) {
      socket.destroy();
      return;
    }
    const response = busy.get(socket);
    if (response && !response.destroyed) {
      // That answer is the last: garbage behind its request (a body longer than promised), or a body that nobody can read.
      leftBehind.add(socket);
      response.shouldKeepAlive = false;
      socket.pause();
      response.once('close', () => socket.destroy());
      if (!response.req.complete) response.req.emit('error', error);
      return;
    }
    if (isRawTarget(error)) {
      leftBehind.add(socket);
      reenter(server, socket, error, event, maxHeaderBytes);
      return;
    }
    const status = refusals[error.code ?? ''] ?? '400 Bad Request';
    const text = `${status.slice(4)}\n`;
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
      () => socket.destroy(),
    );
  });
}
