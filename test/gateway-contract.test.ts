// The contract suite over the dual gateway: to a face it is a store like any other.
import t from 'tap';
import { storeContract } from './contract/store-contract.ts';
import { createRig } from './gateway/rig.ts';

for (const reads of ['source', 'target'] as const) {
  t.test(`reads: ${reads}`, async (t) => {
    await storeContract(t, {
      name: `gateway over memory and memory, reads: ${reads}`,
      async open() {
        const rig = await createRig(t, { route: { reads } });
        return { store: rig.gateway, close: () => rig.close() };
      },
    });
  });
}
