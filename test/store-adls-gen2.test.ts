// The Gen2 driver: the contract suite over driver → dfs face → memory, and what only the wire can do to a driver.
import t from 'tap';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { createAdlsGen2Store } from '../src/stores/adls-gen2/adls-gen2-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { storeContract } from './contract/store-contract.ts';
import { serveFace } from './face-server.ts';

const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

t.test('contract', (t) =>
  storeContract(t, {
    name: 'adls-gen2 over the dfs face over memory',
    async open() {
      const inner = createMemoryStore({ name: 'memory', rootFolders: 'filesystems' });
      const server = await serveFace(
        createDfsFace({ store: inner, accounts: { [account]: key }, auth: 'shared-key' }),
      );
      const store = createAdlsGen2Store({
        name: 'gen2',
        url: `${server.url}/${account}`,
        credential: { kind: 'shared-key', account, key },
      });
      return {
        store,
        async close() {
          await store.close?.();
          await server.close();
        },
      };
    },
    // HTTP dates have whole seconds, and the service takes no expiry in the past.
    without: ['an expired file is gone'],
  }),
);
