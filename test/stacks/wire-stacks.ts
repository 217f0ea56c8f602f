// Client → real data listener → face → store, for each protocol.
import type { Store } from '../../src/core/store.ts';
import { createDfsFace } from '../../src/faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../../src/faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../../src/faces/webhdfs/webhdfs-face.ts';
import { withSagas } from '../../src/layers/sagas.ts';
import { createDataListener, type DataListener } from '../../src/server/data-listener.ts';
import { createAdlsGen1Store } from '../../src/stores/adls-gen1/adls-gen1-store.ts';
import { createAdlsGen2Store } from '../../src/stores/adls-gen2/adls-gen2-store.ts';
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts';
import { createWebhdfsStore } from '../../src/stores/webhdfs/webhdfs-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { signedBy } from '../signed-accounts.ts';
import type { Stack } from './stack.ts';
import { on } from './stack.ts';

export const account = 'devstoreaccount1';
/** The well-known key of emulators. */
export const accountKey =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** A memory store whose clock is a millisecond later at each look, so that no two writes have one time. */
export function tickingMemory(rootFolders: Store['supports']['rootFolders'] = 'any'): Store {
  let nowMs = Date.now();
  return createMemoryStore({ name: 'memory', rootFolders, now: () => ++nowMs });
}

/** Both faces over one store on one port, as `serve` has them. */
export function listen(store: Store): Promise<DataListener> {
  const links = createLinkSigner(Buffer.alloc(32, 7));
  return createDataListener({
    faces: {
      webhdfs: createWebhdfsFace({ store, links }),
      dfs: createDfsFace({ store, ...signedBy({ [account]: accountKey }) }),
    },
    host: '127.0.0.1',
    port: 0,
    closeGraceMs: 0,
    logger: createLogger({ level: 'silent' }),
  });
}

/** Our clients, each as a store; what a driver cannot do in one request is done by the layer around it. */
export const clients = {
  webhdfs: (url: string) => withSagas(createWebhdfsStore({ name: 'webhdfs', url, user: 'ann' })),
  gen1: (url: string) => {
    const getToken = async () => ({ token: 't', expiresOnTimestamp: Date.now() + 3_600_000 });
    return withSagas(createAdlsGen1Store({ name: 'gen1', url, credential: { getToken } }));
  },
  gen2: (url: string) =>
    withSagas(
      createAdlsGen2Store({
        name: 'gen2',
        url: `${url}/${account}`,
        credential: { kind: 'shared-key', account, key: accountKey },
      }),
    ),
};

/** A client over its face over a store. */
export async function throughWire(client: keyof typeof clients, store: Store): Promise<Stack> {
  const listener = await listen(store);
  return on(listener, clients[client](listener.url));
}
