// HTTP to a NameNode, DataNode, HttpFS or Gen1: undici for everything but streamed bodies.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, type Dispatcher } from 'undici';
import { StoreError } from '../../core/store-error.ts';
import { asUnknown, fromTransportError } from './transport-errors.ts';
import { lengthOf, type Upload } from './upload-body.ts';

/** Connections to one server, at most. */
const defaultConnections = 128;
/** How long a server may take for the head of its answer, in milliseconds. */
const defaultHeadersTimeoutMs = 60_000;

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
}

export interface Outgoing {
  method: string;
  /** Absolute and escaped; sent as it is. */
  url: string;
  headers: Record<string, string>;
  signal: AbortSignal;
  /** False: asks only, or does a first step that changes nothing. */
  mutating: boolean;
}

export interface Transport {
  /** @throws StoreError of the connection; any status is an answer */
  request(outgoing: Outgoing & { body?: Buffer | Readable }): Promise<Answer>;
  /** Sends a body that may be of any size. @throws StoreError of the connection or of the body */
  upload(outgoing: Outgoing, upload: Upload): Promise<Answer>;
  close(): Promise<void>;
}

export interface TransportOptions {
  dispatcher?: Dispatcher;
  connections?: number;
  headersTimeoutMs?: number;
}

/** Connections that are kept alive, closed by `close`. A dispatcher that was passed in is not. */
export function createTransport(options: TransportOptions): Transport {
  const connections = options.connections ?? defaultConnections;
  const headersTimeoutMs = options.headersTimeoutMs ?? defaultHeadersTimeoutMs;
  const own = options.dispatcher
    ? undefined
    : new Agent({ connections, headersTimeout: headersTimeoutMs, bodyTimeout: headersTimeoutMs });
  const dispatcher = options.dispatcher ?? own!;
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: connections }),
    https: new https.Agent({ keepAlive: true, maxSockets: connections }),
  };
  return {
    async request({ method, url, headers, signal, mutating, body }) {
      const { origin, path } = splitUrl(url);
      try {
        signal.throwIfAborted();
      } catch (error) {
        throw fromTransportError(error, signal, false);
      }
      try {
        const answer = await dispatcher.request({
          origin,
          path,
          method: method as Dispatcher.HttpMethod,
          headers,
          signal,
          // undici closes the connection after a HEAD unless told otherwise.
          reset: false,
          ...(body ? { body } : {}),
        });
        return { status: answer.statusCode, headers: answer.headers, body: answer.body };
      } catch (error) {
        throw fromTransportError(error, signal, mutating);
      }
    },
    upload: (outgoing, upload) => uploadWithNode(outgoing, upload, agents, headersTimeoutMs),
    async close() {
      agents.http.destroy();
      agents.https.destroy();
      await own?.destroy();
    },
  };
}

/**
 * A DataNode writes `100 Continue` before it reads a body, asked or not, and undici takes that for a broken answer; so streamed bodies
 * go through Node's own client.
 */
async function uploadWithNode(
  { method, url, headers, signal }: Outgoing,
  upload: Upload,
  agents: { http: http.Agent; https: https.Agent },
  headersTimeoutMs: number,
): Promise<Answer> {
  const { origin, path } = splitUrl(url);
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === 'https:';
  const lengthBytes = lengthOf(upload);
  const options: https.RequestOptions = {
    method,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    path,
    headers: lengthBytes === undefined ? headers : { ...headers, 'content-length': String(lengthBytes) },
    signal,
  };
  const request = secure
    ? https.request({ ...options, agent: agents.https })
    : http.request({ ...options, agent: agents.http });
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
  answered.catch(() => undefined);
  // What breaks after the answer concerns nobody; what breaks before it rejects `answered`.
  request.on('error', () => undefined);
  const source = 'bytes' in upload ? undefined : Readable.from(upload.chunks);
  let bodyError: StoreError | undefined;
  source?.once('error', (error) => {
    if (error instanceof StoreError) bodyError = error;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = (): void => {
    const message = `no answer within ${headersTimeoutMs} ms`;
    request.destroy(new StoreError('timeout', message, { applied: 'unknown' }));
  };
  const onSent = (): void => {
    timer = setTimeout(late, headersTimeoutMs);
  };
  if (source) pipeline(source, request).then(onSent, () => undefined);
  else {
    request.end((upload as { bytes: Buffer }).bytes);
    onSent();
  }
  try {
    // A server that refuses may answer, and close, while the body is still on its way.
    const [response] = await answered;
    if (source && !source.readableEnded) source.destroy();
    return { status: response.statusCode ?? 0, headers: response.headers, body: response };
  } catch (error) {
    if (!bodyError) throw fromTransportError(error, signal, true);
    // Node sends the head together with the first chunk.
    throw 'started' in upload && upload.started ? asUnknown(bodyError) : bodyError;
  } finally {
    clearTimeout(timer);
  }
}

/** Origin, and the rest as it is: a URL parser would change escapes. */
export function splitUrl(url: string): { origin: string; path: string } {
  const match = /^(https?:\/\/[^/?#]+)(.*)$/i.exec(url);
  if (!match) throw new StoreError('internal', `the store names a URL that is none: ${url.slice(0, 200)}`);
  return { origin: match[1]!, path: match[2]!.startsWith('/') ? match[2]! : `/${match[2]!}` };
}
