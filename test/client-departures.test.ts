// Clients that go away at every stage of a write: nothing hangs, the path is free, nothing stays open.
import { PassThrough } from 'node:stream';
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Side, Store } from '../src/core/store.ts';
import { withTimeout } from '../src/layers/timeout.ts';
import { patternBytes } from './contract/fixture.ts';
import { clientCtx, get, put } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';
import { idle, settledAndEqual, stopClock, switchablePair, until, watch } from './gateway/switchable.ts';

const lagMs = 700;

/** A body that a test feeds. */
function fedBody() {
  const stream = new PassThrough({ highWaterMark: 1 << 24 });
  return { stream, mutation: { verb: 'create', path: '/f', parents: 'all', body: { stream } } as const };
}

/** The moments in which a client may go away, and how the stores are then. */
const timeoutMs = 5000;
interface Departure {
  name: string;
  /** Sides that hang. */
  ill?: Side[];
  condition?: { ifMatch: string };
  /** Bytes that came before the client went away; `all`: the whole body. */
  sent: 'none' | 'half' | 'all';
  /** Another write has the path. */
  locked?: boolean;
  /** What the client hears before any time has passed; absent: nothing before the primary is given up. */
  answer?: 'done' | 'aborted';
}

const departures: readonly Departure[] = [
  { name: 'before anything', sent: 'none', answer: 'aborted' },
  { name: 'while it waits for the path', sent: 'none', locked: true, answer: 'aborted' },
  {
    name: 'while its condition is judged',
    sent: 'all',
    ill: ['source'],
    condition: { ifMatch: '*' },
    answer: 'aborted',
  },
  { name: 'in the body', sent: 'half', answer: 'aborted' },
  { name: 'in the body, the secondary hangs', sent: 'half', ill: ['target'], answer: 'aborted' },
  { name: 'in the body, the primary hangs', sent: 'half', ill: ['source'], answer: 'aborted' },
  { name: 'in the body, both hang', sent: 'half', ill: ['source', 'target'], answer: 'aborted' },
  { name: 'after the body, the secondary hangs', sent: 'all', ill: ['target'], answer: 'done' },
  { name: 'after the body, the primary hangs', sent: 'all', ill: ['source'] },
  { name: 'after the body, both hang', sent: 'all', ill: ['source', 'target'] },
];

/** A signal, or a connection that breaks under the body. */
const ways = ['signal', 'body'] as const;

for (const { name, ill = [], condition, sent, locked, answer } of departures) {
  for (const way of ways) {
    if (way === 'body' && sent !== 'half') continue;
    t.test(`a client goes away ${name} (${way})`, async (t) => {
      const pair = switchablePair();
      const wrap = (side: Side, store: Store) => withTimeout(pair.wrap(side, store), { timeoutMs });
      const rig = await createRig(t, { wrap, lagMs });
      const { gateway, journal, locks, lag } = rig;
      await put(gateway, '/f', 'before');
      await until(() => journal.gauges().openIntents === 0);
      const clock = stopClock();
      t.teardown(() => clock.goOn());
      for (const side of ill) pair.fall(side, 'hang');
      const holder = locked
        ? await locks.acquire([{ path: '/f', mode: 'exclusive' }], clientCtx().signal)
        : undefined;
      const client = new AbortController();
      const { stream, mutation } = fedBody();
      if (sent !== 'none') stream.write(patternBytes(100_000));
      if (sent === 'all') stream.end();
      const asked = { ...mutation, ...(condition ? { condition } : {}) } as Mutation;
      if (name === 'before anything') client.abort();
      const work = watch(gateway.mutate(asked, { ...clientCtx(), signal: client.signal }));
      if (locked) await until(() => locks.waiters() === 1);
      else if (sent === 'half') await until(() => stream.readableLength === 0);
      else if (sent === 'all' && !condition) await until(() => stream.readableEnded);
      await idle();
      if (way === 'body') stream.destroy(new Error('the connection broke'));
      else client.abort();
      await idle();
      if (answer) {
        await until(() => work.state !== 'pending');
        if (answer === 'done') t.equal(work.state, 'done');
        else t.match(work, { state: 'failed', error: { kind: 'aborted' } });
      } else {
        t.equal(work.state, 'pending', 'what was sent whole goes on');
        clock.pass(timeoutMs);
        await until(() => work.state !== 'pending');
        t.match(work, { state: 'failed', error: { kind: 'timeout', applied: 'unknown' } });
      }
      holder?.release();
      clock.pass(lagMs);
      await idle();
      clock.pass(timeoutMs);
      await until(() => journal.gauges().openIntents === 0);
      for (const side of ill) pair.heal(side);
      clock.goOn();
      await put(gateway, '/f', 'after');
      t.equal(await get(gateway, '/f'), 'after', 'the path is free');
      await settledAndEqual(t, rig);
      t.equal(lag.heldBytes, 0);
    });
  }
}
