// The Gen2 driver over the Gen2 face or over a server of the test's own.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Store } from '../../src/core/store.ts';
import { createDfsFace } from '../../src/faces/dfs/dfs-face.ts';
import type { Gen2Credential } from '../../src/stores/adls-gen2/account.ts';
import { createAdlsGen2Store } from '../../src/stores/adls-gen2/adls-gen2-store.ts';
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { Face, FaceRequest } from '../../src/wire/http.ts';
import { createFixture } from '../contract/fixture.ts';
import { serveFace } from '../face-server.ts';
import { signedBy } from '../signed-accounts.ts';

export const account = 'devstoreaccount1';
export const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoMGMw==';
export const sharedKey: Gen2Credential = { kind: 'shared-key', account, key };

/** Driver over face over memory; `seen` are the requests, `inner` is the memory. */
export async function open(
  t: Test,
  options: { around?: (face: Face) => Face; auth?: 'none' | 'shared-key' } = {},
) {
  const { around = (face: Face) => face, auth = 'shared-key' } = options;
  const memory = createMemoryStore({ name: 'memory', rootFolders: 'filesystems' });
  const seen: FaceRequest[] = [];
  const face = around(
    createDfsFace({
      store: memory,
      ...(auth === 'none' ? { accounts: [account] } : signedBy({ [account]: key })),
    }),
  );
  const server = await serveFace((request) => {
    seen.push(request);
    return face(request);
  });
  const url = `${server.url}/${account}`;
  const store = createAdlsGen2Store({ name: 'gen2', url, credential: sharedKey });
  t.teardown(async () => {
    await store.close?.();
    await server.close();
  });
  const inner = createFixture(memory, '/fsx');
  await inner.mkdir('/fsx');
  return { ...createFixture(store, '/fsx'), seen, url, inner };
}

/** Driver over a server that does as the test says. */
export async function against(t: Test, listener: RequestListener): Promise<Store> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/${account}`;
  const store = createAdlsGen2Store({ name: 'gen2', url, credential: sharedKey });
  t.teardown(async () => {
    await store.close?.();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return store;
}

export const requests = (seen: FaceRequest[]): string[] =>
  seen.map(({ method, target }) => `${method} ${target.replace(`/${account}`, '')}`);
