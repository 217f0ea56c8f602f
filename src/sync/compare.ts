// Pure comparison of one path on two sides: what has to be done to make the other side like the truth.
import type { Entry } from '../core/entry.ts';
import { attributeChanges, type Common } from './attributes.ts';

/** What differs. `content` cannot be told from entries alone when the lengths are equal. */
export type Difference =
  | 'nothing-there'
  | 'missing'
  | 'extra'
  | 'type'
  | 'length'
  | 'maybe-content'
  | 'attributes'
  | 'same';

/**
 * The first difference in the order in which it has to be dealt with. Folders have no content of their own.
 * @param can what both sides can hold; the rest is not compared
 */
export function compare(truth: Entry | undefined, other: Entry | undefined, can: Common): Difference {
  if (!truth) return other ? 'extra' : 'nothing-there';
  if (!other) return 'missing';
  if (truth.type !== other.type) return 'type';
  if (truth.type === 'file' && truth.lengthBytes !== other.lengthBytes) return 'length';
  if (truth.type === 'file' && truth.lengthBytes > 0) return 'maybe-content';
  return attributeChanges(truth, other, can).length === 0 ? 'same' : 'attributes';
}
