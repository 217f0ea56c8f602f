// Drivers by their type in gateway.yaml.
import {
  AzureCliCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import type { Gen1Config, Gen2Config, IdentityConfig, StoreConfig } from '../config/store-schema.ts';
import type { Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { createAdlsGen1Store } from '../stores/adls-gen1/adls-gen1-store.ts';
import { createAdlsGen2Store } from '../stores/adls-gen2/adls-gen2-store.ts';
import { createLocalStore } from '../stores/local/local-store.ts';
import { createMemoryStore } from '../stores/memory/memory-store.ts';
import { createWebhdfsStore } from '../stores/webhdfs/webhdfs-store.ts';

/** The token source an `identity` names. */
function credentialOf(identity: IdentityConfig): TokenCredential {
  const { kind, clientId, tenantId, clientSecret } = identity;
  if (kind === 'managed')
    return clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();
  if (kind === 'workload') return new WorkloadIdentityCredential();
  if (kind === 'cli') return new AzureCliCredential();
  if (kind === 'client-secret')
    return new ClientSecretCredential(tenantId!, clientId!, clientSecret!.reveal());
  if (kind === 'none') return noToken;
  return new DefaultAzureCredential();
}

/** For emulators that look at no token. */
const noToken: TokenCredential = {
  getToken: async () => ({ token: 'none', expiresOnTimestamp: Date.now() + 3_600_000 }),
};

function gen2(name: string, config: Gen2Config): Store {
  const { url, account, key, sas, identity } = config;
  if (key)
    return createAdlsGen2Store({
      name,
      url,
      credential: { kind: 'shared-key', account, key: key.reveal() },
    });
  if (sas) return createAdlsGen2Store({ name, url, credential: { kind: 'sas', sas: sas.reveal() } });
  if (!identity) throw StoreError.invalid(`${name}: neither key, nor sas, nor identity`);
  return createAdlsGen2Store({
    name,
    url,
    credential: { kind: 'token', credential: credentialOf(identity) },
  });
}

function gen1(name: string, config: Gen1Config): Store {
  return createAdlsGen1Store({ name, url: config.url, credential: credentialOf(config.identity) });
}

/** The driver for one side. @throws StoreError if it cannot be made */
export async function makeStore(side: Side, config: StoreConfig): Promise<Store> {
  switch (config.type) {
    case 'webhdfs':
      return createWebhdfsStore({ name: side, url: config.url, user: config.user });
    case 'adls-gen1':
      return gen1(side, config);
    case 'adls-gen2':
      return gen2(side, config);
    case 'local':
      return createLocalStore({ name: side, dir: config.dir });
    case 'memory':
      return createMemoryStore({ name: side });
  }
}
