// What a client sees after an append without an answer: the table of DESIGN.md ("After an append without an answer").
import { Readable } from 'node:stream';
import t from 'tap';
import type { Side, Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { withStaging } from '../src/layers/staging.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { get, put, stage } from './gateway/actions.ts';
import { breakable } from './gateway/breakable.ts';
import { createRig } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

const zombieMs = 120_000;

/** `taken`, or what the refusal says. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'taken';
  } catch (thrown) {
    const { kind, applied, retryAfterMs = 0 } = StoreError.from(thrown);
    return retryAfterMs > 60_000 ? `${kind} until the tail has passed` : `${kind}, applied: ${applied}`;
  }
}

const append = (store: Store, content: string) => put(store, '/lake/f', content);

interface Row {
  name: string;
  appends?: Side;
  failover: 'none' | 'full';
  silent: Side;
  heard: string;
  next: string;
}

const rows: Row[] = [
  {
    name: 'the primary stages',
    failover: 'none',
    silent: 'source',
    heard: 'timeout, applied: unknown',
    next: 'taken',
  },
  {
    name: 'the primary only appends',
    appends: 'source',
    failover: 'none',
    silent: 'source',
    heard: 'timeout, applied: unknown',
    next: 'unavailable until the tail has passed',
  },
  {
    name: 'the primary only appends, the other side takes over',
    appends: 'source',
    failover: 'full',
    silent: 'source',
    heard: 'taken',
    next: 'taken',
  },
  {
    name: 'the secondary only appends',
    appends: 'target',
    failover: 'none',
    silent: 'target',
    heard: 'taken',
    next: 'taken',
  },
];

for (const { name, appends, failover, silent, heard, next } of rows)
  t.test(`Gen2 append: ${name}`, async (t) => {
    const breakables = new Map<Side, ReturnType<typeof breakable>>();
    const rig = await createRig(t, {
      route: { failover },
      zombieMs,
      wrap: (side) => {
        const bare = side === appends ? appendOnly() : createMemoryStore({ name: side });
        const broken = breakable(bare);
        breakables.set(side, broken);
        return withStaging(broken.store, { zombieMs });
      },
    });
    await append(rig.gateway, 'old');
    const verb = silent === appends ? 'append' : 'stage';
    breakables.get(silent)!.fault((op) => (op.verb === verb ? 'lost-answer' : undefined));
    t.equal(await outcome(stage(rig.gateway, '/lake/f', 3, 'new')), heard);
    breakables.get(silent)!.fault(() => undefined);
    t.equal(await get(rig.gateway, '/lake/f'), 'old', 'what is flushed is shown');
    const again =
      heard === 'taken' ? stage(rig.gateway, '/lake/f', 6, 'er') : stage(rig.gateway, '/lake/f', 3, 'new');
    t.equal(await outcome(again), next);
    await append(rig.gateway, 'anew');
    t.equal(await outcome(stage(rig.gateway, '/lake/f', 4, 'er')), 'taken', 'a file that is written anew');
  });

for (const failover of ['none', 'full'] as const)
  t.test(`WebHDFS APPEND, failover: ${failover}`, async (t) => {
    const broken = breakable(appendOnly());
    const rig = await createRig(t, {
      route: { failover },
      zombieMs,
      wrap: (side, store) => (side === 'source' ? withStaging(broken.store, { zombieMs }) : store),
    });
    await append(rig.gateway, 'old');
    broken.fault((op) => (op.verb === 'append' ? 'lost-answer' : undefined));
    const more = async (content: string) => {
      const body = { stream: Readable.from([Buffer.from(content)]), lengthBytes: content.length };
      return outcome(rig.gateway.mutate({ verb: 'append', path: '/lake/f', body }, rig.ctx('webhdfs')));
    };
    t.equal(await more('new'), failover === 'full' ? 'taken' : 'timeout, applied: unknown');
    broken.fault(() => undefined);
    t.equal(await more('er'), 'taken');
    t.equal(await get(rig.gateway, '/lake/f'), 'oldnewer');
  });
