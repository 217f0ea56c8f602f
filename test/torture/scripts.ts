// What a client does next: short scripts of actions, chosen by its own stream of randomness. What an action showed only decides positions.
import type { Actor, Performed } from './actor.ts';
import { type Cell, fileNames, folderNames, tokenLength } from './cells.ts';
import type { Action, Token } from './history.ts';
import type { Random } from './random.ts';

/** Yields actions, is given what came of each. */
export type Script = Generator<Action, void, Performed>;

/** What scripts are made from. */
export interface ScriptSource {
  actor: Actor;
  cell: Cell;
  random: Random;
  token(lengthBytes: number): Token;
}

const isDone = (performed: Performed): boolean => performed !== 'not-sent' && performed.is === 'done';

/** Length of a file as a stat has shown it. */
function lengthOf(performed: Performed): number | undefined {
  if (performed === 'not-sent' || performed.is !== 'done') return undefined;
  return performed.seen?.type === 'file' ? performed.seen.lengthBytes : undefined;
}

function* one(action: Action): Script {
  yield action;
}

/** How often a step of an upload is sent again, as an SDK does, before the upload is given up. */
const uploadTries = 200;

/** Sends a step until there is an answer that says more than `not now`. */
function* insist(action: Action): Generator<Action, boolean, Performed> {
  for (let attempt = 0; attempt < uploadTries; attempt++) {
    const performed = yield action;
    if (performed === 'not-sent' || performed.is === 'unknown') continue;
    if (performed.is === 'done') return true;
    if (performed.kind !== 'temporary') return false;
  }
  return false;
}

/** Bytes are staged and flushed in one or more steps. */
function* stageAndFlush({ cell, random, token }: ScriptSource, path: string, from: number): Script {
  const pieces = random.between(1, 4);
  const flushEach = random.chance(0.3);
  let position = from;
  for (let piece = 0; piece < pieces; piece++) {
    const staged = token(tokenLength(cell, random));
    if (!(yield* insist({ do: 'stage', path, position, token: staged }))) return;
    position += staged.lengthBytes;
    if (flushEach && !(yield* insist({ do: 'flush', path, position }))) return;
  }
  if (!flushEach) yield* insist({ do: 'flush', path, position });
}

function* upload(source: ScriptSource, path: string): Script {
  const overwrite = source.random.chance(0.7);
  const script = stageAndFlush(source, path, 0);
  if (isDone(yield { do: 'create', path, overwrite })) yield* script;
}

function* growByStages(source: ScriptSource, path: string): Script {
  const length = lengthOf(yield { do: 'stat', path });
  if (length !== undefined) yield* stageAndFlush(source, path, length);
}

/** As Gen1 clients append: at an offset that they know. */
function* appendAtEnd({ cell, random, token }: ScriptSource, path: string): Script {
  const added = [token(tokenLength(cell, random)), token(tokenLength(cell, random))];
  let position = lengthOf(yield { do: 'stat', path });
  for (const each of added) {
    if (position === undefined) return;
    // Nothing at offset 0 is what a Gen1 client asks of a new file.
    const performed = yield { do: 'append', path, token: each, position };
    position = isDone(performed) ? position + each.lengthBytes : undefined;
  }
}

function rename({ actor, random }: ScriptSource): Action {
  const folders = random.chance(0.35);
  const names: readonly string[] = folders ? folderNames : fileNames;
  const path = random.pick(names);
  const others: string[] = [...names, ...(folders ? ['h'] : random.chance(0.2) ? folderNames : [])];
  const destination = random.pick(others.filter((name) => name !== path));
  const overwrites = random.chance(0.5);
  if (actor.face === 'dfs') {
    return { do: 'rename', path, destination, replace: overwrites ? 'any' : 'none', intoDirectory: true };
  }
  if (actor.face === 'gen1') {
    return { do: 'rename', path, destination, replace: overwrites ? 'file' : 'none', intoDirectory: true };
  }
  if (overwrites) return { do: 'rename', path, destination, replace: 'any', intoDirectory: false };
  return { do: 'rename', path, destination, replace: 'none', intoDirectory: random.chance(0.5) };
}

const permissions = [0o644, 0o640, 0o600, 0o755, 0o750] as const;

/** The next script. */
export function nextScript(source: ScriptSource): Script {
  const { actor, cell, random, token } = source;
  const path = random.pick(fileNames);
  const fresh = (): Token => token(tokenLength(cell, random));
  const stages = cell.tokenBytes !== undefined;
  const creates = (overwrite: boolean): Script =>
    one({ do: 'create', path, overwrite, ...(actor.can.has('stage') ? {} : { token: fresh() }) });
  const choices: [weight: number, needs: Action['do'], make: () => Script][] = [
    [stages ? 30 : 0, 'stage', () => upload(source, path)],
    [stages ? 12 : 0, 'stage', () => growByStages(source, path)],
    [actor.can.has('stage') ? 3 : 22, 'create', () => creates(true)],
    [actor.can.has('stage') ? 3 : 10, 'create', () => creates(false)],
    [
      12,
      'append',
      () => (actor.face === 'gen1' ? appendAtEnd(source, path) : one({ do: 'append', path, token: fresh() })),
    ],
    [18, 'read', () => one({ do: 'read', path })],
    [5, 'stat', () => one({ do: 'stat', path: random.pick([...fileNames, ...folderNames]) })],
    [
      6,
      'list',
      () =>
        one({
          do: 'list',
          path: random.pick(['', ...folderNames]),
          recursive: actor.face === 'dfs' && random.chance(0.5),
        }),
    ],
    [10, 'rename', () => one(rename(source))],
    [7, 'delete', () => one({ do: 'delete', path, recursive: random.chance(0.5) })],
    [2, 'delete', () => one({ do: 'delete', path: random.pick(folderNames), recursive: random.chance(0.7) })],
    [3, 'mkdir', () => one({ do: 'mkdir', path: random.pick(folderNames) })],
    [3, 'concat', () => one({ do: 'concat', path: 'a', sources: ['b', 'c'] })],
    [5, 'set-permission', () => one({ do: 'set-permission', path, permission: random.pick(permissions) })],
  ];
  const possible = choices.filter(([, needs]) => actor.can.has(needs));
  return random.weighted(possible.map(([weight, , make]) => [weight, make] as const))();
}
