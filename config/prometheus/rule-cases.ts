// Series on which each alert fires and series on which it stays quiet: input of `promtool test rules`.
import { allAlerts } from '../../src/telemetry/metric-table.ts';

/** Series in promtool's notation; the interval is one minute. `quiet` comes close to firing but must not. */
interface RuleCase {
  fires: Record<string, string>;
  /** Labels of the alert that fires, without severity. */
  labels: Record<string, string>;
  /** Its summary with every template filled in. */
  summary: string;
  quiet: Record<string, string>;
}

const instance = 'lake-0:9090';
const of = (name: string, labels: Record<string, string> = {}): string =>
  `${name}{${Object.entries({ instance, ...labels })
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;
/** Sample at which everything is judged: long enough for every `for`. */
const evalMinutes = 45;

const queries = (outcome: string, app: string, side: string): string =>
  of('twinlake_queries_total', { app, verb: 'read', side, outcome });
const mutations = (outcome: string, side: string): string =>
  of('twinlake_mutations_total', { app: 'billing', verb: 'create', side, outcome });
const commits = (le: string): string => of('twinlake_journal_commit_seconds_bucket', { le });
const http = (status: string): string =>
  of('twinlake_http_requests_total', { listener: 'data', face: 'dfs', method: 'GET', status });
const repairs = (outcome: string): string => of('twinlake_repairs_total', { outcome });
const letGo = of('twinlake_secondary_let_go_total', { app: 'billing', reason: 'lag-time' });

/** By alert name; a test holds that every alert has one. */
export const ruleCases: Record<string, RuleCase> = {
  TwinlakeDivergenceGrowing: {
    fires: { [of('twinlake_divergent_paths')]: '0+100x60' },
    labels: { instance },
    summary: '4500 paths differ between source and target, and more by the minute',
    quiet: { [of('twinlake_divergent_paths')]: '9000-100x60' },
  },
  TwinlakeDivergenceOld: {
    fires: { [of('twinlake_oldest_divergence_seconds')]: '0+60x60' },
    labels: { instance },
    summary: 'A path has differed between source and target for 45m 0s',
    quiet: { [of('twinlake_oldest_divergence_seconds')]: '0+30x60' },
  },
  TwinlakePathsPinned: {
    fires: { [of('twinlake_pinned_paths')]: '3x60' },
    labels: { instance },
    summary: '3 paths cannot be made equal: one store refuses them for good',
    quiet: { [of('twinlake_pinned_paths')]: '0x40 1x3 0x20' },
  },
  TwinlakeReadsFailing: {
    fires: {
      [queries('failed', 'billing', 'target')]: '0+10x60',
      [queries('ok', 'billing', 'target')]: '0+90x60',
      [queries('ok', 'billing', 'source')]: '0+90x60',
    },
    labels: { instance, app: 'billing', side: 'target' },
    summary: '10% of the reads of billing from target fail',
    quiet: {
      [queries('failed', 'billing', 'target')]: '0+4x60',
      [queries('refused', 'billing', 'target')]: '0+50x60',
      [queries('ok', 'billing', 'target')]: '0+90x60',
    },
  },
  TwinlakeWritesUnknown: {
    fires: { [mutations('unknown', 'target')]: '0+2x60', [mutations('acked', 'target')]: '0+90x60' },
    labels: { instance, app: 'billing', side: 'target' },
    summary: '2.174% of writes of billing to target unknown',
    quiet: {
      [mutations('unknown', 'target')]: '0+1x60',
      [mutations('acked', 'target')]: '0+200x60',
      [mutations('skipped', 'target')]: '0+90x60',
    },
  },
  TwinlakeStoreDown: {
    fires: { [of('twinlake_breaker_state', { side: 'target' })]: '0x20 2 1 2 1 2x40' },
    labels: { instance, side: 'target' },
    summary: 'The breaker of the target store is open',
    quiet: { [of('twinlake_breaker_state', { side: 'target' })]: '0x40 2 1 1 0x20' },
  },
  TwinlakeServerErrors: {
    fires: { [http('200')]: '0+90x60', [http('503')]: '0+10x60' },
    labels: { instance, face: 'dfs' },
    summary: '10% of the answers of the dfs face are 5xx',
    quiet: { [http('200')]: '0+90x60', [http('404')]: '0+90x60', [http('500')]: '0+4x60' },
  },
  TwinlakeSecondaryTooSlow: {
    fires: { [letGo]: '0+30x60' },
    labels: { instance, app: 'billing' },
    summary: 'The secondary of billing is let go 0.50 times a second',
    quiet: { [letGo]: '0+3x60' },
  },
  TwinlakeRepairsFailing: {
    fires: { [repairs('failed')]: '0+1x60', [repairs('cleared')]: '5x60' },
    labels: { instance },
    summary: 'Repair fails and clears nothing',
    quiet: { [repairs('failed')]: '0+1x60', [repairs('cleared')]: '0+1x60' },
  },
  TwinlakeJournalSlow: {
    fires: { [commits('0.5')]: '0+90x60', [commits('1')]: '0+100x60', [commits('+Inf')]: '0+100x60' },
    labels: { instance },
    summary: 'One in a hundred journal commits takes longer than 950ms',
    quiet: { [commits('0.25')]: '0+100x60', [commits('0.5')]: '0+100x60', [commits('+Inf')]: '0+100x60' },
  },
  TwinlakeJournalNotWritable: {
    fires: { [of('twinlake_journal_writable')]: '1x40 0x20' },
    labels: { instance },
    summary: 'The journal takes no entries: two-sided writes are refused',
    quiet: { [of('twinlake_journal_writable')]: '1x43 0 1x20' },
  },
  TwinlakeLockTimeouts: {
    fires: { [of('twinlake_lock_timeouts_total')]: '0+10x60' },
    labels: { instance },
    summary: '0.17 writes a second give up waiting for the lock of their path',
    quiet: { [of('twinlake_lock_timeouts_total')]: '0+3x60' },
  },
  TwinlakeRoutesInvalid: {
    fires: { [of('twinlake_routes_valid')]: '1x40 0x20' },
    labels: { instance },
    summary: 'The routing table on disk is refused; the former one stays in force',
    quiet: { [of('twinlake_routes_valid')]: '0x20 1x40' },
  },
  TwinlakeCertificateExpires: {
    fires: { [of('twinlake_certificate_expires_timestamp_seconds')]: '86400x60' },
    labels: { instance },
    summary: 'The certificate of the data port ends in 23h 15m 0s',
    quiet: { [of('twinlake_certificate_expires_timestamp_seconds')]: '864000x60' },
  },
  TwinlakeDown: {
    fires: { [of('up', { job: 'twinlake-admin' })]: '1x40 0x20' },
    labels: { instance, job: 'twinlake-admin' },
    summary: 'Twinlake does not answer on its admin port',
    quiet: { [of('up', { job: 'twinlake' })]: '1x60', [of('up', { job: 'node' })]: '0x60' },
  },
};

/** Input of `promtool test rules` for all cases. */
export function ruleTests(rulesFile: string): unknown {
  const test = (alertname: string, series: Record<string, string>, alerts: unknown[]) => ({
    name: `${alertname} ${alerts.length > 0 ? 'fires' : 'stays quiet'}`,
    interval: '1m',
    input_series: Object.entries(series).map(([key, values]) => ({ series: key, values })),
    alert_rule_test: [{ alertname, eval_time: `${evalMinutes}m`, exp_alerts: alerts }],
  });
  return {
    rule_files: [rulesFile],
    evaluation_interval: '1m',
    tests: Object.entries(ruleCases).flatMap(([name, { fires, labels, summary, quiet }]) => {
      const { severity, description } = allAlerts().find((alert) => alert.name === name)!;
      const alert = { exp_labels: { ...labels, severity }, exp_annotations: { summary, description } };
      return [test(name, fires, [alert]), test(name, quiet, [])];
    }),
  };
}
