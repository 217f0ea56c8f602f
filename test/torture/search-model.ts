// The larger bounds of the model's search: each world in a process of its own, for its memory.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { worlds } from '../model/worlds.ts';

const test = resolve(import.meta.dirname, '..');
/** Writes, reads, crashes, flips, outages; `test/model.test.ts` has what a second or two can search. */
const bounds = ['2', '2', '1', '1', '1'];
/** Heap of one search, MiB. */
const heapMiB = 12_000;

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((end, fail) => {
    child.once('error', fail);
    child.once('close', (code) => end({ code: code ?? 1, text }));
  });
}

/**
 * Searches every world of the model, then the one of uploads.
 * @returns what was found, a trace each
 */
export async function searchModel(note: (line: string) => void): Promise<string[]> {
  const faults: string[] = [];
  const look = async (args: readonly string[], env?: NodeJS.ProcessEnv): Promise<void> => {
    const { code, text } = await run(args, env);
    if (code !== 0) faults.push(text);
    for (const [line] of text.matchAll(/^.*\b\d+ states\b.*$/gm)) note(line.trim());
  };
  for (const name of Object.keys(worlds))
    await look([`--max-old-space-size=${heapMiB}`, resolve(test, 'model/search.ts'), ...bounds, name]);
  await look([resolve(test, 'model-uploads.test.ts')], { TWINLAKE_FULL: '1' });
  return faults;
}
