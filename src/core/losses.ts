// What a store cannot hold of an operation: lost on the way to the secondary, refused by the primary. Pure.
import type { Attributes, Mutation, SetAttributesMutation } from './mutation.ts';
import { pathsOf } from './mutation.ts';
import { segmentsOf } from './path.ts';
import type { Query } from './query.ts';
import type { Loss, Supports } from './store.ts';

/** Gen2's rule for names of filesystems. */
const filesystemName = /^[$a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]$/;

/** What a store with these facts cannot hold; the paths of what is asked are in its own namespace. */
export function lossesOf(asked: Mutation | Query, can: Supports): Loss[] {
  if (asked.verb === 'checksum') return can.checksum === undefined ? ['checksum'] : [];
  const losses: Loss[] = isChange(asked) ? attributeLosses(asked, can) : [];
  const paths = isChange(asked) ? pathsOf(asked) : [asked.path];
  if (paths.some((path) => !canStand(path, can))) losses.unshift('name');
  return losses;
}

/** What was given a kind of its own and cannot be held. A time that cannot be set is kept as a property (semantics B3). */
function attributeLosses(mutation: Mutation, can: Supports): Loss[] {
  const given = givenBy(mutation);
  const lost: [Loss, boolean][] = [
    ['properties', !can.properties && Object.keys(given.properties ?? {}).length > 0],
    ['content-headers', !can.properties && Object.keys(given.content ?? {}).length > 0],
    ['acl', !can.acl && given.acl !== undefined],
    ['owner', !can.owners && (given.owner ?? given.group) !== undefined],
    ['expiry', !can.expiry && (given.expiresMs ?? null) !== null],
    ['modified-time', !can.setTimes && !can.properties && given.modifiedMs !== undefined],
    ['access-time', !can.setTimes && given.accessedMs !== undefined],
    ['replication', !can.blocks && given.replication !== undefined],
    ['block-size', !can.blocks && given.blockSizeBytes !== undefined],
  ];
  return lost.filter(([, isLost]) => isLost).map(([loss]) => loss);
}

type Given = Omit<Attributes, 'acl' | 'expiresMs'> &
  Pick<SetAttributesMutation, 'modifiedMs' | 'accessedMs' | 'expiresMs'> & {
    acl?: unknown;
    replication?: number;
    blockSizeBytes?: number;
  };

/** The fields of a mutation, and of the attributes in it, that go with each loss. A name cannot be left out. */
const fieldsOf: Partial<Record<Loss, readonly string[]>> = {
  properties: ['properties'],
  'content-headers': ['content'],
  acl: ['acl'],
  owner: ['owner', 'group'],
  expiry: ['expiresMs'],
  'modified-time': ['modifiedMs'],
  'access-time': ['accessedMs'],
  replication: ['replication'],
  'block-size': ['blockSizeBytes'],
};

/** The mutation with what such a store can hold: it would refuse the whole for what is not. */
export function withoutLosses(mutation: Mutation, can: Supports): Mutation {
  const dropped = lossesOf(mutation, can).flatMap((loss) => fieldsOf[loss] ?? []);
  if (dropped.length === 0) return mutation;
  const without = <T extends object>(all: T): T =>
    Object.fromEntries(Object.entries(all).filter(([field]) => !dropped.includes(field))) as T;
  const kept = without(mutation);
  return 'attributes' in kept && kept.attributes ? { ...kept, attributes: without(kept.attributes) } : kept;
}

/** Everything that a mutation says of its file beside its bytes. */
function givenBy(mutation: Mutation): Given {
  const attributes: Given = 'attributes' in mutation ? { ...mutation.attributes } : {};
  return { ...attributes, ...(mutation as Given) };
}

function isChange(asked: Mutation | Query): asked is Mutation {
  return !['stat', 'list', 'read', 'summary', 'checksum', 'access'].includes(asked.verb);
}

function canStand(path: string, can: Supports): boolean {
  if (can.colons === false && path.includes(':')) return false;
  const [root] = segmentsOf(path);
  return root === undefined || can.rootFolders === 'any' || filesystemName.test(root);
}
