// Reads under way when truth moves are asked again (design §4, "the hole in this rule"; semantics B2).
import { isWithin } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Reach } from '../journal/journal.ts';

/** One read that has begun and has not been answered yet. */
export interface ReadMark {
  /** True once a mutation whose secondary is this side has begun: what the side says may be older than what others are told. */
  isMarked(side: Side): boolean;
  end(): void;
}

/** All reads under way in this process. */
export interface ReadMarks {
  /**
   * To be called before the truth of the path is looked up: a mutation that begins in between must not be missed.
   * @param tree true for listings and summaries: changes below the path count too
   */
  begin(path: string, tree: boolean): ReadMark;
  /** A mutation begins whose primary is not `side`. */
  mark(reaches: readonly Reach[], side: Side): void;
}

/** An empty registry. */
export function createReadMarks(): ReadMarks {
  const reads = new Set<{ path: string; tree: boolean; marked: Set<Side> }>();
  return {
    begin(path, tree) {
      const read = { path, tree, marked: new Set<Side>() };
      reads.add(read);
      return { isMarked: (side) => read.marked.has(side), end: () => reads.delete(read) };
    },
    mark(reaches, side) {
      for (const read of reads) {
        const reached = reaches.some(
          (reach) =>
            reach.path === read.path ||
            (reach.subtree && isWithin(read.path, reach.path)) ||
            (read.tree && isWithin(reach.path, read.path)),
        );
        if (reached) read.marked.add(side);
      }
    },
  };
}
