// Bearer tokens for Gen1, asked for once and used until shortly before they end.
import { StoreError } from '../../core/store-error.ts';

/** What `@azure/identity` calls a TokenCredential, as far as it is used here. */
export interface TokenProvider {
  getToken(scope: string): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** Gen1's own resource; the double slash belongs to it. */
const gen1Scope = 'https://datalake.azure.net//.default';
/** A token is renewed this long before it ends, in milliseconds. */
const renewBeforeMs = 120_000;

/** @returns the value of the Authorization header. @throws StoreError `unauthenticated` if there is no token to be had */
export function createTokenSource(provider: TokenProvider, now: () => number): () => Promise<string> {
  let held: { token: string; expiresOnTimestamp: number } | undefined;
  let asking: Promise<string> | undefined;
  const ask = async (): Promise<string> => {
    try {
      const fresh = await provider.getToken(gen1Scope);
      if (!fresh) throw new Error('the credential gives no token');
      held = fresh;
      return `Bearer ${fresh.token}`;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreError('unauthenticated', `no token for Gen1: ${why}`, { cause: error });
    } finally {
      asking = undefined;
    }
  };
  return async () => {
    if (held && held.expiresOnTimestamp - renewBeforeMs > now()) return `Bearer ${held.token}`;
    asking ??= ask();
    return asking;
  };
}
