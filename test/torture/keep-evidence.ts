// What is written beside the stores and the journal of a run that found a fault: logs, the story of the storm, every cell's history.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lake } from '../end-to-end/lake.ts';
import { type Cell, describeOperation } from './cells.ts';

/** Writes what a person needs to understand a fault. */
export async function keepEvidence(
  dir: string,
  lake: Lake,
  cells: readonly Cell[],
  story: readonly string[],
): Promise<void> {
  const out = join(dir, 'evidence');
  await mkdir(out, { recursive: true });
  for (const part of ['gateway', 'source', 'target'] as const)
    await writeFile(join(out, `${part}.log`), lake[part].log.map((line) => JSON.stringify(line)).join('\n'));
  await writeFile(join(out, 'story.txt'), story.join('\n'));
  for (const { name, operations } of cells) {
    await writeFile(join(out, `${name}.txt`), operations.map(describeOperation).join('\n'));
    await writeFile(join(out, `${name}.json`), JSON.stringify(operations, null, 1));
  }
}
