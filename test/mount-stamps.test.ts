// A lost journal is told from a first start, and nothing is made equal until an operator says what is true (semantics D1).
import t, { type Test } from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Route } from '../src/core/route.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import type { Journal } from '../src/journal/journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { createMountStamps, judgeStamp } from '../src/server/mount-stamps.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { createLogger } from '../src/telemetry/logger.ts';

const both: Route = {
  app: 'a',
  reads: 'source',
  writes: 'both',
  ack: 'primary',
  ackFallback: 'degrade',
  failover: 'none',
  mounts: [{ source: '/old', target: '/lake' }],
};

const closed = new WeakSet<Journal>();

async function close(journal: Journal): Promise<void> {
  if (closed.has(journal)) return;
  closed.add(journal);
  await journal.close();
}

async function openJournal(t: Test, file = `${t.testdir({})}/journal.db`): Promise<Journal> {
  const journal = await openSqliteJournal({ file, zombieMs: 0 });
  t.teardown(() => close(journal));
  return journal;
}

function stampsOf(journal: Journal, target: Store) {
  return createMountStamps({
    target,
    journal,
    now: () => 1000,
    logger: createLogger({ destination: { write: () => undefined } }),
    onChange: () => undefined,
  });
}

t.test('what a stamp means', async (t) => {
  const own = { id: 'j', lastEpoch: 4 };
  const stamp = (journal: string, epoch: number) => ({ journal, epoch, reads: {} });
  t.equal(judgeStamp(undefined, own), 'ours', 'a first start, or a mount that is new');
  t.equal(judgeStamp(stamp('j', 4), own), 'ours');
  t.equal(judgeStamp(stamp('j', 2), own), 'ours', 'the target was away meanwhile');
  t.equal(judgeStamp(stamp('j', 5), own), 'lost', 'an old copy of the journal was put back');
  t.equal(judgeStamp(stamp('k', 1), own), 'lost');
});

t.test('a first start stamps; the same journal goes on; another one is held until it is told', async (t) => {
  const target = createMemoryStore({ name: 'target' });
  const file = `${t.testdir({})}/first.db`;
  const first = await openJournal(t, file);
  const stamps = stampsOf(first, target);
  t.match(stamps.heldBecause('/lake/x'), /not known yet/, 'nothing is written before the first look');
  await stamps.claim([both]);
  t.equal(stamps.heldBecause('/lake/x'), undefined);
  await close(first);

  const again = await openJournal(t, file);
  const sameStamps = stampsOf(again, target);
  await sameStamps.claim([both]);
  t.equal(sameStamps.heldBecause('/lake/x'), undefined);

  const other = await openJournal(t);
  // What a first start writes down before it looks.
  const row = {
    path: '/lake',
    subtree: true,
    truth: 'source',
    generation: 0,
    reason: '',
    sinceMs: 0,
  } as const;
  await other.apply([{ do: 'put', divergence: row }]);
  const held = stampsOf(other, target);
  await held.claim([both]);
  t.match(held.heldBecause('/lake/x'), /recover/);
  t.equal(held.heldBecause('/elsewhere'), undefined);
  t.equal(other.gauges().divergentPaths, 0, 'reads follow the routes meanwhile');
  await held.retry();
  t.match(held.heldBecause('/lake/x'), /recover/);

  t.same(await held.recover('target', '/elsewhere'), []);
  t.same(await held.recover('target'), ['/lake']);
  t.equal(held.heldBecause('/lake/x'), undefined);
  t.match((await other.divergences({ limit: 2 })).items, [
    { path: '/lake', subtree: true, truth: 'target', keepExtras: true, keepReplaced: true },
  ]);
  t.same(await held.recover('source'), [], 'it is said once');

  const former = stampsOf(await reopened(t, again, file), target);
  await former.claim([both]);
  t.match(former.heldBecause('/lake/x'), /recover/, 'the mount belongs to the other journal now');
});

async function reopened(t: Test, journal: Journal, file: string): Promise<Journal> {
  await close(journal);
  return openJournal(t, file);
}

t.test('a target that does not answer is neither', async (t) => {
  const target = createMemoryStore({ name: 'target' });
  let isAway = true;
  const away = async (): Promise<never> => {
    throw new StoreError('unavailable', 'away');
  };
  const store: Store = {
    ...target,
    query: (query, ctx) => (isAway ? away() : target.query(query, ctx)),
    mutate: (mutation, ctx) => (isAway ? away() : target.mutate(mutation, ctx)),
  };
  const file = `${t.testdir({})}/journal.db`;
  const journal = await openJournal(t, file);
  const stamps = stampsOf(journal, store);
  await stamps.claim([both]);
  t.match(stamps.heldBecause('/lake/x'), /has not said/, 'a first start waits for it');
  isAway = false;
  await stamps.retry();
  t.equal(stamps.heldBecause('/lake/x'), undefined);

  isAway = true;
  const later = stampsOf(await reopened(t, journal, file), store);
  await later.claim([both]);
  t.equal(later.heldBecause('/lake/x'), undefined, 'it has been ours, and its writes become divergences');
});

t.test('one-sided mounts have no stamp', async (t) => {
  const target = createMemoryStore({ name: 'target' });
  const stamps = stampsOf(await openJournal(t), target);
  await stamps.claim([{ ...both, reads: 'source', writes: 'source' }]);
  const query = { verb: 'list', path: '/', recursive: true, limit: 10 } as const;
  t.same((await target.query(query, ownCtx('test'))).entries, []);
});
