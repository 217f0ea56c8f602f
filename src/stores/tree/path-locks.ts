// Keeps changes of one tree apart that would disturb each other; first come, first served.
import { isWithin } from '../../core/path.ts';

/** `deep` also excludes every change below the path. */
export interface LockedPath {
  path: string;
  deep: boolean;
}

/** Runs `work` while no conflicting work runs. Not reentrant. */
export type PathLocks = <T>(paths: readonly LockedPath[], work: () => Promise<T>) => Promise<T>;

interface Holder {
  paths: readonly LockedPath[];
  start?: () => void;
}

/** Locks for one tree. All paths of one call are taken together, so two calls cannot wait for each other. */
export function createPathLocks(): PathLocks {
  // In order of arrival; a holder with `start` still waits, and later ones that conflict with it wait behind it.
  const holders: Holder[] = [];

  function isFree(index: number): boolean {
    const mine = holders[index]!;
    for (let before = 0; before < index; before++) if (conflict(holders[before]!, mine)) return false;
    return true;
  }

  function release(holder: Holder): void {
    holders.splice(holders.indexOf(holder), 1);
    for (let index = 0; index < holders.length; index++) {
      const next = holders[index]!;
      if (next.start && isFree(index)) {
        const { start } = next;
        delete next.start;
        start();
      }
    }
  }

  return async (paths, work) => {
    const holder: Holder = { paths };
    holders.push(holder);
    if (!isFree(holders.length - 1)) {
      await new Promise<void>((resolve) => {
        holder.start = resolve;
      });
    }
    try {
      return await work();
    } finally {
      release(holder);
    }
  };
}

function conflict(a: Holder, b: Holder): boolean {
  return a.paths.some((mine) =>
    b.paths.some(
      (other) =>
        mine.path === other.path ||
        (mine.deep && isWithin(other.path, mine.path)) ||
        (other.deep && isWithin(mine.path, other.path)),
    ),
  );
}
