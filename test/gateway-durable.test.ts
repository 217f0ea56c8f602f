// What has to be on disk before anything leaves, and before anybody is told.
import t from 'tap';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import type { Journal } from '../src/journal/journal.ts';
import { clientCtx, look, put } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';

/** A journal that is slow to be durable: what waits for it goes on when it is told. */
function slowJournal() {
  const asked: (() => void)[] = [];
  let onAsked: () => void = () => undefined;
  let isSlow = false;
  const later = async <T>(work: Promise<T>): Promise<T> => {
    if (!isSlow) return work;
    const told = new Promise<void>((resolve) => asked.push(resolve));
    onAsked();
    await told;
    return work;
  };
  return {
    wrap: (journal: Journal): Journal => ({
      ...journal,
      open: (intent) => later(journal.open(intent)),
      settle: (intent, changes) => later(journal.settle(intent, changes)),
    }),
    slow: () => {
      isSlow = true;
    },
    /** Resolves when something waits; a way to let it go on. */
    async next(): Promise<() => void> {
      while (asked.length === 0)
        await new Promise<void>((resolve) => {
          onAsked = resolve;
        });
      return asked.shift()!;
    },
  };
}

/** Whatever could happen without the journal has happened. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};

t.test('nothing leaves before the intent is durable', async (t) => {
  const sent: string[] = [];
  const watch = (store: Store): Store => ({
    ...store,
    mutate(mutation, ctx) {
      sent.push(mutation.verb);
      return store.mutate(mutation, ctx);
    },
  });
  const slow = slowJournal();
  const rig = await createRig(t, { wrap: (_, store) => watch(store), wrapJournal: slow.wrap });
  await put(rig.gateway, '/lake/first', 'makes the folder');
  await rig.settled();
  sent.length = 0;
  slow.slow();
  const written = put(rig.gateway, '/lake/x', 'content');
  const opened = await slow.next();
  await turns();
  t.same(sent, [], 'neither store has heard of it');
  opened();
  await written;
  t.same(sent, ['create', 'create']);
  (await slow.next())();
});

t.test('what only the other side took is durable before the client hears of it', async (t) => {
  const gone = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (mutation.verb !== 'create' || mutation.path !== '/lake/x') return store.mutate(mutation, ctx);
      throw new StoreError('timeout', 'no answer', { applied: 'unknown' });
    },
  });
  const slow = slowJournal();
  const rig = await createRig(t, {
    route: { failover: 'full' },
    wrap: (side, store) => (side === 'source' ? gone(store) : store),
    wrapJournal: slow.wrap,
  });
  await put(rig.gateway, '/lake/first', 'makes the folder');
  await rig.settled();
  slow.slow();
  let isAnswered = false;
  const written = put(rig.gateway, '/lake/x', 'content').then((ctx) => {
    isAnswered = true;
    return ctx;
  });
  (await slow.next())();
  const settled = await slow.next();
  await turns();
  t.notOk(isAnswered, 'the truth of the path is being written down');
  settled();
  t.same((await written).trail.acked, ['target']);
});

t.test('an ETag is not judged by a side that did not give it', async (t) => {
  let isAway = false;
  const away = (store: Store): Store => ({
    ...store,
    async mutate(mutation, ctx) {
      if (!isAway || mutation.verb !== 'delete') return store.mutate(mutation, ctx);
      throw new StoreError('unavailable', 'away');
    },
  });
  const rig = await createRig(t, {
    route: { failover: 'full' },
    wrap: (side, store) => (side === 'source' ? away(store) : store),
  });
  await put(rig.gateway, '/lake/x', 'content');
  const { entry } = await rig.stores.source.query({ verb: 'stat', path: '/lake/x' }, clientCtx());
  await rig.settled();
  isAway = true;
  const conditional = (ifMatch: string) =>
    rig.gateway.mutate(
      { verb: 'delete', path: '/lake/x', recursive: false, condition: { ifMatch } },
      clientCtx(),
    );
  const kind = await conditional(entry.etag!).catch((error: StoreError) => error.kind);
  t.equal(kind, 'unavailable', 'and not "condition-failed"');
  await conditional('*');
  t.equal(await look(rig.gateway, '/lake/x'), '(not-found)', 'the other side takes what it can judge');
});
