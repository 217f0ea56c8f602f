// What POSIX lacks, beside the files: attributes by inode, staged intervals, changes under way. SQLite, one process at a time.
import { type FileHandle, open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/store-error.ts';
import type { Interval } from '../tree/intervals.ts';
import type { NodeAttributes } from '../tree/tree.ts';
import { coalesced } from './coalesced.ts';

/** What is kept of one inode. */
interface NodeRow {
  attributes: NodeAttributes;
  fileId: number;
  /** Of a file when this store last wrote it: if they differ now, somebody else did, and the ETag no longer holds. */
  lengthBytes: number;
  mtimeNs: string;
}

/** A rename whose destination was set aside first because one rename(2) cannot replace it. */
interface Displaced {
  /** Where it was put; absolute. */
  aside: string;
  /** Where it stood; a path of the store. */
  path: string;
}

/** Writes are made at once, and durable after `sync`. */
export interface Sidecar {
  get(key: string): NodeRow | undefined;
  put(key: string, row: NodeRow): void;
  remove(key: string): void;
  nextFileId(): number;
  staged(): { key: string; intervals: Interval[] }[];
  putStaged(key: string, intervals: readonly Interval[]): void;
  removeStaged(key: string): void;
  /** Appends in place that have not ended: the file's length before. */
  growing(): { key: string; path: string; lengthBytes: number }[];
  putGrowing(key: string, path: string, lengthBytes: number): void;
  removeGrowing(key: string): void;
  displaced(): Displaced[];
  putDisplaced(displaced: Displaced): void;
  removeDisplaced(aside: string): void;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const schema = `
  CREATE TABLE IF NOT EXISTS node (key TEXT PRIMARY KEY, file_id INTEGER NOT NULL, length INTEGER NOT NULL,
    mtime_ns TEXT NOT NULL, attributes TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS staged (key TEXT PRIMARY KEY, intervals TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS growing (key TEXT PRIMARY KEY, path TEXT NOT NULL, length INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS displaced (aside TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Ids are taken from the file in lots of this size, so that not every new file writes the counter. */
const fileIdLot = 1_000;
/** Above all inode numbers that a file without a row shows as its id on usual disks. */
const firstFileId = 2 ** 44;

/**
 * Opens or makes the sidecar.
 * @param fsync false: `sync` does nothing, and a power cut may lose what was acked (a killed process does not)
 * @throws StoreError `unavailable` if another process has it open
 */
export async function openSidecar(file: string, fsync: boolean): Promise<Sidecar> {
  const db = openDatabase(file, fsync);
  let wal: FileHandle;
  try {
    wal = await open(`${file}-wal`, 'r+');
  } catch (error) {
    db.close();
    throw error;
  }
  const statements = {
    get: db.prepare('SELECT file_id, length, mtime_ns, attributes FROM node WHERE key = ?'),
    put: db.prepare('INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM node WHERE key = ?'),
    putStaged: db.prepare('INSERT OR REPLACE INTO staged VALUES (?, ?)'),
    removeStaged: db.prepare('DELETE FROM staged WHERE key = ?'),
    putGrowing: db.prepare('INSERT OR REPLACE INTO growing VALUES (?, ?, ?)'),
    removeGrowing: db.prepare('DELETE FROM growing WHERE key = ?'),
    putDisplaced: db.prepare('INSERT OR REPLACE INTO displaced VALUES (?, ?)'),
    removeDisplaced: db.prepare('DELETE FROM displaced WHERE aside = ?'),
    counter: db.prepare(`INSERT INTO counter VALUES ('file-id', ?) ON CONFLICT (name)
      DO UPDATE SET value = value + ${fileIdLot} RETURNING value`),
  };
  // WAL with synchronous=NORMAL writes without fsync; syncing the log ourselves makes the same promise as FULL, off the event loop.
  const sync = coalesced(() => wal.datasync());
  let fileId = 0;
  let lotEnd = 0;
  return {
    get(key) {
      const row = statements.get.get(key);
      return row && rowOf(row);
    },
    put(key, row) {
      statements.put.run(key, row.fileId, row.lengthBytes, row.mtimeNs, JSON.stringify(row.attributes));
    },
    remove: (key) => void statements.remove.run(key),
    nextFileId() {
      if (fileId === lotEnd) {
        lotEnd = Number(statements.counter.get(firstFileId + fileIdLot)?.value);
        fileId = lotEnd - fileIdLot;
      }
      fileId += 1;
      return fileId;
    },
    staged: () =>
      db
        .prepare('SELECT key, intervals FROM staged')
        .all()
        .map((row) => ({ key: String(row.key), intervals: JSON.parse(String(row.intervals)) as Interval[] })),
    putStaged: (key, intervals) => void statements.putStaged.run(key, JSON.stringify(intervals)),
    removeStaged: (key) => void statements.removeStaged.run(key),
    growing: () =>
      db
        .prepare('SELECT key, path, length FROM growing')
        .all()
        .map((row) => ({ key: String(row.key), path: String(row.path), lengthBytes: Number(row.length) })),
    putGrowing: (key, path, lengthBytes) => void statements.putGrowing.run(key, path, lengthBytes),
    removeGrowing: (key) => void statements.removeGrowing.run(key),
    displaced: () =>
      db
        .prepare('SELECT aside, path FROM displaced')
        .all()
        .map((row) => ({ aside: String(row.aside), path: String(row.path) })),
    putDisplaced: ({ aside, path }) => void statements.putDisplaced.run(aside, path),
    removeDisplaced: (aside) => void statements.removeDisplaced.run(aside),
    sync: () => (fsync ? sync() : Promise.resolve()),
    async close() {
      await wal.close();
      db.close();
    },
  };
}

function openDatabase(file: string, fsync: boolean): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    // The lock dies with the process, so a killed one never has to be cleaned up after.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;');
    db.exec(`PRAGMA synchronous = ${fsync ? 'NORMAL' : 'OFF'};`);
    db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
    return db;
  } catch (error) {
    db?.close();
    throw new StoreError('unavailable', `cannot open ${file}; another process may be using the directory`, {
      cause: error,
    });
  }
}

function rowOf(row: Record<string, unknown>): NodeRow {
  return {
    attributes: JSON.parse(String(row.attributes)) as NodeAttributes,
    fileId: Number(row.file_id),
    lengthBytes: Number(row.length),
    mtimeNs: String(row.mtime_ns),
  };
}
