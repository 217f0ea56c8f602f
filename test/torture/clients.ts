// The clients at work: each carries out scripts in the cell of its group and writes down what it did and saw.
import { setTimeout as wait } from 'node:timers/promises';
import type { Actor, Performed } from './actor.ts';
import { type Cell, type Cells, fileNames, folderNames, tokenSource } from './cells.ts';
import type { Action, Operation, Result } from './history.ts';
import { type Random, randomOf } from './random.ts';
import { nextScript } from './scripts.ts';

/** Clients that are running. */
export interface Clients {
  /** Lets every script come to its end; the gateway has to be there for that. */
  stop(): Promise<void>;
}

/** What the clients share. */
export interface ClientsOptions {
  seed: number;
  cells: Cells;
  /** Client n is `actors[n]`, in group n % groups. */
  actors: readonly Actor[];
  groups: number;
  /** Longest pause between two operations, milliseconds. */
  thinkMs: number;
}

/** Modes are moved by ACLs: where those are changed they tell nothing. */
function withoutModes(result: Result): Result {
  if (result.is !== 'done') return result;
  const strip = <T extends object>(seen: T): T => {
    const { permission: _, ...rest } = seen as T & { permission?: number };
    return rest as T;
  };
  return {
    is: 'done',
    ...(result.seen ? { seen: strip(result.seen) } : {}),
    ...(result.names
      ? { names: Object.fromEntries(Object.entries(result.names).map(([name, seen]) => [name, strip(seen)])) }
      : {}),
  };
}

/** Nobody listens, or a store is away: trying at once would only fill the history with refusals. */
function failed(performed: Performed): boolean {
  if (performed === 'not-sent') return true;
  return performed.is === 'unknown' || (performed.is === 'refused' && performed.kind === 'temporary');
}

/** Carries out one action and records it. */
export async function record(actor: Actor, client: string, cell: Cell, action: Action): Promise<Performed> {
  const invokedMs = performance.now();
  const operation: Operation = {
    client,
    action,
    invokedMs,
    returnedMs: Number.POSITIVE_INFINITY,
    result: { is: 'unknown' },
  };
  // In the order of their beginnings, and there even if it never ends.
  cell.operations.push(operation);
  const performed = await actor.perform(cell.folder, action);
  if (performed === 'not-sent') {
    cell.operations.splice(cell.operations.indexOf(operation), 1);
    return performed;
  }
  operation.result = cell.withAcls ? withoutModes(performed) : performed;
  if (performed.is !== 'unknown') operation.returnedMs = performance.now();
  return performed;
}

/** A named user's rights on a file, or on what is made in a folder from now on. */
async function changeAcl(actor: Actor, cell: Cell, random: Random): Promise<void> {
  const rights = random.pick(['r-x', 'rwx', 'r--']);
  const [path, scope] = random.chance(0.5)
    ? [random.pick(folderNames), 'default:']
    : [random.pick(fileNames), ''];
  await actor.grant?.(`${cell.folder}/${path}`, `${scope}user:eve:${rights}`);
}

/** Starts them all. */
export function startClients({ seed, cells, actors, groups, thinkMs }: ClientsOptions): Clients {
  let stopped = false;
  const run = async (actor: Actor, index: number): Promise<void> => {
    const client = `${actor.face}-${index}`;
    const random = randomOf(seed, client);
    const token = tokenSource(index);
    while (!stopped) {
      const cell = cells.of(index % groups);
      const script = nextScript({ actor, cell, random, token });
      if (cell.withAcls && random.chance(0.15)) await changeAcl(actor, cell, random);
      for (let step = script.next(); !step.done; ) {
        const performed = await record(actor, client, cell, step.value);
        await wait(random.between(0, thinkMs) + (failed(performed) ? random.between(50, 150) : 0));
        step = script.next(performed);
      }
    }
  };
  const running = actors.map(run);
  return {
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
