// One request and what its operation needs: address, store, context, conditions, typed parameters.
import type { LeaseStatus } from '../../core/entry.ts';
import type { Condition } from '../../core/query.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import type { DfsApi } from '../../wire/dfs/errors.ts';
import { parseHttpDate, unquote } from '../../wire/dfs/properties.ts';
import { type Face, type FaceReply, type FaceRequest, header } from '../../wire/http.ts';
import type { AccountNames, Address } from './address.ts';

/** Everything an operation works with. */
export interface Exchange {
  request: FaceRequest;
  /** The method after `X-HTTP-Method-Override`. */
  method: string;
  address: Address;
  accounts: AccountNames;
  api: DfsApi;
  store: Store;
  ctx: Ctx;
  now: () => number;
  /** The face itself: a batch is a request of requests. */
  face: Face;
}

/** One operation of the protocol. */
export type Operation = (exchange: Exchange) => Promise<FaceReply>;

/** A query parameter; undefined if missing or empty (an empty one counts as not given). */
export function param({ address }: Exchange, name: string): string | undefined {
  return address.params.get(name.toLowerCase()) || undefined;
}

/** A request header; undefined if missing. Empty ones are sent by some SDKs and mean "not given". */
export function given({ request }: Exchange, name: string): string | undefined {
  return header(request.headers, name) || undefined;
}

/** `true` or `false`. @throws StoreError `invalid` */
export function booleanParam(exchange: Exchange, name: string, otherwise = false): boolean {
  const text = param(exchange, name)?.toLowerCase();
  if (text === undefined) return otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  throw badParam(name, text);
}

/** A whole number within bounds. @throws StoreError `invalid` */
export function integerParam(
  exchange: Exchange,
  name: string,
  bounds: { min: number; max: number },
): number | undefined {
  const text = param(exchange, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,19}$/.test(text)) throw badParam(name, text);
  const value = Number(text);
  if (value < bounds.min || value > bounds.max) {
    throw new StoreError('invalid', `the query parameter ${name} is out of range`, {
      code: 'OutOfRangeQueryParameterValue',
    });
  }
  return value;
}

/** A store's continuation as clients see it: opaque, and of characters that a header can carry. */
export function wireToken(token: string): string {
  return `t${Buffer.from(token).toString('base64url')}`;
}

/** The store's own continuation; undefined if none is given. @throws StoreError `invalid` for what `wireToken` did not make */
export function tokenParam(exchange: Exchange, name: string): string | undefined {
  const text = param(exchange, name);
  if (text === undefined) return undefined;
  const token = Buffer.from(text.slice(1), 'base64url').toString();
  if (wireToken(token) !== text) throw badParam(name, text);
  return token;
}

export function badParam(name: string, value: string): StoreError {
  const message = `the value '${value}' of the query parameter ${name} is not valid`;
  return new StoreError('invalid', message, { code: 'InvalidQueryParameterValue' });
}

export function badHeader(name: string, why: string): StoreError {
  return new StoreError('invalid', `the header ${name} is not valid: ${why}`, { code: 'InvalidHeaderValue' });
}

export function missingHeader(name: string): StoreError {
  return new StoreError('invalid', `the header ${name} is required`, { code: 'MissingRequiredHeader' });
}

export function missingParam(name: string): StoreError {
  return new StoreError('invalid', `the query parameter ${name} is required`, {
    code: 'MissingRequiredQueryParameter',
  });
}

/** If-* headers and the lease id; undefined if none is given. `prefix` `x-ms-source-` for the source of a rename. */
export function conditionOf(exchange: Exchange, prefix: '' | 'x-ms-source-' = ''): Condition | undefined {
  const read = (name: string): string | undefined => given(exchange, prefix + name);
  const condition: Condition = {};
  const [match, noneMatch] = [read('if-match'), read('if-none-match')];
  const [since, notSince] = [read('if-modified-since'), read('if-unmodified-since')];
  const lease = given(exchange, prefix === '' ? 'x-ms-lease-id' : 'x-ms-source-lease-id');
  if (match !== undefined) condition.ifMatch = unquote(match);
  if (noneMatch !== undefined) condition.ifNoneMatch = unquote(noneMatch);
  if (since !== undefined) condition.ifModifiedSinceMs = parseHttpDate(since);
  if (notSince !== undefined) condition.ifUnmodifiedSinceMs = parseHttpDate(notSince);
  if (lease !== undefined) condition.leaseId = lease;
  return Object.keys(condition).length > 0 ? condition : undefined;
}

/** `{ condition }` if there is one: for spreading into queries and mutations. */
export function conditioned(exchange: Exchange): { condition?: Condition } {
  const condition = conditionOf(exchange);
  return condition ? { condition } : {};
}

/** The length the client promised. @throws StoreError `invalid` if it is no length */
export function contentLength({ request }: Exchange): number | undefined {
  const text = header(request.headers, 'content-length');
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badHeader('Content-Length', 'it is not a length');
  return Number(text);
}

/** Lease headers of an answer. */
export function leaseHeaders(lease: LeaseStatus | undefined): Record<string, string> {
  const state = lease?.state ?? 'available';
  const headers: Record<string, string> = {
    'x-ms-lease-state': state,
    'x-ms-lease-status': state === 'leased' || state === 'breaking' ? 'locked' : 'unlocked',
  };
  if (lease?.duration) headers['x-ms-lease-duration'] = lease.duration;
  return headers;
}
