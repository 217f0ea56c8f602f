// Which bytes of an upload are staged: a list of disjoint intervals in order, touching ones merged.
import { StoreError } from '../../core/store-error.ts';

/** Bytes `start` to `end` (exclusive). */
export interface Interval {
  start: number;
  end: number;
}

/** The list with one more interval. */
export function addInterval(list: readonly Interval[], added: Interval): Interval[] {
  if (added.end <= added.start) return [...list];
  let { start, end } = added;
  const result: Interval[] = [];
  for (const each of list) {
    if (each.end < start || each.start > end) result.push(each);
    else {
      start = Math.min(start, each.start);
      end = Math.max(end, each.end);
    }
  }
  result.push({ start, end });
  return result.sort((a, b) => a.start - b.start);
}

/** What of the list lies at or behind `position`. */
export function intervalsFrom(list: readonly Interval[], position: number): Interval[] {
  return list
    .filter((each) => each.end > position)
    .map((each) => ({ start: Math.max(each.start, position), end: each.end }));
}

/** True if the list has any byte of this interval. */
export function overlaps(list: readonly Interval[], asked: Interval): boolean {
  return list.some((each) => each.start < asked.end && asked.start < each.end);
}

/**
 * A flush must find all bytes between the file's length and `position` staged.
 * @throws StoreError `invalid-flush`
 */
export function checkFlush(list: readonly Interval[], lengthBytes: number, position: number): void {
  if (position < lengthBytes) throw invalidFlush(`the file is ${lengthBytes} bytes long already`);
  if (position === lengthBytes) return;
  if (!list.some((each) => each.start <= lengthBytes && each.end >= position))
    throw invalidFlush(`not all bytes from ${lengthBytes} to ${position} have been uploaded`);
}

function invalidFlush(message: string): StoreError {
  return new StoreError('invalid-flush', message, { code: 'InvalidFlushPosition' });
}
