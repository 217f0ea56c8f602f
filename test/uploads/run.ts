// Carries an upload out as an insisting client does, and says all that was wrong on the way and at the end.
import { dirname } from 'node:path/posix';
import { ownCtx } from '../../src/core/ctx.ts';
import { look } from '../gateway/actions.ts';
import { type Client, type Step, seen, send } from './clients.ts';
import type { Event, Running } from './events.ts';
import type { World } from './world.ts';

/** How often a client sends a request that fails for now. */
const maxTries = 8;

/** One request until it is acked; what fails for now is sent again once the stores are well. @returns the last status */
async function insist(running: Running, step: Step): Promise<number> {
  const { world, client, path } = running;
  let status = 0;
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const reply = await send(world, client.face, step.words(path));
    status = reply.status;
    if (status < 500) break;
    world.heal();
    const after = step.after(running.known);
    const isOpen = reply.headers['x-twinlake-applied'] !== 'no';
    // A client whose request does more if it is sent twice has to look first.
    if (!isOpen || client.face === 'dfs' || attempt === maxTries - 1) continue;
    let shown = await seen(world, client.face, path);
    for (let look = 0; shown?.startsWith('(5') && look < maxTries; look++)
      shown = await seen(world, client.face, path);
    if (shown === after.shown) status = 200;
    if (status < 300) break;
  }
  if (status < 300) running.known = step.after(running.known);
  return status;
}

async function checkSeen({ world, client, path, known }: Running, when: string): Promise<string[]> {
  const shown = await seen(world, client.face, path);
  // While its truth is away a path is not served.
  return shown === known.shown || shown === '(503)' ? [] : [`${when}: shows ${shown}, not ${known.shown}`];
}

/** The upload from its beginning, with an event before some steps; what is refused for good is begun again. */
export async function upload(
  world: World,
  client: Client,
  path: string,
  events: ReadonlyMap<number, Event>,
): Promise<{ wrong: string[]; running: Running }> {
  const running: Running = {
    world,
    client,
    path,
    known: { acked: '', shown: undefined },
    before: undefined,
    isRenamed: false,
  };
  const wrong: string[] = [];
  let begun = 0;
  for (let index = 0; index <= client.steps.length; index++) {
    const event = begun === 0 ? events.get(index) : undefined;
    if (event) {
      await event(running);
      wrong.push(...(await checkSeen(running, `before step ${index}`)));
    }
    const step = client.steps[index];
    if (!step) break;
    const status = await insist(running, step);
    running.before = step;
    if (status < 300) {
      wrong.push(...(await checkSeen(running, `after ${step.name} ${index}`)));
      continue;
    }
    // Only what somebody took away may have to be begun again.
    const mayRefuse = running.known.shown === undefined || (running.isRenamed && !client.moves);
    if (!mayRefuse || begun > 0) wrong.push(`${step.name} ${index}: ${status}`);
    if (begun++ > 0) break;
    index = -1;
  }
  return { wrong, running };
}

/** Settles, then says what is not as it should be: content on each side and through each face, what is left. */
export async function finish(world: World, { path, known }: Running): Promise<string[]> {
  world.heal();
  await world.settle();
  const wrong: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      wrong.push(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  };
  const content = known.shown ?? '(not-found)';
  for (const side of ['source', 'target'] as const) {
    expect(side, await look(world.bare[side], path), content);
  }
  for (const face of ['dfs', 'webhdfs'] as const) expect(face, await seen(world, face, path), known.shown);
  expect('records', await world.rig.journal.uploads(), []);
  expect('hidden', await world.rig.journal.metas('upload:'), []);
  for (const { path: left } of await world.rig.journal.uploads())
    await world.rig.journal.apply([{ do: 'end-upload', path: left }]);
  for (const side of ['source', 'target'] as const)
    for (const left of [dirname(dirname(path)), '/lake/.twinlake'])
      await world.bare[side]
        .mutate({ verb: 'delete', path: left, recursive: true }, ownCtx('test'))
        .catch(() => undefined);
  return wrong;
}
