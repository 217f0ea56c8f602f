// What must hold between the keys of `listen.data.auth`.
import { parseNetwork } from '../core/network.ts';
import type { KeyPath } from './config-error.ts';
import type { GatewayConfig } from './gateway-schema.ts';

interface Problem {
  path: KeyPath;
  reason: string;
}

export const accountName = /^[a-z0-9]{3,24}$/;
export const noAccountName = (name: string): string =>
  `'${name}' is no account name: 3 to 24 lower-case letters and digits`;

/** Keys that are not base64 would sign nothing that a client signs. */
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Keys of `listen.data.auth` that contradict each other. */
export function authProblems({ auth, tls }: GatewayConfig['listen']['data']): Problem[] {
  const { schemes, accounts, bearer, userNames } = auth;
  const at: KeyPath = ['listen', 'data', 'auth'];
  const found: Problem[] = [];
  const signed = schemes.find((scheme) => scheme === 'shared-key' || scheme === 'sas');
  if (signed && Object.keys(accounts).length === 0)
    found.push({ path: [...at, 'schemes'], reason: `${signed} needs an account with a key in \`accounts\`` });
  if (schemes.includes('bearer') && !bearer)
    found.push({ path: [...at, 'schemes'], reason: 'bearer needs the key `bearer`' });
  if (schemes.includes('certificate') && tls?.clientCaFile === undefined)
    found.push({ path: [...at, 'schemes'], reason: 'certificate needs `listen.data.tls.clientCaFile`' });
  for (const [i, network] of userNames.networks.entries()) {
    if (!parseNetwork(network))
      found.push({
        path: [...at, 'userNames', 'networks', i],
        reason: `'${network}' is no address and no network like 10.0.0.0/8`,
      });
  }
  for (const [name, keys] of Object.entries(accounts)) {
    if (!accountName.test(name)) found.push({ path: [...at, 'accounts', name], reason: noAccountName(name) });
    for (const [which, key] of Object.entries(keys)) {
      if (!base64.test(key.reveal()))
        found.push({ path: [...at, 'accounts', name, which], reason: 'the key is not base64' });
    }
  }
  return found;
}
