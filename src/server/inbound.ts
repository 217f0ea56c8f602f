// Who may come in and what they may do: from config to what the faces ask and the layer in front of the gateway decides by.
import type { AccountKeys } from '../auth/account-keys.ts';
import { clientCertificate } from '../auth/certificate.ts';
import type { Authenticator } from '../auth/finding.ts';
import { createIdentify } from '../auth/identify.ts';
import { sharedAccessSignature } from '../auth/sas.ts';
import { sharedKey } from '../auth/shared-key.ts';
import { trustedUserName } from '../auth/user-name.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { type Grant, readingRights } from '../core/access.ts';
import { findMount, translatePath } from '../core/mount.ts';
import type { Access, Route, RoutingTable } from '../core/route.ts';
import type { Ctx, Scheme } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { namespaceOf } from '../gateway/places.ts';
import type { Confined } from '../layers/authorization.ts';
import type { Identify, Presented } from '../wire/identify.ts';

type DataConfig = GatewayConfig['listen']['data'];

/** The keys of accounts, from config. */
export function accountKeysOf(accounts: DataConfig['auth']['accounts']): AccountKeys {
  return new Map(
    Object.entries(accounts).map(([name, { key1, key2 }]) => [
      name,
      [key1, ...(key2 ? [key2] : [])].map((key) => key.reveal()),
    ]),
  );
}

/** What the faces of the data listener ask. */
export async function identifyOf(
  { auth, publicUrl }: DataConfig,
  onRefused: (presented: Presented, reason: string) => void,
): Promise<Identify> {
  const keys = accountKeysOf(auth.accounts);
  const behindHttps = /^https:/i.test(publicUrl ?? '');
  const ways: [Scheme, () => Authenticator | Promise<Authenticator>][] = [
    ['shared-key', () => sharedKey(keys, Date.now)],
    ['sas', () => sharedAccessSignature({ keys, behindHttps, now: Date.now })],
    ['bearer', () => bearerOf(auth.bearer!)],
    ['certificate', () => clientCertificate],
    ['user-name', () => trustedUserName(auth.userNames.networks)],
  ];
  const taken = ways.filter(([scheme]) => auth.schemes.some((each) => each === scheme));
  return createIdentify({
    ways: await Promise.all(taken.map(([, make]) => make())),
    anonymous: auth.schemes.includes('none'),
    onRefused,
  });
}

async function bearerOf(options: NonNullable<DataConfig['auth']['bearer']>): Promise<Authenticator> {
  const { bearerToken } = await import('../auth/bearer.ts');
  return bearerToken({ ...options, now: Date.now });
}

/** What a 401 says of how to come in (`WWW-Authenticate`); signatures need no challenge. */
export function challengeOf({ schemes, bearer }: DataConfig['auth']): string | undefined {
  if (!bearer || !schemes.includes('bearer')) return undefined;
  const { authorizationUrl, audiences } = bearer;
  const where = authorizationUrl === undefined ? '' : ` authorization_uri=${authorizationUrl}`;
  return `Bearer${where} resource_id=${audiences[0]}`;
}

/** What confines the caller: its credential, and the access of its app. @throws StoreError if the app asks for another credential */
export function confinedBy(table: RoutingTable, ctx: Ctx): Confined {
  const { caller } = ctx;
  const own = caller.grants ? [caller.grants] : [];
  const route = table.match(caller);
  if (!route?.access) return { ctx, lists: own };
  const { schemes, paths, readOnly } = route.access;
  if (schemes) checkScheme(schemes, ctx);
  const isConfined = readOnly || paths !== undefined;
  const grant: Grant = {
    ...(readOnly ? { rights: readingRights } : {}),
    ...(paths ? { within: paths.flatMap((path) => clientPath(route, ctx, path)) } : {}),
  };
  return {
    ctx: { ...ctx, caller: { ...caller, app: route.app } },
    lists: isConfined ? [...own, [grant]] : own,
  };
}

function checkScheme(schemes: NonNullable<Access['schemes']>, { caller }: Ctx): void {
  const scheme = caller.scheme ?? 'none';
  if (schemes.includes(scheme)) return;
  if (scheme === 'none')
    throw new StoreError('unauthenticated', 'the app takes no request without a credential', {
      code: 'NoAuthenticationInformation',
    });
  throw new StoreError('denied', 'the app asks for a credential of another kind', {
    code: 'AuthorizationFailure',
  });
}

/** A path of the target in the names of this client; none, and so no right, if it lies in no mount. */
function clientPath(route: Route, ctx: Ctx, path: string): string[] {
  const mount = findMount(route.mounts, 'target', path);
  return mount ? [translatePath(mount, path, 'target', namespaceOf(route, ctx))] : [];
}

/** True for a listening address that other machines cannot reach. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
