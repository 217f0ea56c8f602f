// Which table is in force: sides are added with their divergence first, and removed only when nothing needs them.
import t, { type Test } from 'tap';
import { parseRoutes } from '../src/config/routes.ts';
import type { Mount } from '../src/core/mount.ts';
import type { Route } from '../src/core/route.ts';
import type { Journal } from '../src/journal/journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { createTableInForce, type TableOptions, tableRow, transition } from '../src/server/table-in-force.ts';

const lake: Mount = { source: '/lake', target: '/lake' };
const other: Mount = { source: '/other', target: '/other' };

function route(app: string, reads: Route['reads'], writes: Route['writes'], mounts = [lake]): Route {
  return { app, reads, writes, ack: 'primary', ackFallback: 'degrade', failover: 'none', mounts };
}

const settled = (): boolean => false;
const unsettled = (): boolean => true;

t.test('transition: a mount that becomes two-sided names the side that has everything', async (t) => {
  const toBoth = [route('a', 'source', 'both')];
  const addedTo = (before: Route[]) => transition(before, toBoth, settled).added;
  t.same(addedTo([]), [{ mount: lake, truth: 'source' }], 'first start');
  t.same(addedTo([route('a', 'source', 'source')]), [{ mount: lake, truth: 'source' }]);
  t.same(addedTo([route('a', 'target', 'target')]), [{ mount: lake, truth: 'target' }]);
  t.same(addedTo([route('a', 'target', 'both')]), [], 'it was two-sided before');
  t.same(addedTo([route('b', 'source', 'both')]), [], 'another app had made it two-sided');
});

t.test('transition: two apps that write one side each make a mount two-sided', async (t) => {
  const next = [route('a', 'source', 'source'), route('b', 'target', 'target')];
  t.same(transition([route('a', 'source', 'source')], next, settled).added, [
    { mount: lake, truth: 'source' },
  ]);
});

t.test('transition: a flip of the reads never waits', async (t) => {
  const { routes, held, added } = transition(
    [route('a', 'source', 'both')],
    [route('a', 'target', 'both')],
    unsettled,
  );
  t.equal(routes.get('a')?.reads, 'target');
  t.equal(held.size + added.length, 0);
});

t.test('transition: what an app may do is tightened at once, whatever has to wait', async (t) => {
  const access = { readOnly: true };
  const free = route('a', 'target', 'both');
  const bound = { ...free, access };
  const oneSided = route('a', 'target', 'target');
  const after = (before: Route, next: Route[]) => transition([before], next, unsettled).routes.get('a');
  t.strictSame(after(free, [{ ...oneSided, access }]), bound);
  t.strictSame(after(bound, [oneSided]), free, 'and loosened');
  t.strictSame(after(bound, []), bound, 'an app that goes gains nothing by that');
});

t.test('transition: a side goes only when nothing needs it', async (t) => {
  const before = [route('a', 'target', 'both')];
  const after = [route('a', 'target', 'target')];
  t.equal(transition(before, after, settled).routes.get('a')?.writes, 'target');
  const waiting = transition(before, after, unsettled);
  t.equal(waiting.routes.get('a')?.writes, 'both');
  t.match(waiting.held.get('a'), /\/lake/);
});

t.test('transition: an app, or a mount of it, does not go with rows that need it', async (t) => {
  const before = [route('a', 'source', 'both', [lake, other])];
  const isOther = (path: string): boolean => path === '/other';
  t.same([...transition(before, [], isOther).routes.keys()], ['a'], 'the whole app');
  t.equal(transition(before, [], settled).routes.size, 0);
  const without = [route('a', 'source', 'both', [lake])];
  t.same(transition(before, without, isOther).routes.get('a')?.mounts, [lake, other], 'one mount');
  t.same(transition(before, without, settled).routes.get('a')?.mounts, [lake]);
  const keeps = [route('a', 'source', 'both', [other])];
  t.same(transition(before, keeps, isOther).routes.get('a')?.mounts, [other], 'the other mount is settled');
});

function tableText(reads: string, writes: string, mount = '/lake'): string {
  return [
    'mounts:',
    `  - { source: ${mount}, target: ${mount} }`,
    'apps:',
    '  a:',
    `    reads: ${reads}`,
    `    writes: ${writes}`,
  ].join('\n');
}

const parse = (text: string) => parseRoutes(text, { file: 'routes.yaml' });

async function openJournal(t: Test, file = `${t.testdir({})}/journal.db`): Promise<Journal> {
  const journal = await openSqliteJournal({ file, zombieMs: 0 });
  t.teardown(() => journal.close());
  return journal;
}

function tableOver(journal: Journal, more: Partial<TableOptions> = {}) {
  const woken: string[] = [];
  const table = createTableInForce({
    journal,
    former: undefined,
    isEmpty: async () => false,
    now: () => 1_700_000_000_000,
    zombieMs: 500,
    claim: async () => undefined,
    mutationsEnded: async () => undefined,
    onDivergence: (path) => woken.push(path),
    ...more,
  });
  const propose = (text: string) => table.propose(parse(text), text);
  return { table, woken, propose };
}

t.test('a first start makes the root of a two-sided mount diverge, and keeps what is extra', async (t) => {
  const journal = await openJournal(t);
  const { table, woken, propose } = tableOver(journal);
  t.equal(table.current().match({}), undefined, 'nothing is in force yet');
  await propose(tableText('source', 'both'));
  t.equal(table.current().match({})?.app, 'a');
  t.match((await journal.divergences({ limit: 10 })).items, [
    { path: '/lake', subtree: true, truth: 'source', keepExtras: true },
  ]);
  t.same(woken, ['/lake']);
  t.equal(await journal.meta(tableRow), tableText('source', 'both'));
});

t.test('a first start on an empty source has nothing to forget', async (t) => {
  const journal = await openJournal(t);
  const asked: unknown[] = [];
  const isEmpty = async (mount: Mount, truth: string) => {
    asked.push([mount.target, truth]);
    return true;
  };
  const { propose } = tableOver(journal, { isEmpty });
  await propose(tableText('source', 'both'));
  t.same(asked, [['/lake', 'source']]);
  t.equal((await journal.divergences({ limit: 10 })).total, 0);
});

t.test('the divergence of an added side is durable before the table is in force', async (t) => {
  const journal = await openJournal(t);
  const seen: unknown[] = [];
  const watched: Journal = {
    ...journal,
    apply: async (changes) => {
      seen.push([table.current().match({})?.writes, changes.map((change) => change.do)]);
      await journal.apply(changes);
    },
  };
  const former = parse(tableText('source', 'source'));
  const never = new Promise<void>(() => undefined);
  const { table, propose } = tableOver(watched, { former, mutationsEnded: () => never });
  await propose(tableText('source', 'both'));
  t.same(seen, [['source', ['put', 'meta']]]);
  t.equal(table.current().match({})?.writes, 'both');
});

t.test('no proof counts before the last mutation of the old table has ended', async (t) => {
  const journal = await openJournal(t);
  const ended = Promise.withResolvers<void>();
  const former = parse(tableText('source', 'source'));
  const released = Promise.withResolvers<void>();
  const { propose } = tableOver(journal, {
    former,
    mutationsEnded: () => ended.promise,
    onDivergence: () => {
      if (isReleased) released.resolve();
    },
  });
  let isReleased = false;
  await propose(tableText('source', 'both'));
  const [row] = (await journal.divergences({ limit: 1 })).items;
  t.equal(row?.tailUntilMs, Number.MAX_SAFE_INTEGER, 'one of them is still under way');
  isReleased = true;
  ended.resolve();
  await released.promise;
  const [later] = (await journal.divergences({ limit: 1 })).items;
  t.equal(later?.tailUntilMs, 1_700_000_000_500, 'and then as long as its request may still land');
  t.ok(later?.keepExtras);
});

t.test('a journal that cannot be written keeps the old table; the new one is tried again', async (t) => {
  const journal = await openJournal(t);
  let full = true;
  const apply: Journal['apply'] = async (changes) => {
    if (full) throw new Error('the disk is full');
    await journal.apply(changes);
  };
  const { table, propose } = tableOver(
    { ...journal, apply },
    { former: parse(tableText('source', 'source')) },
  );
  await t.rejects(propose(tableText('source', 'both')), { message: 'the disk is full' });
  t.equal(table.current().match({})?.writes, 'source');
  t.match(table.status(), [{ app: 'a', reason: /the disk is full/ }]);
  full = false;
  await table.retry();
  t.equal(table.current().match({})?.writes, 'both');
  t.notOk(table.status()[0]?.reason);
});

/** Each leaves something at /lake/f that still needs both sides, and takes it away again. */
const needs: Record<string, (journal: Journal) => Promise<() => Promise<void>>> = {
  async 'a divergence'(journal) {
    const row = {
      path: '/lake/f',
      subtree: false,
      truth: 'source',
      generation: 7,
      reason: '',
      sinceMs: 1,
    } as const;
    await journal.apply([{ do: 'put', divergence: row }]);
    return () => journal.apply([{ do: 'clear', path: '/lake/f', generation: 7 }]);
  },
  async 'an open intent'(journal) {
    const reaches = [{ path: '/lake/f', subtree: false }];
    const asked = { app: 'a', verb: 'create', reaches, staged: false } as const;
    const intent = await journal.open({ ...asked, reaches, primary: 'source', secondary: 'target' });
    return () => journal.settle(intent, []);
  },
  async 'an upload that is not flushed'(journal) {
    const upload = { path: '/lake/f', generation: 0, unflushed: true, app: 'a', touchedMs: 1 };
    await journal.apply([{ do: 'put-upload', upload: { ...upload, sides: ['source', 'target'] } }]);
    return () => journal.apply([{ do: 'end-upload', path: '/lake/f' }]);
  },
};

for (const [what, leave] of Object.entries(needs)) {
  t.test(`a side is not removed while ${what} needs it`, async (t) => {
    const journal = await openJournal(t);
    const before = tableText('target', 'both');
    const { table, propose } = tableOver(journal, { former: parse(before) });
    const settle = await leave(journal);
    const after = tableText('target', 'target');
    await propose(after);
    t.equal(table.current().match({})?.writes, 'both');
    t.match(table.status(), [
      { desired: { writes: 'target' }, effective: { writes: 'both' }, reason: /\/lake/ },
    ]);
    t.not(
      await journal.meta(tableRow),
      after,
      'what is not in force is not what the next process starts with',
    );
    await table.retry();
    t.equal(table.current().match({})?.writes, 'both', 'still');
    await settle();
    await table.retry();
    t.equal(table.current().match({})?.writes, 'target');
    t.equal(await journal.meta(tableRow), after);
    t.notOk(table.status()[0]?.reason);
  });
}

t.test('an app that is taken out of the file keeps its mounts until they are settled', async (t) => {
  const journal = await openJournal(t);
  const { table, propose } = tableOver(journal, { former: parse(tableText('source', 'both')) });
  const settle = await needs['a divergence']!(journal);
  await propose(tableText('source', 'both', '/elsewhere').replace('  a:', '  b:'));
  t.same(
    table
      .mounts()
      .map((mount) => mount.target)
      .sort(),
    ['/elsewhere', '/lake'],
    'repair finds both',
  );
  t.equal(table.current().match({})?.app, 'b', 'nobody is routed to it any more');
  await settle();
  await table.retry();
  t.same(
    table.mounts().map((mount) => mount.target),
    ['/elsewhere'],
  );
});

t.test('a new process starts with the table of the old one', async (t) => {
  const file = `${t.testdir({})}/journal.db`;
  const first = await openSqliteJournal({ file, zombieMs: 0 });
  await tableOver(first, { isEmpty: async () => true }).propose(tableText('source', 'both'));
  await first.close();
  const journal = await openJournal(t, file);
  const former = parse((await journal.meta(tableRow))!);
  const { table, propose } = tableOver(journal, { former });
  t.equal(table.current().match({})?.writes, 'both', 'before any file is read');
  await propose(tableText('target', 'both'));
  t.equal(table.current().match({})?.reads, 'target');
  t.equal((await journal.divergences({ limit: 10 })).total, 0, 'nothing was added');
});

t.test('proposals come into force in their order', async (t) => {
  const { table, propose } = tableOver(await openJournal(t), { isEmpty: async () => true });
  await Promise.all(
    ['source', 'target', 'source', 'target'].map((reads) => propose(tableText(reads, 'both'))),
  );
  t.equal(table.current().match({})?.reads, 'target');
});
