// "The secondary never slows a request" (design §7, rule 4), measured: one gateway for each way a secondary can be, in turn.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load-process.ts';
import {
  ask,
  cpuSecondsOf,
  divergencesOf,
  end,
  type Gateway,
  residentBytesOf,
  start,
  startGateway,
} from './processes.ts';
import { median } from './report.ts';
import type { Health } from './store-health.ts';
import type { HealthOrder } from './stores-process.ts';

const clients = 64;
const rounds = 5;
/** What is required: so much of the rate with a healthy secondary. */
const requiredRatio = 0.9;

const ways: readonly Health[] = ['healthy', 'hanging', 'slow', 'refusing'];
/** A face's writes go to the store of its own protocol first; the other one is their secondary. */
const faces = [
  { scenario: 'webhdfs-write', secondary: 'gen2' },
  { scenario: 'put-blob', secondary: 'webhdfs' },
] as const;

/** A gateway whose secondary is as it is, and what was seen of it. */
interface Lane {
  health: Health;
  gateway: Gateway;
  rates: number[];
  p99Ms: number[];
  /** CPU time of the gateway for one write, repair included, microseconds. */
  cpuMicros: number[];
  residentBytes: number[];
  /** From now on the secondary is not healthy any more. */
  fall(): Promise<unknown>;
}

/** One line of the table. */
export interface SecondaryRow {
  scenario: string;
  health: Health;
  rate: number;
  /** Its rate over the healthy one's, median of the rounds. */
  ratio: number;
  p99Ms: number;
  cpuMicros: number;
  /** After each round. */
  residentMiB: number[];
  divergences: number;
}

async function openLane(
  health: Health,
  secondary: HealthOrder['store'],
  children: ChildProcess[],
  dir: string,
) {
  const stores = await start<{ webhdfs: string; gen2Account: string }>('stores-process.ts');
  children.push(stores.child);
  const gateway = await startGateway(dir, stores.hello);
  children.push(gateway.child);
  const order: HealthOrder = { store: secondary, health };
  const fall = () => ask(stores.child, order);
  return { health, gateway, rates: [], p99Ms: [], cpuMicros: [], residentBytes: [], fall };
}

/** Runs one face through all rounds. */
async function measureFace(
  { scenario, secondary }: (typeof faces)[number],
  sliceSeconds: number,
): Promise<SecondaryRow[]> {
  const children: ChildProcess[] = [];
  const dir = await mkdtemp(join(tmpdir(), 'twinlake-bench-'));
  let runs = 0;
  try {
    const load = await start<object>('load-process.ts');
    children.push(load.child);
    const send = async ({ gateway, health }: Lane, times: number): Promise<LoadResult> => {
      const order: LoadOrder = { scenario, url: gateway.data, connections: clients, times, run: `${runs++}` };
      const result = await ask<LoadResult>(load.child, order);
      if (result.failures > 0)
        throw new Error(`${scenario}, ${health}: ${result.failures} of ${times} failed`);
      return result;
    };
    const lanes: Lane[] = [];
    for (const health of ways)
      lanes.push(await openLane(health, secondary, children, await mkdtemp(join(dir, `${health}-`))));
    for (const lane of lanes) {
      // The code is warm and the folders are there before the secondary falls ill.
      await send(lane, clients * 8);
      await lane.fall();
      // Those that are not measured stand still, so that their repair is not in the way of the others.
      lane.gateway.child.kill('SIGSTOP');
    }
    for (let round = 0; round < rounds; round++) {
      for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
        lane.gateway.child.kill('SIGCONT');
        const probe = await send(lane, clients * 4);
        const times =
          Math.max(1, Math.round((probe.times / probe.seconds / clients) * sliceSeconds)) * clients;
        const cpuBefore = (await cpuSecondsOf(lane.gateway.child.pid!)) ?? 0;
        const { seconds, p99Ms } = await send(lane, times);
        const cpuAfter = (await cpuSecondsOf(lane.gateway.child.pid!)) ?? 0;
        lane.cpuMicros.push(((cpuAfter - cpuBefore) * 1e6) / times);
        lane.rates.push(times / seconds);
        lane.p99Ms.push(p99Ms);
        lane.residentBytes.push((await residentBytesOf(lane.gateway.child.pid!)) ?? 0);
        lane.gateway.child.kill('SIGSTOP');
      }
      process.stderr.write(`${scenario}: round ${round + 1} of ${rounds}\n`);
    }
    const rows: SecondaryRow[] = [];
    for (const { health, gateway, rates, p99Ms, cpuMicros, residentBytes } of lanes) {
      gateway.child.kill('SIGCONT');
      rows.push({
        scenario,
        health,
        rate: median(rates),
        ratio: median(rates.map((rate, i) => rate / lanes[0]!.rates[i]!)),
        p99Ms: median(p99Ms),
        cpuMicros: median(cpuMicros),
        residentMiB: residentBytes.map((bytes) => Math.round(bytes / 2 ** 20)),
        divergences: await divergencesOf(gateway),
      });
    }
    return rows;
  } finally {
    for (const child of children.reverse()) {
      child.kill('SIGCONT');
      await end(child);
    }
    await rm(dir, { recursive: true, force: true });
  }
}

/** Markdown. */
export function secondaryTable(rows: readonly SecondaryRow[]): string {
  return [
    '| scenario | secondary | writes/s | of healthy | p99 ms | gateway CPU µs a write | resident MiB, each round | paths left to repair |',
    '|---|---|--:|--:|--:|--:|---|--:|',
    ...rows.map(({ scenario, health, rate, ratio, p99Ms, cpuMicros, residentMiB, divergences }) =>
      [
        '',
        scenario,
        health,
        rate.toFixed(0),
        ratio.toFixed(2),
        p99Ms.toFixed(0),
        cpuMicros.toFixed(0),
        residentMiB.join(', '),
        divergences,
        '',
      ]
        .join(' | ')
        .trim(),
    ),
  ].join('\n');
}

/** Both faces. @param seconds for everything */
export async function neverInTheWay(seconds: number): Promise<{ rows: SecondaryRow[]; good: boolean }> {
  const sliceSeconds = (seconds * 0.7) / (rounds * ways.length * faces.length);
  const rows: SecondaryRow[] = [];
  for (const face of faces) rows.push(...(await measureFace(face, sliceSeconds)));
  return { rows, good: rows.every(({ ratio }) => ratio >= requiredRatio) };
}
