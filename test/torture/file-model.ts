// The sequential specification of one cell: a small tree of files and folders, and what each action may do to it. Pure.
import type { Action, Seen, Token } from './history.ts';

/** A file: whole tokens in order, and pieces that wait for a flush, by position. */
interface FileNode {
  type: 'file';
  tokens: readonly Token[];
  staged: ReadonlyMap<number, Token>;
  /** Id of the token that a create under way will put in: until then the file is there and empty. */
  making?: number;
  /** There was nothing before that create, so that it may be taken back if it fails. */
  isFresh?: boolean;
  /** Undefined: nobody has set it, so it is what the store or the protocol gave. */
  permission?: number;
}

/** A folder. */
interface FolderNode {
  type: 'directory';
  permission?: number;
}

export type Node = FileNode | FolderNode;

/** Path (`` is the cell itself) → what stands there. Never changed in place. */
export type Tree = ReadonlyMap<string, Node>;

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const isBelow = (path: string, folder: string): boolean =>
  folder === '' ? path !== '' : path.startsWith(`${folder}/`);

/** All folders above a path, the cell included. */
export function foldersAbove(path: string): string[] {
  if (path === '') return [];
  const parent = parentOf(path);
  return [parent, ...foldersAbove(parent)];
}

export const lengthOf = (tokens: readonly Token[]): number =>
  tokens.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);

/** True if something stands below a path. */
export function hasContent(tree: Tree, folder: string): boolean {
  for (const path of tree.keys()) if (isBelow(path, folder)) return true;
  return false;
}

function put(tree: Tree, path: string, node: Node): Tree | undefined {
  const next = new Map(tree);
  for (const folder of foldersAbove(path)) {
    const above = next.get(folder);
    if (above?.type === 'file') return undefined;
    if (!above) next.set(folder, { type: 'directory' });
  }
  return next.set(path, node);
}

function without(tree: Tree, path: string): Map<string, Node> {
  return new Map([...tree].filter(([each]) => each !== path && !isBelow(each, path)));
}

const nothingStaged: ReadonlyMap<number, Token> = new Map();

function fileOf(tree: Tree, path: string): FileNode | undefined {
  const node = tree.get(path);
  return node?.type === 'file' ? node : undefined;
}

function create(tree: Tree, action: Extract<Action, { do: 'create' }>): Tree[] {
  const { path, overwrite, token } = action;
  const there = tree.get(path);
  if (there && !isBegun(tree, action) && (there.type === 'directory' || !overwrite)) return [];
  const tokens = token ? [token] : [];
  const made = put(tree, path, { type: 'file', tokens, staged: nothingStaged });
  return made ? [made] : [];
}

/**
 * What a store itself may show while it writes a file: the file, still empty.
 * @param mayFail it may be taken back, if there was nothing before
 */
export function treesWithBegun(
  tree: Tree,
  action: Extract<Action, { do: 'create' }>,
  mayFail: boolean,
): Tree[] {
  const { path, overwrite, token } = action;
  if (!token) return [];
  return create(tree, { do: 'create', path, overwrite }).map((made) =>
    new Map(made).set(path, {
      type: 'file',
      tokens: [],
      staged: nothingStaged,
      making: token.id,
      ...(mayFail && !tree.has(path) ? { isFresh: true } : {}),
    }),
  );
}

/** True if this create has begun and not ended. */
export function isBegun(tree: Tree, { path, token }: Extract<Action, { do: 'create' }>): boolean {
  const node = tree.get(path);
  return node?.type === 'file' && node.making !== undefined && node.making === token?.id;
}

/** A create that failed takes its empty file away again, where nothing was before. */
export function treesWithoutBegun(tree: Tree, action: Extract<Action, { do: 'create' }>): Tree[] {
  return isBegun(tree, action) && fileOf(tree, action.path)?.isFresh ? [without(tree, action.path)] : [];
}

/** A folder is made where nothing is. */
export function treesWithFolder(tree: Tree, path: string): Tree[] {
  const made = tree.has(path) ? undefined : put(tree, path, { type: 'directory' });
  return made ? [made] : [];
}

/** An empty folder is taken away. */
export function treesWithoutFolder(tree: Tree, path: string): Tree[] {
  return tree.get(path)?.type === 'directory' && !hasContent(tree, path) ? [without(tree, path)] : [];
}

/** Staged bytes that are in order from the end on: a store that cannot stage has appended them already. */
function stagedInOrder({ tokens, staged }: FileNode): Token[] {
  const inOrder: Token[] = [];
  for (let at = lengthOf(tokens), next = staged.get(at); next; next = staged.get(at)) {
    inOrder.push(next);
    at += next.lengthBytes;
  }
  return inOrder;
}

/** The file with none or some of its staged bytes shown: where a store shows them, whatever comes next comes behind them. */
function withSomeShown(file: FileNode): FileNode[] {
  return [[], ...stagedInOrder(file).map((_, index, all) => all.slice(0, index + 1))].map((shown) => ({
    ...file,
    tokens: [...file.tokens, ...shown],
  }));
}

function append(tree: Tree, { path, token, position }: Extract<Action, { do: 'append' }>): Tree[] {
  const file = fileOf(tree, path);
  if (!file) return [];
  return withSomeShown(file).flatMap((each) => {
    if (position !== undefined && position !== lengthOf(each.tokens)) return [];
    const appended = { ...each, tokens: [...each.tokens, token] };
    // Whether bytes that another client has staged survive an append differs between stores.
    const dropped = new Map(tree).set(path, { ...appended, staged: nothingStaged });
    return file.staged.size > 0 ? [new Map(tree).set(path, appended), dropped] : [dropped];
  });
}

function flush(tree: Tree, { path, position }: Extract<Action, { do: 'flush' }>): Tree[] {
  const file = fileOf(tree, path);
  if (!file) return [];
  const tokens = [...file.tokens];
  let length = lengthOf(tokens);
  while (length < position) {
    const next = file.staged.get(length);
    if (!next) return [];
    tokens.push(next);
    length += next.lengthBytes;
  }
  return length === position ? [new Map(tree).set(path, { ...file, tokens, staged: nothingStaged })] : [];
}

function rename(tree: Tree, action: Extract<Action, { do: 'rename' }>): Tree[] {
  const { path, replace, intoDirectory } = action;
  const moved = tree.get(path);
  const intoIt = intoDirectory && tree.get(action.destination)?.type === 'directory';
  const destination = intoIt ? `${action.destination}/${nameOf(path)}` : action.destination;
  if (!moved) return [];
  if (destination === path) return [tree];
  if (isBelow(destination, path)) return [];
  const there = tree.get(destination);
  if (there && replace === 'none') return [];
  if (there?.type === 'directory' && (replace === 'file' || hasContent(tree, destination))) return [];
  if (tree.get(parentOf(destination))?.type !== 'directory') return [];
  const next = without(without(tree, path), destination).set(destination, moved);
  for (const [each, node] of tree)
    if (isBelow(each, path)) next.set(`${destination}${each.slice(path.length)}`, node);
  // Staged bytes may or may not follow their file.
  const dropped = new Map(
    [...next].map(([each, node]) => [
      each,
      node.type === 'file' && (each === destination || isBelow(each, destination))
        ? { ...node, staged: nothingStaged }
        : node,
    ]),
  );
  return keyOf(dropped) === keyOf(next) ? [next] : [next, dropped];
}

function remove(tree: Tree, { path, recursive }: Extract<Action, { do: 'delete' }>): Tree[] {
  if (!tree.has(path) || (!recursive && hasContent(tree, path))) return [];
  return [without(tree, path)];
}

function concat(tree: Tree, { path, sources }: Extract<Action, { do: 'concat' }>): Tree[] {
  const file = fileOf(tree, path);
  const parts = sources.map((source) => fileOf(tree, source));
  if (!file || parts.some((part) => !part)) return [];
  const next = new Map(tree);
  for (const source of sources) next.delete(source);
  const contents = [file, ...parts].reduce<Token[][]>(
    (before, part) =>
      before.flatMap((tokens) => withSomeShown(part!).map((each) => [...tokens, ...each.tokens])),
    [[]],
  );
  return contents.map((tokens) => new Map(next).set(path, { ...file, tokens, staged: nothingStaged }));
}

/** The trees after an action that was done; none if it cannot have been done here. Queries are not actions in this sense. */
export function treesAfter(tree: Tree, action: Action): Tree[] {
  switch (action.do) {
    case 'create':
      return create(tree, action);
    case 'append':
      return append(tree, action);
    case 'flush':
      return flush(tree, action);
    case 'rename':
      return rename(tree, action);
    case 'delete':
      return remove(tree, action);
    case 'concat':
      return concat(tree, action);
    case 'mkdir': {
      const there = tree.get(action.path);
      if (there) return there.type === 'directory' ? [tree] : [];
      const made = put(tree, action.path, { type: 'directory' });
      return made ? [made] : [];
    }
    case 'stage': {
      const file = fileOf(tree, action.path);
      if (!file) return [];
      // Bytes that are there already are taken as sent again.
      if (action.position < lengthOf(file.tokens)) return [tree];
      const staged = new Map(file.staged).set(action.position, action.token);
      return [new Map(tree).set(action.path, { ...file, staged })];
    }
    case 'set-permission': {
      const node = tree.get(action.path);
      return node ? [new Map(tree).set(action.path, { ...node, permission: action.permission })] : [];
    }
    default:
      throw new Error(`${action.do} changes nothing`);
  }
}

/** True if a path can look like this. */
export function shows(tree: Tree, path: string, seen: Seen): boolean {
  const node = tree.get(path);
  if (seen.type === 'torn') return false;
  if (seen.type === 'absent') return !node;
  if (node?.type !== seen.type) return false;
  if (seen.permission !== undefined && node.permission !== undefined && seen.permission !== node.permission)
    return false;
  if (seen.type === 'directory' || node.type === 'directory') return true;
  return withSomeShown(node).some(
    ({ tokens }) =>
      seen.lengthBytes === lengthOf(tokens) &&
      (seen.tokens === undefined || String(seen.tokens) === String(tokens.map(({ id }) => id))),
  );
}

/** Equal for equal trees. */
export function keyOf(tree: Tree): string {
  return [...tree]
    .map(([path, node]) =>
      node.type === 'directory'
        ? `${path}|${node.permission ?? ''}`
        : `${path}|${node.permission ?? ''}|${node.tokens.map(({ id }) => id)}|${[...node.staged]
            .map(([position, { id }]) => `${position}:${id}`)
            .sort()}|${node.making ?? ''}${node.isFresh ? '+' : ''}`,
    )
    .sort()
    .join('\n');
}
