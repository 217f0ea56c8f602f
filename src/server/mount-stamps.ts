// The stamp on each mount's target tells a lost journal from a first start (semantics D1): a journal that does not know what the stores
// went through must not make them equal.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ownCtx } from '../core/ctx.ts';
import { hiddenFolder, type Mount } from '../core/mount.ts';
import { isWithin, joinPath } from '../core/path.ts';
import type { Route } from '../core/route.ts';
import type { Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { isTwoSided } from '../gateway/places.ts';
import type { Change, Journal } from '../journal/journal.ts';
import type { Logger } from '../telemetry/logger.ts';
import { makeRoot } from './mount-roots.ts';
import { mountsOf } from './table-in-force.ts';

/** How long the target may take to say whether it has a stamp, milliseconds. */
const patienceMs = 5000;

/** Whose the mount is, as its target says. */
export interface Stamp {
  /** Id of the journal. */
  journal: string;
  epoch: number;
  /** Which side each app read when it was written: a hint for the operator who has to name the truth. */
  reads: Record<string, Side>;
}

/**
 * `ours`: may be written. `trusted`: so too, since this journal has stamped it before, but the target has not said so this time.
 * `unknown`: the target has not said yet. `lost`: another journal, or a newer state of this one, knows more.
 */
type StampState = 'ours' | 'trusted' | 'unknown' | 'lost';

/**
 * What a stamp means to a journal, pure.
 * @param own.lastEpoch the newest epoch in which the journal can have stamped: that before this process, until this process stamps
 */
export function judgeStamp(
  found: Stamp | undefined,
  own: { id: string; lastEpoch: number },
): 'ours' | 'lost' {
  if (!found) return 'ours';
  return found.journal === own.id && found.epoch <= own.lastEpoch ? 'ours' : 'lost';
}

/** Stamps of all two-sided mounts. */
export interface MountStamps {
  /** Looks at the stamps of two-sided mounts that these routes bring, and writes ours where it may; to be called before they are in force. */
  claim(routes: readonly Route[]): Promise<void>;
  /** Asks again where the target did not answer. */
  retry(): Promise<void>;
  /** Why nothing may be written to both sides at a canonical path; undefined if it may. */
  heldBecause(path: string): string | undefined;
  /**
   * The operator has said which side of the held mounts is true: everything on them diverges from now on, and is made equal without
   * losing what only the other side has.
   * @param target root of one mount; absent: all that wait
   * @returns the target roots that are ours now
   */
  recover(truth: Side, target?: string): Promise<string[]>;
}

/** What the stamps stand on. */
export interface StampOptions {
  target: Store;
  journal: Journal;
  now(): number;
  logger: Logger;
  /** Told after a mount has become ours, or has got a row. */
  onChange(): void;
}

const stampedRow = (target: string): string => `stamp ${target}`;

/** Folders that carry the stamp of a mount: its root, or of a mount of a whole Gen2 account every filesystem. */
async function stampFolders(store: Store, root: string): Promise<string[]> {
  if (root !== '/' || store.supports.rootFolders === 'any') return [root];
  const folders: string[] = [];
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { token };
    const query = { verb: 'list', path: root, recursive: false, limit: 1000, ...more } as const;
    const page = await store.query(query, soon());
    folders.push(...page.entries.map((entry) => entry.path));
    token = page.token;
  } while (token !== undefined);
  return folders;
}

const soon = () => ownCtx('stamp', AbortSignal.timeout(patienceMs));
const stampPath = (root: string, folder: string): string =>
  joinPath(hiddenFolder(root, joinPath(folder, 'stamp')), 'stamp.json');

async function readStamp(store: Store, path: string): Promise<Stamp | undefined> {
  try {
    const { body } = await store.query({ verb: 'read', path, offset: 0 }, soon());
    return JSON.parse(await text(body)) as Stamp;
  } catch (thrown) {
    // What cannot be read as a stamp was not written by a journal that knows this mount as it is.
    if (thrown instanceof SyntaxError) return { journal: 'damaged', epoch: 0, reads: {} };
    const error = StoreError.from(thrown, 'no');
    if (error.kind === 'not-found' || error.kind === 'not-directory') return undefined;
    throw error;
  }
}

/** Whole or not at all: a process that is killed meanwhile leaves the stamp as it was. */
async function writeStamp(store: Store, path: string, stamp: Stamp): Promise<void> {
  const content = Buffer.from(`${JSON.stringify(stamp)}\n`);
  const body = { stream: Readable.from([content]), lengthBytes: content.length };
  const fresh = `${path}.new`;
  await store.mutate({ verb: 'create', path: fresh, parents: 'all', body }, soon());
  const rename = { verb: 'rename', path: fresh, destination: path, replace: 'any' } as const;
  await store.mutate({ ...rename, intoDirectory: false }, soon());
}

/** Mounts that some app writes on both sides, each once. */
function twoSidedMounts(routes: readonly Route[]): Mount[] {
  return mountsOf(routes).filter((mount) => isTwoSided(mount, routes));
}

function readsOf(mount: Mount, routes: readonly Route[]): Record<string, Side> {
  const readers = routes.filter((route) => route.mounts.some((other) => other.target === mount.target));
  return Object.fromEntries(readers.map((route) => [route.app, route.reads]));
}

/** No mount is known yet; those that this journal has stamped before are trusted while their target does not answer. */
export function createMountStamps(options: StampOptions): MountStamps {
  const { target: store, journal, logger } = options;
  /** Mounts that this process has begun to stamp. */
  const stamped = new Set<string>();
  const states = new Map<string, StampState>();
  const found = new Map<string, Stamp>();

  let routes: readonly Route[] = [];
  const write = async (mount: Mount): Promise<void> => {
    const stamp: Stamp = { journal: journal.id, epoch: journal.epoch, reads: readsOf(mount, routes) };
    stamped.add(mount.target);
    for (const folder of await stampFolders(store, mount.target)) {
      await makeRoot(store, folder);
      await writeStamp(store, stampPath(mount.target, folder), stamp);
    }
    // From here on the target need not answer before this journal is trusted.
    await journal.apply([{ do: 'meta', key: stampedRow(mount.target), value: String(journal.epoch) }]);
  };
  const compareStamps = async (mount: Mount): Promise<'ours' | 'lost'> => {
    const lastEpoch = stamped.has(mount.target) ? journal.epoch : journal.epoch - 1;
    for (const folder of await stampFolders(store, mount.target)) {
      const stamp = await readStamp(store, stampPath(mount.target, folder));
      if (judgeStamp(stamp, { id: journal.id, lastEpoch }) === 'ours') continue;
      found.set(mount.target, stamp!);
      return 'lost';
    }
    await write(mount);
    return 'ours';
  };
  const lose = async ({ target }: Mount): Promise<void> => {
    const stamp = found.get(target)!;
    logger.error(
      { mount: target, stamp },
      'the target belongs to another journal: twinlake recover is needed',
    );
    // What a first start assumes is wrong here; until the operator says more, reads follow the routes.
    const { divergence } = await journal.state(target);
    if (divergence?.path === target && divergence.generation === 0)
      await journal.apply([{ do: 'clear', path: target, generation: 0 }]);
  };
  const look = async (mount: Mount, level: 'warn' | 'debug'): Promise<void> => {
    const { target } = mount;
    try {
      const state = await compareStamps(mount);
      if (state === 'lost') await lose(mount);
      states.set(target, state);
      options.onChange();
    } catch (error) {
      logger[level]({ mount: target, err: error }, 'the target has not said whose it is');
    }
  };
  let claimed = false;
  let retrying: Promise<void> | undefined;
  return {
    async claim(next) {
      routes = next;
      for (const mount of twoSidedMounts(next)) {
        if (states.has(mount.target)) continue;
        const isKnown = (await journal.meta(stampedRow(mount.target))) !== undefined;
        states.set(mount.target, isKnown ? 'trusted' : 'unknown');
        await look(mount, 'warn');
      }
      claimed = true;
    },
    retry() {
      const waiting = twoSidedMounts(routes).filter(({ target }) => {
        const state = states.get(target);
        return state === 'trusted' || state === 'unknown';
      });
      retrying ??= Promise.all(waiting.map((mount) => look(mount, 'debug'))).then(() => {
        retrying = undefined;
      });
      return retrying;
    },
    heldBecause(path) {
      if (!claimed) return 'it is not known yet whose the mounts are';
      for (const [target, state] of states) {
        if (!isWithin(path, target)) continue;
        if (state === 'lost')
          return `the journal that knows ${target} is lost: say which side is true (twinlake recover)`;
        if (state === 'unknown') return `the target has not said yet whether another journal knows ${target}`;
      }
      return undefined;
    },
    async recover(truth, target) {
      const held = twoSidedMounts(routes).filter(
        (mount) => states.get(mount.target) === 'lost' && (target ?? mount.target) === mount.target,
      );
      for (const mount of held) {
        const path = mount.target;
        const reason = 'the journal was lost: the operator says which side is true';
        const row = { path, subtree: true, truth, generation: 0, reason, sinceMs: options.now() };
        const changes: Change[] = [
          // What an older state of this journal knew is no longer true.
          { do: 'clear-below', path },
          { do: 'put', divergence: { ...row, keepExtras: true, keepReplaced: true } },
        ];
        await journal.apply(changes);
        await write(mount);
        states.set(path, 'ours');
      }
      options.onChange();
      return held.map((mount) => mount.target);
    },
  };
}
