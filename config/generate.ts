// Writes the dashboard, provisioning and rules that are made from the metric table: `npm run generate`.
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { dashboard, dashboardProvisioning, datasourceProvisioning } from './grafana/dashboard.ts';
import { alertRules, prometheusConfig } from './prometheus/alert-rules.ts';
import { ruleTests } from './prometheus/rule-cases.ts';

const yaml = (value: unknown): string =>
  `# Made by \`npm run generate\` from src/telemetry.\n${stringify(value, { lineWidth: 0 })}`;

/** Content of every generated file by its path relative to this folder. */
export function generated(): Map<string, string> {
  return new Map([
    ['grafana/dashboards/twinlake.json', `${JSON.stringify(dashboard(), null, 2)}\n`],
    ['grafana/provisioning/datasources/prometheus.yaml', yaml(datasourceProvisioning)],
    ['grafana/provisioning/dashboards/twinlake.yaml', yaml(dashboardProvisioning)],
    ['prometheus/twinlake.rules.yml', yaml(alertRules())],
    ['prometheus/twinlake.rules.test.yml', yaml(ruleTests('twinlake.rules.yml'))],
    ['prometheus/prometheus.yml', yaml(prometheusConfig)],
  ]);
}

if (import.meta.main) {
  for (const [path, content] of generated()) await writeFile(new URL(path, import.meta.url), content);
}
