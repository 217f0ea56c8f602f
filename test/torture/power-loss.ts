// A power cut for one directory: SIGKILL keeps the page cache, so what a process wrote and never synced is taken back afterwards.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Gives numbers from 0 to below 1. */
export type Random = () => number;

/** The same numbers for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a cut did. */
export interface Cut {
  /** Changes that had been synced. */
  synced: number;
  /** Changes that had not been, and how many of them reached the disk all the same. */
  unsynced: number;
  kept: number;
}

/** A directory whose changes are recorded. */
export interface PowerLoss {
  /** Environment of the process to be recorded. */
  env: Record<string, string>;
  /** After the process was killed: puts the files back to the last synced state plus a random prefix of what came later. */
  cut(random: Random): Cut;
}

/** A disk writes whole sectors, bytes. */
const sectorBytes = 512;

type Edit = { at: number; data: Buffer } | { length: number };

/** A file, whatever its name: what is on the platter, and what came later. */
interface Inode {
  durable: Buffer;
  pending: Edit[];
}

type Naming = { name: string; inode: Inode | undefined };

/** The directory: names on the platter, names as the process sees them, and changes of names not synced yet. */
interface Disk {
  durable: Map<string, Inode>;
  live: Map<string, Inode>;
  pending: Naming[];
  synced: number;
}

interface LogRecord {
  operation: string;
  name: string;
  at: number;
  data: Buffer;
}

const headBytes = 15;

function* recordsOf(log: Buffer): Generator<LogRecord> {
  for (let i = 0; i + headBytes <= log.length; ) {
    const [nameBytes, dataBytes] = [log.readUInt16LE(i + 1), log.readUInt32LE(i + 11)];
    const [name, data] = [i + headBytes, i + headBytes + nameBytes];
    if (data + dataBytes > log.length) return;
    yield {
      operation: String.fromCharCode(log[i]!),
      at: Number(log.readBigUInt64LE(i + 3)),
      name: log.toString('utf8', name, data),
      data: log.subarray(data, data + dataBytes),
    };
    i = data + dataBytes;
  }
}

/** A file's content after these edits, in one copy: logs of thousands of writes are replayed. */
function withEdits(content: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return content;
  const lengths = [content.length];
  for (const edit of edits) {
    const written = 'length' in edit ? edit.length : Math.max(lengths.at(-1)!, edit.at + edit.data.length);
    lengths.push(written);
  }
  const changed = Buffer.alloc(lengths.reduce((most, length) => Math.max(most, length)));
  content.copy(changed);
  for (const edit of edits) {
    if ('length' in edit) changed.fill(0, edit.length);
    else edit.data.copy(changed, edit.at);
  }
  return changed.subarray(0, lengths.at(-1));
}

function rename(disk: Disk, name: string, inode: Inode | undefined): void {
  disk.pending.push({ name, inode });
  applyName(disk.live, { name, inode });
}

function applyName(names: Map<string, Inode>, { name, inode }: Naming): void {
  if (inode) names.set(name, inode);
  else names.delete(name);
}

function syncNames(disk: Disk): void {
  for (const naming of disk.pending) applyName(disk.durable, naming);
  disk.synced += disk.pending.length;
  disk.pending = [];
}

function replay(disk: Disk, { operation, name, at, data }: LogRecord): void {
  const inode = disk.live.get(name);
  if (operation === 'C') rename(disk, name, { durable: Buffer.alloc(0), pending: [] });
  else if (operation === 'U') rename(disk, name, undefined);
  else if (operation === 'R') {
    rename(disk, data.toString(), inode);
    rename(disk, name, undefined);
  } else if (operation === 'W') inode?.pending.push({ at, data });
  else if (operation === 'T') inode?.pending.push({ length: at });
  else if (operation !== 'S') throw new Error(`the recorder wrote an unknown operation ${operation}`);
  else if (name === '') syncNames(disk);
  else if (inode) {
    inode.durable = withEdits(inode.durable, inode.pending);
    disk.synced += inode.pending.length;
    inode.pending = [];
  }
}

/** How many of `count` changes are kept: often none or all, as these are the two ends. */
function prefixOf(count: number, random: Random): number {
  const kind = random();
  if (kind < 0.4) return 0;
  return kind < 0.5 ? count : Math.floor(random() * (count + 1));
}

/** Some of the sectors of a write that was under way. */
function torn(content: Buffer, edit: Edit | undefined, random: Random): Buffer {
  if (!edit || 'length' in edit || random() < 0.5) return content;
  const sectors = Math.floor(random() * (edit.data.length / sectorBytes));
  const firstEnd = sectorBytes - (edit.at % sectorBytes);
  const end = sectors === 0 ? 0 : firstEnd + (sectors - 1) * sectorBytes;
  return withEdits(content, [{ at: edit.at, data: edit.data.subarray(0, end) }]);
}

function filesIn(dir: string): Map<string, Buffer> {
  if (!existsSync(dir)) return new Map();
  const files = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ name }) => [name, readFileSync(join(dir, name))]));
}

function replayed(base: ReadonlyMap<string, Buffer>, records: readonly LogRecord[]): Disk {
  const inodes = [...base].map(([name, durable]) => [name, { durable, pending: [] as Edit[] }] as const);
  const disk: Disk = { durable: new Map(inodes), live: new Map(inodes), pending: [], synced: 0 };
  for (const record of records) replay(disk, record);
  return disk;
}

/** True if everything that was recorded, and nothing else, is what the files hold now. */
function isAsOnDisk(disk: Disk, found: ReadonlyMap<string, Buffer>): boolean {
  if (disk.live.size !== found.size) return false;
  return [...disk.live].every(([name, { durable, pending }]) => {
    const content = found.get(name);
    return content !== undefined && withEdits(durable, pending).equals(content);
  });
}

/** @throws if the recorder has not seen everything: then a cut would prove nothing */
function trusted(base: ReadonlyMap<string, Buffer>, log: Buffer, dir: string): Disk {
  const records = [...recordsOf(log)];
  const found = filesIn(dir);
  const disk = replayed(base, records);
  // A change is recorded before it is made: the last one may be missing.
  if (isAsOnDisk(disk, found) || isAsOnDisk(replayed(base, records.slice(0, -1)), found)) return disk;
  throw new Error(`the recorder has not seen everything that happened in ${dir}`);
}

/**
 * Records what happens in a directory from now on. The recorder is compiled with the machine's C compiler.
 * @param scratch a directory for the recorder's own files
 */
export function recordDisk(dir: string, scratch: string): PowerLoss {
  mkdirSync(scratch, { recursive: true });
  const [recorder, log] = [join(scratch, 'disk-recorder.so'), join(scratch, 'records')];
  const source = resolve(import.meta.dirname, 'disk-recorder.c');
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', recorder, source, '-ldl', '-lpthread']);
  let base: ReadonlyMap<string, Buffer> = filesIn(dir);
  return {
    env: { LD_PRELOAD: recorder, DISK_RECORDER_DIR: dir, DISK_RECORDER_LOG: log },
    cut(random) {
      const disk = trusted(base, existsSync(log) ? readFileSync(log) : Buffer.alloc(0), dir);
      let [unsynced, kept] = [disk.pending.length, prefixOf(disk.pending.length, random)];
      for (const naming of disk.pending.slice(0, kept)) applyName(disk.durable, naming);
      const left = new Map<string, Buffer>();
      for (const [name, { durable, pending }] of disk.durable) {
        const count = prefixOf(pending.length, random);
        const content = withEdits(durable, pending.slice(0, count));
        left.set(name, torn(content, pending[count], random));
        [unsynced, kept] = [unsynced + pending.length, kept + count];
      }
      for (const name of disk.live.keys()) rmSync(join(dir, name), { force: true });
      for (const [name, content] of left) writeFileSync(join(dir, name), content, { mode: 0o600 });
      rmSync(log, { force: true });
      base = left;
      return { synced: disk.synced, unsynced, kept };
    },
  };
}
