// What one way of authentication finds in a request: its caller, a credential that is not good, or nothing of its own.
import type { Identity, Presented } from '../wire/identify.ts';

/** Why a request is refused, as metrics count it. */
export type Reason = 'no-credential' | 'bad-credential' | 'expired-credential';

/** A credential that is not good. */
export interface Refused {
  refused: Reason;
  /** 401: come again with another one; 403: this is the answer. */
  kind: 'unauthenticated' | 'denied';
  /** In the words of Gen2. */
  code: string;
  /** For logs and WebHDFS clients; never repeats the credential. */
  message: string;
}

/** One way. Undefined: the request has no credential of this kind. */
export type Authenticator = (presented: Presented) => Promise<Finding> | Finding;
export type Finding = Identity | Refused | undefined;

/** A signature that does not stand: 403 in Azure's words. */
export function badSignature(message: string, refused: Reason = 'bad-credential'): Refused {
  return { refused, kind: 'denied', code: 'AuthenticationFailed', message };
}
