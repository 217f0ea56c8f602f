// Makes Prometheus' configuration and alert rules from the metric table; development only.
import { allAlerts } from '../../src/telemetry/metric-table.ts';

/** Alert rules as Prometheus reads them. */
export function alertRules(): unknown {
  return {
    groups: [
      {
        name: 'twinlake',
        rules: allAlerts().map((alert) => ({
          alert: alert.name,
          expr: alert.expr,
          for: alert.for,
          labels: { severity: alert.severity },
          annotations: { summary: alert.summary, description: alert.description },
        })),
      },
    ],
  };
}

/**
 * A Prometheus that scrapes one gateway on this machine. The gateway's admin port is Prometheus' own default,
 * so run it with `--web.listen-address=127.0.0.1:9091`, where the data source of Grafana looks for it.
 */
export const prometheusConfig = {
  global: { scrape_interval: '15s', evaluation_interval: '15s' },
  rule_files: ['twinlake.rules.yml'],
  scrape_configs: [{ job_name: 'twinlake', static_configs: [{ targets: ['127.0.0.1:9090'] }] }],
};
