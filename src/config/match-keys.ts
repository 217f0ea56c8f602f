// Who is which app: keys of one match are AND, members of a key OR, more keys win, ties are an error (semantics C1).
import type { Caller } from '../core/store.ts';
import type { MatchEntry } from './routes-schema.ts';

/** One thing a caller must have; `name` tells headers apart. */
export interface MatchKey {
  kind: 'host' | 'header' | 'user' | 'client';
  /** Lower-case header name; '' for the other kinds. */
  name: string;
  /** Any of them will do. */
  values: ReadonlySet<string>;
}

/** Lower case, without port, brackets or trailing dot: how hosts are compared. */
function normalizeHost(host: string): string {
  const lower = host.trim().toLowerCase();
  const ipv6 = /^\[([^\]]*)\](?::\d*)?$/.exec(lower);
  if (ipv6) return ipv6[1]!;
  // More than one colon and no brackets is a bare IPv6 address, which has no port.
  const name = lower.split(':').length > 2 ? lower : lower.replace(/:\d*$/, '');
  return name.replace(/\.$/, '');
}

/** The keys of a match, most telling first; none for the default app. */
export function matchKeys(match: MatchEntry | undefined): MatchKey[] {
  if (!match) return [];
  const keys: MatchKey[] = [];
  if (match.hosts) keys.push({ kind: 'host', name: '', values: new Set(match.hosts.map(normalizeHost)) });
  for (const [name, value] of Object.entries(match.headers ?? {})) {
    keys.push({ kind: 'header', name: name.toLowerCase(), values: new Set([value].flat()) });
  }
  if (match.users) keys.push({ kind: 'user', name: '', values: new Set(match.users) });
  // Application ids are GUIDs, which compare without case.
  if (match.clients)
    keys.push({ kind: 'client', name: '', values: new Set(match.clients.map((id) => id.toLowerCase())) });
  return keys;
}

/** True if the caller has all the keys. */
export function callerHas(keys: readonly MatchKey[], caller: Caller): boolean {
  return keys.every((key) => {
    const value = callerValue(key, caller);
    return value !== undefined && key.values.has(value);
  });
}

function callerValue(key: MatchKey, caller: Caller): string | undefined {
  if (key.kind === 'host') return caller.host === undefined ? undefined : normalizeHost(caller.host);
  if (key.kind === 'header') {
    const value = caller.headers?.[key.name];
    // One value a header, else a caller could be two apps at once.
    return Array.isArray(value) ? value.join(', ') : value;
  }
  // Anybody can claim a name; it counts where it was proven, or where only this machine can call (semantics C1).
  if (!caller.authenticated && !caller.loopback) return undefined;
  return key.kind === 'user' ? caller.user : caller.clientId?.toLowerCase();
}

/**
 * A caller that two matches of equally many keys would both claim, in words; undefined if there is none.
 * There is none exactly if some key that both have shares no value.
 */
export function commonCaller(a: readonly MatchKey[], b: readonly MatchKey[]): string | undefined {
  const words: string[] = [];
  for (const key of a) {
    const other = b.find((each) => each.kind === key.kind && each.name === key.name);
    const shared = [...key.values].find((value) => !other || other.values.has(value));
    if (shared === undefined) return undefined;
    words.push(wordsOf(key, shared));
  }
  for (const key of b) {
    if (a.some((each) => each.kind === key.kind && each.name === key.name)) continue;
    words.push(wordsOf(key, [...key.values][0]!));
  }
  return words.join(' and ');
}

function wordsOf(key: MatchKey, value: string): string {
  return key.kind === 'header' ? `header '${key.name}: ${value}'` : `${key.kind} '${value}'`;
}
