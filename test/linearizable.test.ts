// The judge of histories is judged: histories that are known to be good, and many that are known to be bad.
import t from 'tap';
import type { Action, Operation, Result, Token } from './torture/history.ts';
import { judge } from './torture/linearizable.ts';

const done: Result = { is: 'done' };
const unknown: Result = { is: 'unknown' };
const token = (id: number): Token => ({ id, lengthBytes: 10 });
const file = (...tokens: number[]): Result => ({
  is: 'done',
  seen: { type: 'file', lengthBytes: 10 * tokens.length, tokens },
});
const absent: Result = { is: 'done', seen: { type: 'absent' } };
const refused = (kind: string): Result => ({ is: 'refused', kind });
const create = (id: number, path = 'a', overwrite = true): Action => ({
  do: 'create',
  path,
  overwrite,
  token: token(id),
});
const read = (path = 'a'): Action => ({ do: 'read', path });
const append = (id: number, path = 'a'): Action => ({ do: 'append', path, token: token(id) });
const remove = (path = 'a', recursive = false): Action => ({ do: 'delete', path, recursive });
const move = (path: string, destination: string): Action => ({
  do: 'rename',
  path,
  destination,
  replace: 'any',
  intoDirectory: false,
});
const stage = (position: number, id: number): Action => ({
  do: 'stage',
  path: 'a',
  position,
  token: token(id),
});
const flush = (position: number): Action => ({ do: 'flush', path: 'a', position });

let clock = 0;
/** One after the other. */
function then(action: Action, result: Result): Operation {
  const invokedMs = ++clock;
  const returnedMs = result.is === 'unknown' ? Number.POSITIVE_INFINITY : ++clock;
  return { client: 'c', action, invokedMs, returnedMs, result };
}

/** Between these moments. */
function during(invokedMs: number, returnedMs: number, action: Action, result: Result): Operation {
  return { client: 'c', action, invokedMs, returnedMs, result };
}

const good: Record<string, () => Operation[]> = {
  'a create without an answer is seen begun, and taken back': () => [
    during(1, Number.POSITIVE_INFINITY, create(1), unknown),
    during(2, 3, read(), file()),
    during(4, 5, read(), absent),
    during(6, 7, create(2), done),
    during(8, 9, read(), file(2)),
  ],
  'a create that is refused for now is seen begun, and taken back': () => [
    during(1, 6, create(1), refused('temporary')),
    during(2, 3, read(), file()),
    during(4, 5, read(), absent),
    during(7, 8, read(), absent),
  ],
  'one after the other': () => [
    then(create(1), done),
    then(read(), file(1)),
    then(append(2), done),
    then(read(), file(1, 2)),
  ],
  'a read beside a write shows either': () => [
    then(create(1), done),
    during(100, 200, create(2), done),
    during(110, 120, read(), file(1)),
    during(130, 140, read(), file(2)),
  ],
  'two writes beside each other end in either order': () => [
    during(1, 50, create(1), done),
    during(2, 40, create(2), done),
    during(60, 61, read(), file(1)),
  ],
  'an unknown write never counts': () => [
    then(create(1), done),
    then(create(2), unknown),
    then(read(), file(1)),
    then(read(), file(1)),
  ],
  'an unknown write counts late': () => [
    then(create(1), done),
    then(create(2), unknown),
    then(read(), file(1)),
    then(read(), file(2)),
  ],
  'a file that is written anew is empty for a moment': () => [
    then(create(1), done),
    during(100, 200, create(2), done),
    during(110, 120, read(), file()),
    during(130, 140, read(), file(2)),
  ],
  'a create without an answer leaves the folder that it implied': () => [
    then(create(1, 'g/e'), unknown),
    then(move('g', 'd'), done),
    then(read('d/e'), absent),
  ],
  'an exclusive create without an answer is seen empty, then whole': () => [
    then(create(1, 'a', false), unknown),
    then(read(), file()),
    then(create(2, 'a', false), unknown),
    then({ do: 'stat', path: 'a' }, { is: 'done', seen: { type: 'file', lengthBytes: 10 } }),
    then(read(), file(1)),
  ],
  'a folder moves with its files': () => [
    then(create(1, 'd/e'), done),
    then(move('d', 'g'), done),
    then(read('g/e'), file(1)),
    then(read('d/e'), absent),
  ],
  'bytes show when they are flushed': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(10, 2), done),
    then(stage(0, 1), done),
    then(read(), file()),
    then(flush(20), done),
    then(read(), file(1, 2)),
  ],
  'a store that cannot stage shows what was staged, and what comes next comes behind it': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(0, 1), done),
    then(read(), file(1)),
    then(append(2), done),
    then(read(), file(1, 2)),
  ],
  'a rename into a folder that a write without an answer made': () => [
    then(create(1), done),
    then(create(2, 'd/f'), unknown),
    then(move('a', 'd/e'), done),
    then(read('d/e'), file(1)),
    then(read('d/f'), absent),
  ],
  'the same bytes staged again': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(0, 1), unknown),
    then(stage(0, 1), done),
    then(flush(10), done),
    then(read(), file(1)),
  ],
  'a listing shows each name at a moment of its own': () => [
    during(1, 50, create(1, 'a'), done),
    during(2, 60, create(2, 'b'), done),
    during(
      3,
      70,
      { do: 'list', path: '', recursive: false },
      {
        is: 'done',
        names: { b: { type: 'file', lengthBytes: 10 } },
      },
    ),
    during(80, 90, read('a'), file(1)),
  ],
  'a refused write leaves no trace': () => [
    then(create(1), done),
    then(create(2, 'a', false), refused('exists')),
    then(read(), file(1)),
  ],
  'a folder that a refused write implied': () => [
    during(1, 50, create(1, 'd/e'), refused('temporary')),
    during(10, 20, { do: 'stat', path: 'd' }, { is: 'done', seen: { type: 'directory' } }),
    during(60, 70, { do: 'stat', path: 'd' }, absent),
  ],
};

const bad: Record<string, () => Operation[]> = {
  'a create without an answer takes away what was there before': () => [
    during(1, 2, create(1), done),
    during(3, Number.POSITIVE_INFINITY, create(2), unknown),
    during(4, 5, read(), file()),
    during(6, 7, read(), absent),
  ],
  'a create that is refused for now leaves its empty file': () => [
    during(1, 4, create(1), refused('temporary')),
    during(2, 3, read(), file()),
    during(5, 6, read(), file()),
  ],
  'a create that was done is taken back': () => [
    during(1, 8, create(1), done),
    during(2, 3, read(), file()),
    during(9, 10, read(), absent),
  ],
  'a stale read': () => [then(create(1), done), then(create(2), done), then(read(), file(1))],
  'an acknowledged write is lost': () => [then(create(1), done), then(read(), absent)],
  'an append is lost': () => [then(create(1), done), then(append(2), done), then(read(), file(1))],
  'an append is there twice': () => [
    then(create(1), done),
    then(append(2), done),
    then(read(), file(1, 2, 2)),
  ],
  'appends in another order than they were answered': () => [
    then(create(1), done),
    then(append(2), done),
    then(append(3), done),
    then(read(), file(1, 3, 2)),
  ],
  'a deleted file rises from the dead': () => [
    then(create(1), done),
    then(remove(), done),
    then(read(), file(1)),
  ],
  'a rename leaves its source': () => [
    then(create(1), done),
    then(move('a', 'b'), done),
    then(read('b'), file(1)),
    then(read('a'), file(1)),
  ],
  'a rename loses its file': () => [
    then(create(1), done),
    then(move('a', 'b'), done),
    then(read('b'), absent),
  ],
  'a folder moves without one of its files': () => [
    then(create(1, 'd/e'), done),
    then(create(2, 'd/f'), done),
    then(move('d', 'g'), done),
    then(read('g/e'), file(1)),
    then(read('g/f'), absent),
  ],
  'half a concat': () => [
    then(create(1), done),
    then(create(2, 'b'), done),
    then({ do: 'concat', path: 'a', sources: ['b'] }, done),
    then(read('a'), file(1, 2)),
    then(read('b'), file(2)),
  ],
  'flushed bytes are lost': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(0, 1), done),
    then(flush(10), done),
    then(read(), file()),
  ],
  'staged bytes show behind a gap': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(10, 1), done),
    then(read(), file(1)),
  ],
  'bytes show before they are staged': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(read(), file(1)),
    then(stage(0, 1), done),
  ],
  'staged bytes outlive a new file': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(0, 1), done),
    then(create(2), done),
    then(flush(20), done),
  ],
  'a flush of what was not staged': () => [
    then({ do: 'create', path: 'a', overwrite: true }, done),
    then(stage(0, 1), done),
    then(flush(20), done),
  ],
  'a file that is torn': () => [
    then(create(1), done),
    then(read(), { is: 'done', seen: { type: 'torn', detail: 'half of it' } }),
  ],
  'an exclusive create empties what is there': () => [
    then(create(1), done),
    then(create(2, 'a', false), unknown),
    then(read(), file()),
  ],
  'an unknown append counts twice': () => [
    then(create(1), done),
    then(append(2), unknown),
    then(read(), file(1, 2)),
    then(read(), file(1, 2, 2)),
  ],
  'two values in two orders': () => [
    during(1, 50, create(1), done),
    during(2, 60, create(2), done),
    during(3, 10, read(), file(1)),
    during(11, 20, read(), file(2)),
    during(21, 30, read(), file(1)),
  ],
  'a folder goes by itself': () => [
    then(create(1, 'd/e'), done),
    then(remove('d/e'), done),
    then({ do: 'stat', path: 'd' }, absent),
  ],
  'a rename where there is no folder': () => [then(create(1), done), then(move('a', 'd/e'), done)],
  'a deleted folder keeps a file': () => [
    then(create(1, 'd/e'), done),
    then(remove('d', true), done),
    then(read('d/e'), file(1)),
  ],
  'a value from the future': () => [then(read(), file(1)), then(create(1), done)],
  'a value that nobody wrote': () => [then(create(1), done), then(read(), file(9))],
  'an older value after a newer one': () => [
    then(create(1), done),
    during(100, 200, create(2), done),
    during(110, 120, read(), file(2)),
    during(130, 140, read(), file(1)),
  ],
  'an unknown write comes and goes': () => [
    then(create(1), done),
    then(create(2), unknown),
    then(read(), file(2)),
    then(read(), file(1)),
  ],
  'a refused write shows': () => [
    then(create(1), done),
    then(create(2), refused('temporary')),
    then(read(), file(2)),
  ],
  'not there, says a refusal': () => [then(create(1), done), then(remove(), refused('not-found'))],
  'there, says a refusal': () => [
    then(create(1), done),
    then(remove(), done),
    then(create(2, 'a', false), refused('exists')),
  ],
  'both of two exclusive creates win': () => [
    during(1, 50, create(1, 'a', false), done),
    during(2, 60, create(2, 'a', false), done),
  ],
  'a listing misses a file': () => [
    then(create(1), done),
    then({ do: 'list', path: '', recursive: false }, { is: 'done', names: {} }),
  ],
  'a listing shows an old length': () => [
    then(create(1), done),
    then(append(2), done),
    then(
      { do: 'list', path: '', recursive: false },
      { is: 'done', names: { a: { type: 'file', lengthBytes: 10 } } },
    ),
  ],
  'a mode is lost': () => [
    then(create(1), done),
    then({ do: 'set-permission', path: 'a', permission: 0o600 }, done),
    then(
      { do: 'stat', path: 'a' },
      { is: 'done', seen: { type: 'file', lengthBytes: 10, permission: 0o644 } },
    ),
  ],
};

for (const [name, make] of Object.entries(good))
  t.test(`good: ${name}`, async (t) => t.match(judge(make()), { is: 'linearizable' }));

for (const [name, make] of Object.entries(bad)) {
  t.test(`bad: ${name}`, async (t) => {
    const noise = [then(create(77, 'z'), done), then(read('z'), file(77)), then(remove('z'), unknown)];
    const verdict = judge([...noise, ...make()]);
    t.equal(verdict.is, 'violation');
    // A list of the whole cell has to do with everything.
    if (verdict.is === 'violation' && !name.startsWith('a listing'))
      t.notOk(
        verdict.history.some(({ action }) => action.path === 'z'),
        'what has nothing to do with it is left out',
      );
  });
}
