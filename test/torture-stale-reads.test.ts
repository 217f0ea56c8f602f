// The torture's own judgement of reads, on histories written by hand.
import t from 'tap';
import type { Action, Operation, Result } from './torture/history.ts';
import { staleReads } from './torture/stale-reads.ts';

let clock = 0;
const op = (action: Action, result: Result, fromMs = ++clock, toMs = ++clock): Operation => ({
  client: 'a',
  action,
  invokedMs: fromMs,
  returnedMs: result.is === 'unknown' ? Number.POSITIVE_INFINITY : toMs,
  result,
});
const create = (id: number, result: Result = { is: 'done' }, path = 'd/e'): Operation =>
  op({ do: 'create', path, overwrite: true, token: { id, lengthBytes: 20 } }, result);
const read = (tokens: number[] | undefined): Operation =>
  op(
    { do: 'read', path: 'd/e' },
    { is: 'done', seen: tokens ? { type: 'file', lengthBytes: 20, tokens } : { type: 'absent' } },
  );
const unknown: Result = { is: 'unknown' };

t.test('the last write shows, or what has no answer', async (t) => {
  const judge = (...operations: Operation[]) => {
    const { stale, judged } = staleReads(operations);
    return [stale.length, judged];
  };
  t.same(judge(create(1), read([1])), [0, 1]);
  t.same(judge(create(1), create(2), read([1])), [1, 1], 'stale');
  t.same(judge(create(1), read(undefined)), [1, 1], 'lost');
  t.same(judge(create(1), create(2, unknown), read([2])), [0, 1], 'it may have landed');
  t.same(judge(create(1), create(2, unknown), create(3), read([2])), [0, 1], 'it may land late');
  t.same(
    judge(create(1), create(2, { is: 'refused', kind: 'temporary' }), read([2])),
    [1, 1],
    'it was refused',
  );
  const move = () =>
    op({ do: 'rename', path: 'd', destination: 'g', replace: 'any', intoDirectory: false }, { is: 'done' });
  t.same(judge(create(1), move(), read(undefined)), [0, 0], 'its folder was moved: not judged');
  t.same(judge(create(1, { is: 'done' }, 'a'), create(2), read([2])), [0, 1], 'another path does not count');
});
