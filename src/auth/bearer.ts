// Bearer tokens: JWTs that one of our issuers signed for one of our audiences, checked against the issuer's published keys.
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { StoreError } from '../core/store-error.ts';
import { header } from '../wire/http.ts';
import type { Presented } from '../wire/identify.ts';
import type { Authenticator, Finding, Refused } from './finding.ts';

/** Which tokens are good. */
export interface BearerOptions {
  issuers: readonly string[];
  audiences: readonly string[];
  /** The issuers' keys. */
  jwksUrl: string;
  /** How far the issuer's clock may be from ours. */
  clockSkewMs: number;
  now: () => number;
}

/** Public-key signatures only: with a shared secret the published key would be the secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** How long the key server may take: 5 s. */
const jwksTimeoutMs = 5_000;
/** An unknown key is asked for at most so often, so that forged tokens do not become requests: 30 s. */
const jwksCooldownMs = 30_000;
/** Keys are read anew after 10 minutes: what the issuer withdraws is not good for much longer. */
const jwksMaxAgeMs = 600_000;

export function bearerToken(options: BearerOptions): Authenticator {
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), {
    timeoutDuration: jwksTimeoutMs,
    cooldownDuration: jwksCooldownMs,
    cacheMaxAge: jwksMaxAgeMs,
  });
  return ({ request }: Presented): Promise<Finding> | Finding => {
    const authorization = header(request.headers, 'authorization') ?? '';
    if (!/^Bearer\b/i.test(authorization)) return undefined;
    const token = /^Bearer +([^\s]+)$/i.exec(authorization)?.[1];
    return token === undefined
      ? badToken('the Authorization header holds no token')
      : verify(token, keys, options);
  };
}

async function verify(token: string, keys: JWTVerifyGetKey, options: BearerOptions): Promise<Finding> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      issuer: [...options.issuers],
      audience: [...options.audiences],
      requiredClaims: ['exp', 'iss', 'aud'],
      clockTolerance: options.clockSkewMs / 1000,
      currentDate: new Date(options.now()),
    });
    return identityOf(payload, token);
  } catch (error) {
    if (error instanceof errors.JWTExpired) return badToken('the token has expired', 'expired-credential');
    if (isOfToken(error)) return badToken('the token is not good here');
    throw new StoreError('unavailable', 'the keys of the token’s issuer cannot be had', { cause: error });
  }
}

/** True if the token is at fault, and not the way to the issuer's keys. */
function isOfToken(error: unknown): boolean {
  const faults = [
    errors.JWTClaimValidationFailed,
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
  ];
  return faults.some((fault) => error instanceof fault);
}

/**
 * Entra's claims: `oid` is whom its ACLs name, and `azp` (v2 tokens) or `appid` (v1) the application. Names and mail addresses are not
 * looked at: their owners change.
 */
function identityOf(payload: JWTPayload, token: string): Finding {
  const claim = (name: string): string | undefined => {
    const value = payload[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const user = claim('oid') ?? claim('sub');
  if (user === undefined) return badToken('the token says of nobody that it is theirs');
  const clientId = claim('azp') ?? claim('appid');
  return {
    user,
    authenticated: true,
    scheme: 'bearer',
    token: { reveal: () => token, audiences: [payload.aud ?? []].flat() },
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function badToken(message: string, refused: Refused['refused'] = 'bad-credential'): Refused {
  return { refused, kind: 'unauthenticated', code: 'InvalidAuthenticationInfo', message };
}
