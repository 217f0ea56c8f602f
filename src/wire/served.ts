// What a face tells of a request that it has answered: in words of its own, but for the names of parameters and the path.
import type { Caller, Trail } from '../core/store.ts';

/**
 * `redirected`: a first step, whose second is to come; `unsupported`: nothing that the face or the stores can express; `forwarded`: handed
 * to the store unread, as only a route with one side may.
 */
export const servedResults = [
  ...(['ok', 'redirected', 'forwarded', 'unsupported', 'refused', 'failed'] as const),
] as const;
export type ServedResult = (typeof servedResults)[number];

/** One answered request. */
export interface Served {
  /** Of the face's own table; `unknownOperation` for what is not in it. */
  op: string;
  /** As the client wrote them, lower case; secrets and what every request carries left out. */
  parameters: string[];
  /** Absent where the request could not be read so far. */
  path?: string;
  caller?: Caller;
  trail: Trail;
  status: number;
  result: ServedResult;
}

/** The operation of a request that names none of the face's. */
export const unknownOperation = '(unknown)';

/** What a status says; a face knows better of what was `forwarded` or `unsupported`. */
export function resultOf(status: number): ServedResult {
  if (status === 307) return 'redirected';
  if (status === 501) return 'unsupported';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'ok';
}
