// HTTP by hand, for requests that no client library would send: raw targets, lengths that lie, connections that break off.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer, read until the server closed or the body was complete. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A request: its first line, its headers, and bytes that may or may not fit them. */
export interface RawWords {
  /** `GET /x` */
  line: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /**
   * `wait` for the answer (default), `end` the sending half first, or `break` the connection without waiting for
   * anything.
   */
  after?: 'wait' | 'end' | 'break';
}

function parseAnswer(bytes: Buffer): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(first.split(' ')[1]);
  const rest = bytes.subarray(end + 4);
  if (status === 100) return parseAnswer(rest);
  return { status, headers, body: rest.toString() };
}

function isComplete(answer: RawAnswer): boolean {
  const length = answer.headers['content-length'];
  if (length !== undefined) return Buffer.byteLength(answer.body) >= Number(length);
  return answer.headers['transfer-encoding'] === 'chunked' && answer.body.endsWith('0\r\n\r\n');
}

async function write(socket: Socket, data: Buffer | string): Promise<void> {
  if (!socket.write(data)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
}

/** One request on a connection of its own; undefined if the server closed without an answer, or `after` is `break`. */
export async function sendRaw(url: string, words: RawWords): Promise<RawAnswer | undefined> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  const found = new Promise<RawAnswer | undefined>((resolve) => {
    const look = (): void => {
      const answer = parseAnswer(Buffer.concat(chunks));
      if (answer && (isComplete(answer) || words.line.startsWith('HEAD'))) resolve(answer);
    };
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      look();
    });
    const over = (): void => resolve(parseAnswer(Buffer.concat(chunks)));
    socket.on('end', over).on('close', over);
    // A reset is one of the ways in which a server may refuse; the answer says whether it was right.
    socket.on('error', over);
  });
  const headers = { host, ...words.headers };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  await write(socket, Buffer.from(`${words.line} HTTP/1.1\r\n${head.join('')}\r\n`, 'latin1'));
  if (words.body !== undefined) await write(socket, words.body);
  if (words.after === 'break') {
    socket.resetAndDestroy();
    return undefined;
  }
  if (words.after === 'end') socket.end();
  const answer = await found;
  socket.destroy();
  return answer;
}
