// `npm run torture [-- --seed N --kills N --clients N --kills-each N --no-chaos --no-search]`: the search of the model in its larger bounds,
// then the torture in full size. Exit code 1: a rule was broken.
import { parseArgs } from 'node:util';
import { searchModel } from './search-model.ts';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kills: { type: 'string', default: '200' },
    clients: { type: 'string', default: '6' },
    'kills-each': { type: 'string', default: '10' },
    'no-chaos': { type: 'boolean', default: false },
    'no-search': { type: 'boolean', default: false },
  },
});
const began = performance.now();
console.log(`seed ${values.seed}`);
const note = (line: string): void =>
  console.log(`${((performance.now() - began) / 1000).toFixed(1)}s ${line}`);
const found = values['no-search'] ? [] : await searchModel(note);
const report = await torture({
  seed: Number(values.seed),
  kills: Number(values.kills),
  clients: Number(values.clients),
  killsEach: Number(values['kills-each']),
  chaos: !values['no-chaos'],
  note,
});
const { faults: broken, ...figures } = report;
const faults = [...found, ...broken];
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(
  JSON.stringify({
    seed: values.seed,
    minutes: ((performance.now() - began) / 60_000).toFixed(1),
    ...figures,
  }),
);
process.exitCode = faults.length > 0 ? 1 : 0;
