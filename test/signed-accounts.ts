// A Gen2 face's accounts whose signatures are checked, for tests that are about something else.
import { createIdentify } from '../src/auth/identify.ts';
import { sharedKey } from '../src/auth/shared-key.ts';
import type { DfsFaceOptions } from '../src/faces/dfs/dfs-face.ts';

/** @param keys base64, by account */
export function signedBy(
  keys: Readonly<Record<string, string>>,
): Pick<DfsFaceOptions, 'accounts' | 'identify'> {
  const byAccount = new Map(Object.entries(keys).map(([account, key]) => [account, [key]]));
  return {
    accounts: [...byAccount.keys()],
    identify: createIdentify({ ways: [sharedKey(byAccount, Date.now)], anonymous: false }),
  };
}
