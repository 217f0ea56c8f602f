// Lock-step walk of one folder on two sides, in order of name.
import type { Entry } from '../core/entry.ts';
import { compareNames, nameOf } from '../core/path.ts';
import type { ListQuery } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** Entries asked for in one call. */
const pageEntries = 1000;

/** One name of the folder and what stands there on each side. */
export interface Pair {
  name: string;
  truth?: Entry;
  other?: Entry;
}

/** The entries of a folder, page by page; a folder that is not there is empty. */
export async function* entriesOf(store: Store, path: string, ctx: Ctx): AsyncGenerator<Entry> {
  let token: string | undefined;
  do {
    const query: ListQuery = { verb: 'list', path, recursive: false, limit: pageEntries };
    if (token !== undefined) query.token = token;
    const page = await store.query(query, ctx).catch((thrown: unknown) => {
      if (StoreError.from(thrown, 'no').kind === 'not-found') return { entries: [] as Entry[] };
      throw thrown;
    });
    yield* page.entries.filter((entry) => entry.path !== path);
    token = 'token' in page ? page.token : undefined;
  } while (token !== undefined);
}

/** Joins two folders by name. Both sides must list in UTF-8 byte order (semantics B1). */
export async function* march(truth: AsyncIterable<Entry>, other: AsyncIterable<Entry>): AsyncGenerator<Pair> {
  const [left, right] = [truth[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  let [a, b] = await Promise.all([left.next(), right.next()]);
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareNames(nameOf(a.value.path), nameOf(b.value.path));
    const pair: Pair = { name: nameOf((order <= 0 ? a : b).value.path) };
    if (order <= 0) pair.truth = a.value;
    if (order >= 0) pair.other = b.value;
    yield pair;
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}
