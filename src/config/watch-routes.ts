// Watches routes.yaml: tells of every new text, however it got there: saved in place, renamed over, or swapped by Kubernetes.
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { routesFileName } from './routes.ts';

export interface WatchOptions {
  /** The config directory. */
  dir: string;
  /** How often the file is read anyway, milliseconds; default 1,000, so that a change is live within two seconds. */
  pollMs?: number;
  /** How long a new text must stay the same before it counts, milliseconds; default 50. Half-written files do not. */
  stableMs?: number;
  /** The text that the caller has already; it is not told again. */
  known?: string;
  onText(text: string): void;
  /** The file cannot be read (any more); told once until that changes. */
  onUnreadable(error: Error): void;
  /** fs.watch failed; polling goes on, and watching is tried again with every poll. */
  onWatchError(error: Error): void;
}

/** A text, or why there is none; `same` compares. */
type Reading = { key: string; text: string } | { key: string; error: Error };

/** Starts watching; `close` stops it, and nothing is told afterwards. The callbacks must not throw. */
export function watchRoutes(options: WatchOptions): { close(): void } {
  const { dir, pollMs = 1_000, stableMs = 50 } = options;
  const file = join(dir, routesFileName);
  let told = options.known === undefined ? undefined : `text ${options.known}`;
  let watcher: FSWatcher | undefined;
  let watchFailed = false;
  let isClosed = false;
  let isReading = false;
  let readAgain = false;

  const look = async (): Promise<void> => {
    // Events come in bursts; one reading at a time sees them all.
    readAgain = true;
    if (isReading) return;
    isReading = true;
    try {
      while (readAgain && !isClosed) {
        readAgain = false;
        await readOnce();
      }
    } finally {
      isReading = false;
    }
  };

  const readOnce = async (): Promise<void> => {
    const first = await read(file);
    if (first.key === told || isClosed) return;
    await new Promise((resolve) => setTimeout(resolve, stableMs));
    const second = await read(file);
    if (isClosed) return;
    if (second.key !== first.key) {
      readAgain = true;
      return;
    }
    told = second.key;
    if ('text' in second) options.onText(second.text);
    else options.onUnreadable(second.error);
  };

  const startWatching = (): void => {
    if (watcher || isClosed) return;
    const failed = (error: Error): void => {
      watcher?.close();
      watcher = undefined;
      if (!watchFailed) options.onWatchError(error);
      watchFailed = true;
    };
    try {
      // The directory, not the file: a rename over the file, and a ConfigMap's `..data`, would leave the file's watch behind.
      watcher = watch(dir, () => void look());
      watcher.on('error', failed);
      watchFailed = false;
    } catch (error) {
      failed(error as Error);
    }
  };

  startWatching();
  const timer = setInterval(() => {
    startWatching();
    void look();
  }, pollMs);
  void look();

  return {
    close() {
      isClosed = true;
      clearInterval(timer);
      watcher?.close();
    },
  };
}

async function read(file: string): Promise<Reading> {
  try {
    const text = await readFile(file, 'utf8');
    return { key: `text ${text}`, text };
  } catch (error) {
    return { key: `error ${(error as NodeJS.ErrnoException).code}`, error: error as Error };
  }
}
