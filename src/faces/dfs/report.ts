// What the face tells of an answer: the operation by the name of its function, parameters and headers by name.
import type { Trail } from '../../core/store.ts';
import { resultOf, type Served, type ServedResult, unknownOperation } from '../../wire/served.ts';
import type { Exchange } from './exchange.ts';

/** Filled in while a request is served. */
export interface Report {
  trail: Trail;
  exchange?: Exchange;
  op?: string;
  /** Where the status does not tell. */
  result?: ServedResult;
}

/** In every request, or said by the operation's name. */
const ordinary = new Set([
  ...['resource', 'action', 'comp', 'restype', 'timeout', 'sig', 'x-ms-date', 'x-ms-version'],
  ...['x-ms-client-request-id', 'x-ms-return-client-request-id', 'x-ms-useragent'],
]);

/** The report of an answered request. */
export function served({ trail, exchange, op = unknownOperation, result }: Report, status: number): Served {
  const told = { trail, status, op, result: result ?? resultOf(status) };
  if (!exchange) return { ...told, parameters: [] };
  const { address, request, ctx } = exchange;
  const headers = Object.keys(request.headers).filter((name) => /^(x-ms-|if-|range$)/.test(name));
  const parameters = [...address.params.keys(), ...headers].filter((name) => !ordinary.has(name));
  return { ...told, parameters, path: address.path, caller: ctx.caller };
}
