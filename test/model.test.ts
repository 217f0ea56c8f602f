// Every interleaving of one path within small bounds, decided by the real functions; a rule left out is found. `test/model/search.ts` goes further.
import t from 'tap';
import { findTrace } from './model/find-trace.ts';
import { flaws, rules } from './model/rules.ts';
import { worlds } from './model/worlds.ts';

const bounds = (given: string) => {
  const [writes, reads, crashes, flips, outages] = given.split(' ').map(Number);
  return { writes: writes!, reads: reads!, crashes: crashes!, flips: flips!, outages: outages! };
};

/** Writes, reads, crashes, flips, outages. */
const sound: Readonly<Record<string, string>> = {
  together: '1 2 1 1 1',
  conditional: '1 2 1 1 0',
  'ack-both': '1 2 1 1 0',
  'no-failover': '2 1 1 1 0',
  'two-apps': '1 2 1 1 0',
  'one-sided': '1 2 1 1 0',
};

for (const [name, given] of Object.entries(sound)) {
  t.test(`${name}: no read without an explanation (${given})`, async (t) => {
    const { states, trace } = findTrace({ ...worlds[name]!, bounds: bounds(given), rules });
    t.equal(trace, undefined);
    t.ok(states > 1000, `${states} states`);
  });
}

const found: Readonly<Record<string, string>> = {
  nomark: '1 2 0 1 0',
  notail: '1 2 0 1 0',
  shortmemory: '2 1 1 1 0',
  lazyack: '1 1 1 0 0',
  routeread: '1 2 0 0 0',
  earlyview: '1 2 1 0 0',
  lasttail: '2 1 1 1 0',
};
t.same(Object.keys(found), Object.keys(flaws), 'every flaw is looked for');

for (const [flaw, given] of Object.entries(found)) {
  t.test(`${flaw} is found (${given})`, async (t) => {
    const { trace } = findTrace({
      ...worlds.together!,
      bounds: bounds(given),
      rules: { ...rules, ...flaws[flaw] },
    });
    t.ok(trace, 'a trace');
    t.comment(trace?.join(' → '));
  });
}
