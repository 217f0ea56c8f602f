// The judgement after a storm: both stores and both faces show the same, and every cell's history makes sense with it.
import type { Lake } from '../end-to-end/lake.ts';
import { differencesOf, gen2Tree, webhdfsTree } from '../end-to-end/trees.ts';
import type { Actor } from './actor.ts';
import { type Cell, describeAction, describeOperation } from './cells.ts';
import { record } from './clients.ts';
import type { Operation } from './history.ts';
import { judge } from './linearizable.ts';
import { isQuery, pathsOf } from './moments.ts';

/** The final state of a cell, as reads at the end of its history. */
async function readAtEnd(actor: Actor, cell: Cell, names: readonly string[]): Promise<void> {
  for (const path of names) await record(actor, 'end', cell, { do: 'read', path });
}

/** No order of the operations explains what was seen: the fewest of them that show it. */
function notLinearizable({ name, operations }: Cell): string[] {
  const verdict = judge(operations);
  if (verdict.is === 'linearizable') return [];
  if (verdict.is === 'gave-up') return [`${name}: no verdict, the history is too tangled`];
  return [`${name}: no order explains\n  ${verdict.history.map(describeOperation).join('\n  ')}`];
}

/** An upload that an SDK would have given up long ago: nothing was away for so long. */
const refusalsInARow = 150;

/**
 * True if somebody else may have changed the file since this client began with it: then the bytes before its own may be gone, and a store
 * that appends waits for them for ever (semantics A5).
 */
function isDisturbed(operations: readonly Operation[], { client, action, invokedMs }: Operation): boolean {
  const isAbout = (path: string): boolean => action.path === path || action.path.startsWith(`${path}/`);
  const own = operations.findLast(
    (each) =>
      each.client === client &&
      each.invokedMs < invokedMs &&
      each.action.path === action.path &&
      (each.action.do === 'create' || each.action.do === 'stat'),
  );
  return operations.some(
    (each) =>
      each.client !== client &&
      each.result.is !== 'refused' &&
      !isQuery(each) &&
      each.invokedMs < invokedMs &&
      each.returnedMs > (own?.invokedMs ?? 0) &&
      pathsOf(each.action).some(isAbout),
  );
}

/** Steps of uploads that were refused as temporary again and again. */
function neverTaken({ operations }: Cell): string[] {
  const refused = new Map<string, { count: number; line: string }>();
  for (const operation of operations) {
    const { client, action, result } = operation;
    if (result.is !== 'refused' || result.kind !== 'temporary') continue;
    if (isDisturbed(operations, operation)) continue;
    const key = `${client} ${describeAction(action)}`;
    refused.set(key, { count: (refused.get(key)?.count ?? 0) + 1, line: describeOperation(operation) });
  }
  return [...refused.values()].flatMap(({ count, line }) =>
    count < refusalsInARow ? [] : [`refused as temporary ${count} times: ${line}`],
  );
}

/** What is wrong; empty if nothing is. */
export async function findFaults(lake: Lake, cells: readonly Cell[], actor: Actor): Promise<string[]> {
  const faults: string[] = [];
  const [source, target, asWebhdfs, asGen2] = await Promise.all([
    webhdfsTree(lake.source.url),
    gen2Tree(lake.target.url),
    webhdfsTree(lake.gateway.url),
    gen2Tree(lake.gateway.url),
  ]);
  const pairs = [
    ['source', source, 'target', target],
    ['source', source, 'the WebHDFS face', asWebhdfs],
    ['target', target, 'the Gen2 face', asGen2],
  ] as const;
  for (const [left, leftTree, right, rightTree] of pairs) {
    for (const each of differencesOf(leftTree, rightTree))
      faults.push(`${each.path}: ${left} ${each.left}, ${right} ${each.right}`);
  }
  for (const path of [...source.keys(), ...target.keys()])
    if (path.includes('.twinlake')) faults.push(`${path} is left over`);
  for (const cell of cells) {
    const named = new Set(
      cell.operations.flatMap(({ action }) => [
        action.path,
        'destination' in action ? action.destination : action.path,
      ]),
    );
    for (const path of source.keys())
      if (path.startsWith(`${cell.name}/`)) named.add(path.slice(cell.name.length + 1));
    await readAtEnd(actor, cell, [...named].sort());
    faults.push(...notLinearizable(cell));
    for (const each of neverTaken(cell)) faults.push(`${cell.name}: ${each}`);
    for (const operation of cell.operations) {
      const { result } = operation;
      if (result.is === 'done' && result.seen?.type === 'torn')
        faults.push(`${cell.name}: ${describeOperation(operation)}`);
    }
  }
  return faults;
}
