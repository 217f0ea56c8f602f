// A client of one face: carries out actions of a plan with raw requests and says honestly what it knows about the outcome.

import type { Action, Result } from './history.ts';
import { type Answer, type Asked, askOnce, type Sent } from './http-once.ts';

/** What a client can do. */
export type Doing = Action['do'];

/** What came of an action: `not-sent` had no effect and says nothing. */
export type Performed = Result | 'not-sent';

/** A client of one face. */
export interface Actor {
  face: string;
  can: ReadonlySet<Doing>;
  /** @param folder the cell, as an absolute path below the mount (`/lake/cell-1`) */
  perform(folder: string, action: Action): Promise<Performed>;
  /** Changes an ACL, which no history tells of. @param path absolute */
  grant?(path: string, aclspec: string): Promise<void>;
}

/** A request that was not answered, or with 5xx. */
export interface FailedRequest {
  folder: string;
  action: Action;
  /** What came instead, for people. */
  answer: string;
}

/** Where the gateway is, and who wants to know what happens. */
export interface ActorOptions {
  url: string;
  /** A request has just left as a whole. */
  onSent(doing: Doing): void;
  onFailed?(failed: FailedRequest): void;
}

/** Sends one request of an action. */
export type Ask = (asked: Asked) => Promise<Sent>;

/** Asks for one action. */
export function askerOf({ onSent, onFailed }: ActorOptions, folder: string, action: Action): Ask {
  return async (asked) => {
    const sent = await askOnce(asked, () => onSent(action.do));
    if (typeof sent === 'string') onFailed?.({ folder, action, answer: sent });
    else if (sent.status >= 500)
      onFailed?.({ folder, action, answer: `${sent.status} ${sent.bytes.toString().slice(0, 300)}` });
    return sent;
  };
}

/** Success as `done`, refusals as what they surely are, everything else as unknown. */
export function resultOf(
  sent: Sent,
  kindOf: (answer: Answer) => string,
  done: (answer: Answer) => Result,
): Performed {
  if (sent === 'not-sent') return sent;
  if (sent === 'lost') return { is: 'unknown' };
  if (sent.status < 400) return done(sent);
  if (sent.status < 500) return { is: 'refused', kind: kindOf(sent) };
  const surelyNot = sent.headers['x-twinlake-applied'] === 'no' || sent.status === 501;
  return surelyNot ? { is: 'refused', kind: 'temporary' } : { is: 'unknown' };
}

/** Nothing but that it is done. */
export const justDone = (): Result => ({ is: 'done' });

/** A cell's own folder or something in it. */
export function pathIn(folder: string, path: string): string {
  return path === '' ? folder : `${folder}/${path}`;
}
