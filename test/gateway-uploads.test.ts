// Uploads of Gen2 clients while anything happens between two of their requests: no acked byte is lost, nothing unflushed is shown.
import t, { type Test } from 'tap';
import type { Side, Store } from '../src/core/store.ts';
import { otherSide } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { withStaging } from '../src/layers/staging.ts';
import { uploadTableIn } from '../src/server/upload-table.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { clientCtx, flush, get, look, stage } from './gateway/actions.ts';
import { breakable, type Fault } from './gateway/breakable.ts';
import { createRig, type Rig } from './gateway/rig.ts';
import { appendOnly } from './stacks/append-only.ts';

/** A gateway over stores that a test can break. */
async function createWorld(t: Test, appends: Side | undefined) {
  const make = (side: Side) => breakable(side === appends ? appendOnly() : createMemoryStore({ name: side }));
  const stores = { source: make('source'), target: make('target') };
  const open = (): Promise<Rig> =>
    createRig(t, {
      route: { failover: 'full' },
      wrap: (side, _, journal) =>
        withStaging(stores[side].store, { table: uploadTableIn(() => journal, side) }),
    });
  const world = {
    stores,
    rig: await open(),
    flip(): void {
      world.rig.route.reads = otherSide(world.rig.route.reads);
    },
    break(side: Side, fault: Fault): void {
      const first = new Set<string>();
      stores[side].fault((op) => {
        if (op.verb === 'stat' || op.verb === 'read' || op.verb === 'list') return undefined;
        if (fault === 'lost-answer' && first.size > 0) return undefined;
        first.add(op.verb);
        return fault;
      });
    },
    away(side: Side): void {
      world.rig.down.add(side);
      stores[side].fault(() => 'down');
    },
    heal(): void {
      world.rig.down.clear();
      for (const side of ['source', 'target'] as const) stores[side].fault(() => undefined);
    },
  };
  return world;
}

type World = Awaited<ReturnType<typeof createWorld>>;
type Step = (store: Store, path: string) => Promise<unknown>;

const steps: { name: string; shown: string; step: Step }[] = [
  {
    name: 'create',
    shown: '',
    step: (store, path) =>
      store.mutate({ verb: 'create', path, parents: 'all', upload: true }, clientCtx('dfs')),
  },
  { name: 'append', shown: '', step: (store, path) => stage(store, path, 0, 'abcd') },
  { name: 'flush', shown: 'abcd', step: (store, path) => flush(store, path, 4) },
  { name: 'append', shown: 'abcd', step: (store, path) => stage(store, path, 4, 'ef') },
  { name: 'append', shown: 'abcd', step: (store, path) => stage(store, path, 6, 'ghi') },
  { name: 'flush', shown: 'abcdefghi', step: (store, path) => flush(store, path, 9) },
];

/** What may happen between two requests; `again` is the request before. */
const events: Record<string, (world: World, again: () => Promise<unknown>) => unknown> = {
  flip: (world) => world.flip(),
  'the source goes away': (world) => world.away('source'),
  'the target goes away': (world) => world.away('target'),
  'the request before again': (_, again) => again().catch(() => undefined),
  'an answer of the source is lost': (world) => world.break('source', 'lost-answer'),
  'an answer of the target is lost': (world) => world.break('target', 'lost-answer'),
  'the source refuses': (world) => world.break('source', 'down'),
  'the target refuses': (world) => world.break('target', 'down'),
  repair: (world) => world.rig.repair.settleNow(['/lake'], 50),
};

/** Does a request as a client would: what fails for now is tried again, once the stores are well. @returns false if refused */
async function insist(world: World, path: string, step: Step): Promise<boolean> {
  for (let attempt = 0; attempt < 8; attempt++) {
    try {
      await step(world.rig.gateway, path);
      return true;
    } catch (thrown) {
      const error = StoreError.from(thrown);
      world.heal();
      if (!error.temporary && error.applied === 'no') return false;
    }
  }
  return false;
}

/** The upload from its beginning; what is refused for good is begun again, as a client has to. */
async function upload(world: World, path: string, at: number, event: keyof typeof events): Promise<string[]> {
  const wrong: string[] = [];
  let shown = '(not-found)';
  for (let index = 0, restarts = 0; index < steps.length; index++) {
    if (index === at && restarts === 0) {
      const before = steps[index - 1];
      const again = async () => before && (await before.step(world.rig.gateway, path));
      await events[event]!(world, again);
      const seen = await look(world.rig.gateway, path);
      if (seen !== shown && seen !== '(unavailable)') wrong.push(`shown: ${seen}, not ${shown}`);
    }
    if (await insist(world, path, steps[index]!.step)) {
      shown = steps[index]!.shown;
      continue;
    }
    wrong.push(`refused: ${steps[index]!.name} ${index}`);
    if (++restarts > 2) break;
    index = -1;
  }
  return wrong;
}

// The whole table takes a while on a busy machine.
t.setTimeout(120_000);

for (const appends of [undefined, 'source', 'target'] as const) {
  t.test(`the store that only appends: ${appends ?? 'none'}`, async (t) => {
    const world = await createWorld(t, appends);
    for (const event of Object.keys(events)) {
      for (let at = 0; at <= steps.length; at++) {
        world.rig.route.reads = 'source';
        const path = `/lake/${event.replaceAll(/\W/g, '-')}-${at}`;
        const wrong = await upload(world, path, at, event);
        world.heal();
        await world.rig.settled();
        const found = {
          wrong,
          gateway: await look(world.rig.gateway, path),
          source: await look(world.rig.stores.source, path),
          target: await look(world.rig.stores.target, path),
          left: (await world.rig.journal.uploads()).length,
        };
        const content = at === steps.length ? await get(world.rig.gateway, path) : 'abcdefghi';
        const expected = { wrong: [], gateway: content, source: content, target: content, left: 0 };
        t.same(found, expected, `${event} before step ${at}`);
        if (found.left > 0)
          for (const { path: left } of await world.rig.journal.uploads())
            await world.rig.journal.apply([{ do: 'end-upload', path: left }]);
      }
    }
  });
}
