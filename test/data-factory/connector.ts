// What both connectors of Azure Data Factory's shape have in common: raw requests, and the few things that a copy activity does.
import { type RawAnswer, type RawWords, sendRaw } from '../end-to-end/raw-http.ts';

/** One side of a copy activity. Paths have no leading slash and begin with the filesystem or root folder. */
export interface Connector {
  /** Writes a file as the sink does, in blocks. */
  write(path: string, blocks: readonly string[]): Promise<void>;
  /** Reads a file as the source does, in ranges. */
  read(path: string): Promise<string>;
  /** Names of the files below a folder, relative to it, page by page. */
  list(folder: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  move(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
}

/** Bytes of one range that is read: small, so that a test's files have several. */
export const rangeBytes = 100_000;
/** Entries of a page, for the same reason. */
export const pageEntries = 3;

/** An answer with its body whole. */
export type Answer = RawAnswer;

/** Sends a request and takes one of the statuses that the connector goes on with. @throws Error for any other */
export async function sendExpecting(
  url: string,
  words: RawWords,
  expected: readonly number[],
): Promise<Answer> {
  const answer = await sendRaw(url, words);
  if (!answer) throw new Error(`${words.line}: no answer`);
  const body = answer.headers['transfer-encoding'] === 'chunked' ? unchunked(answer.body) : answer.body;
  if (!expected.includes(answer.status)) {
    throw new Error(`${words.line}: ${answer.status}, not ${expected.join(' or ')}: ${body.slice(0, 300)}`);
  }
  return { ...answer, body };
}

/** The content of a chunked body, all of ASCII. */
function unchunked(body: string): string {
  let whole = '';
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, end), 16);
    if (!(size > 0)) return whole;
    whole += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
