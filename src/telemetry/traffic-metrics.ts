// Rows of the metric table about what clients ask and stores answer.
import type { MetricRow } from './metric-row.ts';
import { app, here, mine, quantile, rate, side, verb } from './row-words.ts';

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Requests, reads, writes and store latency. */
export const trafficMetrics = {
  queries: {
    name: 'twinlake_queries_total',
    type: 'counter',
    help: 'Reads by the side that answered.',
    labels: [app, verb, side, ['outcome', 'ok', 'refused', 'failed']],
    panels: [
      {
        row: 'At a glance',
        place: 3,
        title: 'Reads by side',
        description: 'A cutover moves this from source to target.',
        unit: 'ops',
        targets: [
          [`sum by (side) (rate(twinlake_queries_total{${mine},outcome!="failed"}${rate}))`, '{{side}}'],
        ],
      },
      {
        row: 'Clients',
        place: 3,
        title: 'Reads that failed or were refused',
        description:
          'Refused is an honest answer such as not-found; failed is a store that could not answer.',
        unit: 'ops',
        targets: [
          [
            `sum by (app, side, outcome) (rate(twinlake_queries_total{${mine},outcome!="ok"}${rate}))`,
            '{{app}} {{side}} {{outcome}}',
          ],
        ],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeReadsFailing',
        expr:
          'sum by (instance, app, side) (rate(twinlake_queries_total{outcome="failed"}[5m]))' +
          ' / sum by (instance, app, side) (rate(twinlake_queries_total[5m])) > 0.05',
        for: '5m',
        severity: 'critical',
        summary:
          '{{ $value | humanizePercentage }} of the reads of {{ $labels.app }} from {{ $labels.side }} fail',
        description:
          'See store latency and breaker state of that side. Failover or a rollback of reads is one word.',
      },
    ],
  },
  mutations: {
    name: 'twinlake_mutations_total',
    type: 'counter',
    help: 'Writes by side and by what that side said; skipped: not asked.',
    labels: [app, verb, side, ['outcome', 'acked', 'refused', 'unknown', 'skipped']],
    panels: [
      {
        row: 'At a glance',
        place: 4,
        title: 'Acked writes by side',
        description: 'On a dual-write app both lines lie on each other; a gap is divergence in the making.',
        unit: 'ops',
        targets: [
          [`sum by (side) (rate(twinlake_mutations_total{${mine},outcome="acked"}${rate}))`, '{{side}}'],
        ],
      },
      {
        row: 'Clients',
        place: 4,
        title: 'Writes that were not acked',
        description:
          'Skipped: the path diverges already, or the breaker was open. Unknown: no answer in time.',
        unit: 'ops',
        targets: [
          [
            `sum by (app, side, outcome) (rate(twinlake_mutations_total{${mine},outcome!="acked"}${rate}))`,
            '{{app}} {{side}} {{outcome}}',
          ],
        ],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeWritesUnknown',
        expr:
          'sum by (instance, app, side) (rate(twinlake_mutations_total{outcome="unknown"}[5m]))' +
          ' / sum by (instance, app, side) (rate(twinlake_mutations_total[5m])) > 0.01',
        for: '10m',
        severity: 'warning',
        summary:
          '{{ $value | humanizePercentage }} of writes of {{ $labels.app }} to {{ $labels.side }} unknown',
        description:
          'The store takes bytes and does not answer in time: each one costs a divergence. See its latency.',
      },
    ],
  },
  operations: {
    name: 'twinlake_operations_total',
    type: 'counter',
    help: 'Answers by the operation that the client asked for; GET /v1/apps/{app}/census has the details.',
    labels: [
      app,
      ['face'],
      ['op'],
      ['result', 'ok', 'redirected', 'forwarded', 'unsupported', 'refused', 'failed'],
    ],
    panels: [
      {
        row: 'Clients',
        place: 6,
        title: 'Operations that cannot be expressed on two stores',
        description: 'Forwarded works on a route with one side only; unsupported does not work at all.',
        unit: 'reqps',
        targets: [
          [
            `sum by (app, face, op, result) (rate(twinlake_operations_total{${mine},` +
              `result=~"forwarded|unsupported"}${rate}))`,
            '{{app}} {{face}} {{op}} {{result}}',
          ],
        ],
      },
    ],
  },
  fidelityLosses: {
    name: 'twinlake_fidelity_losses_total',
    type: 'counter',
    help: 'Acked writes to two stores of which one store cannot hold something, by what it is.',
    labels: [app, ['attribute']],
    panels: [
      {
        row: 'Clients',
        place: 7,
        title: 'What one of the two stores cannot hold',
        description: 'The write stands, this attribute of it on one side only.',
        unit: 'ops',
        targets: [
          [
            `sum by (app, attribute) (rate(twinlake_fidelity_losses_total{${mine}}${rate}))`,
            '{{app}} {{attribute}}',
          ],
        ],
      },
    ],
  },
  httpRequests: {
    name: 'twinlake_http_requests_total',
    type: 'counter',
    help: 'Answers by listener, face, method and status.',
    labels: [['listener'], ['face'], ['method'], ['status']],
    panels: [
      {
        row: 'Clients',
        place: 1,
        title: 'Answers by face and status',
        description: 'What clients get, as HTTP.',
        unit: 'reqps',
        targets: [
          [
            `sum by (face, status) (rate(twinlake_http_requests_total{${here}}${rate}))`,
            '{{face}} {{status}}',
          ],
        ],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeServerErrors',
        expr:
          'sum by (instance, face) (rate(twinlake_http_requests_total{status=~"5.."}[5m]))' +
          ' / sum by (instance, face) (rate(twinlake_http_requests_total[5m])) > 0.05',
        for: '5m',
        severity: 'critical',
        summary: '{{ $value | humanizePercentage }} of the answers of the {{ $labels.face }} face are 5xx',
        description: 'Clients see failures. See reads and writes by side, breaker states and the log.',
      },
    ],
  },
  httpInFlight: {
    name: 'twinlake_http_in_flight',
    type: 'gauge',
    help: 'Requests under way.',
    labels: [],
    panels: [
      {
        row: 'Clients',
        place: 2,
        title: 'Requests under way',
        description: 'Rises when stores are slow or clients hold bodies open.',
        unit: 'short',
        targets: [[`sum(twinlake_http_in_flight{${here}})`, 'requests']],
      },
    ],
  },
  refusedRequests: {
    name: 'twinlake_refused_requests_total',
    type: 'counter',
    help: 'Requests refused before any store was asked, by reason.',
    labels: [['face'], ['reason']],
    panels: [
      {
        row: 'Clients',
        place: 5,
        title: 'Requests refused by the gateway',
        description: 'What the gateway cannot express, allow or place; nothing was changed by them.',
        unit: 'reqps',
        targets: [
          [
            `sum by (face, reason) (rate(twinlake_refused_requests_total{${here}}${rate}))`,
            '{{face}} {{reason}}',
          ],
        ],
      },
    ],
  },
  storeSeconds: {
    name: 'twinlake_store_seconds',
    type: 'histogram',
    help: 'Time a store took for one operation, to the end of a write and to the head of a read.',
    labels: [side, verb],
    buckets: latencyBuckets,
    panels: [
      {
        row: 'Stores',
        place: 1,
        title: 'Store latency',
        description: 'The slowest hundredth and the median of all operations.',
        unit: 's',
        targets: [
          [quantile(0.99, 'twinlake_store_seconds', 'le, side'), '{{side}} 99 %'],
          [quantile(0.5, 'twinlake_store_seconds', 'le, side'), '{{side}} median'],
        ],
      },
      {
        row: 'Stores',
        place: 2,
        title: 'Mean latency by operation',
        description: 'Which operation of which store is slow.',
        unit: 's',
        targets: [
          [
            `sum by (side, verb) (rate(twinlake_store_seconds_sum{${here}}${rate}))` +
              ` / sum by (side, verb) (rate(twinlake_store_seconds_count{${here}}${rate}))`,
            '{{side}} {{verb}}',
          ],
        ],
      },
    ],
  },
  secondaryLetGo: {
    name: 'twinlake_secondary_let_go_total',
    type: 'counter',
    help: 'Writes whose secondary lagged too far or failed and was left to repair, by reason.',
    labels: [app, ['reason']],
    panels: [
      {
        row: 'Stores',
        place: 3,
        title: 'Secondaries let go',
        description: 'Each one is a divergence; the client did not wait for it.',
        unit: 'ops',
        targets: [
          [
            `sum by (app, reason) (rate(twinlake_secondary_let_go_total{${mine}}${rate}))`,
            '{{app}} {{reason}}',
          ],
        ],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeSecondaryTooSlow',
        expr: 'sum by (instance, app) (rate(twinlake_secondary_let_go_total[5m])) > 0.1',
        for: '15m',
        severity: 'warning',
        summary: 'The secondary of {{ $labels.app }} is let go {{ $value | printf "%.2f" }} times a second',
        description: 'It does not keep up within the configured lag, so writes are left to repair.',
      },
    ],
  },
  chaosFaults: {
    name: 'twinlake_chaos_faults_total',
    type: 'counter',
    help: 'Calls of a store that met a fault of a drill (layers.chaos); no series where there is no drill.',
    labels: [side, ['fault']],
    panels: [
      {
        row: 'Stores',
        place: 6,
        title: 'Faults of a drill',
        description: 'Made on purpose by `layers.chaos`. Anything here in production is a mistake.',
        unit: 'ops',
        targets: [
          [`sum by (side, fault) (rate(twinlake_chaos_faults_total{${here}}${rate}))`, '{{side}} {{fault}}'],
        ],
      },
    ],
  },
} as const satisfies Record<string, MetricRow>;
