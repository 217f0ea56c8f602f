// UTF-8 order from servers with orders of their own: pages of any size, tokens and bare names, random names.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Entry } from '../src/core/entry.ts';
import { compareNames } from '../src/core/path.ts';
import type { FolderPage } from '../src/stores/webhdfs/hadoop-calls.ts';
import { orderedEntries, type Place } from '../src/stores/webhdfs/ordered-entries.ts';

type Order = (a: string, b: string) => number;

/** Bytes compared as Java's signed bytes: HDFS. */
const signed: Order = (a, b) => {
  const left = new Int8Array(Buffer.from(a));
  const right = new Int8Array(Buffer.from(b));
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    if (left[at] !== right[at]) return left[at]! - right[at]!;
  }
  return left.length - right.length;
};
const utf16: Order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const orders: Record<string, Order> = { signed, utf16, utf8: compareNames };

function entryOf(name: string): Entry {
  const more = { lengthBytes: 0, modifiedMs: 0, permission: 0o644, owner: '', group: '' };
  return { path: `/d/${name}`, type: 'file', ...more };
}

/** A server with these names in its order, so many at a time. */
function server(names: readonly string[], order: Order, pageSize: number) {
  const sorted = [...names].sort(order);
  return async (startAfter: string | undefined): Promise<FolderPage> => {
    const rest = startAfter === undefined ? sorted : sorted.filter((name) => order(name, startAfter) > 0);
    return { entries: rest.slice(0, pageSize).map(entryOf), more: rest.length > pageSize };
  };
}

async function take(
  fetch: ReturnType<typeof server>,
  after: Place | undefined,
  limit: number,
): Promise<Place[]> {
  const places: Place[] = [];
  for await (const [entry, held] of orderedEntries(fetch, after)) {
    if (places.length === limit) break;
    places.push({ name: entry.path.slice(3), held });
  }
  return places;
}

// Few letters, so that names share beginnings; one of each width in UTF-8, and a pair that UTF-16 sorts the other way round.
const letter = fc.constantFrom('a', 'b', '~', '\u00e9', '\u65e5', '\uff41', '\u{1f600}');
const name = fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => letters.join(''));
const names = fc.uniqueArray(name, { maxLength: 40 });
const size = fc.integer({ min: 1, max: 9 });
const seed = Number(process.env.SEED ?? 20_260_726);
const parameters = { seed, numRuns: 300 };
t.comment(`seed ${seed}`);

for (const [label, order] of Object.entries(orders)) {
  t.test(`a server in ${label} order`, async () => {
    await fc.assert(
      fc.asyncProperty(names, size, size, async (all, serverPage, limit) => {
        const expected = [...all].sort(compareNames);
        const fetch = server(all, order, serverPage);
        const byToken: string[] = [];
        const byName: string[] = [];
        for (let page = await take(fetch, undefined, limit); page.length > 0; ) {
          byToken.push(...page.map((place) => place.name));
          page = await take(fetch, page.at(-1), limit);
        }
        for (let page = await take(fetch, undefined, limit); page.length > 0; ) {
          byName.push(...page.map((place) => place.name));
          page = await take(fetch, { name: page.at(-1)!.name }, limit);
        }
        assert.deepEqual(byToken, expected);
        assert.deepEqual(byName, expected);
      }),
      parameters,
    );
  });

  t.test(`starting behind any name, in ${label} order`, async () => {
    await fc.assert(
      fc.asyncProperty(names, name, size, async (all, after, serverPage) => {
        const expected = [...all].sort(compareNames).filter((each) => compareNames(each, after) > 0);
        const places = await take(server(all, order, serverPage), { name: after }, 1000);
        assert.deepEqual(
          places.map((place) => place.name),
          expected,
        );
      }),
      parameters,
    );
  });
}
