// A gateway with its faces over two stores that a test can break, and that can be killed: what was not yet on its journal's disk is lost.
import { copyFileSync, existsSync, mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { ownCtx } from '../../src/core/ctx.ts';
import type { Mutation } from '../../src/core/mutation.ts';
import type { Query } from '../../src/core/query.ts';
import { otherSide, type Side, type Store } from '../../src/core/store.ts';
import { StoreError } from '../../src/core/store-error.ts';
import { createDfsFace } from '../../src/faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../../src/faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../../src/faces/webhdfs/webhdfs-face.ts';
import { closeIdleUploads } from '../../src/gateway/idle-uploads.ts';
import { withStaging } from '../../src/layers/staging.ts';
import { holdLateUploads, uploadTableIn } from '../../src/server/upload-table.ts';
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { Face } from '../../src/wire/http.ts';
import { breakable, type Fault } from '../gateway/breakable.ts';
import { restorerOf } from '../gateway/restorer.ts';
import { createRig, type Rig } from '../gateway/rig.ts';
import { appendOnly } from '../stacks/append-only.ts';

const sides = ['source', 'target'] as const;
const reads: ReadonlySet<string> = new Set(['stat', 'read', 'list', 'summary']);

/** What a store is asked by a process, until that process is dead. */
function mortal(store: Store, isDead: () => boolean): Store {
  const check = (): void => {
    if (isDead()) throw new StoreError('unavailable', 'the process is dead');
  };
  return {
    ...store,
    query: async (query, ctx) => {
      check();
      return store.query(query, ctx);
    },
    mutate: async (mutation, ctx) => {
      check();
      return store.mutate(mutation, ctx);
    },
  };
}

/** The journal as it is on disk now. A checkpoint under way would give a file of two times. */
function copyJournal(from: string, to: string): void {
  const file = join(from, 'journal.db');
  const stamp = (): string => {
    const { mtimeNs, size } = statSync(file, { bigint: true });
    return `${mtimeNs} ${size}`;
  };
  for (let before = ''; before !== stamp(); ) {
    before = stamp();
    for (const name of ['journal.db-wal', 'journal.db'])
      if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
}

/** What a test may look at or break. */
export interface World {
  rig: Rig;
  faces: Record<'dfs' | 'webhdfs', Face>;
  /** The stores without any layer. */
  bare: Record<Side, Store>;
  flip(): void;
  /** The gateway ends in order and starts again. */
  restart(): Promise<void>;
  /** The gateway ends at once and another starts. */
  kill(): Promise<void>;
  /** Mutations meet the fault; of lost answers only the first of each verb. */
  break(side: Side, fault: Fault): void;
  /** The store does not answer, and its breaker knows. */
  away(side: Side): void;
  heal(): void;
  /** Until nothing diverges, nothing is hidden any more and nothing is open. */
  settle(): Promise<void>;
}

/** @param appends the side that can do no more than append */
export async function createWorld(t: Test, appends: Side | undefined): Promise<World> {
  const dir = t.testdir({});
  const newDir = (): string => mkdtempSync(join(dir, 'state-'));
  const make = (side: Side): Store =>
    side === appends ? appendOnly() : createMemoryStore({ name: side, rootFolders: 'filesystems' });
  const bare = { source: make('source'), target: make('target') };
  const faulty = { source: breakable(bare.source), target: breakable(bare.target) };
  let stateDir = newDir();
  let die: () => void = () => undefined;
  const open = async (primary: Side): Promise<Rig> => {
    let isDead = false;
    die = () => {
      isDead = true;
    };
    return createRig(t, {
      stateDir,
      route: { failover: 'full', reads: primary },
      wrap: (side, _, journal) => {
        const store = mortal(faulty[side].store, () => isDead);
        const table = uploadTableIn(() => journal, side);
        const held = holdLateUploads(journal, [{ source: '/', target: '/' }], {
          nowMs: Date.now(),
          zombieMs: 0,
        });
        return withStaging(store, { table: { ...table, all: () => held.then(table.all) } });
      },
    });
  };
  for (const side of sides)
    await bare[side].mutate({ verb: 'mkdir', path: '/lake', parents: 'all' }, ownCtx('test'));
  let rig = await open('source');
  const gateway: Store = {
    ...rig.gateway,
    query: (query, ctx) => rig.gateway.query(query, ctx),
    mutate: (mutation, ctx) => rig.gateway.mutate(mutation, ctx),
  };
  const again = async (next: string): Promise<void> => {
    const before = rig;
    await before.close();
    stateDir = next;
    rig = await open(before.route.reads);
  };
  const clear = async (): Promise<void> => {
    const restore = restorerOf(rig);
    for (const side of sides) await restore(side);
  };
  return {
    get rig() {
      return rig;
    },
    faces: {
      dfs: createDfsFace({ store: gateway, accounts: ['acct'] }),
      webhdfs: createWebhdfsFace({ store: gateway, links: createLinkSigner(Buffer.alloc(32, 7)) }),
    },
    bare,
    flip() {
      rig.route.reads = otherSide(rig.route.reads);
    },
    restart: () => again(stateDir),
    async kill() {
      die();
      const next = newDir();
      copyJournal(stateDir, next);
      await again(next);
    },
    break(side, fault) {
      const met = new Set<string>();
      faulty[side].fault((op: Query | Mutation) => {
        if (reads.has(op.verb) || (fault === 'lost-answer' && met.has(op.verb))) return undefined;
        met.add(op.verb);
        return fault;
      });
    },
    away(side) {
      rig.down.add(side);
      faulty[side].fault(() => 'down');
    },
    heal() {
      rig.down.clear();
      for (const side of sides) faulty[side].fault(() => undefined);
    },
    async settle() {
      await rig.settled();
      await closeIdleUploads(rig.journal, 0, Number.POSITIVE_INFINITY);
      await clear();
      await rig.settled();
    },
  };
}
