// What stores without staging show of files under upload lives in the journal (semantics A4).
import type { Side } from '../core/store.ts';
import type { Journal } from '../journal/journal.ts';
import type { UploadTable } from '../layers/staging/uploads.ts';

/** An upload table over rows of the journal, in the paths of the side. */
export function uploadTableIn(journal: () => Journal, side: Side): UploadTable {
  const prefix = `upload:${side}:`;
  return {
    current: journal,
    all: async () => (await journal().metas(prefix)).map((text) => JSON.parse(text)),
    set: (path, upload) =>
      journal().apply([{ do: 'meta', key: prefix + path, value: upload ? JSON.stringify(upload) : '' }]),
  };
}
