// Signed links between the two steps of OPEN, CREATE and APPEND (semantics A6): who may do what to which path, until when.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Scheme } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';

/** How long a Location may be used, and used again. */
export const linkLifetimeMs = 3_600_000;
/** Name of the query parameter that carries the signature. */
export const linkParam = 'twinlake.link';

/** What a link fixes: the second step cannot change it by other parameters. */
export interface LinkClaims {
  op: string;
  path: string;
  user?: string;
  app?: string;
  /** How the user was found out in the first step; absent: nobody asked. */
  scheme?: Scheme;
}

/** Makes and checks links. A token is short whatever the path: path and operation are signed, not carried. */
export interface LinkSigner {
  /** Safe in a query as it is. */
  sign(claims: LinkClaims, expiresMs: number): string;
  /** @throws StoreError `denied` if it was not signed for this path and operation, or is over */
  verify(token: string, op: string, path: string, nowMs: number): LinkClaims;
}

/** @param key secret of at least 16 bytes, kept over restarts, shared by replicas */
export function createLinkSigner(key: Buffer): LinkSigner {
  if (key.length < 16) throw new Error('a link key has at least 16 bytes');
  const macOf = (op: string, path: string, head: string): Buffer =>
    createHmac('sha256', key).update(`${op}\0${path}\0${head}`).digest();
  return {
    sign({ op, path, user, app, scheme }, expiresMs) {
      const named = [
        encodeText(app),
        encodeText(user),
        ...(scheme === undefined ? [] : [encodeText(scheme)]),
      ];
      const head = [Math.floor(expiresMs).toString(36), ...named].join('.');
      return `${head}.${macOf(op, path, head).toString('base64url')}`;
    },
    verify(token, op, path, nowMs) {
      const refuse = (why: string): never => {
        throw new StoreError('denied', `the link of the first step ${why}; ask for a new one`);
      };
      const parts = token.split('.');
      if (parts.length !== 4 && parts.length !== 5) refuse('is not one of ours');
      const mac = macOf(op, path, parts.slice(0, -1).join('.'));
      const given = Buffer.from(parts.at(-1)!, 'base64url');
      if (given.length !== mac.length || !timingSafeEqual(given, mac)) {
        refuse('was not made for this path and operation');
      }
      if (Number.parseInt(parts[0]!, 36) < nowMs) refuse('has expired');
      const claims: LinkClaims = { op, path };
      if (parts[1] !== '-') claims.app = decodeText(parts[1]!);
      if (parts[2] !== '-') claims.user = decodeText(parts[2]!);
      if (parts.length === 5) claims.scheme = decodeText(parts[3]!) as Scheme;
      return claims;
    },
  };
}

// '-' stands for absent: base64url never gives it for a whole text of one character or more.
function encodeText(text: string | undefined): string {
  return text === undefined ? '-' : Buffer.from(text).toString('base64url');
}

function decodeText(text: string): string {
  return Buffer.from(text, 'base64url').toString();
}
