// The stores that hold their own tree, under the contract suite and beyond it.
import t from 'tap';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { storeContract } from './contract/store-contract.ts';

await storeContract(t, {
  name: 'memory',
  open: async () => ({ store: createMemoryStore({ name: 'memory' }), close: async () => undefined }),
});
