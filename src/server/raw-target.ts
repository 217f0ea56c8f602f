// Hadoop's WebHDFS client puts names as raw UTF-8 into the request line, which Node's parser refuses (Gen1 reference §1.1).
// The packet that failed is mended and handed to the server once more, as a new connection over the same socket.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** A parse error as Node's `clientError` tells it. */
export interface ClientError extends Error {
  code?: string;
  bytesParsed?: number;
  rawPacket?: Buffer;
}

/** Position of the request line in a packet that may begin with the end of an earlier request; -1 if it has none. */
function lineStart(packet: Buffer, parsedBytes: number): number {
  const start = packet.lastIndexOf(0x0a, Math.max(0, parsedBytes - 1)) + 1;
  return /^[A-Z-]+ [/h]/.test(packet.toString('latin1', start, start + 32)) ? start : -1;
}

/** The packet with every byte above 0x7e of its first line percent-escaped; undefined while the line has no end. */
export function escapeRequestLine(packet: Buffer): Buffer | undefined {
  const end = packet.indexOf(0x0a);
  if (end === -1) return undefined;
  const line = packet.subarray(0, end);
  const escaped = Array.from(line, (byte) =>
    byte > 0x7e ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : String.fromCharCode(byte),
  ).join('');
  return Buffer.concat([Buffer.from(escaped, 'latin1'), packet.subarray(end)]);
}

/** True if this error is a raw request line that `reenter` can mend. */
export function isRawTarget(error: ClientError): boolean {
  const { code, rawPacket, bytesParsed = 0 } = error;
  if (code !== 'HPE_INVALID_URL' || !rawPacket) return false;
  const start = lineStart(rawPacket, bytesParsed);
  if (start === -1) return false;
  const end = rawPacket.indexOf(0x0a, start);
  return rawPacket.subarray(start, end === -1 ? undefined : end).some((byte) => byte > 0x7e);
}

/** What a re-entered connection stands on, so that a second raw line starts over from the socket and not from the first mending. */
const bases = new WeakMap<object, { socket: Socket; letGo(): void }>();

/**
 * Starts the socket over with the mended request line. The socket's former parser is left behind; its late timeouts must be ignored.
 * @param event `connection` of an http server, `secureConnection` of an https server
 * @param maxLineBytes a line that does not end within this many bytes ends the connection
 */
export function reenter(
  server: Server,
  connection: Socket,
  error: ClientError,
  event: 'connection' | 'secureConnection',
  maxLineBytes: number,
): void {
  const packet = error.rawPacket ?? Buffer.alloc(0);
  const unread: Buffer = connection.read() ?? Buffer.alloc(0);
  let waiting = Buffer.concat([packet.subarray(lineStart(packet, error.bytesParsed ?? 0)), unread]);
  const base = bases.get(connection);
  const socket = base?.socket ?? connection;
  base?.letGo();
  socket.removeAllListeners('data');
  const duplex = overSocket(socket);
  let started = false;
  const take = (chunk: Buffer): void => {
    if (started) {
      if (!duplex.push(chunk)) socket.pause();
      return;
    }
    waiting = Buffer.concat([waiting, chunk]);
    const mended = escapeRequestLine(waiting);
    if (mended === undefined) {
      if (waiting.length > maxLineBytes) socket.destroy();
      return;
    }
    started = true;
    server.emit(event, duplex);
    duplex.push(mended);
  };
  socket.on('data', take);
  take(Buffer.alloc(0));
  socket.resume();
}

function overSocket(socket: Socket): Duplex {
  let held = true;
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk, encoding, callback) => void socket.write(chunk, encoding, callback),
    final: (callback) => void socket.end(callback),
    destroy(error, callback) {
      if (held) socket.destroy();
      callback(error);
    },
  });
  const listeners: [string, () => void][] = [
    ['close', () => duplex.destroy()],
    ['error', () => duplex.destroy()],
    ['end', () => duplex.push(null)],
    ['timeout', () => duplex.emit('timeout')],
  ];
  for (const [event, listener] of listeners) socket.on(event, listener);
  bases.set(duplex, {
    socket,
    letGo() {
      held = false;
      for (const [event, listener] of listeners) socket.off(event, listener);
      duplex.destroy();
    },
  });
  // What Node's HTTP server and our own code ask of a socket.
  return Object.assign(duplex, {
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    setTimeout: (ms: number) => {
      socket.setTimeout(ms);
      return duplex;
    },
    setNoDelay: () => duplex,
    setKeepAlive: () => duplex,
    destroySoon: () => {
      if (duplex.writableFinished) duplex.destroy();
      else duplex.end(() => duplex.destroy());
    },
  });
}
