// What the face tells of an answer: the operation in Hadoop's words, the parameters by name.
import type { Caller, Trail } from '../../core/store.ts';
import { resultOf, type Served, type ServedResult, unknownOperation } from '../../wire/served.ts';
import type { WebhdfsTarget } from '../../wire/webhdfs/target.ts';
import { linkParam } from './links.ts';
import { knownOperations, operations } from './operations.ts';

/** Filled in while a request is served. */
export interface Report {
  trail: Trail;
  target?: WebhdfsTarget;
  caller?: Caller;
  /** Where the status does not tell. */
  result?: ServedResult;
}

/** In every request, or our own. */
const ordinary = new Set(['op', 'user.name', linkParam.toLowerCase()]);

/** The report of an answered request. */
export function served({ trail, target, caller, result }: Report, status: number): Served {
  const told = { trail, status, result: result ?? resultOf(status), ...(caller ? { caller } : {}) };
  if (!target) return { ...told, op: unknownOperation, parameters: [] };
  const { op, params, path } = target;
  const isKnown = Object.hasOwn(operations, op) || knownOperations.has(op);
  const parameters = params.names().filter((name) => !ordinary.has(name));
  return { ...told, op: isKnown ? op : unknownOperation, parameters, path };
}
