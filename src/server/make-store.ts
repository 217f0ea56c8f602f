// Drivers by their type in gateway.yaml. What a configuration does not use is not loaded: drivers and token sources bring many modules.
import type { TokenCredential } from '@azure/identity';
import type { Gen1Config, Gen2Config, IdentityConfig, StoreConfig } from '../config/store-schema.ts';
import type { Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { forwardCallers } from '../layers/forward-callers.ts';

/** For emulators that look at no token. */
const noToken: TokenCredential = {
  getToken: async () => ({ token: 'none', expiresOnTimestamp: Date.now() + 3_600_000 }),
};

/** The token source an `identity` names. */
async function credentialOf(identity: IdentityConfig): Promise<TokenCredential> {
  const { kind, clientId, tenantId, clientSecret, tokenFile, authorityHost } = identity;
  if (kind === 'none') return noToken;
  const azure = await import('@azure/identity');
  if (kind === 'managed')
    return clientId
      ? new azure.ManagedIdentityCredential({ clientId })
      : new azure.ManagedIdentityCredential();
  const authority = authorityHost === undefined ? {} : { authorityHost, disableInstanceDiscovery: true };
  if (kind === 'workload') {
    return new azure.WorkloadIdentityCredential({
      ...authority,
      ...(clientId === undefined ? {} : { clientId }),
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(tokenFile === undefined ? {} : { tokenFilePath: tokenFile }),
    });
  }
  if (kind === 'cli') return new azure.AzureCliCredential();
  if (kind === 'client-secret')
    return new azure.ClientSecretCredential(tenantId!, clientId!, clientSecret!.reveal(), authority);
  return new azure.DefaultAzureCredential();
}

async function gen2(name: string, { url, account, key, sas, identity }: Gen2Config): Promise<Store> {
  const { createAdlsGen2Store } = await import('../stores/adls-gen2/adls-gen2-store.ts');
  if (key)
    return createAdlsGen2Store({
      name,
      url,
      credential: { kind: 'shared-key', account, key: key.reveal() },
    });
  if (sas) return createAdlsGen2Store({ name, url, credential: { kind: 'sas', sas: sas.reveal() } });
  if (!identity) throw StoreError.invalid(`${name}: neither key, nor sas, nor identity`);
  const credential = await credentialOf(identity);
  if (!identity.forwardCallers)
    return createAdlsGen2Store({ name, url, credential: { kind: 'token', credential } });
  const { onBehalf, around } = forwardCallers(['https://storage.azure.com', new URL(url).origin]);
  return around(createAdlsGen2Store({ name, url, credential: { kind: 'token', credential, onBehalf } }));
}

async function gen1(name: string, { url, identity }: Gen1Config): Promise<Store> {
  const { createAdlsGen1Store } = await import('../stores/adls-gen1/adls-gen1-store.ts');
  const credential = await credentialOf(identity);
  if (!identity.forwardCallers) return createAdlsGen1Store({ name, url, credential });
  const { onBehalf, around } = forwardCallers(['https://datalake.azure.net', new URL(url).origin]);
  return around(createAdlsGen1Store({ name, url, credential, onBehalf }));
}

/** The driver for one side. @throws StoreError if it cannot be made */
export async function makeStore(side: Side, config: StoreConfig): Promise<Store> {
  switch (config.type) {
    case 'webhdfs': {
      const { createWebhdfsStore } = await import('../stores/webhdfs/webhdfs-store.ts');
      return createWebhdfsStore({ name: side, url: config.url, user: config.user });
    }
    case 'adls-gen1':
      return gen1(side, config);
    case 'adls-gen2':
      return gen2(side, config);
    case 'local': {
      const { createLocalStore } = await import('../stores/local/local-store.ts');
      return createLocalStore({ name: side, dir: config.dir });
    }
    case 'memory': {
      const { createMemoryStore } = await import('../stores/memory/memory-store.ts');
      return createMemoryStore({ name: side });
    }
  }
}
