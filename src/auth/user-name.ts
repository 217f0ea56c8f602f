// WebHDFS `user.name`, as a Hadoop cluster without security takes it: believed from networks where nobody lies.
import { BlockList, isIP } from 'node:net';
import { parseNetwork } from '../core/network.ts';
import type { Presented } from '../wire/identify.ts';
import type { Authenticator, Finding } from './finding.ts';

/** @param networks addresses or `ADDRESS/PREFIX`, checked by the config */
export function trustedUserName(networks: readonly string[]): Authenticator {
  const trusted = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network) trusted.addSubnet(network.address, network.prefix, network.family);
  }
  return ({ request, claimedUser, subject }: Presented): Finding => {
    // The Gen2 face claims an account, which only a signature proves.
    if (claimedUser === undefined || subject) return undefined;
    const peer = request.peer?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '') ?? '';
    const version = isIP(peer);
    if (version === 0 || !trusted.check(peer, version === 4 ? 'ipv4' : 'ipv6')) return undefined;
    return { user: claimedUser, authenticated: true, scheme: 'user-name' };
  };
}
