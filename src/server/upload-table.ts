// What stores without staging show of files under upload lives in the journal (semantics A4).
import { findMount, type Mount, translatePath } from '../core/mount.ts';
import type { Side } from '../core/store.ts';
import type { Change, Journal, Upload } from '../journal/journal.ts';
import { isNamed, type KeptUpload, type UploadTable } from '../layers/staging/uploads.ts';

const keyOf = (side: Side, path: string): string => `upload:${side}:${path}`;

const textOf = (upload: KeptUpload): string => JSON.stringify(upload);

async function rowsOf(journal: Journal, side: Side): Promise<KeptUpload[]> {
  return (await journal.metas(keyOf(side, ''))).map((text) => JSON.parse(text));
}

/** An upload table over rows of the journal, in the paths of the side. */
export function uploadTableIn(journal: () => Journal, side: Side): UploadTable {
  return {
    current: journal,
    all: () => rowsOf(journal(), side),
    set: (path, upload) =>
      journal().apply([{ do: 'meta', key: keyOf(side, path), value: upload ? textOf(upload) : '' }]),
  };
}

/** What a start has to know to tell which appends of the former process may still land. */
export interface FormerUploads {
  side: Side;
  /** What is hidden on this side. */
  rows: readonly KeptUpload[];
  /** The records as recovery left them, by canonical path. */
  records: ReadonlyMap<string, Upload>;
  /** The mounts of the former process. */
  mounts: readonly Mount[];
}

/**
 * The rows of a side behind which an append of the former process may still land: all but those of uploads that go on there, and of these too
 * if an append was open when it ended. Pure.
 */
export function lateAfterStart(
  { side, rows, records, mounts }: FormerUploads,
  nowMs: number,
  zombieMs: number,
): KeptUpload[] {
  const goesOn = (path: string): boolean => {
    const mount = findMount(mounts, side, path);
    const record = mount && records.get(translatePath(mount, path, side, 'target'));
    return !!record && record.sides.includes(side) && (record.lateUntilMs ?? 0) <= nowMs;
  };
  const tailUntilMs = nowMs + zombieMs;
  return rows
    .filter(({ shown, lateUntilMs }) => lateUntilMs < tailUntilMs && !goesOn(shown.path))
    .map(({ isReplaced: _, ...row }) => ({ ...row, lateUntilMs: tailUntilMs }));
}

/** What is hidden under one name of a file that was being renamed is hidden under the other too, where files have ids. Pure. */
export function underNewNames({ side, rows, records, mounts }: FormerUploads): KeptUpload[] {
  const there = new Map(rows.map((row) => [row.shown.path, row]));
  const pathOn = (path: string): string | undefined => {
    const mount = findMount(mounts, 'target', path);
    return mount && translatePath(mount, path, 'target', side);
  };
  return [...records.values()].flatMap(({ path, movedFrom }) => {
    const [from, to] = movedFrom === undefined ? [] : [pathOn(movedFrom), pathOn(path)];
    const row = from === undefined ? undefined : there.get(from);
    if (!row || to === undefined || there.has(to) || !isNamed(row.shown)) return [];
    return [{ shown: { ...row.shown, path: to }, lateUntilMs: 0 }];
  });
}

/** Writes down what may still land (semantics A10) or have been renamed, before the stores are asked anything. */
export async function holdLateUploads(
  journal: Journal,
  mounts: readonly Mount[],
  clock: { nowMs: number; zombieMs: number },
): Promise<void> {
  const records = new Map((await journal.uploads()).map((upload) => [upload.path, upload]));
  const changes: Change[] = [];
  for (const side of ['source', 'target'] as const) {
    const former = { side, rows: await rowsOf(journal, side), records, mounts };
    const moved = underNewNames(former);
    const all = { ...former, rows: [...former.rows, ...moved] };
    for (const row of [...moved, ...lateAfterStart(all, clock.nowMs, clock.zombieMs)])
      changes.push({ do: 'meta', key: keyOf(side, row.shown.path), value: textOf(row) });
  }
  // It shows at once; a crash before it is on disk finds the same.
  if (changes.length > 0) void journal.apply(changes);
}
