// One command of the command line as a process of its own, with what it logged. It can be killed like a machine that loses power.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const projectRoot = resolve(import.meta.dirname, '../..');
/** The Node that `npm ci` installed, whatever is on the PATH. */
export const nodeBinary = resolve(projectRoot, 'node_modules/.bin/node');

/** A line of the log. */
export interface LogLine {
  level?: number | string;
  msg?: string;
  [key: string]: unknown;
}

/** A running server. */
export interface ServerProcess {
  /** The fields of the line that said that it listens. */
  ready: LogLine;
  pid: number;
  /** All lines so far, newest last. */
  log: readonly LogLine[];
  /** The most memory that it ever had resident, in MiB (`VmHWM` of Linux). */
  peakMiB(): Promise<number>;
  /** SIGKILL: no goodbye, nothing flushed. */
  kill(): Promise<void>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
}

/** How long a process may take to listen, milliseconds: the machine may be busy. */
const startMs = 60_000;

async function peakMiB(pid: number): Promise<number> {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  if (!match) throw new Error('the system does not say how much memory a process had');
  return Number(match[1]) / 1024;
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** tap has every Node process below it load its own modules, some 100 MB, and puts that into the environment on each spawn. */
const withoutTap = process.env.TAP ? ['-u', 'NODE_OPTIONS'] : [];

/** Starts `twinlake ARGS` and waits for a log line that says `readyMessage`. Rejects with its output if it ends before. */
export async function startServer(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  readyMessage: string,
): Promise<ServerProcess> {
  const child = spawn('env', [...withoutTap, nodeBinary, resolve(projectRoot, 'src/main.ts'), ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithParent = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithParent);
  child.once('exit', () => process.off('exit', endWithParent));
  const log: LogLine[] = [];
  let waiting: ((line: LogLine) => void) | undefined;
  const take = (text: string): void => {
    let line: LogLine;
    try {
      line = JSON.parse(text) as LogLine;
    } catch {
      line = { msg: text };
    }
    log.push(line);
    if (line.msg === readyMessage) waiting?.(line);
  };
  createInterface({ input: child.stdout! }).on('line', take);
  createInterface({ input: child.stderr! }).on('line', take);
  const output = (): string => log.map((line) => JSON.stringify(line)).join('\n');
  const ready = await new Promise<LogLine>((found, failed) => {
    waiting = found;
    const timer = setTimeout(() => failed(new Error(`not ready after ${startMs} ms:\n${output()}`)), startMs);
    timer.unref();
    child.once('exit', (code) => failed(new Error(`twinlake ${args[0]} ended with ${code}:\n${output()}`)));
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    ready,
    pid: child.pid!,
    log,
    peakMiB: () => peakMiB(child.pid!),
    async kill() {
      child.kill('SIGKILL');
      await ended(child);
    },
    async stop() {
      child.kill('SIGTERM');
      return ended(child);
    },
  };
}
