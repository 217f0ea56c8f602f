// The locks: fair, bounded, cancellable, without deadlock.
import fc from 'fast-check';
import t from 'tap';
import { isWithin } from '../src/core/path.ts';
import { createLocks, type LockMode } from '../src/journal/locks.ts';
import { refusal } from './gateway/actions.ts';

const seed = Number(process.env.TWINLAKE_TEST_SEED ?? Date.now() % 1_000_000);
t.comment(`seed ${seed} (TWINLAKE_TEST_SEED repeats it)`);

t.test('never two that exclude each other, everybody gets a turn', async () => {
  const paths = fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/d', '/a/e');
  const modes = fc.constantFrom<LockMode>('shared', 'node', 'exclusive');
  const requests = fc.array(
    fc.array(fc.record({ path: paths, mode: modes }), { minLength: 1, maxLength: 2 }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(requests, async (wanted) => {
      const locks = createLocks({ waitMs: 60_000, maxWaiters: 100 });
      const held = new Set<(typeof wanted)[number]>();
      const clash = (one: (typeof wanted)[number], other: (typeof wanted)[number]): boolean =>
        one.some((a) =>
          other.some((b) => {
            if (a.path === b.path) return !(a.mode === 'shared' && b.mode === 'shared');
            return (
              (a.mode === 'exclusive' && isWithin(b.path, a.path)) ||
              (b.mode === 'exclusive' && isWithin(a.path, b.path))
            );
          }),
        );
      let good = true;
      await Promise.all(
        wanted.map(async (request, i) => {
          const lock = await locks.acquire(request, new AbortController().signal);
          for (const other of held) good &&= !clash(request, other);
          held.add(request);
          for (let turn = 0; turn < i % 3; turn++) await Promise.resolve();
          held.delete(request);
          lock.release();
        }),
      );
      return good && locks.waiters() === 0;
    }),
    { seed, numRuns: 200 },
  );
});

t.test('who holds a path hears once that somebody waits for it', async (t) => {
  const locks = createLocks({ waitMs: 60_000, maxWaiters: 10 });
  const { signal } = new AbortController();
  const acquire = (path: string, onWanted?: () => void) =>
    locks.acquire([{ path, mode: 'exclusive' }], signal, 60_000, onWanted);
  const heard: string[] = [];
  const first = await acquire('/d/x', () => heard.push('first'));
  (await acquire('/d/y')).release();
  t.strictSame(heard, [], 'what does not meet it is not its affair');
  const second = acquire('/d', () => heard.push('second'));
  const third = acquire('/d/x');
  t.strictSame(heard, ['first']);
  first.release();
  const held = await second;
  t.strictSame(heard, ['first', 'second'], 'a third one stood behind it already');
  held.release();
  (await third).release();
  const last = await acquire('/d/x');
  const behind = acquire('/d/x');
  t.equal(heard.length, 2, 'nobody who has let go is asked');
  last.release();
  (await behind).release();
});

t.test('a waiting subtree lock lets newcomers below pass, gives up, and can be cancelled', async (t) => {
  const locks = createLocks({ waitMs: 20, maxWaiters: 2 });
  const { signal } = new AbortController();
  const below = await locks.acquire([{ path: '/d/x', mode: 'exclusive' }], signal);
  const whole = refusal(locks.acquire([{ path: '/d', mode: 'exclusive' }], signal));
  const newcomer = await locks.acquire([{ path: '/d/y', mode: 'exclusive' }], signal);
  t.match(await whole, { kind: 'unavailable', retryAfterMs: 1000 });
  const controller = new AbortController();
  const cancelled = refusal(locks.acquire([{ path: '/d', mode: 'exclusive' }], controller.signal, 60_000));
  controller.abort();
  t.match(await cancelled, { kind: 'aborted' });
  const waiting = [1, 2].map(() => refusal(locks.acquire([{ path: '/d/x', mode: 'exclusive' }], signal)));
  t.match(await refusal(locks.acquire([{ path: '/d/x', mode: 'exclusive' }], signal)), {
    kind: 'throttled',
  });
  await Promise.all(waiting);
  below.release();
  below.release();
  newcomer.release();
  (await locks.acquire([{ path: '/', mode: 'exclusive' }], signal)).release();
  t.equal(locks.waiters(), 0);
});
