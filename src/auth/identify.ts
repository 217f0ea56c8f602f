// The one place where a caller is found out: every way that is configured, in turn; the first whose credential the request has decides.
import { StoreError } from '../core/store-error.ts';
import { believe, type Identify, type Presented } from '../wire/identify.ts';
import type { Authenticator, Reason } from './finding.ts';

/** What decides. */
export interface IdentifyOptions {
  ways: readonly Authenticator[];
  /** Requests without any credential are taken, and their users are believed on loopback only (semantics C1). */
  anonymous: boolean;
  onRefused?: (presented: Presented, reason: Reason) => void;
}

export function createIdentify({ ways, anonymous, onRefused }: IdentifyOptions): Identify {
  return async (presented) => {
    for (const way of ways) {
      const finding = await way(presented);
      if (finding === undefined) continue;
      if (!('refused' in finding)) return finding;
      // A credential that is not good is never passed over for a lesser one.
      onRefused?.(presented, finding.refused);
      throw new StoreError(finding.kind, finding.message, { code: finding.code });
    }
    if (anonymous) return believe(presented);
    if (presented.request.headers.authorization !== undefined) {
      onRefused?.(presented, 'bad-credential');
      throw new StoreError('denied', 'the credential is of no kind that is taken here', {
        code: 'AuthenticationFailed',
      });
    }
    onRefused?.(presented, 'no-credential');
    throw new StoreError('unauthenticated', 'the request has no credential that is taken here', {
      code: 'NoAuthenticationInformation',
    });
  };
}
