// The torture in CI size: kills of the gateway and of the stores, flips and faults under mixed clients; no rule may break.
import t from 'tap';
import { oneStoreAway } from './one-store-away.ts';
import { torture } from './torture.ts';

t.setTimeout(600_000);

// The same plan in every run of CI; `npm run torture` draws a new one each night.
const seed = Number(process.env.TORTURE_SEED ?? 799_214);

t.test('with full failover, either store goes away without one failed request on clean paths', async (t) => {
  t.comment(`seed ${seed}`);
  const { faults, operations } = await oneStoreAway({
    seed,
    outages: 4,
    clients: 6,
    note: (line) => t.comment(line),
  });
  t.strictSame(faults, [], `seed ${seed}, ${operations} operations`);
});

t.test('twenty kills', async (t) => {
  t.comment(`seed ${seed}: npm run torture -- --seed ${seed} --kills 20`);
  const report = await torture({
    seed,
    kills: 20,
    clients: 6,
    killsEach: 10,
    chaos: true,
    note: (line) => t.comment(line),
  });
  t.strictSame(report.faults, [], `seed ${seed}; evidence in ${report.dir}`);
  t.ok(report.operations > 300, `${report.operations} operations, ${report.unknown} with unknown outcome`);
});
