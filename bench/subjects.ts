// Starts what is measured and what it needs, each in a process of its own: lean stores, gateway, bare proxy, load.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoadOrder, LoadResult } from './load-process.ts';
import { readsTargetHeader } from './scenarios.ts';

export type SubjectName = 'gateway' | 'proxy';

/** Something that answers the scenarios. */
export interface Subject {
  name: SubjectName;
  url: string;
  /** CPU time of its process so far, in seconds; undefined where /proc does not tell. */
  cpuSeconds(): Promise<number | undefined>;
}

/** Everything that runs. */
export interface Field {
  subjects: Record<SubjectName, Subject>;
  load(order: LoadOrder): Promise<LoadResult>;
  /** How many requests both stores have had. */
  storeRequests(): Promise<number>;
  /** How many paths the gateway knows to differ. */
  divergences(): Promise<number>;
  stop(): Promise<void>;
}

/** Unit of the times in /proc on every Linux that Node runs on: USER_HZ, 100 a second. */
const ticksPerSecond = 100;
/** How long a process may take to end by itself, milliseconds. */
const graceMs = 5_000;

const here = import.meta.dirname;

async function cpuSecondsOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is a name that may hold spaces; user and system time are fields 14 and 15.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function start<T>(file: string, args: string[] = []): Promise<{ child: ChildProcess; hello: T }> {
  const child = fork(join(here, file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with code ${String(code)} before it was ready`);
  });
  const [hello] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return { child, hello: hello as T };
}

async function ask<T>(child: ChildProcess, question: object): Promise<T> {
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

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.kill('SIGTERM');
  await exit;
  clearTimeout(timer);
}

/** The gateway as it is in production: its own defaults, its journal on a disk, log level info. */
async function startGateway(dir: string, stores: { webhdfs: string; gen2Account: string }, flags: string[]) {
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

/** @param flags of Node for the gateway, such as `--cpu-prof` */
export async function startField(flags: string[]): Promise<Field> {
  const children: ChildProcess[] = [];
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-bench-'));
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await end(child);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const stores = await start<{ webhdfs: string; gen2: string; gen2Account: string }>('stores-process.ts');
    children.push(stores.child);
    const gateway = await startGateway(dir, stores.hello, flags);
    children.push(gateway.child);
    const { webhdfs, gen2 } = stores.hello;
    const proxy = await start<{ url: string }>('proxy-process.ts', [webhdfs, gen2]);
    children.push(proxy.child);
    const load = await start<object>('load-process.ts');
    children.push(load.child);
    const subject = (name: SubjectName, url: string, child: ChildProcess): Subject => ({
      name,
      url,
      cpuSeconds: () => cpuSecondsOf(child.pid!),
    });
    return {
      subjects: {
        gateway: subject('gateway', gateway.data, gateway.child),
        proxy: subject('proxy', proxy.hello.url, proxy.child),
      },
      load: (order) => ask(load.child, order),
      storeRequests: async () => (await ask<{ requests: number }>(stores.child, {})).requests,
      async divergences() {
        if (gateway.problems.length > 0) process.stderr.write(`${gateway.problems.slice(0, 5).join('\n')}\n`);
        const answer = await fetch(`${gateway.admin}/v1/divergences`);
        return ((await answer.json()) as { total: number }).total;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
