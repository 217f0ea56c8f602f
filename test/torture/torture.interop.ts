// The torture in CI size: kills of the gateway and of the stores, flips and faults under mixed clients; no rule may break.
import t from 'tap';
import { torture } from './torture.ts';

t.setTimeout(600_000);

t.test('twenty kills', async (t) => {
  const seed = Number(process.env.TORTURE_SEED ?? Date.now() % 1_000_000);
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
