// What a new file or folder is made with, from the request's headers (Gen2 reference §2.3).
import { parseAcl, parsePermission } from '../../core/acl.ts';
import type { Attributes } from '../../core/mutation.ts';
import {
  parseContentHeaders,
  parseHttpDate,
  parseMetaHeaders,
  parseProperties,
} from '../../wire/dfs/properties.ts';
import { badHeader, type Exchange, given } from './exchange.ts';

/** What Gen2 takes off the mode of new paths unless told otherwise. */
const defaultUmask = 0o027;

/**
 * When a path is to expire, from `x-ms-expiry-option` and `x-ms-expiry-time`: `null` for never, undefined if nothing is said.
 * @param createdMs for `RelativeToCreation`
 * @throws StoreError `invalid`
 */
export function expiryOf(exchange: Exchange, createdMs: number): number | null | undefined {
  const option = given(exchange, 'x-ms-expiry-option')?.toLowerCase();
  if (option === undefined) return undefined;
  if (option === 'neverexpire') return null;
  const text = given(exchange, 'x-ms-expiry-time');
  if (text === undefined) throw badHeader('x-ms-expiry-time', 'it is missing');
  if (option === 'absolute') return parseHttpDate(text);
  if (!/^\d{1,15}$/.test(text)) throw badHeader('x-ms-expiry-time', 'it is no number of milliseconds');
  if (option === 'relativetonow') return exchange.now() + Number(text);
  if (option === 'relativetocreation') return createdMs + Number(text);
  throw badHeader('x-ms-expiry-option', 'it is not one of the four options');
}

/** Attributes of a new path; the mode is always said, so that both stores make the same one. */
export function newAttributes(exchange: Exchange, type: 'file' | 'directory'): Attributes {
  const [permissions, umask] = [given(exchange, 'x-ms-permissions'), given(exchange, 'x-ms-umask')];
  const attributes: Attributes = {
    permission: permissions === undefined ? (type === 'file' ? 0o666 : 0o777) : parsePermission(permissions),
    umask: umask === undefined ? defaultUmask : parseUmask(umask),
  };
  const [owner, group, acl] = [
    given(exchange, 'x-ms-owner'),
    given(exchange, 'x-ms-group'),
    given(exchange, 'x-ms-acl'),
  ];
  if (owner !== undefined) attributes.owner = owner;
  if (group !== undefined) attributes.group = group;
  if (acl !== undefined) attributes.acl = parseAcl(acl);
  const { headers } = exchange.request;
  const text = given(exchange, 'x-ms-properties');
  const properties = text === undefined ? parseMetaHeaders(headers) : parseProperties(text);
  if (properties) attributes.properties = properties;
  const content = parseContentHeaders(headers, exchange.api === 'blob' ? 'x-ms-blob-' : 'x-ms-');
  if (content) attributes.content = content;
  const expiresMs = expiryOf(exchange, exchange.now());
  if (typeof expiresMs === 'number') attributes.expiresMs = expiresMs;
  return attributes;
}

function parseUmask(text: string): number {
  if (!/^[0-7]{3,4}$/.test(text)) throw badHeader('x-ms-umask', 'it is not octal');
  return Number.parseInt(text, 8);
}
