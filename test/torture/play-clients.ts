// Clients of one tree whose operations are atomic, with the answers that the tree gives: histories that have an order by their making.
import { shows, type Tree, treesAfter } from './file-model.ts';
import type { Action, Operation, Result, Seen } from './history.ts';
import type { Random } from './random.ts';

/** How they play. */
export interface Play {
  clients: number;
  operations: number;
  /** Share of answers that are lost. What was asked then counts at once, much later, or never. */
  unknown: number;
  paths?: readonly string[];
}

const lengthBytes = 10;
const standardPaths = ['a', 'b', 'c', 'd/e', 'd/f', 'g/e', 'd', 'g'];

function chooseAction(random: Random, paths: readonly string[], id: number, tree: Tree): Action {
  const path = random.pick(paths);
  const token = { id, lengthBytes };
  const node = tree.get(path);
  const length = node?.type === 'file' ? node.tokens.length * lengthBytes : 0;
  return random.weighted<() => Action>([
    [8, () => ({ do: 'read', path })],
    [2, () => ({ do: 'stat', path })],
    [1, () => ({ do: 'list', path: random.pick(['', 'd']), recursive: random.chance(0.5) })],
    [6, () => ({ do: 'create', path, overwrite: random.chance(0.7), token })],
    [1, () => ({ do: 'create', path, overwrite: true })],
    [3, () => ({ do: 'append', path, token })],
    [3, () => ({ do: 'stage', path, position: length + lengthBytes * random.below(2), token })],
    [2, () => ({ do: 'flush', path, position: length + lengthBytes * random.below(3) })],
    [
      3,
      () => ({
        do: 'rename',
        path,
        destination: random.pick(paths),
        replace: random.pick(['none', 'file', 'any'] as const),
        intoDirectory: random.chance(0.3),
      }),
    ],
    [2, () => ({ do: 'delete', path, recursive: random.chance(0.5) })],
    [1, () => ({ do: 'mkdir', path })],
    [1, () => ({ do: 'set-permission', path, permission: random.pick([0o600, 0o640]) })],
    [1, () => ({ do: 'concat', path, sources: [random.pick(paths.filter((each) => each !== path))] })],
  ])();
}

function sightOf(tree: Tree, path: string, withTokens: boolean): Seen {
  const node = tree.get(path);
  if (!node) return { type: 'absent' };
  const rights = node.permission === undefined || withTokens ? {} : { permission: node.permission };
  if (node.type === 'directory') return { type: 'directory', ...rights };
  const tokens = node.tokens.map(({ id }) => id);
  return {
    type: 'file',
    lengthBytes: tokens.length * lengthBytes,
    ...rights,
    ...(withTokens ? { tokens } : {}),
  };
}

function answerOf(tree: Tree, action: Action): Result {
  if (action.do !== 'list') return { is: 'done', seen: sightOf(tree, action.path, action.do === 'read') };
  if (!tree.has(action.path)) return { is: 'done', seen: { type: 'absent' } };
  if (!shows(tree, action.path, { type: 'directory' })) return { is: 'refused', kind: 'not-directory' };
  const prefix = action.path === '' ? '' : `${action.path}/`;
  const names: Record<string, Seen> = {};
  for (const path of tree.keys()) {
    const name = path.slice(prefix.length);
    const isListed = path.startsWith(prefix) && name !== '' && (action.recursive || !name.includes('/'));
    if (isListed) names[name] = sightOf(tree, path, false);
  }
  return { is: 'done', names };
}

/** A refusal's kind where it says something for certain. */
function refusalOf(tree: Tree, action: Action): Result {
  if (action.do === 'create' && !action.overwrite && tree.has(action.path))
    return { is: 'refused', kind: 'exists' };
  return { is: 'refused', kind: tree.has(action.path) ? 'conflict' : 'not-found' };
}

/** Plays, and tells what was asked and answered, in the order of the calls. */
export function playClients(random: Random, play: Play): Operation[] {
  const { clients, operations, unknown, paths = standardPaths } = play;
  const history: Operation[] = [];
  const freeAt = Array.from({ length: clients }, () => random.below(10));
  /** What is under way: takes effect at `atMs`. */
  const pending: { atMs: number; operation: Operation; isLost: boolean }[] = [];
  let tree: Tree = new Map();
  const takeEffect = (untilMs: number): void => {
    pending.sort((a, b) => a.atMs - b.atMs);
    while (pending.length > 0 && pending[0]!.atMs <= untilMs) {
      const { operation, isLost } = pending.shift()!;
      const { action } = operation;
      if (action.do === 'read' || action.do === 'stat' || action.do === 'list') {
        operation.result = isLost ? { is: 'unknown' } : answerOf(tree, action);
        continue;
      }
      const trees = treesAfter(tree, action);
      const next = trees.length > 0 ? random.pick(trees) : undefined;
      operation.result = isLost ? { is: 'unknown' } : next ? { is: 'done' } : refusalOf(tree, action);
      tree = next ?? tree;
    }
  };
  for (let made = 0; made < operations; made++) {
    const client = freeAt.indexOf(Math.min(...freeAt));
    const invokedMs = freeAt[client]!;
    takeEffect(invokedMs);
    const isLost = random.chance(unknown);
    const atMs = invokedMs + random.between(1, 8) + (isLost && random.chance(0.3) ? random.below(200) : 0);
    const returnedMs = isLost ? Number.POSITIVE_INFINITY : atMs + random.between(1, 8);
    const operation: Operation = {
      client: `c${client}`,
      action: chooseAction(random, paths, made + 1, tree),
      invokedMs,
      returnedMs,
      result: { is: 'unknown' },
    };
    history.push(operation);
    if (!isLost || random.chance(0.7)) pending.push({ atMs, operation, isLost });
    freeAt[client] = (isLost ? atMs : returnedMs) + random.between(1, 10);
  }
  takeEffect(Number.POSITIVE_INFINITY);
  return history;
}
