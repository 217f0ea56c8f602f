// The contract suite over the dual gateway: to a face it is a store like any other.
import t from 'tap';
import { createFixture } from './contract/fixture.ts';
import { gatewayContract } from './stacks/gateway-contract.ts';
import { gatewayOverMemory, gatewayOverWire } from './stacks/gateway-stacks.ts';
import { noGaps } from './stacks/left-out.ts';
import { sameTrees } from './stacks/same-trees.ts';

t.setTimeout(120_000);

gatewayContract(t, {
  name: 'gateway over memory and memory',
  speaks: 'target',
  hasFace: false,
  open: gatewayOverMemory,
});

gatewayContract(t, {
  name: 'gateway over webhdfs and gen2',
  speaks: 'target',
  hasFace: false,
  open: gatewayOverWire,
  without: { source: noGaps },
});

t.test('in a mount of everything, repair works inside the filesystem, unseen', async (t) => {
  const everything = { source: '/', target: '/' };
  const { rig, disks, store, close } = await gatewayOverWire(t, { reads: 'source', mount: everything });
  t.teardown(close);
  const { mkdir, write, names, exists } = createFixture(store, '/lake');
  await mkdir('/lake');
  rig.down.add('target');
  for (const name of ['f', 'd/g']) await write(`/lake/${name}`, name);
  rig.down.clear();
  rig.repair.wake();
  await rig.settled();
  await sameTrees(t, disks, everything, false);
  // What an interrupted copy leaves behind.
  await createFixture(disks.target, '/lake').write('/lake/.twinlake/repair/1-1', 'half');
  rig.route.reads = 'target';
  t.same(await names('/lake'), ['d', 'f']);
  t.same(await names('/lake', { recursive: true }), ['d', 'd/g', 'f']);
  t.notOk(await exists('/lake/.twinlake/repair/1-1'));
});
