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

/** The answer to a batch, or (batch 0) what the file held at start. */
export type Answer =
  | {
      batch: 0;
      meta: Record<string, string>;
      intents: Intent[];
      divergences: Divergence[];
      uploads: Upload[];
      lastId: number;
    }
  | { batch: number; seconds: number }
  | { batch: number; error: string };

const schema = `
  create table if not exists meta (key text primary key, value text not null) without rowid;
  create table if not exists intents (id integer primary key autoincrement, body text not null);
  create table if not exists divergences (path text primary key, generation integer not null, body text not null) without rowid;
  create table if not exists uploads (path text primary key, body text not null) without rowid;
`;

function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 1000 });
  // One writer per state directory: a second gateway on it fails here instead of sharing a journal it does not know.
  db.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full');
  db.exec('pragma journal_size_limit = 16777216');
  const check = db.prepare('pragma quick_check(1)').get() as { quick_check: string };
  if (check.quick_check !== 'ok') throw new Error(`the journal file is damaged: ${check.quick_check}`);
  db.exec(schema);
  return db;
}

function prepareStatements(db: DatabaseSync) {
  const below = "path >= ? || '/' and path < ? || '0'";
  return {
    open: db.prepare('insert into intents (id, body) values (?, ?)'),
    close: db.prepare('delete from intents where id = ?'),
    put: db.prepare('insert or replace into divergences (path, generation, body) values (?, ?, ?)'),
    clear: db.prepare('delete from divergences where path = ? and generation = ?'),
    clearDivergencesBelow: db.prepare(`delete from divergences where ${below}`),
    clearUploadsBelow: db.prepare(`delete from uploads where ${below}`),
    moveDivergences: db.prepare(
      `update or replace divergences
         set path = ? || substr(path, ?), body = json_remove(body, '$.entry', '$.frozen', '$.pinned')
       where path = ? or (${below})`,
    ),
    moveUploads: db.prepare(
      `update or replace uploads set path = ? || substr(path, ?) where path = ? or (${below})`,
    ),
    putUpload: db.prepare('insert or replace into uploads (path, body) values (?, ?)'),
    endUpload: db.prepare('delete from uploads where path = ?'),
    meta: db.prepare('insert or replace into meta (key, value) values (?, ?)'),
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
      sql.meta.run(statement.key, statement.value);
  }
}

function readAll(db: DatabaseSync): Answer {
  const rows = (text: string): Record<string, string>[] => db.prepare(text).all() as Record<string, string>[];
  const withPath = <Row>(row: Record<string, string>): Row =>
    ({ ...JSON.parse(row.body!), path: row.path }) as Row;
  const last = db.prepare("select seq from sqlite_sequence where name = 'intents'").get() as
    | { seq: number }
    | undefined;
  return {
    batch: 0,
    meta: Object.fromEntries(rows('select key, value from meta').map((row) => [row.key!, row.value!])),
    intents: rows('select body from intents order by id').map((row) => JSON.parse(row.body!) as Intent),
    divergences: rows('select path, body from divergences').map((row) => withPath<Divergence>(row)),
    uploads: rows('select path, body from uploads').map((row) => withPath<Upload>(row)),
    lastId: last?.seq ?? 0,
  };
}

function commit(db: DatabaseSync, sql: Prepared, statements: Statement[]): void {
  db.exec('begin immediate');
  try {
    for (const statement of statements) execute(sql, statement);
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}

const port = parentPort!;
const db = openDatabase((workerData as { file: string }).file);
const sql = prepareStatements(db);
port.postMessage(readAll(db));
port.on('message', (message: Batch | 'close') => {
  if (message === 'close') {
    db.close();
    port.close();
    return;
  }
  const began = performance.now();
  try {
    commit(db, sql, message.statements);
    port.postMessage({ batch: message.batch, seconds: (performance.now() - began) / 1000 } satisfies Answer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    port.postMessage({ batch: message.batch, error: reason } satisfies Answer);
  }
});
