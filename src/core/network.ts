// Networks as config names them.
import { isIP } from 'node:net';

/** An address or `ADDRESS/PREFIX`, taken apart; undefined if it is neither. */
export function parseNetwork(
  text: string,
): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text);
  const version = isIP(match?.[1] ?? '');
  if (!match || version === 0) return undefined;
  const longest = version === 4 ? 32 : 128;
  const prefix = match[2] === undefined ? longest : Number(match[2]);
  return prefix > longest
    ? undefined
    : { address: match[1]!, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}
