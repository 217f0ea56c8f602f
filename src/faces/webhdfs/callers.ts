// Who asks: from a signed link, from checked credentials, or from `user.name`.
import type { Caller } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import { type FaceRequest, header } from '../../wire/http.ts';
import type { WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import { type LinkSigner, linkParam } from './links.ts';

/** Checks credentials. @throws StoreError `unauthenticated` */
export type IdentifyCaller = (
  request: FaceRequest,
  target: WebhdfsTarget,
) => Promise<Pick<Caller, 'user' | 'clientId'>>;

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
  identify?: IdentifyCaller,
): Promise<Caller> {
  const caller: Caller = { headers: request.headers, loopback: request.loopback };
  const host = header(request.headers, 'host');
  if (host !== undefined) caller.host = host;
  const token = target.params.text(linkParam);
  if (token !== undefined) {
    const { user, app } = links.verify(token, target.op, target.path, nowMs);
    if (user !== undefined) caller.user = user;
    if (app !== undefined) caller.app = app;
    return caller;
  }
  return Object.assign(caller, identify ? await identify(request, target) : claimedUser(target));
}

/** `doas` names the user that `user.name` acts for. Gen1 names users in its token only. */
function claimedUser({ params, dialect }: WebhdfsTarget): { user?: string } {
  const user = params.text('doas') ?? params.text('user.name');
  if (user === undefined) return dialect === 'gen1' ? {} : { user: anonymousUser };
  // Hadoop's pattern, with room for the `@` of principal names.
  if (user.length > 256 || !/^[A-Za-z_][A-Za-z0-9._@-]*\$?$/.test(user)) {
    throw StoreError.invalid('Invalid value for webhdfs parameter "user.name": it is not a user name');
  }
  return { user };
}
