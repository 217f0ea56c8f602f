// POSIX-style permissions and ACLs as both Hadoop and Gen2 have them: parse, print, apply a change.
import { StoreError } from './store-error.ts';

/** One ACL entry; `name` is '' for the owning user or group, `mask` and `other`. `permission` is 0..7. */
export interface AclEntry {
  scope: 'access' | 'default';
  type: 'user' | 'group' | 'mask' | 'other';
  name: string;
  permission: number;
}

/**
 * How a set of entries changes an ACL: the five Hadoop verbs, and `replace`, which is Gen2's `setAccessControl`. `set` keeps the
 * default entries if it has none, and the access entries if it has default ones only; `replace` keeps nothing.
 */
export type AclMode = 'set' | 'replace' | 'modify' | 'remove' | 'remove-default' | 'remove-all';

/** Most entries of one scope that Gen2 holds (wire reference §6). */
export const maxAclEntries = 32;

const typeOrder = { user: 0, group: 1, mask: 2, other: 3 } as const;

/** `rwx` of 0..7. */
export function formatBits(bits: number): string {
  return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
}

function parseBits(text: string): number {
  if (!/^[r-][w-][x-]$/.test(text)) throw StoreError.invalid(`'${text}' is not a permission like r-x`);
  return (text[0] === 'r' ? 4 : 0) + (text[1] === 'w' ? 2 : 0) + (text[2] === 'x' ? 1 : 0);
}

/**
 * `[default:]user|group|mask|other:[name]:rwx`, comma separated.
 * @param withPermissions false for the REMOVEACLENTRIES form, which has none (a trailing `:rwx` is tolerated).
 * @throws StoreError `invalid`
 */
export function parseAcl(text: string, withPermissions = true): AclEntry[] {
  return text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => parseEntry(part.trim(), withPermissions));
}

function parseEntry(text: string, withPermissions: boolean): AclEntry {
  const fields = text.split(':');
  const scope = fields[0] === 'default' ? 'default' : 'access';
  if (scope === 'default') fields.shift();
  const [type, name = '', bits] = fields;
  if (type !== 'user' && type !== 'group' && type !== 'mask' && type !== 'other') {
    throw StoreError.invalid(`'${text}' is not an ACL entry`);
  }
  if (fields.length > 3 || (withPermissions && bits === undefined)) {
    throw StoreError.invalid(`'${text}' is not an ACL entry`);
  }
  if ((type === 'mask' || type === 'other') && name !== '')
    throw StoreError.invalid(`'${text}' cannot have a name`);
  return { scope, type, name, permission: withPermissions ? parseBits(bits!) : 0 };
}

/** Canonical order: access before default; user, named users, group, named groups, mask, other; names sorted. */
export function sortAcl(entries: readonly AclEntry[]): AclEntry[] {
  return [...entries].sort(
    (a, b) =>
      (a.scope === b.scope ? 0 : a.scope === 'access' ? -1 : 1) ||
      typeOrder[a.type] - typeOrder[b.type] ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** The text form of entries, as `parseAcl` reads it. */
export function formatAclEntry(entry: AclEntry): string {
  const scope = entry.scope === 'default' ? 'default:' : '';
  return `${scope}${entry.type}:${entry.name}:${formatBits(entry.permission)}`;
}

/** Comma-separated text form. */
export function formatAcl(entries: readonly AclEntry[]): string {
  return entries.map(formatAclEntry).join(',');
}

/** The three base entries of a mode like 0o750; bits above 0o777 are ignored. */
export function aclOfPermission(permission: number): AclEntry[] {
  return [
    { scope: 'access', type: 'user', name: '', permission: (permission >> 6) & 7 },
    { scope: 'access', type: 'group', name: '', permission: (permission >> 3) & 7 },
    { scope: 'access', type: 'other', name: '', permission: permission & 7 },
  ];
}

/** True if the ACL says more than a mode can: a named entry, a mask or a default entry. */
export function isExtendedAcl(entries: readonly AclEntry[]): boolean {
  return entries.some((entry) => entry.scope === 'default' || entry.name !== '' || entry.type === 'mask');
}

/**
 * The mode of an ACL: with a mask, the group bits show the mask (POSIX.1e, Gen2 reference §6).
 * @param sticky the 0o1000 bit to keep
 */
export function permissionOfAcl(entries: readonly AclEntry[], sticky = 0): number {
  const bits = (type: AclEntry['type']): number | undefined =>
    entries.find((entry) => entry.scope === 'access' && entry.type === type && entry.name === '')?.permission;
  return (
    (sticky & 0o1000) |
    ((bits('user') ?? 0) << 6) |
    ((bits('mask') ?? bits('group') ?? 0) << 3) |
    (bits('other') ?? 0)
  );
}

/** chmod on an ACL: user and other are set; group bits go to the mask if there is one, else to the group. */
export function applyPermission(entries: readonly AclEntry[], permission: number): AclEntry[] {
  const hasMask = entries.some((entry) => entry.scope === 'access' && entry.type === 'mask');
  return entries.map((entry) => {
    if (entry.scope !== 'access' || entry.name !== '') return entry;
    if (entry.type === 'user') return { ...entry, permission: (permission >> 6) & 7 };
    if (entry.type === 'other') return { ...entry, permission: permission & 7 };
    if (entry.type === (hasMask ? 'mask' : 'group')) return { ...entry, permission: (permission >> 3) & 7 };
    return entry;
  });
}

const keyOf = (entry: AclEntry): string => `${entry.scope}:${entry.type}:${entry.name}`;

/**
 * The ACL after a change, with masks recomputed where the change names none (as HDFS `AclTransformation` does).
 * @throws StoreError `invalid` if `set` or `replace` lacks a base entry or a scope exceeds `maxAclEntries`
 */
export function changeAcl(
  current: readonly AclEntry[],
  mode: AclMode,
  change: readonly AclEntry[],
): AclEntry[] {
  if (mode === 'remove-all') return aclOfPermission(permissionOfAcl(current));
  if (mode === 'remove-default') return current.filter((entry) => entry.scope === 'access');
  const named = new Set(change.map(keyOf));
  let next: AclEntry[];
  if (mode === 'remove') {
    next = current.filter((entry) =>
      entry.scope === 'access' && entry.name === '' && entry.type !== 'mask'
        ? true
        : !named.has(keyOf(entry)),
    );
  } else if (mode === 'modify') {
    next = [...current.filter((entry) => !named.has(keyOf(entry))), ...change];
  } else {
    const access = change.filter((entry) => entry.scope === 'access');
    // HDFS: setting only default entries keeps the access ACL, and the other way round.
    next = [...change];
    if (mode === 'replace') return completed(next, named);
    if (access.length === 0) next.push(...current.filter((entry) => entry.scope === 'access'));
    if (access.length === change.length) next.push(...current.filter((entry) => entry.scope === 'default'));
  }
  return completed(next, named);
}

function completed(entries: readonly AclEntry[], named: ReadonlySet<string>): AclEntry[] {
  return sortAcl([...completeScope(entries, named, 'access'), ...completeScope(entries, named, 'default')]);
}

function completeScope(
  entries: readonly AclEntry[],
  named: ReadonlySet<string>,
  scope: AclEntry['scope'],
): AclEntry[] {
  const mine = entries.filter((entry) => entry.scope === scope);
  if (mine.length === 0 && scope === 'default') return [];
  for (const type of ['user', 'group', 'other'] as const) {
    if (mine.some((entry) => entry.type === type && entry.name === '')) continue;
    // HDFS: missing default base entries are copied from the access ACL; missing access base entries are an error.
    const base = entries.find(
      (entry) => entry.scope === 'access' && entry.type === type && entry.name === '',
    );
    if (scope === 'access' || !base)
      throw StoreError.invalid(`an ACL needs a ${scope === 'default' ? 'default ' : ''}${type}:: entry`);
    mine.push({ ...base, scope });
  }
  const masked = mine.filter(
    (entry) => (entry.name !== '' || entry.type === 'group') && entry.type !== 'mask',
  );
  const hasNamed = mine.some((entry) => entry.name !== '');
  const mask = mine.find((entry) => entry.type === 'mask');
  const explicit = named.has(`${scope}:mask:`);
  if (hasNamed && !explicit) {
    const bits = masked.reduce((all, entry) => all | entry.permission, 0);
    const next = mine.filter((entry) => entry !== mask);
    next.push({ scope, type: 'mask', name: '', permission: bits });
    return limited(next);
  }
  return limited(mine);
}

function limited(entries: AclEntry[]): AclEntry[] {
  if (entries.length > maxAclEntries)
    throw StoreError.invalid(`an ACL has at most ${maxAclEntries} entries of one scope`);
  return entries;
}

/** Symbolic form as Gen2 prints it: `rwxr-x---`, `t`/`T` for sticky, trailing `+` if the ACL is extended. */
export function formatPermission(permission: number, extended = false): string {
  const text =
    formatBits((permission >> 6) & 7) + formatBits((permission >> 3) & 7) + formatBits(permission & 7);
  const sticky = permission & 0o1000 ? text.slice(0, 8) + (permission & 1 ? 't' : 'T') : text;
  return extended ? `${sticky}+` : sticky;
}

/**
 * A mode from octal (`750`, `0750`, `1777`) or symbolic text (`rwxr-x---`, sticky `t`/`T`, trailing `+`).
 * @throws StoreError `invalid`
 */
export function parsePermission(text: string): number {
  if (/^[01]?[0-7]{1,3}$/.test(text)) return Number.parseInt(text, 8);
  const match = /^([r-][w-][x-])([r-][w-][x-])([r-][w-])([x\-tT])\+?$/.exec(text);
  if (!match) throw StoreError.invalid(`'${text}' is not a permission`);
  const last = match[4]!;
  const other = parseBits(match[3]! + (last === 'x' || last === 't' ? 'x' : '-'));
  const sticky = last === 't' || last === 'T' ? 0o1000 : 0;
  return sticky | (parseBits(match[1]!) << 6) | (parseBits(match[2]!) << 3) | other;
}

/**
 * What something new takes over from the folder that it is made in: the folder's default entries, their classes limited by `mode`, without a
 * umask (POSIX.1e); undefined if the folder hands nothing down.
 */
export function inheritedAcl(
  folder: readonly AclEntry[],
  type: 'file' | 'directory',
  mode: number,
): AclEntry[] | undefined {
  const handedDown = folder.filter((entry) => entry.scope === 'default');
  if (handedDown.length === 0) return undefined;
  const access = handedDown.map((entry): AclEntry => ({ ...entry, scope: 'access' }));
  const most = applyPermission(access, mode);
  const limited = access.map((entry, i) => ({
    ...entry,
    permission: entry.permission & most[i]!.permission,
  }));
  return type === 'file' ? limited : [...limited, ...handedDown.map((entry) => ({ ...entry }))];
}
