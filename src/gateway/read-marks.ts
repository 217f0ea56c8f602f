// Reads under way when truth moves are asked again (design §4, "the hole in this rule"; semantics B2).
import { isWithin } from '../core/path.ts';
import type { Side } from '../core/store.ts';
import type { Reach } from '../journal/journal.ts';

/** One read that has been planned and has not been answered yet. */
export interface ReadMark {
  /** True once a mutation whose secondary is the asked side has begun. */
  readonly marked: boolean;
  end(): void;
}

/** All reads under way in this process. */
export interface ReadMarks {
  /** @param tree true for listings and summaries: changes below the path count too */
  begin(path: string, side: Side, tree: boolean): ReadMark;
  /** A mutation begins whose primary is not `side`. */
  mark(reaches: readonly Reach[], side: Side): void;
}

/** An empty registry. */
export function createReadMarks(): ReadMarks {
  const reads = new Set<{ path: string; side: Side; tree: boolean; marked: boolean }>();
  return {
    begin(path, side, tree) {
      const read = { path, side, tree, marked: false };
      reads.add(read);
      return {
        get marked() {
          return read.marked;
        },
        end: () => reads.delete(read),
      };
    },
    mark(reaches, side) {
      for (const read of reads) {
        if (read.side !== side || read.marked) continue;
        read.marked = reaches.some(
          (reach) =>
            reach.path === read.path ||
            (reach.subtree && isWithin(read.path, reach.path)) ||
            (read.tree && isWithin(reach.path, read.path)),
        );
      }
    },
  };
}
