// The one table of what Twinlake measures: metrics, Grafana dashboard and Prometheus rules are made from it.
import { divergenceMetrics } from './divergence-metrics.ts';
import type { Alert, MetricRow, Panel } from './metric-row.ts';
import { panelRows } from './metric-row.ts';
import { processMetrics } from './process-metrics.ts';
import { trafficMetrics } from './traffic-metrics.ts';

/** Every metric by the name it has in code. */
export const metricTable = {
  ...trafficMetrics,
  ...divergenceMetrics,
  ...processMetrics,
} as const satisfies Record<string, MetricRow>;

/** The name of a metric in code. */
export type MetricKey = keyof typeof metricTable;

/** All rows, in the order of the table. */
export const metricRows: readonly MetricRow[] = Object.values(metricTable);

/** All panels, in the order of the dashboard. */
export function panelsInOrder(): Panel[] {
  return metricRows
    .flatMap((row) => row.panels ?? [])
    .sort((a, b) => panelRows.indexOf(a.row) - panelRows.indexOf(b.row) || a.place - b.place);
}

/** All alerts, in the order of the table. */
export function allAlerts(): Alert[] {
  return metricRows.flatMap((row) => row.alerts ?? []);
}
