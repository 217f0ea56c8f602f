// Every kind of upload × every gap between two of its requests × what happens there, over each kind of stores.
import type { Test } from 'tap';
import { clients } from './clients.ts';
import type { Event } from './events.ts';
import { finish, upload } from './run.ts';
import { createWorld } from './world.ts';

/** The side that can do no more than append. */
const worlds = ['source', 'target', undefined] as const;

/** The quick tests meet a part of the gaps in each of the worlds. */
const isFull = process.env.TWINLAKE_FULL === '1';

/** Runs the table, or in each world one in `share` of its cells, and says what was wrong. */
export function checkTable(t: Test, events: Readonly<Record<string, Event>>, share: number): void {
  // It takes a while on a busy machine.
  t.setTimeout(isFull ? 600_000 : 120_000);
  for (const [nth, appends] of worlds.entries())
    t.test(`the store that only appends: ${appends ?? 'none'}`, async (t) => {
      const world = await createWorld(t, appends);
      for (const [kind, client] of Object.entries(clients))
        for (const [row, [name, event]] of Object.entries(events).entries()) {
          const wrong: string[] = [];
          for (let at = 0; at <= client.steps.length; at++) {
            if (!isFull && (at + row) % share !== nth) continue;
            world.rig.route.reads = 'source';
            const path = `/lake/${`${kind}-${name}-${at}`.replaceAll(/\W/g, '-')}/d/f`;
            const done = await upload(world, client, path, new Map([[at, event]]));
            const found = [...done.wrong, ...(await finish(world, done.running))];
            wrong.push(...found.map((each) => `gap ${at}: ${each}`));
          }
          t.strictSame(wrong, [], `${kind}: ${name}`);
        }
    });
}
