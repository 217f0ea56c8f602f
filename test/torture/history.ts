// What clients did and saw, as data: the runner writes it, the linearizability checker reads it.

/**
 * A piece of content that no other write has: `id` is unique in a run. Files are sequences of tokens, so that what a read shows tells which
 * writes it has seen.
 */
export interface Token {
  id: number;
  /** Size in the file, bytes. */
  lengthBytes: number;
}

/**
 * What a client asked. Paths are relative to the cell (`a`, `d/e`; `` is the cell's own folder). A cell is a folder of its own in the lake; no
 * action reaches from one cell into another, so each cell's history is checked by itself.
 */
export type Action =
  | { do: 'read'; path: string }
  | { do: 'stat'; path: string }
  | { do: 'list'; path: string; recursive: boolean }
  | { do: 'mkdir'; path: string }
  /** A whole file in one request; without `overwrite` nothing may be there. */
  | { do: 'create'; path: string; overwrite: boolean; token?: Token }
  /** Visible at once. With `position` the file must be that long. */
  | { do: 'append'; path: string; token: Token; position?: number }
  /** Gen2 append: invisible until the flush. */
  | { do: 'stage'; path: string; position: number; token: Token }
  | { do: 'flush'; path: string; position: number }
  /** `replace`: what may stand at the destination, as in RenameMutation. */
  | {
      do: 'rename';
      path: string;
      destination: string;
      replace: 'none' | 'file' | 'any';
      intoDirectory: boolean;
    }
  | { do: 'delete'; path: string; recursive: boolean }
  /** The sources are appended to `path` in order and are gone. */
  | { do: 'concat'; path: string; sources: string[] }
  | { do: 'set-permission'; path: string; permission: number };

/** What stands at a path, as a client saw it. */
export type Seen =
  | { type: 'absent' }
  | { type: 'directory'; permission?: number }
  | { type: 'file'; lengthBytes: number; permission?: number; tokens?: number[] }
  /** Content that is no sequence of whole tokens. */
  | { type: 'torn'; detail: string };

/**
 * `done`: acknowledged, with what was seen (queries). `refused`: an answer that surely says that nothing was changed, with the kind of the
 * reason. `unknown`: no answer, or one that leaves it open (5xx after bytes left, a lost connection): it may count at any later time, or never.
 */
export type Result =
  | { is: 'done'; seen?: Seen; names?: Record<string, Seen> }
  | { is: 'refused'; kind: string }
  | { is: 'unknown' };

/** One operation of one client. Clients do one thing at a time. */
export interface Operation {
  client: string;
  action: Action;
  /** Milliseconds of one monotonic clock for all clients. */
  invokedMs: number;
  /** Infinity for `unknown`. */
  returnedMs: number;
  result: Result;
}
