// Who asks: from a signed link, from checked credentials, or from `user.name`.
import type { Caller } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { type FaceRequest, header } from '../../wire/http.ts';
import type { Identify } from '../../wire/identify.ts';
import type { WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import { type LinkSigner, linkParam } from './links.ts';

/** The user of a request that names none, on a cluster without security (`hadoop.http.staticuser.user`). */
const anonymousUser = 'dr.who';

/**
 * The caller. A link of the first step wins over everything else in the request: it was signed for this user, and clients repeat or
 * drop `user.name` in the second.
 * @throws StoreError `denied` for a bad link, `unauthenticated` for bad credentials, `invalid` for a bad name
 */
export async function callerOf(
  request: FaceRequest,
  target: WebhdfsTarget,
  links: LinkSigner,
  nowMs: number,
  identify: Identify,
): Promise<Caller> {
  const caller: Caller = { headers: request.headers, loopback: request.loopback };
  const host = header(request.headers, 'host');
  if (host !== undefined) caller.host = host;
  const token = target.params.text(linkParam);
  if (token !== undefined) {
    const { user, app, scheme } = links.verify(token, target.op, target.path, nowMs);
    caller.scheme = scheme ?? 'none';
    if (scheme !== undefined) caller.authenticated = true;
    if (user !== undefined) caller.user = user;
    if (app !== undefined) caller.app = app;
    // The link stands for the token, but a store that is to see the token itself needs it again.
    if (scheme === 'bearer' && request.headers.authorization !== undefined) {
      const again = await identify({ request });
      if (again.token && again.user === user) caller.token = again.token;
    }
    return caller;
  }
  const claimed = claimedUser(target);
  const presented = claimed === undefined ? { request } : { request, claimedUser: claimed };
  Object.assign(caller, await identify(presented));
  if (caller.user === undefined && target.dialect === 'webhdfs') caller.user = anonymousUser;
  return caller;
}

/** `doas` names the user that `user.name` acts for. Gen1 names users in its token only. */
function claimedUser({ params }: WebhdfsTarget): string | undefined {
  const user = params.text('doas') ?? params.text('user.name');
  if (user === undefined) return undefined;
  // Hadoop's pattern, with room for the `@` of principal names.
  if (user.length > 256 || !/^[A-Za-z_][A-Za-z0-9._@-]*\$?$/.test(user)) {
    throw StoreError.invalid('Invalid value for webhdfs parameter "user.name": it is not a user name');
  }
  return user;
}
