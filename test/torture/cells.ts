// Cells: folders of few names in which clients get in each other's way for a while, each with the history of what happened in it.
import type { Action, Operation, Token } from './history.ts';
import { type Random, randomOf } from './random.ts';
import { minTokenBytes } from './token-bytes.ts';

/** A folder of the lake. */
export interface Cell {
  name: string;
  /** `/lake/cell-1` */
  folder: string;
  /**
   * Every token has this length, so that staged bytes replace each other as wholes; absent: lengths differ and nothing is staged.
   */
  tokenBytes?: number;
  /** ACLs are changed, which moves modes around: modes are not part of the history. */
  withAcls: boolean;
  operations: Operation[];
}

/** Names that files and folders have in every cell. */
export const fileNames = ['a', 'b', 'c', 'd/e', 'd/f', 'g/e'] as const;
export const folderNames = ['d', 'g'] as const;

/** Lengths of staged tokens: less than a packet, some packets, more than any buffer. */
const stagedTokenBytes = [64, 1000, 30_000, 250_000] as const;

/** Length of the next token. */
export function tokenLength(cell: Cell, random: Random): number {
  if (cell.tokenBytes !== undefined) return cell.tokenBytes;
  return random.weighted([
    [60, random.between(minTokenBytes, 400)],
    [30, random.between(400, 20_000)],
    [9, random.between(20_000, 200_000)],
    [1, random.between(1_000_000, 3_000_000)],
  ]);
}

/** Hands out cells; a group of clients works in one until it has seen enough. */
export interface Cells {
  all: Cell[];
  /** @param group clients of one group meet each other */
  of(group: number): Cell;
  /** No more work in the cells of before. */
  turnOver(): void;
}

/** @param operationsEach how many operations a cell's history may have before the next one is opened */
export function createCells(seed: number, operationsEach: number): Cells {
  const all: Cell[] = [];
  const open = new Map<number, Cell>();
  const create = (): Cell => {
    const name = `cell-${all.length}`;
    const random = randomOf(seed, name);
    const isStaged = random.chance(0.6);
    const cell: Cell = {
      name,
      folder: `/lake/${name}`,
      ...(isStaged ? { tokenBytes: random.pick(stagedTokenBytes) } : {}),
      withAcls: random.chance(0.2),
      operations: [],
    };
    all.push(cell);
    return cell;
  };
  return {
    all,
    of(group) {
      let cell = open.get(group);
      if (!cell || cell.operations.length >= operationsEach) {
        cell = create();
        open.set(group, cell);
      }
      return cell;
    },
    turnOver: () => open.clear(),
  };
}

/** Tokens of one client: no other client makes the same. */
export function tokenSource(clientIndex: number): (lengthBytes: number) => Token {
  let made = 0;
  return (lengthBytes) => ({ id: (clientIndex + 1) * 1_000_000 + ++made, lengthBytes });
}

/** What was asked, in one line. */
export function describeAction(action: Action): string {
  const { do: doing, path, ...rest } = action;
  return `${doing} ${path || '.'} ${JSON.stringify(rest)}`;
}

/** One line for a person. */
export function describeOperation({ client, action, invokedMs, returnedMs, result }: Operation): string {
  return `${invokedMs.toFixed(1)}-${returnedMs.toFixed(1)} ${client} ${describeAction(action)} -> ${JSON.stringify(result)}`;
}
