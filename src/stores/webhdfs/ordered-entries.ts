// A folder's entries in UTF-8 byte order, from a server that pages through them in an order of its own.
import type { Entry } from '../../core/entry.ts';
import { compareNames, nameOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FolderPage } from './hadoop-calls.ts';

/**
 * Names of one folder that are held back at once because the server gives them too early; only names beyond ASCII are. An entry takes
 * some 500 bytes.
 */
const maxHeldEntries = 200_000;

/** Where a listing stands. */
export interface Place {
  /** The last entry that was given out; it need not exist any more. */
  name: string;
  /** Lengths of those beginnings of `name` whose names beyond ASCII are still to come; absent: not known. */
  held?: number[];
}

/** The names that begin with `prefix` (ASCII) and go on with a character beyond ASCII. */
interface Group {
  prefix: string;
  entries: Map<string, Entry>;
  /** True if the server may have given some before this page began. */
  unread: boolean;
}

/** Index of the first character beyond ASCII, or -1. */
function highAt(name: string): number {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) > 0x7f) return at;
  return -1;
}

/**
 * HDFS compares names as signed bytes: below every beginning, what goes on beyond ASCII comes before what goes on in ASCII. UTF-8
 * order wants it behind. So such names are held back until the server has left their beginning. With a server that is in UTF-8 order
 * by itself nothing is held for long, and the same code is right.
 * @param fetch the entries behind a name, in the server's order
 * @returns each entry with `held` for the `Place` behind it
 * @throws StoreError `too-large` over `maxHeldEntries`
 */
export async function* orderedEntries(
  fetch: (startAfter: string | undefined) => Promise<FolderPage>,
  after?: Place,
): AsyncGenerator<[entry: Entry, held: number[]]> {
  const groups = groupsAt(after);
  const lengths = (): number[] => groups.map((group) => group.prefix.length);
  const close = async function* (group: Group): AsyncGenerator<[Entry, number[]]> {
    if (group.unread) await readGroup(fetch, group);
    const names = [...group.entries.keys()].sort(compareNames);
    for (const name of names) {
      if (!after || compareNames(name, after.name) > 0) yield [group.entries.get(name)!, lengths()];
    }
  };
  // Behind a name beyond ASCII the server's order says nothing: its group is read anew, then all behind the group's ASCII names.
  const own = after ? highAt(after.name) : -1;
  let from = after && own >= 0 ? `${after.name.slice(0, own)}\x7f` : after?.name;
  let more = true;
  while (more) {
    const page = await fetch(from);
    for (const entry of page.entries) {
      const name = nameOf(entry.path);
      while (groups.length > 0 && !name.startsWith(groups.at(-1)!.prefix)) yield* close(groups.pop()!);
      if (after && compareNames(name, after.name) <= 0) continue;
      const at = highAt(name);
      if (at === -1) yield [entry, lengths()];
      else hold(groups, name.slice(0, at), name, entry);
    }
    const last = page.entries.at(-1);
    more = page.more && last !== undefined;
    if (last) from = nameOf(last.path);
  }
  while (groups.length > 0) yield* close(groups.pop()!);
}

/** What may be due before this page's first entry, outermost first. */
function groupsAt(after: Place | undefined): Group[] {
  if (!after) return [];
  const { name } = after;
  const own = highAt(name);
  const end = own === -1 ? name.length : own;
  const lengths = after.held?.filter((length) => length < end) ?? Array.from({ length: end }, (_, at) => at);
  if (own !== -1) lengths.push(own);
  return lengths.map((length) => ({ prefix: name.slice(0, length), entries: new Map(), unread: true }));
}

function hold(groups: Group[], prefix: string, name: string, entry: Entry): void {
  let group = groups.at(-1);
  if (group?.prefix !== prefix) {
    group = { prefix, entries: new Map(), unread: false };
    groups.push(group);
  }
  keep(group, name, entry);
}

function keep(group: Group, name: string, entry: Entry): void {
  group.entries.set(name, entry);
  if (group.entries.size > maxHeldEntries) {
    throw new StoreError(
      'too-large',
      `more than ${maxHeldEntries} names of one folder that begin with '${group.prefix}' go on beyond ASCII`,
    );
  }
}

/** Where such names come first, they are all here; where they come last, they come by themselves. */
async function readGroup(
  fetch: (startAfter: string | undefined) => Promise<FolderPage>,
  group: Group,
): Promise<void> {
  const { prefix } = group;
  let from: string | undefined = prefix === '' ? undefined : prefix;
  for (let more = true; more; ) {
    const page = await fetch(from);
    for (const entry of page.entries) {
      const name = nameOf(entry.path);
      if (!name.startsWith(prefix) || highAt(name) !== prefix.length) return;
      keep(group, name, entry);
    }
    const last = page.entries.at(-1);
    more = page.more && last !== undefined;
    if (last) from = nameOf(last.path);
  }
}
