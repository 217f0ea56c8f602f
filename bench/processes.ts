// The processes of a measurement: started, asked, ended; and the gateway as it is in production.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readsTargetHeader } from './scenarios.ts';

/** Unit of the times in /proc on every Linux that Node runs on: USER_HZ, 100 a second. */
const ticksPerSecond = 100;
/** How long a process may take to end by itself, milliseconds. */
const graceMs = 5_000;

const here = import.meta.dirname;

/** CPU time of a process so far, in seconds; undefined where /proc does not tell. */
export async function cpuSecondsOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is a name that may hold spaces; user and system time are fields 14 and 15.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Forks a process of the measurement. @returns it and its first message */
export async function start<T>(
  file: string,
  args: string[] = [],
): Promise<{ child: ChildProcess; hello: T }> {
  const child = fork(join(here, file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with code ${String(code)} before it was ready`);
  });
  const [hello] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return { child, hello: hello as T };
}

/** Its next message after a question. */
export async function ask<T>(child: ChildProcess, question: object): Promise<T> {
  const ended = new AbortController();
  const onExit = (): void => ended.abort(new Error('a process of the measurement ended early'));
  child.once('exit', onExit);
  try {
    const answer = once(child, 'message', { signal: ended.signal });
    child.send(question);
    return (await answer)[0] as T;
  } finally {
    child.off('exit', onExit);
  }
}

/** Ends it, by force if it must be. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.kill('SIGTERM');
  await exit;
  clearTimeout(timer);
}

/** A running gateway. */
export interface Gateway {
  child: ChildProcess;
  data: string;
  admin: string;
  /** What it warned of. */
  problems: string[];
}

/** The gateway as it is in production: its own defaults, its journal on a disk, log level info. */
export async function startGateway(
  dir: string,
  stores: { webhdfs: string; gen2Account: string },
  flags: string[] = [],
): Promise<Gateway> {
  const [header, value] = Object.entries(readsTargetHeader)[0]!;
  const gateway = {
    listen: { data: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port: 0 } },
    state: { dir: join(dir, 'state') },
    stores: {
      source: { type: 'webhdfs', url: stores.webhdfs, user: 'bench' },
      target: { type: 'adls-gen2', url: stores.gen2Account, identity: { kind: 'none' } },
    },
  };
  const routes = {
    mounts: [{ source: '/lake', target: '/lake' }],
    apps: {
      'reads-source': { reads: 'source', writes: 'both' },
      'reads-target': { match: { headers: { [header]: value } }, reads: 'target', writes: 'both' },
    },
  };
  // JSON is YAML.
  await writeFile(join(dir, 'gateway.yaml'), JSON.stringify(gateway));
  await writeFile(join(dir, 'routes.yaml'), JSON.stringify(routes));
  const main = join(here, '../src/main.ts');
  const child = spawn(process.execPath, [...flags, main, 'serve', '--config', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const problems: string[] = [];
  const ready = new Promise<{ data: string; admin: string }>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the gateway ended with code ${code}`)));
    lines.on('line', (line) => {
      const entry = JSON.parse(line) as { level: string | number; msg: string; data: string; admin: string };
      if (entry.msg === 'gateway listens') resolve(entry);
      else if (entry.level === 'error' || entry.level === 'warn' || Number(entry.level) >= 40)
        problems.push(line);
    });
  });
  return { child, ...(await ready), problems };
}

/** How many paths it knows to differ; what it warned of goes to the console. */
export async function divergencesOf(gateway: Gateway): Promise<number> {
  if (gateway.problems.length > 0) process.stderr.write(`${gateway.problems.slice(0, 5).join('\n')}\n`);
  const answer = await fetch(`${gateway.admin}/v1/divergences`);
  return ((await answer.json()) as { total: number }).total;
}

/** Resident memory of a process in bytes; undefined where /proc does not tell. */
export async function residentBytesOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
