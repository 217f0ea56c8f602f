// SharedKey: the whole request signed with the account's key, not older than a quarter of an hour (Gen2 reference §5).
import { parseSharedKey, verifySharedKey } from '../wire/dfs/shared-key.ts';
import { header, parseQuery } from '../wire/http.ts';
import type { Presented } from '../wire/identify.ts';
import type { AccountKeys } from './account-keys.ts';
import { type Authenticator, badSignature, type Finding } from './finding.ts';

/** How far a request's date may be from now, so that what was overheard cannot be sent again for ever: 15 minutes, as the service. */
export const maxDateSkewMs = 900_000;

export function sharedKey(keys: AccountKeys, now: () => number): Authenticator {
  return ({ request, subject }: Presented): Finding => {
    const authorization = header(request.headers, 'authorization');
    if (!subject || !/^SharedKey\b/i.test(authorization ?? '')) return undefined;
    const parsed = parseSharedKey(authorization);
    if (!parsed) return badSignature('the Authorization header is no SharedKey');
    const { account } = parsed;
    if (subject.account !== undefined && subject.account !== account)
      return badSignature('the signature is of another account than the path');
    if (hasRepeated(subject.search)) return badSignature('a query parameter is repeated');
    const signed = { method: request.method, headers: request.headers, ...subject };
    const isRight = keys.get(account)?.some((key) => verifySharedKey(account, key, signed)) ?? false;
    if (!isRight) return badSignature('the signature is not right');
    const dateMs = Date.parse(header(request.headers, 'x-ms-date') ?? header(request.headers, 'date') ?? '');
    if (!(Math.abs(now() - dateMs) <= maxDateSkewMs))
      return badSignature('the date of the request is not near enough', 'expired-credential');
    return { user: account, authenticated: true, scheme: 'shared-key' };
  };
}

/** The signature sorts the values of a repeated parameter, so it does not say which of them was meant. */
function hasRepeated(search: string): boolean {
  const names = parseQuery(search).map(([name]) => name.toLowerCase());
  return new Set(names).size < names.length;
}
