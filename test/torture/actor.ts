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
}

/** Where the gateway is, and who wants to know that a request has just left. */
export interface ActorOptions {
  url: string;
  onSent(doing: Doing): void;
}

/** Sends one request of an action. */
export type Ask = (asked: Asked) => Promise<Sent>;

/** Asks for one action. */
export function askerOf({ onSent }: ActorOptions, action: Action): Ask {
  return (asked) => askOnce(asked, () => onSent(action.do));
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
