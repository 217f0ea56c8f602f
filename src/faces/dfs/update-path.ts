// Append and flush: bytes are staged by position and show at the flush (Gen2 reference §2.4).
import type { FlushMutation } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import { parseContentHeaders } from '../../wire/dfs/properties.ts';
import { refuseBody } from './create-path.ts';
import {
  booleanParam,
  conditioned,
  conditionOf,
  contentLength,
  type Exchange,
  given,
  integerParam,
  missingHeader,
  missingParam,
  type Operation,
} from './exchange.ts';
import { empty, entryAfter, versionHeaders } from './replies.ts';
import { withBody } from './upload-body.ts';

/** Largest file, about 190.7 TiB. */
const maxPosition = 209_715_200_000_000;

function position(exchange: Exchange): number {
  const value = integerParam(exchange, 'position', { min: 0, max: maxPosition });
  if (value === undefined) throw missingParam('position');
  return value;
}

function flushMutation(exchange: Exchange, at: number): FlushMutation {
  const { request, address } = exchange;
  const content = parseContentHeaders(request.headers, 'x-ms-');
  return {
    verb: 'flush',
    path: address.path,
    position: at,
    retain: booleanParam(exchange, 'retainUncommittedData'),
    close: booleanParam(exchange, 'close'),
    ...(content && Object.keys(content).length > 0 ? { content } : {}),
  };
}

export const appendData: Operation = async (exchange) => {
  const { address, store, request } = exchange;
  const at = position(exchange);
  const flush = booleanParam(exchange, 'flush');
  const length = contentLength(exchange);
  if (length === undefined && request.headers['transfer-encoding'] === undefined)
    throw missingHeader('Content-Length');
  if (length === 0 && !flush) {
    throw new StoreError('invalid', 'an append needs content', { code: 'InvalidHeaderValue' });
  }
  const leaseId = conditionOf(exchange)?.leaseId;
  const leased = leaseId === undefined ? {} : { condition: { leaseId } };
  let end = at;
  if (length !== 0) {
    const staging = { ...exchange.ctx, wantEntry: false };
    const { bytes } = await withBody(exchange, (body) =>
      store.mutate({ verb: 'stage', path: address.path, position: at, body, ...leased }, staging),
    );
    end += bytes;
  }
  const headers: Record<string, string> = { 'x-ms-request-server-encrypted': 'true' };
  const md5 = given(exchange, 'content-md5');
  if (md5 !== undefined) headers['content-md5'] = md5;
  if (!flush) return empty(202, headers);
  const result = await store.mutate({ ...flushMutation(exchange, end), ...leased }, exchange.ctx);
  return empty(202, { ...headers, ...versionHeaders(await entryAfter(exchange, result, address.path)) });
};

export const flushData: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const at = position(exchange);
  refuseBody(exchange);
  const result = await store.mutate({ ...flushMutation(exchange, at), ...conditioned(exchange) }, ctx);
  const entry = await entryAfter(exchange, result, address.path);
  return empty(200, { ...versionHeaders(entry), 'x-ms-request-server-encrypted': 'true' });
};
