// Rows of the metric table about the routing table and the process itself.
import type { MetricRow } from './metric-row.ts';
import { app, here, mine, rate, side } from './row-words.ts';

/** Routes, version, memory, CPU. */
export const processMetrics = {
  routeReads: {
    name: 'twinlake_route_reads',
    type: 'gauge',
    help: 'Side that the effective route of an app reads from: 1 for that side, 0 for the other.',
    labels: [app, side],
    panels: [
      {
        row: 'Routing and process',
        place: 1,
        title: 'Apps that read from the target',
        description: 'The cutover of each app.',
        unit: 'short',
        states: [
          ['source', 'blue'],
          ['target', 'purple'],
        ],
        targets: [[`max by (app) (twinlake_route_reads{${mine},side="target"})`, '{{app}}']],
      },
    ],
  },
  routesReloads: {
    name: 'twinlake_routes_reloads_total',
    type: 'counter',
    help: 'Reloads of the routing table by outcome.',
    labels: [['outcome', 'applied', 'refused']],
    panels: [
      {
        row: 'Routing and process',
        place: 2,
        title: 'Reloads of the routing table',
        description: 'A refused file changes nothing; the log says file, line and reason.',
        unit: 'short',
        targets: [
          [`sum by (outcome) (increase(twinlake_routes_reloads_total{${here}}${rate}))`, '{{outcome}}'],
        ],
      },
    ],
  },
  routesValid: {
    name: 'twinlake_routes_valid',
    type: 'gauge',
    help: 'Whether the routing table on disk is valid and in force: 1 or 0.',
    labels: [],
    panels: [
      {
        row: 'Routing and process',
        place: 3,
        title: 'Routing table on disk',
        description: 'Invalid: the former table stays in force.',
        unit: 'short',
        states: [
          ['invalid', 'red'],
          ['valid', 'green'],
        ],
        targets: [[`min(twinlake_routes_valid{${here}})`, 'routes.yaml']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeRoutesInvalid',
        expr: 'twinlake_routes_valid == 0',
        for: '1m',
        severity: 'warning',
        summary: 'The routing table on disk is refused; the former one stays in force',
        description: 'The log and GET /v1/apps say file, line and reason.',
      },
    ],
  },
  certificateExpires: {
    name: 'twinlake_certificate_expires_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate of the data port ends, since the Unix epoch; no series without TLS.',
    labels: [],
    alerts: [
      {
        name: 'TwinlakeCertificateExpires',
        expr: 'twinlake_certificate_expires_timestamp_seconds - time() < 604800',
        for: '15m',
        severity: 'warning',
        summary: 'The certificate of the data port ends in {{ $value | humanizeDuration }}',
        description: 'A new one in the same files is taken within 10 seconds, without a restart.',
      },
    ],
  },
  buildInfo: {
    name: 'twinlake_build_info',
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    labels: [['version'], ['node']],
    panels: [
      {
        row: 'Routing and process',
        place: 7,
        title: 'Versions',
        description: 'What runs where.',
        unit: 'short',
        targets: [
          [`count by (version, node) (twinlake_build_info{${here}})`, '{{version}} on Node {{node}}'],
        ],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeDown',
        // The job has to be called twinlake…; absent() also covers a target that discovery lost.
        expr: 'up{job=~"twinlake.*"} == 0 or absent(up{job=~"twinlake.*"})',
        for: '1m',
        severity: 'critical',
        summary: 'Twinlake does not answer on its admin port',
        description: 'Clients may be without a lake. See the process and GET /health/live.',
      },
    ],
  },
  scrapeFailures: {
    name: 'twinlake_scrape_failures_total',
    type: 'counter',
    help: 'Values that could not be read when metrics were asked for; their series are missing.',
    labels: [['metric']],
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory size in bytes.',
    labels: [],
    panels: [
      {
        row: 'Routing and process',
        place: 4,
        title: 'Resident memory',
        description: 'Flat, whatever the size of the files that pass.',
        unit: 'bytes',
        targets: [[`process_resident_memory_bytes{${here},job=~"twinlake.*"}`, '{{instance}}']],
      },
    ],
  },
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'User and system CPU time spent in seconds.',
    labels: [],
    panels: [
      {
        row: 'Routing and process',
        place: 5,
        title: 'CPU',
        description: 'Cores in use.',
        unit: 'short',
        targets: [[`rate(process_cpu_seconds_total{${here},job=~"twinlake.*"}${rate})`, '{{instance}}']],
      },
    ],
  },
  openFds: {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Number of open file descriptors.',
    labels: [],
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start time of the process since the Unix epoch in seconds.',
    labels: [],
  },
  eventLoopUtilization: {
    name: 'twinlake_event_loop_utilization_ratio',
    type: 'gauge',
    help: 'Share of the time since the last scrape in which the event loop was busy, 0 to 1.',
    labels: [],
    panels: [
      {
        row: 'Routing and process',
        place: 6,
        title: 'Event loop',
        description: 'Near 100 %: one process has no more to give.',
        unit: 'percentunit',
        targets: [[`max by (instance) (twinlake_event_loop_utilization_ratio{${here}})`, '{{instance}}']],
      },
    ],
  },
} as const satisfies Record<string, MetricRow>;
