// Staged bytes: one sparse file per upload with each byte at its final offset, so that a flush can rename it into place.
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Body } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import { addInterval, checkFlush, type Interval, intervalsFrom, overlaps } from '../tree/intervals.ts';
import { bodyChunks } from '../tree/receive-body.ts';
import type { NodeAttributes, PendingStage } from '../tree/tree.ts';
import type { Disk, LocalNode } from './disk.ts';
import { growFile, toSeconds } from './grow-file.ts';
import { contentChunks, createBlockWriter, fileChunks, type LocalContent, receive } from './spool.ts';

/** Staged bytes and blocks that nobody touched for so long are dropped at the next start (Gen2: about a week). */
export const abandonedUploadMs = 7 * 24 * 3_600_000;

/** All uploads of one store. */
export interface Staging {
  receive(node: LocalNode, position: number, body: Body, signal: AbortSignal): Promise<PendingStage>;
  flush(path: string, node: LocalNode, to: FlushTarget): Promise<LocalNode>;
  /** The file is gone or replaced. */
  drop(key: string): Promise<void>;
}

interface FlushTarget {
  position: number;
  retain: boolean;
  attributes: NodeAttributes;
}

interface Area {
  key: string;
  file: string;
  intervals: Interval[];
  /** Being received now; they do not count yet. */
  incoming: Set<Interval>;
  dropped: boolean;
}

/** Takes up what a former process left. */
export async function openStaging(disk: Disk): Promise<Staging> {
  await clearAbandoned(disk);
  const areas = new Map<string, Area>();
  for (const { key, intervals } of disk.sidecar.staged()) areas.set(key, newArea(key, intervals));

  function newArea(key: string, intervals: Interval[]): Area {
    const file = join(disk.homeFolder('staged'), key);
    return { key, file, intervals, incoming: new Set(), dropped: false };
  }

  function areaOf(key: string): Area {
    const area = areas.get(key) ?? newArea(key, []);
    areas.set(key, area);
    return area;
  }

  function keepIntervals(area: Area, intervals: Interval[]): void {
    area.intervals = intervals;
    if (intervals.length > 0) disk.sidecar.putStaged(area.key, intervals);
    else disk.sidecar.removeStaged(area.key);
  }

  async function forget(area: Area): Promise<void> {
    area.dropped = true;
    areas.delete(area.key);
    disk.sidecar.removeStaged(area.key);
    await rm(area.file, { force: true });
  }

  /** Renames the sparse file over the empty one; nothing is copied. */
  async function flushByRename(
    path: string,
    node: LocalNode,
    area: Area,
    to: FlushTarget,
  ): Promise<LocalNode> {
    const target = disk.absolute(path);
    keepIntervals(area, [{ start: 0, end: to.position }]);
    const handle = await open(area.file, 'r+');
    try {
      await handle.truncate(to.position);
      if (disk.now) await handle.utimes(toSeconds(disk.now()), toSeconds(disk.now()));
      await disk.syncFile(handle);
    } finally {
      await handle.close();
    }
    const placed = disk.record(area.file, node.fileId, to.attributes);
    await disk.sidecar.sync();
    await rename(area.file, target);
    await disk.syncFolder(dirname(target));
    disk.sidecar.remove(node.key);
    await forget(area);
    return placed;
  }

  return {
    async receive(node, position, body, signal) {
      const area = areaOf(node.key);
      const length = body.lengthBytes;
      const interval = { start: position, end: position + (length ?? 0) };
      // Bytes that are staged already must survive if this body breaks off.
      const direct =
        length !== undefined &&
        !overlaps(area.intervals, interval) &&
        !overlaps([...area.incoming], interval);
      area.incoming.add(interval);
      let spooled: LocalContent | undefined;
      const end = async (): Promise<void> => {
        area.incoming.delete(interval);
        await spooled?.discard();
      };
      try {
        if (direct) await writeChunks(disk, area, bodyChunks(body, signal), position);
        else {
          spooled = await receive(disk, body, signal);
          interval.end = position + spooled.lengthBytes;
        }
      } catch (error) {
        await end();
        throw error;
      }
      return {
        async keep() {
          if (area.dropped) throw StoreError.notFound('the upload was ended meanwhile');
          if (spooled) await writeChunks(disk, area, contentChunks(spooled), position);
          keepIntervals(area, addInterval(area.intervals, interval));
          await disk.sidecar.sync();
        },
        discard: end,
      };
    },

    async flush(path, node, to) {
      const { position, retain, attributes } = to;
      const { key, lengthBytes } = node;
      const area = areas.get(key);
      const staged = intervalsFrom(area?.intervals ?? [], lengthBytes);
      checkFlush(staged, lengthBytes, position);
      const rest = retain ? intervalsFrom(staged, position) : [];
      const idle = area !== undefined && area.incoming.size === 0;
      if (idle && rest.length === 0 && position > 0 && lengthBytes === 0)
        return flushByRename(path, node, area, to);
      let flushed: LocalNode;
      if (area && position > lengthBytes) {
        flushed = await growFile(disk, path, node, fileChunks(area.file, lengthBytes, position), attributes);
      } else {
        flushed = disk.record(disk.absolute(path), node.fileId, attributes);
      }
      if (idle && rest.length === 0) await forget(area);
      else if (area) keepIntervals(area, rest);
      await disk.sidecar.sync();
      return flushed;
    },

    async drop(key) {
      const area = areas.get(key);
      if (area) await forget(area);
    },
  };
}

/** Durable when it resolves. */
async function writeChunks(
  disk: Disk,
  area: Area,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  position: number,
): Promise<void> {
  const handle = await open(area.file, constants.O_WRONLY | constants.O_CREAT);
  try {
    const writer = createBlockWriter(handle, position);
    for await (const chunk of chunks) await writer.write(chunk);
    await writer.flush();
    await disk.syncFile(handle);
  } finally {
    await handle.close();
  }
}

/** Drops staged files without a row, rows without their bytes, and uploads that nobody touched for long. */
async function clearAbandoned(disk: Disk): Promise<void> {
  const folder = disk.homeFolder('staged');
  const rows = new Map(disk.sidecar.staged().map(({ key, intervals }) => [key, intervals]));
  for (const key of await readdir(folder)) {
    const file = join(folder, key);
    const { mtimeMs, size } = await stat(file);
    const intervals = rows.get(key)?.filter(({ end }) => end <= size);
    rows.delete(key);
    if (intervals && intervals.length > 0 && Date.now() - mtimeMs < abandonedUploadMs) {
      disk.sidecar.putStaged(key, intervals);
    } else {
      disk.sidecar.removeStaged(key);
      await rm(file, { force: true });
    }
  }
  for (const key of rows.keys()) disk.sidecar.removeStaged(key);
}
