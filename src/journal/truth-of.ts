// The side that is known to hold the newest state of a path (design §4, "the truth rule"), pure.
import type { Side } from '../core/store.ts';
import type { Intent, PathState, Upload } from './journal.ts';

/** The truth of what a mutation under way reaches; an append is judged by its upload's record. */
export function truthOfIntent({ primary, secondary, staged }: Intent): Side | undefined {
  return secondary !== undefined && !staged ? primary : undefined;
}

/** The truth of a path while only one side has all bytes of its upload. */
export function truthOfUpload({ unflushed, sides }: Upload): Side | undefined {
  return unflushed && sides.length === 1 ? sides[0] : undefined;
}

/** The mutation under way that decides about a path. */
export function intentOn({ intents }: PathState): Intent | undefined {
  return intents.findLast((open) => truthOfIntent(open) !== undefined);
}

/** The side that is known to hold the newest state of a path; undefined if it is clean. */
export function truthOf(state: PathState): Side | undefined {
  const intent = intentOn(state);
  if (intent) return intent.primary;
  return (state.upload && truthOfUpload(state.upload)) ?? state.divergence?.truth;
}
