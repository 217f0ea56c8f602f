// `npm run torture [-- --seed N --kills N --clients N --kills-each N --no-chaos]`: the torture in full size. Exit code 1: a rule was broken.
import { parseArgs } from 'node:util';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kills: { type: 'string', default: '200' },
    clients: { type: 'string', default: '6' },
    'kills-each': { type: 'string', default: '10' },
    'no-chaos': { type: 'boolean', default: false },
  },
});
const began = performance.now();
console.log(`seed ${values.seed}`);
const report = await torture({
  seed: Number(values.seed),
  kills: Number(values.kills),
  clients: Number(values.clients),
  killsEach: Number(values['kills-each']),
  chaos: !values['no-chaos'],
  note: (line) => console.log(`${((performance.now() - began) / 1000).toFixed(1)}s ${line}`),
});
const { faults, ...figures } = report;
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(
  JSON.stringify({
    seed: values.seed,
    minutes: ((performance.now() - began) / 60_000).toFixed(1),
    ...figures,
  }),
);
process.exitCode = faults.length > 0 ? 1 : 0;
