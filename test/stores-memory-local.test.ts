// The stores that hold their own tree, under the contract suite and beyond it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createLocalStore } from '../src/stores/local/local-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { storeContract } from './contract/store-contract.ts';

await storeContract(t, {
  name: 'memory',
  open: async () => ({ store: createMemoryStore({ name: 'memory' }), close: async () => undefined }),
});

await storeContract(t, {
  name: 'local',
  async open() {
    const dir = await mkdtemp(join(tmpdir(), 'twinlake-local-'));
    const store = await createLocalStore({ name: 'local', dir, fsync: false });
    return {
      store,
      async close() {
        await store.close?.();
        await rm(dir, { recursive: true });
      },
    };
  },
});
