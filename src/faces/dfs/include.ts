// What a Blob list is asked to include beyond names and lengths (Gen2 reference §3.2, §3.3).
import type { Entry } from '../../core/entry.ts';
import { StoreError } from '../../core/store-error.ts';
import { type Exchange, param } from './exchange.ts';

/** How many entries are asked about at once. */
const statBatch = 16;

/** True if `include=a,b` names this. */
export function includes(exchange: Exchange, what: string): boolean {
  return (param(exchange, 'include') ?? '').toLowerCase().split(',').includes(what);
}

/** The entries with their properties, which lists of stores do not carry. What has gone meanwhile stays as it was listed. */
export async function withProperties(exchange: Exchange, entries: readonly Entry[]): Promise<Entry[]> {
  const full: Entry[] = [];
  for (let start = 0; start < entries.length; start += statBatch) {
    full.push(
      ...(await Promise.all(
        entries.slice(start, start + statBatch).map((entry) => fullEntry(exchange, entry)),
      )),
    );
  }
  return full;
}

async function fullEntry({ store, ctx }: Exchange, entry: Entry): Promise<Entry> {
  try {
    return (await store.query({ verb: 'stat', path: entry.path, attributes: true }, ctx)).entry;
  } catch (error) {
    if (StoreError.from(error, 'no').kind === 'not-found') return entry;
    throw error;
  }
}
