// HTTP to the account over undici: for the SDK as its `httpClient`, and for what the SDK cannot say.
import type { Readable } from 'node:stream';
import type { IHttpClient } from '@azure/storage-file-datalake';
import { Agent, type Dispatcher } from 'undici';
import { StoreError } from '../../core/store-error.ts';
import { fromAbort, fromAnswer, fromConnection } from './failures.ts';

/** Connections to one host of the account, at most. */
export const maxConnections = 256;
/** How long the account may take for the head of an answer, and for the next bytes of its body: 120 s. */
export const answerTimeoutMs = 120_000;

/** A request on its way. */
export interface Outgoing {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Readable | Buffer | string;
  signal?: AbortSignal;
}

/** Any answer, refusals too. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Dispatcher.ResponseData['body'];
}

export interface Transport {
  /** @throws StoreError of the connection or of the body */
  send(outgoing: Outgoing): Promise<Answer>;
  httpClient: IHttpClient;
  close(): Promise<void>;
}

/** True for methods that may change something. */
export function isMutating(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** Origin and the rest as it is: a URL parser could change what was signed. */
export function splitUrl(url: string): { origin: string; path: string } {
  const match = /^(https?:\/\/[^/?#]+)(.*)$/i.exec(url);
  if (!match) throw StoreError.invalid(`this is no http or https URL: ${url.slice(0, 200)}`);
  return { origin: match[1]!, path: match[2]!.startsWith('/') ? match[2]! : `/${match[2]!}` };
}

/** @param authorization a header for every request of the SDK; absent: its own credential signs */
export function createTransport(authorization?: () => Promise<string>): Transport {
  const agent = new Agent({
    connections: maxConnections,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  });
  const send = async ({ method, url, headers, body, signal }: Outgoing): Promise<Answer> => {
    if (signal?.aborted) throw fromAbort(signal, 'no');
    const { origin, path } = splitUrl(url);
    try {
      const answer = await agent.request({
        origin,
        path,
        method: method as Dispatcher.HttpMethod,
        headers,
        // undici closes the connection after a HEAD unless told otherwise.
        reset: false,
        ...(body === undefined ? {} : { body }),
        ...(signal ? { signal } : {}),
      });
      // Who reads it hears of its errors; a body let go of, by us or inside the SDK, must not end the process.
      answer.body.on('error', () => undefined);
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    } catch (error) {
      throw fromConnection(error, signal, isMutating(method));
    }
  };
  return {
    send,
    httpClient: { sendRequest: (request) => sendForSdk(send, request, authorization) },
    close: () => agent.destroy(),
  };
}

type SdkRequest = Parameters<IHttpClient['sendRequest']>[0];
type SdkResponse = Awaited<ReturnType<IHttpClient['sendRequest']>>;

// Refusals become StoreErrors here, before the SDK spends its time on them; nothing in it has to see one.
async function sendForSdk(
  send: Transport['send'],
  request: SdkRequest,
  authorization: (() => Promise<string>) | undefined,
): Promise<SdkResponse> {
  const { method, url } = request;
  const body: unknown = typeof request.body === 'function' ? request.body() : request.body;
  const outgoing: Outgoing = { method, url, headers: request.headers.rawHeaders() };
  if (authorization) outgoing.headers.authorization = await authorization();
  if (body !== undefined && body !== null) outgoing.body = body as Readable | Buffer | string;
  if (request.abortSignal) outgoing.signal = request.abortSignal as AbortSignal;
  const answer = await send(outgoing);
  const { status } = answer;
  const headers = request.headers.clone();
  for (const name of headers.headerNames()) headers.remove(name);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const answered = { request, status, headers };
  if (request.streamResponseStatusCodes?.has(status)) return { ...answered, readableStreamBody: answer.body };
  const text = await readText(answer, outgoing);
  if (status >= 300) throw fromAnswer(status, answer.headers, text, isMutating(method));
  return { ...answered, bodyAsText: text };
}

/** The text of an answer. @throws StoreError if it breaks off */
export async function readText(answer: Answer, { method, signal }: Outgoing): Promise<string> {
  try {
    return await answer.body.text();
  } catch (error) {
    throw fromConnection(error, signal, isMutating(method));
  }
}
