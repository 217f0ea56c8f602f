// Received bytes that are in no file of the tree yet: small ones in memory, others in a file of the store's own folder.
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Body } from '../../core/mutation.ts';
import { bodyChunks } from '../tree/receive-body.ts';
import type { Content } from '../tree/tree.ts';
import type { Disk } from './disk.ts';

/** Bodies up to this length are kept in memory until they are used. */
const maxBufferedBytes = 262_144;
/** How much is read or written at once. */
const blockBytes = 524_288;

/** Content of a local store: in memory, or in a file of its own that is durable. */
export interface LocalContent extends Content {
  bytes: Buffer | undefined;
  file: string | undefined;
  /** The file is part of the tree now. */
  handOver(): void;
}

/** Receives a body. @throws StoreError, and then nothing is left */
export async function receive(disk: Disk, body: Body, signal: AbortSignal): Promise<LocalContent> {
  const writer = createSpoolWriter(disk);
  try {
    for await (const chunk of bodyChunks(body, signal)) await writer.write(chunk);
    return await writer.finish();
  } catch (error) {
    await writer.drop();
    throw error;
  }
}

/** The contents of these files, joined. `lengthBytes`: how much of each. */
export async function gather(
  disk: Disk,
  parts: readonly { file: string; lengthBytes: number }[],
): Promise<LocalContent> {
  const writer = createSpoolWriter(disk);
  try {
    for (const { file, lengthBytes } of parts) {
      for await (const chunk of fileChunks(file, 0, lengthBytes)) await writer.write(chunk);
    }
    return await writer.finish();
  } catch (error) {
    await writer.drop();
    throw error;
  }
}

/**
 * A durable file of the store's own folder with this content.
 * @returns its absolute name; it still belongs to the content
 */
export async function writeContent(disk: Disk, content: LocalContent | undefined): Promise<string> {
  if (content?.file !== undefined) return content.file;
  const file = disk.freshName('incoming');
  const handle = await open(file, 'wx');
  try {
    if (content?.bytes) await writeAll(handle, content.bytes, 0);
    await disk.syncFile(handle);
    return file;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Reads a part of a file; ends early if the file does. */
export async function* fileChunks(file: string, start: number, end: number): AsyncGenerator<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let position = start; position < end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(blockBytes, end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Writes all of it at a position; `write` alone may stop short. */
async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Gathers small chunks so that each write to the disk is a large one. */
export function createBlockWriter(
  handle: FileHandle,
  start: number,
): { write(chunk: Buffer): Promise<void>; flush(): Promise<void> } {
  let position = start;
  let held: Buffer[] = [];
  let heldBytes = 0;
  async function flush(): Promise<void> {
    if (heldBytes === 0) return;
    const bytes = held.length === 1 ? held[0]! : Buffer.concat(held, heldBytes);
    held = [];
    heldBytes = 0;
    await writeAll(handle, bytes, position);
    position += bytes.length;
  }
  return {
    async write(chunk) {
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes >= blockBytes) await flush();
    },
    flush,
  };
}

interface SpoolWriter {
  write(chunk: Buffer): Promise<void>;
  finish(): Promise<LocalContent>;
  drop(): Promise<void>;
}

function createSpoolWriter(disk: Disk): SpoolWriter {
  let held: Buffer[] = [];
  let lengthBytes = 0;
  let file: string | undefined;
  let handle: FileHandle | undefined;
  let writer: ReturnType<typeof createBlockWriter> | undefined;

  async function spill(): Promise<ReturnType<typeof createBlockWriter>> {
    file = disk.freshName('incoming');
    handle = await open(file, 'wx');
    const made = createBlockWriter(handle, 0);
    for (const chunk of held) await made.write(chunk);
    held = [];
    return made;
  }

  return {
    async write(chunk) {
      lengthBytes += chunk.length;
      if (!writer && lengthBytes <= maxBufferedBytes) held.push(chunk);
      else {
        writer ??= await spill();
        await writer.write(chunk);
      }
    },
    async finish() {
      await writer?.flush();
      if (handle) {
        await disk.syncFile(handle);
        await handle.close();
        handle = undefined;
      }
      return contentOf(lengthBytes, file === undefined ? Buffer.concat(held) : undefined, file);
    },
    async drop() {
      await handle?.close();
      if (file !== undefined) await rm(file, { force: true });
    },
  };
}

function contentOf(lengthBytes: number, bytes: Buffer | undefined, file: string | undefined): LocalContent {
  let owned = file;
  return {
    lengthBytes,
    bytes,
    file,
    handOver() {
      owned = undefined;
    },
    async discard() {
      if (owned !== undefined) await rm(owned, { force: true });
      owned = undefined;
    },
  };
}

/** The bytes of a received body, from wherever they are kept. */
export function contentChunks(content: LocalContent): AsyncIterable<Buffer> | Iterable<Buffer> {
  return content.file === undefined
    ? [content.bytes ?? Buffer.alloc(0)]
    : fileChunks(content.file, 0, content.lengthBytes);
}
