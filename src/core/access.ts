// What a caller may do, and whether an operation is within it: pure, the one decision of authorization.
import type { Attributes, Mutation, SetAttributesMutation } from './mutation.ts';
import { isWithin, parentOf } from './path.ts';
import type { AccessQuery, Query } from './query.ts';

/** The rights that a SAS can name (Gen2 reference §5). */
export type Right =
  | 'read'
  | 'add'
  | 'create'
  | 'write'
  | 'delete'
  | 'list'
  | 'move'
  | 'execute'
  | 'ownership'
  | 'permissions';

/** What an operation is about: the account, a filesystem itself, the names in one, or what lies in one. */
export type Level = 'service' | 'filesystem' | 'listing' | 'object';

/** Something a caller may do. What is left out is not restricted. */
export interface Grant {
  rights?: ReadonlySet<Right>;
  levels?: ReadonlySet<Level>;
  /** Subtrees, named as the client names them. Of the folders above them only the attributes may be asked. */
  within?: readonly string[];
  /** `within` are single paths: nothing below them. */
  exact?: boolean;
}

/** One thing that an operation needs: any of the rights, at a path. */
interface Need {
  path: string;
  rights: readonly Right[];
  levels: readonly Level[];
  /** It asks for attributes only. */
  asks?: boolean;
}

/** Why an operation is refused. */
export type Refusal = 'path' | 'level' | 'right';

/** What a read-only app may. */
export const readingRights: ReadonlySet<Right> = new Set(['read', 'list', 'execute']);

const depthOf = (path: string): number => (path === '/' ? 0 : path.split('/').length - 1);

function ownLevel(path: string): Level[] {
  const depth = depthOf(path);
  if (depth === 0) return ['service'];
  return depth === 1 ? ['filesystem'] : ['object'];
}

/** A filesystem's attributes are those of its root folder too. */
const anyLevel = (path: string): Level[] => (depthOf(path) === 1 ? ['filesystem', 'object'] : ownLevel(path));

function needsOfQuery(query: Query): Need[] {
  const { path } = query;
  if (query.verb === 'list' || query.verb === 'summary')
    return [{ path, rights: ['list'], levels: [depthOf(path) === 0 ? 'service' : 'listing'] }];
  if (query.verb === 'access') return needsOfAccess(query);
  if (query.verb === 'stat')
    return [{ path, rights: ['read', 'execute'], levels: anyLevel(path), asks: true }];
  return [{ path, rights: ['read'], levels: ownLevel(path) }];
}

function needsOfAccess({ path, action }: AccessQuery): Need[] {
  const asks: Need = { path, rights: ['read', 'execute'], levels: anyLevel(path), asks: true };
  const mayWrite = (action & 2) !== 0;
  return mayWrite ? [asks, { path, rights: ['write'], levels: anyLevel(path) }] : [asks];
}

function needsOfMutation(mutation: Mutation): Need[] {
  const { path } = mutation;
  const need = (...rights: Right[]): Need => ({ path, rights, levels: ownLevel(path) });
  switch (mutation.verb) {
    case 'mkdir':
      return [need('create', 'write'), ...needsOfOwnership(path, mutation.attributes)];
    case 'stage-block':
      return [need('create', 'write')];
    case 'create':
    case 'commit-blocks':
      return [
        mutation.condition?.ifNoneMatch === '*' ? need('create', 'write') : need('write'),
        ...needsOfOwnership(path, mutation.attributes),
      ];
    case 'append':
    case 'stage':
    case 'flush':
      return [need('add', 'write')];
    case 'delete':
      return [need('delete')];
    case 'lease':
      return [need('write', 'delete')];
    case 'rename': {
      const { destination, replace } = mutation;
      const rights: Right[] = replace === 'none' ? ['create', 'write'] : ['write'];
      return [need('move'), { path: destination, rights, levels: ownLevel(destination) }];
    }
    case 'truncate':
      return [need('write')];
    case 'concat': {
      const gone = mutation.deleteSourceDirectory
        ? [...mutation.sources, ...mutation.sources.map(parentOf)]
        : mutation.sources;
      return [
        need('write'),
        ...gone.map((each) => ({ path: each, rights: ['delete'] as const, levels: ownLevel(each) })),
      ];
    }
    case 'set-attributes':
      return needsOfChange(mutation);
  }
}

/** The mode of something new is its maker's; its owner and ACL are not. */
function needsOfOwnership(path: string, attributes: Attributes | undefined): Need[] {
  const { owner, group, acl } = attributes ?? {};
  const levels = anyLevel(path);
  const needs: Need[] = [];
  if (acl) needs.push({ path, rights: ['permissions'], levels });
  if (owner !== undefined || group !== undefined) needs.push({ path, rights: ['ownership'], levels });
  return needs;
}

function needsOfChange(mutation: SetAttributesMutation): Need[] {
  const { verb, path, permission, acl, owner, group, condition, ...content } = mutation;
  const levels = anyLevel(path);
  const needs: Need[] = [];
  if (permission !== undefined || acl) needs.push({ path, rights: ['permissions'], levels });
  if (owner !== undefined || group !== undefined) needs.push({ path, rights: ['ownership'], levels });
  // What is neither is content: properties, headers, times, expiry.
  if (needs.length === 0 || Object.keys(content).length > 0) needs.push({ path, rights: ['write'], levels });
  return needs;
}

/** Why this grant does not cover the need; undefined if it does. */
function gapOf(grant: Grant, { path, rights, levels, asks }: Need): Refusal | undefined {
  const covers = (root: string): boolean =>
    (grant.exact ? path === root : isWithin(path, root)) || (asks === true && isWithin(root, path));
  if (grant.within && !grant.within.some(covers)) return 'path';
  if (grant.levels && !levels.some((level) => grant.levels!.has(level))) return 'level';
  if (grant.rights && !rights.some((right) => grant.rights!.has(right))) return 'right';
  return undefined;
}

const severity: readonly Refusal[] = ['path', 'level', 'right'];

/** Every need must be met by some grant of every list; the refusal of the grant that came nearest. */
function refusalOf(needs: readonly Need[], lists: readonly (readonly Grant[])[]): Refusal | undefined {
  for (const grants of lists) {
    for (const need of needs) {
      const gaps = grants.map((grant) => gapOf(grant, need));
      if (gaps.includes(undefined)) continue;
      return severity.findLast((gap) => gaps.includes(gap)) ?? 'right';
    }
  }
  return undefined;
}

/** Whether a question may be asked. @param lists each must allow it; a list by any of its grants */
export function refusalOfQuery(query: Query, lists: readonly (readonly Grant[])[]): Refusal | undefined {
  return refusalOf(needsOfQuery(query), lists);
}

/** A mutation that may be done, perhaps only if it replaces nothing; or why not. */
export type Verdict = { refused: Refusal } | { mutation: Mutation; replacesNothing?: true };

/**
 * Whether a mutation may be done. Who may create but not write may make what is not there: the mutation then carries the condition.
 */
export function judgeMutation(mutation: Mutation, lists: readonly (readonly Grant[])[]): Verdict {
  const refused = refusalOf(needsOfMutation(mutation), lists);
  if (!refused) return { mutation: staysExact(mutation, lists) };
  const cautious = withoutReplacing(staysExact(mutation, lists));
  if (!cautious || refusalOf(needsOfMutation(cautious), lists)) return { refused };
  return { mutation: cautious, replacesNothing: true };
}

/** A right to one path is none to what lies in it: the destination is then that path, never a folder that takes the source in. */
function staysExact(mutation: Mutation, lists: readonly (readonly Grant[])[]): Mutation {
  const isExact = lists.flat().some((grant) => grant.exact);
  return mutation.verb === 'rename' && isExact ? { ...mutation, intoDirectory: false } : mutation;
}

function withoutReplacing(mutation: Mutation): Mutation | undefined {
  if (mutation.verb === 'rename') return { ...mutation, replace: 'none' };
  if (mutation.verb !== 'create' && mutation.verb !== 'commit-blocks') return undefined;
  return mutation.condition ? undefined : { ...mutation, condition: { ifNoneMatch: '*' } };
}
