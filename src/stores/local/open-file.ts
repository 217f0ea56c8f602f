// An open file of a local store: its node as it was when opened, and streams over its bytes.
import { constants, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StoreError } from '../../core/store-error.ts';
import type { OpenFile } from '../tree/tree.ts';
import type { Disk, LocalNode } from './disk.ts';
import { fsError } from './fs-errors.ts';

/** How much is read at once. */
const blockBytes = 262_144;

/** Undefined if no file is there. */
export async function openLocalFile(disk: Disk, path: string): Promise<OpenFile<LocalNode> | undefined> {
  if (disk.find(path)?.type !== 'file') return undefined;
  const handle = await open(disk.absolute(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    // Size and row are taken without a pause between them: an append in place changes both in one step.
    const stats = fstatSync(handle.fd, { bigint: true });
    return {
      node: disk.nodeOf(stats),
      stream: (offset, lengthBytes) => streamOf(handle, offset, lengthBytes),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function streamOf(handle: FileHandle, offset: number, lengthBytes: number): Readable {
  let position = offset;
  const end = offset + lengthBytes;
  async function readBlock(stream: Readable): Promise<void> {
    if (position >= end) {
      stream.push(null);
      return;
    }
    const buffer = Buffer.allocUnsafe(Math.min(blockBytes, end - position));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new StoreError('internal', 'the file became shorter while it was read');
    position += bytesRead;
    stream.push(buffer.subarray(0, bytesRead));
  }
  return new Readable({
    highWaterMark: blockBytes,
    read() {
      readBlock(this).catch((error: unknown) => this.destroy(fsError(error, 'no')));
    },
    destroy(error, callback) {
      handle.close().then(
        () => callback(error),
        (closeError: unknown) => callback(error ?? fsError(closeError, 'no')),
      );
    },
  });
}
