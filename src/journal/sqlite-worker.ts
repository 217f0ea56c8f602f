// The thread that owns the SQLite file: an fsync never stops the event loop. It knows rows, not their meaning.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Change, Divergence, Intent, Upload } from './journal.ts';

/** What the journal sends: everything asked since the last commit, in order. */
export type Statement = Change | { do: 'open'; intent: Intent } | { do: 'close'; id: number };

/** One batch is one commit. */
export interface Batch {
  batch: number;
  statements: Statement[];
}

/** What the file held at start; its divergences come before, in parts. */
export interface Start {
  meta: Record<string, string>;
  intents: Intent[];
  uploads: Upload[];
  lastId: number;
  /** Bytes of the file in use. */
  bytes: number;
}

/** What the thread says: at first what the file held, then an answer to each batch. */
export type Answer =
  | { divergences: Divergence[] }
  | { start: Start }
  | { batch: number; seconds: number; bytes: number }
  | { batch: number; error: string };

/** Rows in one message at start. */
const rowsAMessage = 5000;
/** Pages that may lie idle in the file, and how many are given back in one commit. */
const idlePages = 1024;
const vacuumPages = 256;

const schema = `
  create table if not exists meta (key text primary key, value text not null) without rowid;
  create table if not exists intents (id integer primary key autoincrement, body text not null);
  create table if not exists divergences (path text primary key, generation integer not null, body text not null) without rowid;
  create table if not exists uploads (path text primary key, body text not null) without rowid;
`;

function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 1000 });
  // One writer per state directory: a second gateway on it fails here instead of sharing a journal it does not know. This comes first:
  // then there is no file of shared memory, which would have to be made.
  db.exec('pragma locking_mode = exclusive');
  // Pages of closed intents are given back, a few in each commit. Nothing is written to a file that is there: its disk may be full.
  if (pragmaOf(db, 'page_count') === 0) db.exec('pragma auto_vacuum = incremental');
  db.exec('pragma journal_mode = wal; pragma synchronous = full');
  db.exec('pragma journal_size_limit = 16777216');
  const check = db.prepare('pragma quick_check(1)').get() as { quick_check: string };
  if (check.quick_check !== 'ok') throw new Error(`the journal file is damaged: ${check.quick_check}`);
  db.exec(schema);
  return db;
}

function prepareStatements(db: DatabaseSync) {
  // The root's own row is not below it.
  const below = "path > ? || '/' and path < ? || '0'";
  return {
    open: db.prepare('insert into intents (id, body) values (?, ?)'),
    close: db.prepare('delete from intents where id = ?'),
    put: db.prepare('insert or replace into divergences (path, generation, body) values (?, ?, ?)'),
    clear: db.prepare('delete from divergences where path = ? and generation = ?'),
    clearDivergencesBelow: db.prepare(`delete from divergences where ${below}`),
    clearUploadsBelow: db.prepare(`delete from uploads where ${below}`),
    moveDivergences: db.prepare(
      `update or replace divergences
         set path = ? || substr(path, ?),
             body = json_remove(body, '$.absent', '$.frozen', '$.pinned', '$.grownSince')
       where path = ? or (${below})`,
    ),
    moveUploads: db.prepare(
      `update or replace uploads set path = ? || substr(path, ?) where path = ? or (${below})`,
    ),
    putUpload: db.prepare('insert or replace into uploads (path, body) values (?, ?)'),
    endUpload: db.prepare('delete from uploads where path = ?'),
    meta: db.prepare('insert or replace into meta (key, value) values (?, ?)'),
    dropMeta: db.prepare('delete from meta where key = ?'),
  };
}

type Prepared = ReturnType<typeof prepareStatements>;

function execute(sql: Prepared, statement: Statement): void {
  switch (statement.do) {
    case 'open':
      sql.open.run(statement.intent.id, JSON.stringify(statement.intent));
      return;
    case 'close':
      sql.close.run(statement.id);
      return;
    case 'put': {
      const { path, ...body } = statement.divergence;
      sql.put.run(path, body.generation, JSON.stringify(body));
      return;
    }
    case 'clear':
      sql.clear.run(statement.path, statement.generation);
      return;
    case 'clear-below': {
      const folder = statement.path === '/' ? '' : statement.path;
      sql.clearDivergencesBelow.run(folder, folder);
      sql.clearUploadsBelow.run(folder, folder);
      return;
    }
    case 'move': {
      const { from, to } = statement;
      // substr counts characters from 1, as SQLite does: code points, not UTF-16 units.
      const rest = [...from].length + 1;
      sql.moveDivergences.run(to, rest, from, from, from);
      sql.moveUploads.run(to, rest, from, from, from);
      return;
    }
    case 'put-upload': {
      const { path, ...body } = statement.upload;
      sql.putUpload.run(path, JSON.stringify(body));
      return;
    }
    case 'end-upload':
      sql.endUpload.run(statement.path);
      return;
    case 'meta':
      if (statement.value === '') sql.dropMeta.run(statement.key);
      else sql.meta.run(statement.key, statement.value);
  }
}

function pragmaOf(db: DatabaseSync, name: string): number {
  return Object.values(db.prepare(`pragma ${name}`).get() as Record<string, number>)[0]!;
}

function usedBytes(db: DatabaseSync): number {
  return (pragmaOf(db, 'page_count') - pragmaOf(db, 'freelist_count')) * pragmaOf(db, 'page_size');
}

type Row = Record<string, string>;

function withPath<Kept>({ path, body }: Row): Kept {
  return { ...JSON.parse(body!), path } as Kept;
}

/** All divergences, a part at a time: there may be a million. */
function sayDivergences(db: DatabaseSync, say: (answer: Answer) => void): void {
  let part: Divergence[] = [];
  for (const row of db.prepare('select path, body from divergences').iterate()) {
    part.push(withPath<Divergence>(row as Row));
    if (part.length < rowsAMessage) continue;
    say({ divergences: part });
    part = [];
  }
  say({ divergences: part });
}

function readStart(db: DatabaseSync): Start {
  const rows = (text: string): Row[] => db.prepare(text).all() as Row[];
  const last = db
    .prepare(
      `select max(coalesce((select seq from sqlite_sequence where name = 'intents'), 0),
         coalesce((select max(generation) from divergences), 0)) as id`,
    )
    .get() as { id: number };
  return {
    meta: Object.fromEntries(rows('select key, value from meta').map((row) => [row.key!, row.value!])),
    intents: rows('select body from intents order by id').map((row) => JSON.parse(row.body!) as Intent),
    uploads: rows('select path, body from uploads').map((row) => withPath<Upload>(row)),
    lastId: last.id,
    bytes: usedBytes(db),
  };
}

function commit(db: DatabaseSync, sql: Prepared, statements: Statement[]): void {
  db.exec('begin immediate');
  try {
    for (const statement of statements) execute(sql, statement);
    if (pragmaOf(db, 'freelist_count') > idlePages) db.exec(`pragma incremental_vacuum(${vacuumPages})`);
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}

const port = parentPort!;
const db = openDatabase((workerData as { file: string }).file);
const sql = prepareStatements(db);
const say = (answer: Answer): void => port.postMessage(answer);
sayDivergences(db, say);
say({ start: readStart(db) });
port.on('message', (message: Batch | 'close') => {
  if (message === 'close') {
    db.close();
    port.close();
    return;
  }
  const began = performance.now();
  try {
    commit(db, sql, message.statements);
    const seconds = (performance.now() - began) / 1000;
    say({ batch: message.batch, seconds, bytes: usedBytes(db) });
  } catch (error) {
    say({ batch: message.batch, error: error instanceof Error ? error.message : String(error) });
  }
});
