// Our WebHDFS and Gen1 drivers against our own face: the contract suite through both codecs.
import t from 'tap';
import { withStaging } from '../src/layers/staging.ts';
import { createAdlsGen1Store } from '../src/stores/adls-gen1/adls-gen1-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { createWebhdfsStore } from '../src/stores/webhdfs/webhdfs-store.ts';
import { storeContract } from './contract/store-contract.ts';
import { serveFace } from './face-server.ts';
import { webhdfsBench } from './face-webhdfs-bench.ts';

const withoutOfGen1 = [
  // An append over a gap waits for those before it: it cannot be kept.
  'a flush over a gap or beyond what was staged is refused',
  // Gen1 holds neither properties nor content headers (semantics B3).
  'a flush sets content headers',
  'a flush keeps the attributes of the file',
  'a commit replaces a file with its attributes',
  // Gen1 takes no expiry time in the past.
  'an expired file is gone',
];

/** A memory store behind the face; each look at its clock is a millisecond later, so that no two writes have one time. */
async function serveMemory() {
  let nowMs = Date.now();
  const now = (): number => ++nowMs;
  return serveFace(webhdfsBench({ now, store: createMemoryStore({ name: 'memory', now }) }).face);
}

await storeContract(t, {
  name: 'webhdfs driver over webhdfs face',
  open: async () => {
    const server = await serveMemory();
    const store = createWebhdfsStore({ name: 'webhdfs', url: server.url, user: 'ann' });
    return {
      store,
      close: async () => {
        await store.close!();
        await server.close();
      },
    };
  },
});

await storeContract(t, {
  name: 'gen1 driver over webhdfs face, with staging',
  without: withoutOfGen1,
  open: async () => {
    const server = await serveMemory();
    const credential = { getToken: async () => ({ token: 't', expiresOnTimestamp: Date.now() + 3_600_000 }) };
    const store = createAdlsGen1Store({ name: 'gen1', url: server.url, credential });
    return {
      store: withStaging(store),
      close: async () => {
        await store.close!();
        await server.close();
      },
    };
  },
});
