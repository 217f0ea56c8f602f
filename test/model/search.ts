// `node test/model/search.ts [WRITES READS CRASHES FLIPS OUTAGES [WORLD [FLAW]]]`: every interleaving within the bounds. Exit code 1: a trace.
import { findTrace } from './find-trace.ts';
import { flaws, rules } from './rules.ts';
import { worlds } from './worlds.ts';

const [writes = 2, reads = 2, crashes = 1, flips = 1, outages = 1] = process.argv.slice(2, 7).map(Number);
const [name = 'together', flaw] = process.argv.slice(7);
const world = worlds[name];
if (!world) throw new Error(`worlds: ${Object.keys(worlds).join(', ')}`);
if (flaw !== undefined && !flaws[flaw]) throw new Error(`flaws: ${Object.keys(flaws).join(', ')}`);
const began = performance.now();
const bounds = { writes, reads, crashes, flips, outages };
const { states, trace } = findTrace({ ...world, bounds, rules: { ...rules, ...(flaw ? flaws[flaw] : {}) } });
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `${name}: ${states} states in ${seconds} s, ${trace ? 'what a read returned has no explanation:' : 'nothing found'}`,
);
for (const line of trace ?? []) console.log(`  ${line}`);
process.exitCode = trace ? 1 : 0;
