// Medians and ratios of the slices, and how they are shown.
import { cpus, loadavg, totalmem } from 'node:os';
import type { SubjectName } from './subjects.ts';

/** One subject under one scenario for a moment. */
export interface Slice {
  scenario: string;
  connections: number;
  subject: SubjectName;
  seconds: number;
  times: number;
  /** CPU time of the subject's process; undefined where it is not known. */
  cpuSeconds: number | undefined;
  storeRequests: number;
}

/** What one subject did over all rounds. */
export interface Measured {
  /** Times through the scenario each second, median of the rounds. */
  rate: number;
  /** CPU time of the subject for one time through, microseconds, over all rounds together. */
  cpuMicros?: number;
  /** Requests that the stores had for one time through. */
  storeRequests: number;
}

/** One line of the table. */
export interface Row extends Record<SubjectName, Measured> {
  scenario: string;
  connections: number;
  /** Gateway's rate over the proxy's, median of the rounds. */
  rateRatio: number;
  /** Gateway's CPU time over the proxy's. */
  cpuRatio?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const rateOf = (slice: Slice): number => slice.times / slice.seconds;

function measured(slices: readonly Slice[]): Measured {
  const sum = (of: (slice: Slice) => number): number => slices.reduce((total, slice) => total + of(slice), 0);
  const times = sum((slice) => slice.times);
  const result: Measured = {
    rate: median(slices.map(rateOf)),
    storeRequests: sum((slice) => slice.storeRequests) / times,
  };
  if (slices.every((slice) => slice.cpuSeconds !== undefined))
    result.cpuMicros = (sum((slice) => slice.cpuSeconds!) / times) * 1e6;
  return result;
}

/** @param slices of each subject in the order of the rounds */
export function rowOf(scenario: string, connections: number, slices: readonly Slice[]): Row {
  const mine = slices.filter((slice) => slice.scenario === scenario && slice.connections === connections);
  const gateway = mine.filter((slice) => slice.subject === 'gateway');
  const proxy = mine.filter((slice) => slice.subject === 'proxy');
  const ratios = gateway.map((slice, round) => rateOf(slice) / rateOf(proxy[round]!));
  const row: Row = {
    scenario,
    connections,
    gateway: measured(gateway),
    proxy: measured(proxy),
    rateRatio: median(ratios),
  };
  if (row.gateway.cpuMicros && row.proxy.cpuMicros)
    row.cpuRatio = row.gateway.cpuMicros / row.proxy.cpuMicros;
  return row;
}

/** What the numbers depend on. */
export function machine() {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cores: processors.length,
    cpu: processors[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    loadOfLastMinute: loadavg()[0]!.toFixed(1),
  };
}

const number = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(0));
const ratio = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2));

/** Markdown, so that it can be put into a document as it is. */
export function table(rows: readonly Row[]): string {
  const lines = [
    '| scenario | connections | gateway/s | proxy/s | rate, gateway : proxy | gateway CPU µs | proxy CPU µs | CPU, gateway : proxy | store requests, gateway / proxy |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
  ];
  for (const { scenario, connections, gateway, proxy, rateRatio, cpuRatio } of rows) {
    const cells = [
      scenario,
      connections,
      number(gateway.rate),
      number(proxy.rate),
      ratio(rateRatio),
      number(gateway.cpuMicros),
      number(proxy.cpuMicros),
      ratio(cpuRatio),
      `${number(gateway.storeRequests)} / ${number(proxy.storeRequests)}`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}
