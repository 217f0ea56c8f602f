// Linearizability of one register, as a set of what may be: an unanswered write may count at any later time, a refused one never.

/**
 * Possibilities `value.pending.read` joined by `;`, sorted: the register's value, a bit mask of writes not yet counted, and what the read
 * under way may return (`?` not yet read, `-` no read).
 */
export type Seen = string;

/** Nothing written, nobody reads. */
export const nothingSeen: Seen = '0.0.-';

interface Possible {
  value: number;
  pending: number;
  read: string;
}

function parse(seen: Seen): Possible[] {
  return seen === ''
    ? []
    : seen.split(';').map((text) => {
        const [value, pending, read] = text.split('.');
        return { value: Number(value), pending: Number(pending), read: read! };
      });
}

const keyOf = ({ value, pending, read }: Possible): string => `${value}.${pending}.${read}`;

function format(possible: readonly Possible[]): Seen {
  return [...new Set(possible.map(keyOf))].sort().join(';');
}

const spreads = new Map<Seen, Seen>();

/** Everything that may be after counting any pending writes, and the read, in any order. */
function spread(seen: Seen): Seen {
  const known = spreads.get(seen);
  if (known !== undefined) return known;
  const found = new Map(parse(seen).map((one) => [keyOf(one), one]));
  const todo = [...found.values()];
  for (let one = todo.pop(); one; one = todo.pop()) {
    const next: Possible[] = one.read === '?' ? [{ ...one, read: String(one.value) }] : [];
    for (let write = 1; 1 << write <= one.pending; write++)
      if (one.pending & (1 << write))
        next.push({ ...one, value: write, pending: one.pending & ~(1 << write) });
    for (const more of next) {
      if (found.has(keyOf(more))) continue;
      found.set(keyOf(more), more);
      todo.push(more);
    }
  }
  const all = format([...found.values()]);
  spreads.set(seen, all);
  return all;
}

/** A write has begun. */
export function begun(seen: Seen, write: number): Seen {
  return spread(format(parse(seen).map((one) => ({ ...one, pending: one.pending | (1 << write) }))));
}

/** A write was acknowledged: it has counted. */
export function acknowledged(seen: Seen, write: number): Seen {
  return format(parse(spread(seen)).filter(({ pending }) => !(pending & (1 << write))));
}

/** A write was answered with "surely not": it never counts. */
export function denied(seen: Seen, write: number): Seen {
  const never = parse(seen).filter(({ pending }) => pending & (1 << write));
  return format(never.map((one) => ({ ...one, pending: one.pending & ~(1 << write) })));
}

/** A read has begun. */
export function readBegun(seen: Seen): Seen {
  return spread(format(parse(seen).map((one) => ({ ...one, read: '?' }))));
}

/** A read ended without an answer. */
export function readFailed(seen: Seen): Seen {
  return format(parse(seen).map((one) => ({ ...one, read: '-' })));
}

/** A read returned `value`; empty: no order of the writes explains it. */
export function readReturned(seen: Seen, value: number): Seen {
  const explained = parse(spread(seen)).filter(({ read }) => read === String(value));
  return format(explained.map((one) => ({ ...one, read: '-' })));
}
