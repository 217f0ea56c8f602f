// The first step of OPEN, CREATE and APPEND: a signed link to ourselves, and the way back in (semantics A6).
import type { FaceReply } from '../../wire/http.ts';
import { encodePath } from '../../wire/webhdfs/target.ts';
import type { Exchange, Served } from './exchange.ts';
import { linkLifetimeMs, linkParam } from './links.ts';
import { emptyReply, jsonReply } from './replies.ts';

/**
 * The answer of the first step, or undefined if this request is the one that acts: a second step, HttpFS's `data=true`, any Gen1
 * request. It takes no byte of the body, asks no store and locks nothing; whether the path is there shows in the second step.
 */
export function firstStep(exchange: Exchange, served: Served): FaceReply | undefined {
  const { dialect, params } = exchange.target;
  if (!served.twoStep || dialect === 'gen1') return undefined;
  if (params.text(linkParam) !== undefined || params.flag('data', false)) return undefined;
  const noredirect = params.flag('noredirect', false);
  if (served.twoStep === 'on-request' && !noredirect) return undefined;
  served.check?.(exchange.target);
  const location = secondStepUrl(exchange);
  if (noredirect) return jsonReply(200, { Location: location });
  return emptyReply(307, dialect, { location });
}

/**
 * The same request at the same face with its own parameters, the user's name, and the signature. Clients add parameters
 * behind it (`&offset=`), so it always has a query.
 */
function secondStepUrl(exchange: Exchange): string {
  const { target, ctx, links, now, baseUrl, appOf } = exchange;
  const { op, path, search } = target;
  const { user, scheme } = ctx.caller;
  const app = appOf?.(ctx.caller);
  const kept = search
    .split('&')
    .filter((pair) => pair !== '' && !/^(noredirect|user\.name)(=|$)/i.test(pair));
  if (user !== undefined) kept.push(`user.name=${encodeURIComponent(user)}`);
  const claims = {
    op,
    path,
    ...(user === undefined ? {} : { user }),
    ...(app === undefined ? {} : { app }),
    ...(scheme === undefined || scheme === 'none' ? {} : { scheme }),
  };
  kept.push(`${linkParam}=${links.sign(claims, now() + linkLifetimeMs)}`);
  return `${baseUrl()}/webhdfs/v1${encodePath(path)}?${kept.join('&')}`;
}
