// What may happen between two requests of an upload.
import { parentOf } from '../../src/core/path.ts';
import { type Client, folderRequest, type Known, type Step, send } from './clients.ts';
import type { World } from './world.ts';

/** An upload under way. */
export interface Running {
  world: World;
  client: Client;
  /** Where the file is now; a rename changes it. */
  path: string;
  known: Known;
  /** The request before, if there was one. */
  before: Step | undefined;
  isRenamed: boolean;
}

/** Something happens; `running` is changed as its client learns of it. */
export type Event = (running: Running) => unknown;

/** The request before is sent once more, as by a client that has not heard of its ack. */
async function again(running: Running): Promise<void> {
  const { world, client, path, before } = running;
  if (!before) return;
  const { status } = await send(world, client.face, before.words(path));
  if (status < 300 && !client.repeats) running.known = before.after(running.known);
}

/** A folder above the file, `up` levels, gets another name. */
function renamed(up: number): Event {
  return async (running) => {
    const { world, client, path } = running;
    let folder = path;
    for (let level = 0; level < up; level++) folder = parentOf(folder);
    const to = `${folder}-renamed`;
    const { status } = await send(world, client.face, folderRequest(client.face, folder, to));
    if (status >= 300) return;
    running.path = to + path.slice(folder.length);
    running.isRenamed = true;
  };
}

async function removed(running: Running): Promise<void> {
  const { world, client, path } = running;
  const { status } = await send(world, client.face, folderRequest(client.face, parentOf(path)));
  if (status < 300) running.known = { acked: '', shown: undefined };
}

const flip: Event = ({ world }) => world.flip();
const kill: Event = ({ world }) => world.kill();
const restart: Event = ({ world }) => world.restart();
const sourceAway: Event = ({ world }) => world.away('source');
const targetAway: Event = ({ world }) => world.away('target');
const repair: Event = ({ world }) => world.rig.repair.settleNow(['/lake'], 50);
const heal: Event = ({ world }) => world.heal();

/** The target misses a change of attributes, and gets it from repair while the upload goes on. */
const mended: Event = async ({ world, path }) => {
  world.break('target', 'down');
  await send(world, 'webhdfs', {
    method: 'PUT',
    target: `/webhdfs/v1${path}?op=SETPERMISSION&permission=600`,
  });
  world.heal();
  await world.rig.settled();
};

const all =
  (...events: Event[]): Event =>
  async (running) => {
    for (const event of events) await event(running);
  };

/** What happens alone; the reads side is the source at first. */
export const single: Record<string, Event> = {
  flip,
  'failover to the other side': sourceAway,
  'outage of the secondary': targetAway,
  'the source refuses': ({ world }) => world.break('source', 'down'),
  'the target refuses': ({ world }) => world.break('target', 'down'),
  'an answer of the source is lost': ({ world }) => world.break('source', 'lost-answer'),
  'an answer of the target is lost': ({ world }) => world.break('target', 'lost-answer'),
  restart,
  kill,
  repair,
  'the request again': again,
  'the target is mended': mended,
  'its folder is renamed': renamed(1),
  'a folder further above is renamed': renamed(2),
  'its folder is removed': removed,
  heal,
};

/** What happens together. */
export const pairs: Record<string, Event> = {
  'kill, the request again': all(kill, again),
  'flip, the request again': all(flip, again),
  'the target is mended, outage of the source': all(mended, sourceAway),
  'flip and kill': all(flip, kill),
  'kill and outage of the source': all(kill, sourceAway),
  'kill and outage of the target': all(kill, targetAway),
  'outage of the source, the request again': all(sourceAway, again),
  'outage of the target, a folder is renamed': all(targetAway, renamed(1)),
  'a folder is renamed, kill': all(renamed(2), kill),
  'a folder is renamed, flip': all(renamed(1), flip),
  'a folder is removed, kill': all(removed, kill),
  'outage of the target, a folder is removed': all(targetAway, removed),
};
