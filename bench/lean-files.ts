// What the lean stores remember: lengths by path, no bytes, the oldest forgotten first.
import { fileBytes, readFile } from './scenarios.ts';

/** So many files are remembered; the last write to any of them was long ago. */
const maxFiles = 20_000;

/** Lengths of files in bytes. */
export interface LeanFiles {
  lengthOf(path: string): number | undefined;
  set(path: string, lengthBytes: number): void;
  delete(path: string): void;
  move(from: string, to: string): void;
}

/** Begins with the file that is read. */
export function createLeanFiles(): LeanFiles {
  const lengths = new Map<string, number>();
  return {
    lengthOf: (path) => (path === readFile ? fileBytes : lengths.get(path)),
    set(path, lengthBytes) {
      lengths.set(path, lengthBytes);
      if (lengths.size > maxFiles) lengths.delete(lengths.keys().next().value!);
    },
    delete: (path) => void lengths.delete(path),
    move(from, to) {
      const length = lengths.get(from);
      if (length === undefined) return;
      lengths.delete(from);
      lengths.set(to, length);
    },
  };
}
