// Runs a tool to its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Longest that one transfer may take, milliseconds: a GiB at 1 MB/s. */
const limitMs = 1_200_000;

/** @throws Error with what it said, if it ends otherwise than well */
export async function runTool(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  // tap would have every Node process below load its modules.
  const { NODE_OPTIONS: _, ...outer } = process.env;
  const child = spawn(command, args, {
    env: { ...outer, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${`${err}\n${out}`.trim().slice(-4000)}`);
}
