// Accounts and the keys that sign for them: two each, so that one can be replaced while the other is in use.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Keys (base64) by account name. */
export type AccountKeys = ReadonlyMap<string, readonly string[]>;

/** True if this base64 text is the HMAC-SHA256 of `text` under the base64 key; compared in constant time. */
export function isSignedBy(key: string, text: string, signature: string): boolean {
  const wanted = createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
