// Uploads that nobody goes on with: their record is closed, and what only one side holds becomes a divergence (semantics A4).
import type { Change, Journal, Upload } from '../journal/journal.ts';

/** The changes that close one record, pure. */
export function closeUpload(upload: Upload, nowMs: number): Change[] {
  const end: Change = { do: 'end-upload', path: upload.path };
  const [truth, other] = upload.sides;
  if (!upload.unflushed || truth === undefined || other !== undefined) return [end];
  const { path, generation } = upload;
  const reason = 'an upload was left unfinished';
  const divergence = { path, subtree: false, truth, generation, reason, sinceMs: nowMs };
  return [{ do: 'put', divergence }, end];
}

/** Closes every record that was not touched for `idleMs`. */
export async function closeIdleUploads(journal: Journal, idleMs: number, nowMs: number): Promise<void> {
  const idle = (await journal.uploads()).filter((upload) => upload.touchedMs < nowMs - idleMs);
  if (idle.length > 0) await journal.apply(idle.flatMap((upload) => closeUpload(upload, nowMs)));
}
