// Live metrics made from the metric table, on a registry of their own.
import { readdir } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Label } from './metric-row.ts';
import { type MetricKey, metricTable } from './metric-table.ts';

/** Most series of one metric; what comes after shares one series whose open labels are `otherValue`. */
export const maxSeriesPerMetric = 2_000;
/** The value of an open label once a metric has `maxSeriesPerMetric` series. */
export const otherValue = '(other)';
/** The value of an open label for what belongs to nobody: an empty value, a request that matches no app. */
export const noValue = '(none)';

type Table = typeof metricTable;
type KeyOf<T extends string> = { [K in MetricKey]: Table[K]['type'] extends T ? K : never }[MetricKey];
type ValueOf<L> = L extends readonly [string]
  ? string
  : L extends readonly [string, ...infer V]
    ? V[number]
    : never;
type ValuesOf<L extends readonly Label[]> = { [I in keyof L]: ValueOf<L[I]> };
/** The label values of a metric, in the order of the table. */
export type LabelValues<K extends MetricKey> = ValuesOf<Table[K]['labels']>;

/** One series of a counter. */
export interface CounterSeries {
  inc(by?: number): void;
}
/** One series of a gauge. */
export interface GaugeSeries {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
}
/** One series of a histogram; the value is in the unit of the metric (seconds). */
export interface HistogramSeries {
  observe(value: number): void;
}

type SeriesOf<K extends MetricKey> = Table[K]['type'] extends 'counter'
  ? CounterSeries
  : Table[K]['type'] extends 'gauge'
    ? GaugeSeries
    : HistogramSeries;

/** A family of series. `child` makes a series once and gives the same object ever after. */
export interface Family<K extends MetricKey> {
  child(...values: LabelValues<K>): SeriesOf<K>;
}

type Reading<K extends MetricKey> = Table[K]['labels']['length'] extends 0
  ? number
  : Iterable<readonly [...LabelValues<K>, number]>;

/**
 * Where values come from that are read only when metrics are asked for: a number, or for a metric with labels
 * all its series as tuples of label values and number. A counter gives its absolute value, which never falls.
 */
export type Observations = { [K in KeyOf<'counter' | 'gauge'>]?: () => Reading<K> | Promise<Reading<K>> };

/** All metrics of the table. */
export type Metrics = { readonly [K in MetricKey]: Family<K> } & {
  /** Adds sources; a later source replaces an earlier one of the same metric. */
  observe(sources: Observations): void;
  /** The text that Prometheus scrapes. A source that throws costs its own series only, and is counted. */
  expose(): Promise<{ contentType: string; body: string }>;
};

interface Cell {
  labels: Record<string, string>;
  value: number;
}

type Source = () => unknown;

/**
 * A fresh set of metrics. Counters whose labels are all enumerated in the table start at zero; a gauge has no
 * series until it is set or observed, so that a missing reading never looks like a zero.
 * @param version of Twinlake, for `twinlake_build_info`
 */
export function createMetrics(version = 'unknown'): Metrics {
  const registry = new Registry();
  const sources = new Map<MetricKey, Source>();
  const families: Record<string, unknown> = {};
  const failed = (key: MetricKey): void => metrics.scrapeFailures.child(metricTable[key].name).inc();
  for (const key of Object.keys(metricTable) as MetricKey[]) {
    families[key] =
      metricTable[key].type === 'histogram'
        ? histogramFamily(key, registry)
        : cellFamily(key, registry, () => sources.get(key), failed);
  }
  const metrics = {
    ...families,
    observe(added: Observations): void {
      for (const [key, source] of Object.entries(added)) sources.set(key as MetricKey, source as Source);
    },
    async expose() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  } as Metrics;
  metrics.buildInfo.child(version, process.versions.node).set(1);
  metrics.observe(processObservations());
  return metrics;
}

/**
 * Counters and gauges: an increment is one addition; the numbers reach prom-client, which hashes all labels
 * on each call, only when they are scraped.
 */
function cellFamily(
  key: MetricKey,
  registry: Registry,
  sourceOf: () => Source | undefined,
  failed: (key: MetricKey) => void,
): { child(...values: string[]): CounterSeries & GaugeSeries } {
  const row = metricTable[key];
  const cells = new Map<string, Cell>();
  const children = childrenOf(row.labels, (labels, joined) => {
    const cell: Cell = { labels, value: 0 };
    cells.set(joined, cell);
    return {
      inc: (by = 1) => {
        cell.value += by;
      },
      dec: (by = 1) => {
        cell.value -= by;
      },
      set: (value: number) => {
        cell.value = value;
      },
    };
  });
  const read = async (): Promise<Cell[]> => {
    const source = sourceOf();
    if (!source) return [...cells.values()];
    try {
      const reading = await source();
      const rows =
        typeof reading === 'number' ? [[reading]] : [...(reading as Iterable<(string | number)[]>)];
      return rows.map((values) => ({
        labels: Object.fromEntries(row.labels.map(([name], i) => [name, String(values[i])])),
        value: values.at(-1) as number,
      }));
    } catch {
      failed(key);
      return [];
    }
  };
  const options = {
    name: row.name,
    help: row.help,
    labelNames: row.labels.map(([name]) => name),
    registers: [registry],
  };
  if (row.type === 'counter') {
    new Counter({
      ...options,
      async collect() {
        // Read before the reset, so that two scrapes at once never add up.
        const readings = await read();
        this.reset();
        for (const { labels, value } of readings) this.inc(labels, value);
      },
    });
    for (const values of enumerated(row.labels)) children.child(...values);
  } else {
    new Gauge({
      ...options,
      async collect() {
        const readings = await read();
        this.reset();
        if (row.labels.length === 0) this.remove();
        for (const { labels, value } of readings) this.set(labels, value);
      },
    });
  }
  return children;
}

function histogramFamily(
  key: MetricKey,
  registry: Registry,
): { child(...values: string[]): HistogramSeries } {
  const row = metricTable[key];
  const histogram = new Histogram({
    name: row.name,
    help: row.help,
    labelNames: row.labels.map(([name]) => name),
    buckets: 'buckets' in row ? [...row.buckets] : [],
    registers: [registry],
  });
  return childrenOf(row.labels, (labels) => histogram.labels(labels));
}

/** Children made once: keyed by their joined values, at most `maxSeriesPerMetric`. */
function childrenOf<S>(
  labels: readonly Label[],
  make: (labels: Record<string, string>, joined: string) => S,
): { child(...values: string[]): S } {
  const byValues = new Map<string, S>();
  const create = (values: string[], joined: string): S => {
    const named = Object.fromEntries(labels.map(([name], i) => [name, values[i] || noValue]));
    const made = make(named, joined);
    byValues.set(joined, made);
    return made;
  };
  return {
    child(...values) {
      const joined = values.length === 1 ? values[0]! : values.join('\n');
      const known = byValues.get(joined);
      if (known) return known;
      if (byValues.size < maxSeriesPerMetric) return create(values, joined);
      const collapsed = values.map((value, i) => (labels[i]!.length === 1 ? otherValue : value));
      const overflow = collapsed.join('\n');
      return byValues.get(overflow) ?? create(collapsed, overflow);
    },
  };
}

/** All combinations of values if every label has its values in the table, else none. */
function enumerated(labels: readonly Label[]): string[][] {
  if (labels.some((label) => label.length === 1)) return [];
  return labels.reduce<string[][]>(
    (rows, [, ...values]) => rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  );
}

function processObservations(): Observations {
  let last = performance.eventLoopUtilization();
  return {
    residentMemory: () => process.memoryUsage.rss(),
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    ...(process.platform === 'linux' && { openFds: async () => (await readdir('/proc/self/fd')).length }),
    startTime: () => Math.round(performance.timeOrigin) / 1000,
    eventLoopUtilization: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  };
}
