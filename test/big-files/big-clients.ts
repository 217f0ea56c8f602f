// Uploads and readings of files of any size: bodies stream, nothing is held.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { account, lakeFilesystem } from '../end-to-end/clients.ts';
import { digestOf, steadyBody } from './steady-body.ts';

/** The steady body with this seed, up to a length. */
export interface BigFile {
  /** Below the filesystem `lake`, without a leading slash. */
  path: string;
  seed: number;
  lengthBytes: number;
}

/** A way to write a whole file. @param url of the server, without account */
export type Upload = (url: string, file: BigFile) => Promise<void>;

/** A server that is busy says so with 503; applications' clients then ask again. */
const busy = 503;

/** One request. The answer may come before the body is sent. */
async function send(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: { stream: Readable; lengthBytes: number } | undefined,
): Promise<IncomingMessage> {
  const length = String(body?.lengthBytes ?? 0);
  const sent = request(url, { method, headers: { ...headers, 'content-length': length } });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  // What goes wrong with the request rejects `answered`; behind an answer it does not matter.
  if (body) pipeline(body.stream, sent).catch(() => undefined);
  else sent.end();
  return (await answered)[0];
}

/** Asks again while the server is busy. Rejects unless the answer is 2xx or 307. */
async function ask(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  bodyOf?: () => { stream: Readable; lengthBytes: number },
): Promise<IncomingMessage> {
  for (;;) {
    const answer = await send(method, url, headers, bodyOf?.());
    const status = answer.statusCode ?? 0;
    if (status === 307 || (status >= 200 && status < 300)) return answer;
    const said = await text(answer);
    if (status !== busy) throw new Error(`${method} ${url}: ${status} ${said.slice(0, 300)}`);
  }
}

async function done(answer: Promise<IncomingMessage>): Promise<void> {
  (await answer).resume();
}

const part =
  ({ seed }: BigFile, start: number, end: number) =>
  () => ({
    stream: steadyBody(seed, start, end),
    lengthBytes: end - start,
  });
const blobUrl = (url: string, { path }: BigFile): string => `${url}/${account}/lake/${path}`;
const version = { 'x-ms-version': '2024-11-04' };

/** CREATE in two steps, one body. */
export const webhdfsCreate: Upload = async (url, file) => {
  const asked = await ask(
    'PUT',
    `${url}/webhdfs/v1/lake/${file.path}?op=CREATE&user.name=ann&overwrite=true`,
  );
  asked.resume();
  await done(ask('PUT', asked.headers.location!, {}, part(file, 0, file.lengthBytes)));
};

/** One body. */
export const putBlob: Upload = (url, file) => {
  const headers = { ...version, 'x-ms-blob-type': 'BlockBlob' };
  return done(ask('PUT', blobUrl(url, file), headers, part(file, 0, file.lengthBytes)));
};

/** Create, appends of this size, so many at a time, flush. */
export function dfsUpload(appendBytes: number, parallel = 1): Upload {
  return async (url, file) => {
    const { lengthBytes } = file;
    await done(ask('PUT', `${blobUrl(url, file)}?resource=file`, version));
    let next = 0;
    const appendAll = async (): Promise<void> => {
      while (next < lengthBytes) {
        const start = next;
        next = Math.min(lengthBytes, start + appendBytes);
        const target = `${blobUrl(url, file)}?action=append&position=${start}`;
        await done(ask('PATCH', target, version, part(file, start, next)));
      }
    };
    await Promise.all(Array.from({ length: parallel }, appendAll));
    await done(
      ask('PATCH', `${blobUrl(url, file)}?action=flush&position=${lengthBytes}&close=true`, version),
    );
  };
}

/** Length and digest of a file, read past the gateway. @param url of a WebHDFS server */
export async function webhdfsDigest(url: string, path: string): Promise<string> {
  const open = `${url}/webhdfs/v1/lake/${path}?op=OPEN&user.name=ann`;
  const answer = await ask('GET', open);
  if (answer.statusCode !== 307) return digestOf(answer);
  answer.resume();
  return digestOf(await ask('GET', answer.headers.location!));
}

/** The same of a Gen2 server. */
export async function gen2Digest(url: string, path: string): Promise<string> {
  const answer = await lakeFilesystem(url).getFileClient(path).read();
  return digestOf(answer.readableStreamBody as Readable);
}
