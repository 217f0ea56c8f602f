// A history as moments: each operation takes effect at one moment between its call and its answer; some have more moments than one.
import {
  foldersAbove,
  isBegun,
  shows,
  type Tree,
  treesAfter,
  treesWithBegun,
  treesWithFolder,
  treesWithoutBegun,
  treesWithoutFolder,
} from './file-model.ts';
import type { Action, Operation, Seen } from './history.ts';

/** Something that happens at one moment. */
export interface Moment {
  operation: Operation;
  invokedMs: number;
  returnedMs: number;
  /** It may never come. */
  isOptional: boolean;
  /** It changes nothing: the trees after it are the tree itself, or none where it does not fit. */
  isQuery: boolean;
  after(tree: Tree): readonly Tree[];
  /** What it looks at or changes, with all that is above and below. */
  paths: readonly string[];
  /** Only these paths and what is above them matter to it, not what is below. */
  isShallow?: boolean;
  /** It comes before this one or never. */
  before?: Moment;
  /** Moments of no answer that do the same have the same. */
  doing: string;
}

const queries: ReadonlySet<Action['do']> = new Set(['read', 'stat', 'list']);

/** True if it only asks. */
export const isQuery = ({ action }: Operation): boolean => queries.has(action.do);

/** All paths that an action names, its own first. */
export function pathsOf(action: Action): string[] {
  if (action.do === 'rename') return [action.path, action.destination];
  if (action.do === 'concat') return [action.path, ...action.sources];
  return [action.path];
}

const joined = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
const parentOf = (path: string): string => foldersAbove(path)[0] ?? '';

/** All paths that anybody has named or seen, and the folders above them. */
function universeOf(history: readonly Operation[]): string[] {
  const paths = new Set<string>();
  for (const { action, result } of history) {
    for (const path of pathsOf(action)) paths.add(path);
    if (action.do === 'rename' && action.intoDirectory)
      paths.add(joined(action.destination, action.path.slice(action.path.lastIndexOf('/') + 1)));
    if (result.is === 'done')
      for (const name of Object.keys(result.names ?? {})) paths.add(joined(action.path, name));
  }
  for (const path of [...paths]) for (const folder of foldersAbove(path)) paths.add(folder);
  return [...paths];
}

/**
 * What a query saw, path by path: a listing, recursive or not, shows each of its names at a moment of its own, and so does what it leaves
 * out. The promise is one order per path; no store promises a listing of one moment.
 */
function sightsOf({ action, result }: Operation, universe: readonly string[]): [path: string, seen: Seen][] {
  if (result.is !== 'done') return [];
  const itself: [string, Seen][] = result.seen ? [[action.path, result.seen]] : [];
  // The cell's own folder comes with the first write and says nothing.
  if (action.do !== 'list') return itself.filter(([path]) => path !== '');
  if (result.seen && (result.seen.type !== 'absent' || action.path !== '')) return itself;
  const prefix = action.path === '' ? '' : `${action.path}/`;
  const listed = universe.filter(
    (path) =>
      path.startsWith(prefix) &&
      path.length > prefix.length &&
      (action.recursive || !path.slice(prefix.length).includes('/')),
  );
  return listed.map((path) => [path, result.names?.[path.slice(prefix.length)] ?? { type: 'absent' }]);
}

const aboutThePath: ReadonlySet<Action['do']> = new Set([
  'append',
  'stage',
  'flush',
  'delete',
  'set-permission',
]);

/** False where a refusal says what is not so; most kinds say nothing certain. */
function refusalFits({ action, result }: Operation, tree: Tree): boolean {
  if (result.is !== 'refused') return true;
  if (action.do === 'create' && !action.overwrite && result.kind === 'exists') return tree.has(action.path);
  if (result.kind !== 'not-found') return true;
  if (aboutThePath.has(action.do)) return !tree.has(action.path);
  if (action.do !== 'rename') return true;
  return !tree.has(action.path) || !tree.has(parentOf(action.destination));
}

/** A write makes the folders above it before it comes itself, and takes them away again where it fails. */
function impliedFolders(operation: Operation): Moment[] {
  const { action, result, invokedMs, returnedMs } = operation;
  if (action.do !== 'create' && action.do !== 'mkdir') return [];
  const folders = foldersAbove(action.path).filter((folder) => folder !== '');
  return folders.flatMap((folder) => {
    const base = { operation, invokedMs, returnedMs, isOptional: true, isQuery: false, paths: [folder] };
    const make: Moment = {
      ...base,
      isShallow: true,
      after: (tree) => treesWithFolder(tree, folder),
      doing: `make ${folder}`,
    };
    const remove: Moment = {
      ...base,
      after: (tree) => treesWithoutFolder(tree, folder),
      doing: `remove ${folder}`,
    };
    return result.is === 'done' ? [make] : [make, remove];
  });
}

function momentsOf(
  operation: Operation,
  universe: readonly string[],
  history: readonly Operation[],
): Moment[] {
  const { action, result, invokedMs, returnedMs } = operation;
  const paths = action.do === 'rename' ? [...pathsOf(action), parentOf(action.destination)] : pathsOf(action);
  const base = {
    operation,
    invokedMs,
    returnedMs,
    isOptional: false,
    paths: paths.filter((path) => path !== '' || action.path === ''),
    doing: '',
  };
  if (isQuery(operation))
    return sightsOf(operation, universe).map(([path, seen]) => ({
      ...base,
      isQuery: true,
      paths: [path],
      isShallow: seen.type === 'file',
      after: (tree) => (shows(tree, path, seen) ? [tree] : []),
    }));
  const refused = result.is === 'refused';
  const isOptional = result.is === 'unknown';
  const itself: Moment = refused
    ? { ...base, isQuery: true, after: (tree) => (refusalFits(operation, tree) ? [tree] : []) }
    : {
        ...base,
        isOptional,
        isQuery: false,
        after: (tree) => treesAfter(tree, action),
        doing: JSON.stringify(action),
      };
  const folders = impliedFolders(operation);
  const isSeenBegun = wasSeenBegun(operation, history);
  if (action.do !== 'create' || !action.token || (refused && !isSeenBegun)) return [itself, ...folders];
  // A store shows a file that is written anew as empty until its bytes have come.
  const aside = { ...base, isOptional: true, isQuery: false, before: itself };
  const name = JSON.stringify(action);
  const begin: Moment = {
    ...aside,
    after: (tree) => treesWithBegun(tree, action, isSeenBegun),
    doing: `begin ${name}`,
  };
  if (!isSeenBegun) return [itself, begin, ...folders];
  if (refused) {
    itself.isQuery = false;
    itself.after = (tree) => (isBegun(tree, action) || !refusalFits(operation, tree) ? [] : [tree]);
  }
  const after = (tree: Tree) => treesWithoutBegun(tree, action);
  return [itself, begin, { ...aside, after, doing: `take back ${name}` }, ...folders];
}

/** True if somebody saw an empty file while a create that came to nothing was under way: it may have been begun, and taken back. */
function wasSeenBegun({ action, result, invokedMs, returnedMs }: Operation, history: readonly Operation[]) {
  if (action.do !== 'create' || result.is === 'done') return false;
  if (result.is === 'refused' && result.kind !== 'temporary') return false;
  return history.some(
    (other) =>
      isQuery(other) &&
      other.invokedMs <= returnedMs &&
      other.returnedMs >= invokedMs &&
      sightsOf(other, [action.path]).some(
        ([path, seen]) => path === action.path && seen.type === 'file' && seen.lengthBytes === 0,
      ),
  );
}

/** All moments of a history in the order of their calls. */
export function momentsOfHistory(history: readonly Operation[]): Moment[] {
  const universe = universeOf(history);
  return history
    .flatMap((operation) => momentsOf(operation, universe, history))
    .sort((a, b) => a.invokedMs - b.invokedMs);
}

const isWithin = (path: string, folder: string): boolean =>
  path === folder || folder === '' || path.startsWith(`${folder}/`);

/** True if their order may matter. */
export function conflict(a: Moment, b: Moment): boolean {
  if (a.isQuery && b.isQuery) return false;
  for (const one of a.paths) {
    for (const other of b.paths) {
      if (isWithin(one, other) && !(b.isShallow && one !== other)) return true;
      if (isWithin(other, one) && !(a.isShallow && one !== other)) return true;
    }
  }
  return false;
}

/** True if one began before the other was answered and they name paths of which one is the other or above it. */
export function areRelated(earlier: Operation, later: Operation): boolean {
  if (earlier.invokedMs > later.returnedMs) return false;
  return pathsOf(earlier.action).some((one) =>
    pathsOf(later.action).some((other) => isWithin(one, other) || isWithin(other, one)),
  );
}
