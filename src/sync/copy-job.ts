// Where one path of a row lies on both sides, and how it is to be made equal.
import { findMount, hiddenFolder, translatePath } from '../core/mount.ts';
import { joinPath, nameOf } from '../core/path.ts';
import { otherSide } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Divergence } from '../journal/journal.ts';
import type { CopyJob, SyncParts } from './sync-parts.ts';

let copies = 0;

/** A word that no other process of this gateway, and no other gateway, puts into a hidden name: a late request hits nothing of ours. */
function processMark({ journal }: Pick<SyncParts, 'journal'>): string {
  return `${journal.id.slice(0, 8)}-${journal.epoch}`;
}

/** @throws StoreError if the path is in no mount of the routing table */
export function jobFor(parts: SyncParts, row: Divergence, path: string): CopyJob {
  const mount = findMount(parts.mounts(), 'target', path);
  if (!mount) throw new StoreError('internal', `${path} lies outside every mount of the routing table`);
  const other = otherSide(row.truth);
  const otherPath = translatePath(mount, path, 'target', other);
  const hidden = hiddenFolder(mount[other], otherPath);
  const copy = `${processMark(parts)}-${row.generation}-${++copies}`;
  return {
    path,
    truth: row.truth,
    other,
    truthPath: translatePath(mount, path, 'target', row.truth),
    otherPath,
    hiddenPath: joinPath(hidden, `repair/${copy}`),
    ...(row.keepReplaced
      ? { keptPath: joinPath(hidden, `kept/${parts.now()}-${copy}/${nameOf(otherPath)}`) }
      : {}),
    keepExtras: row.keepExtras ?? false,
    times: (row.times ?? false) && path === row.path,
    owners: (row.owners ?? false) && path === row.path,
    trusted: row.moved?.from === row.path,
  };
}
