// The contract suite over one way to stand on the dual gateway, with reads on either side; afterwards both sides hold the same.
import type { Test } from 'tap';
import type { Mount } from '../../src/core/mount.ts';
import type { Side } from '../../src/core/store.ts';
import { storeContract } from '../contract/store-contract.ts';
import type { GatewayOptions, GatewayStack } from './gateway-stacks.ts';
import { sameTrees } from './same-trees.ts';

/** One stack-up with a gateway in it. */
export interface GatewayRow {
  name: string;
  open(t: Test, options: GatewayOptions): Promise<GatewayStack>;
  /** Whose names the caller of the contract uses. */
  speaks: Side;
  /** The suite names no modes, faces do; a store that is told none takes its own. */
  hasFace: boolean;
  /** Cases that cannot be kept while reads go to this side. */
  without?: Partial<Record<Side, readonly string[]>>;
}

/** The two namespaces differ, so that every path has to be translated. */
const mount: Mount = { source: '/clusters', target: '/lake' };

/** Runs the suite twice, reading from the source and from the target. */
export function gatewayContract(t: Test, row: GatewayRow): void {
  const { name, speaks, hasFace, open, without = {} } = row;
  for (const reads of ['source', 'target'] as const) {
    const title = `${name}, reads: ${reads}`;
    t.test(title, async (t) => {
      const stack = await open(t, { reads, mount });
      await storeContract(t, {
        name: title,
        root: mount[speaks],
        without: without[reads] ?? [],
        open: async () => stack,
        async afterwards(t) {
          await stack.rig.settled();
          await sameTrees(t, stack.disks, mount, hasFace);
        },
      });
    });
  }
}
