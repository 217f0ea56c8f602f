// The routing table of a config directory, kept up to date: a good file replaces the table, a bad one only says why.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RoutingTable } from '../core/route.ts';
import { ConfigError } from './config-error.ts';
import { parseRoutes, routesFileName, type StoreTypes, unreadable } from './routes.ts';
import { watchRoutes } from './watch-routes.ts';

export interface RoutesFileOptions {
  /** The config directory. */
  dir: string;
  stores?: StoreTypes;
  /** A new text was accepted; its table may mean the same as the one before (compare `digest`). */
  onTable(table: RoutingTable, text: string): void;
  /** A new text was refused, or the file cannot be read; `current` stays. */
  onError(error: ConfigError): void;
  /** The operating system does not tell of changes; the file is polled all the same. */
  onWatchError?(error: Error): void;
  /** How often the file is read anyway, milliseconds; default 1,000. */
  pollMs?: number;
}

/** The file as it stands. */
export interface RoutesFile {
  /** The table of the last good text; undefined if there has been none since start. */
  readonly current: RoutingTable | undefined;
  /** The text that `current` was made of. */
  readonly currentText: string | undefined;
  /** Why the newest text is not in force; undefined if it is. */
  readonly lastError: ConfigError | undefined;
  close(): void;
}

/** Reads the file at once (without telling the callbacks) and watches it from then on. */
export function createRoutesFile(options: RoutesFileOptions): RoutesFile {
  const file = join(options.dir, routesFileName);
  let current: RoutingTable | undefined;
  let currentText: string | undefined;
  let lastError: ConfigError | undefined;

  const take = (text: string): RoutingTable | ConfigError => {
    try {
      const from = options.stores ? { file, stores: options.stores } : { file };
      current = parseRoutes(text, from);
      currentText = text;
      lastError = undefined;
      return current;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      lastError = error;
      return error;
    }
  };
  const refuse = (error: Error): ConfigError => {
    lastError = new ConfigError([unreadable(file, error)]);
    return lastError;
  };

  let known: string | undefined;
  try {
    known = readFileSync(file, 'utf8');
    take(known);
  } catch (error) {
    refuse(error as Error);
  }

  const watching = watchRoutes({
    dir: options.dir,
    ...(known === undefined ? {} : { known }),
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
    onText(text) {
      const taken = take(text);
      if (taken instanceof ConfigError) options.onError(taken);
      else options.onTable(taken, text);
    },
    onUnreadable: (error) => options.onError(refuse(error)),
    onWatchError: (error) => options.onWatchError?.(error),
  });

  return {
    get current() {
      return current;
    },
    get currentText() {
      return currentText;
    },
    get lastError() {
      return lastError;
    },
    close: () => watching.close(),
  };
}
