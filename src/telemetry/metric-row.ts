// One row of the metric table: the metric, the dashboard panels that show it, the alerts that watch it.

/** A label: its name, then all values it may have; no values: any (bounded by `maxSeriesPerMetric`). */
export type Label = readonly [name: string, ...values: string[]];

/** A query of a panel with the legend of its series (`{{label}}` is replaced by Grafana). */
export type Target = readonly [expr: string, legend: string];

/** The rows of the dashboard, top to bottom. */
export const panelRows = [
  'At a glance',
  'Clients',
  'Stores',
  'Repair and journal',
  'Routing and process',
] as const;

/** One panel; panels of a row stand in ascending `place`. */
export interface Panel {
  row: (typeof panelRows)[number];
  place: number;
  title: string;
  /** What a reader should conclude from it. */
  description: string;
  /** Grafana's unit id: `short`, `s`, `ops`, `Bps`, `bytes`, `percentunit`, `bool_yes_no`. */
  unit: string;
  targets: readonly Target[];
  /** A state timeline instead of a time series: text and colour of each number, from 0 on. */
  states?: readonly (readonly [text: string, color: string])[];
}

/** One alerting rule of Prometheus; the templates see `$labels` and `$value`. */
export interface Alert {
  name: string;
  expr: string;
  /** How long the expression must hold, as Prometheus writes durations. */
  for: string;
  severity: 'critical' | 'warning';
  summary: string;
  /** What it means and what to do first. */
  description: string;
}

/** One metric and everything that is made from it. */
export interface MetricRow {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly Label[];
  /** Upper bounds of a histogram, in its unit. */
  buckets?: readonly number[];
  panels?: readonly Panel[];
  alerts?: readonly Alert[];
}
