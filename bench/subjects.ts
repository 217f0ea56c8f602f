// Starts what is measured and what it needs, each in a process of its own: lean stores, gateway, bare proxy, load.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load-process.ts';
import { ask, cpuSecondsOf, divergencesOf, end, start, startGateway } from './processes.ts';

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
      divergences: () => divergencesOf(gateway),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
