// Rows of the metric table about what is not equal yet, and the machinery that makes it so.
import type { MetricRow } from './metric-row.ts';
import { here, quantile, rate, side } from './row-words.ts';

const commitBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Divergences, breakers, repair, journal and locks. */
export const divergenceMetrics = {
  divergentPaths: {
    name: 'twinlake_divergent_paths',
    type: 'gauge',
    help: 'Paths and subtrees known or suspected to differ between source and target.',
    labels: [],
    panels: [
      {
        row: 'At a glance',
        place: 1,
        title: 'Divergent paths',
        description: 'With both stores healthy this falls to zero by itself.',
        unit: 'short',
        targets: [[`sum(twinlake_divergent_paths{${here}})`, 'paths and subtrees']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeDivergenceGrowing',
        expr: 'twinlake_divergent_paths > 1000 and delta(twinlake_divergent_paths[15m]) > 0',
        for: '15m',
        severity: 'warning',
        summary: '{{ $value }} paths differ between source and target, and more by the minute',
        description: 'Repair does not keep up with new divergences. See breaker states and repair outcomes.',
      },
    ],
  },
  oldestDivergenceSeconds: {
    name: 'twinlake_oldest_divergence_seconds',
    type: 'gauge',
    help: 'Age of the oldest divergence in seconds, 0 if there is none.',
    labels: [],
    panels: [
      {
        row: 'At a glance',
        place: 2,
        title: 'Oldest divergence',
        description: 'How long the most patient path has waited to be made equal.',
        unit: 's',
        targets: [[`max(twinlake_oldest_divergence_seconds{${here}})`, 'age']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeDivergenceOld',
        expr: 'twinlake_oldest_divergence_seconds > 1800',
        for: '5m',
        severity: 'warning',
        summary: 'A path has differed between source and target for {{ $value | humanizeDuration }}',
        description:
          'Its truth serves it meanwhile. GET /v1/divergences on the admin port names it and the reason.',
      },
    ],
  },
  pinnedPaths: {
    name: 'twinlake_pinned_paths',
    type: 'gauge',
    help: 'Divergent paths that one store refuses for good: not tried again until they change.',
    labels: [],
    panels: [
      {
        row: 'Repair and journal',
        place: 9,
        title: 'Paths refused for good',
        description: 'Names or attributes that one store cannot hold. They keep their truth.',
        unit: 'short',
        targets: [[`sum(twinlake_pinned_paths{${here}})`, 'pinned']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakePathsPinned',
        expr: 'twinlake_pinned_paths > 0',
        for: '10m',
        severity: 'warning',
        summary: '{{ $value }} paths cannot be made equal: one store refuses them for good',
        description:
          'GET /v1/divergences names them and the refusal. Rename or remove them; POST /v1/settle tries one again.',
      },
    ],
  },
  repairsWaiting: {
    name: 'twinlake_repairs_waiting',
    type: 'gauge',
    help: 'Divergences that repair leaves alone for a while: the last attempt failed, or they are being written.',
    labels: [],
  },
  breakerState: {
    name: 'twinlake_breaker_state',
    type: 'gauge',
    help: 'Breaker of a side: 0 closed, 1 half-open, 2 open.',
    labels: [side],
    panels: [
      {
        row: 'At a glance',
        place: 5,
        title: 'Breakers',
        description: 'An open breaker keeps requests from a store that is down.',
        unit: 'short',
        states: [
          ['closed', 'green'],
          ['half-open', 'orange'],
          ['open', 'red'],
        ],
        targets: [[`max by (side) (twinlake_breaker_state{${here}})`, '{{side}}']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeStoreDown',
        // max_over_time: a breaker that probes is half-open for moments, which must not reset the wait.
        expr: 'max_over_time(twinlake_breaker_state[1m]) == 2',
        for: '2m',
        severity: 'critical',
        summary: 'The breaker of the {{ $labels.side }} store is open',
        description: 'Writes go on where the app allows it and leave divergences. See GET /health/stores.',
      },
    ],
  },
  repairs: {
    name: 'twinlake_repairs_total',
    type: 'counter',
    help: 'Attempts to settle a divergence; superseded: a newer write won; pinned: refused for good.',
    labels: [['outcome', 'cleared', 'superseded', 'failed', 'deferred', 'pinned']],
    panels: [
      {
        row: 'Repair and journal',
        place: 1,
        title: 'Repairs by outcome',
        description: 'Cleared should dominate. Failed needs a look at the log.',
        unit: 'ops',
        targets: [[`sum by (outcome) (rate(twinlake_repairs_total{${here}}${rate}))`, '{{outcome}}']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeRepairsFailing',
        expr:
          'sum by (instance) (increase(twinlake_repairs_total{outcome="failed"}[10m])) > 0' +
          ' unless sum by (instance) (increase(twinlake_repairs_total{outcome="cleared"}[10m])) > 0',
        for: '15m',
        severity: 'warning',
        summary: 'Repair fails and clears nothing',
        description: 'The log names the path and the error of the store that refuses the copy.',
      },
    ],
  },
  repairedBytes: {
    name: 'twinlake_repaired_bytes_total',
    type: 'counter',
    help: 'Bytes copied to make paths equal.',
    labels: [],
    panels: [
      {
        row: 'Repair and journal',
        place: 2,
        title: 'Repair traffic',
        description: 'Bytes a second that repair copies from truth to the other side.',
        unit: 'Bps',
        targets: [[`sum(rate(twinlake_repaired_bytes_total{${here}}${rate}))`, 'copied']],
      },
      {
        row: 'Repair and journal',
        place: 8,
        title: 'Time to drain',
        description: 'How long the backlog takes at the present rate. No line: nothing is being settled.',
        unit: 's',
        targets: [
          [
            `(sum(twinlake_divergent_paths{${here}}) - sum(twinlake_pinned_paths{${here}}))` +
              ` / (sum(rate(twinlake_repairs_total{outcome="cleared",${here}}${rate})) > 0)`,
            'backlog / rate',
          ],
          [`sum(twinlake_repairs_waiting{${here}})`, 'paths left alone for now'],
        ],
      },
    ],
  },
  openIntents: {
    name: 'twinlake_open_intents',
    type: 'gauge',
    help: 'Writes in the journal that have not settled yet.',
    labels: [],
    panels: [
      {
        row: 'Repair and journal',
        place: 3,
        title: 'Open intents and uploads',
        description:
          'Intents follow the write rate; uploads stay open until flush, delete or their idle limit.',
        unit: 'short',
        targets: [
          [`sum(twinlake_open_intents{${here}})`, 'intents'],
          [`sum(twinlake_open_uploads{${here}})`, 'uploads'],
        ],
      },
    ],
  },
  openUploads: {
    name: 'twinlake_open_uploads',
    type: 'gauge',
    help: 'Uploads that have been opened and not flushed or closed.',
    labels: [],
  },
  openSagas: {
    name: 'twinlake_open_sagas',
    type: 'gauge',
    help: 'Changes that a store makes in several requests and that are not at their end, by side.',
    labels: [side],
  },
  journalCommitSeconds: {
    name: 'twinlake_journal_commit_seconds',
    type: 'histogram',
    help: 'Time until a group of journal entries was durable.',
    labels: [],
    buckets: commitBuckets,
    panels: [
      {
        row: 'Repair and journal',
        place: 4,
        title: 'Journal commit latency',
        description: 'Every write waits for one commit before its first byte leaves.',
        unit: 's',
        targets: [
          [quantile(0.99, 'twinlake_journal_commit_seconds', 'le'), '99 %'],
          [quantile(0.5, 'twinlake_journal_commit_seconds', 'le'), 'median'],
        ],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeJournalSlow',
        expr:
          'histogram_quantile(0.99, sum by (instance, le)' +
          ' (rate(twinlake_journal_commit_seconds_bucket[5m]))) > 0.5',
        for: '10m',
        severity: 'warning',
        summary: 'One in a hundred journal commits takes longer than {{ $value | humanizeDuration }}',
        description: 'Every write waits for the journal. Its disk is slow or shared.',
      },
    ],
  },
  journalCommits: {
    name: 'twinlake_journal_commits_total',
    type: 'counter',
    help: 'Groups of journal entries made durable, one fsync each.',
    labels: [],
    panels: [
      {
        row: 'Repair and journal',
        place: 5,
        title: 'Journal commits',
        description: 'Fewer than writes: commits are grouped.',
        unit: 'ops',
        targets: [[`sum(rate(twinlake_journal_commits_total{${here}}${rate}))`, 'commits']],
      },
    ],
  },
  journalWritable: {
    name: 'twinlake_journal_writable',
    type: 'gauge',
    help: 'Whether the journal takes entries: 1 or 0.',
    labels: [],
    panels: [
      {
        row: 'Repair and journal',
        place: 6,
        title: 'Journal',
        description: 'Without a journal two-sided writes are refused; reads go on.',
        unit: 'short',
        states: [
          ['not writable', 'red'],
          ['writable', 'green'],
        ],
        targets: [[`min(twinlake_journal_writable{${here}})`, 'journal']],
      },
    ],
    alerts: [
      {
        name: 'TwinlakeJournalNotWritable',
        expr: 'twinlake_journal_writable == 0',
        for: '1m',
        severity: 'critical',
        summary: 'The journal takes no entries: two-sided writes are refused',
        description: 'The disk of the state directory is full, read-only or gone.',
      },
    ],
  },
  journalBytes: {
    name: 'twinlake_journal_bytes',
    type: 'gauge',
    help: 'Bytes of the journal in use; see journal.maxBytes.',
    labels: [],
  },
  collapsedDivergences: {
    name: 'twinlake_collapsed_divergences_total',
    type: 'counter',
    help: 'Divergences that became part of one for their whole folder, because there were too many of them.',
    labels: [],
  },
  lockWaiters: {
    name: 'twinlake_lock_waiters',
    type: 'gauge',
    help: 'Writes waiting for the lock of their path.',
    labels: [],
    panels: [
      {
        row: 'Repair and journal',
        place: 7,
        title: 'Locks',
        description: 'Writers that wait for each other on one path, and how often one gives up.',
        unit: 'short',
        targets: [
          [`sum(twinlake_lock_waiters{${here}})`, 'waiting'],
          [`sum(increase(twinlake_lock_timeouts_total{${here}}${rate}))`, 'given up'],
        ],
      },
    ],
  },
  lockTimeouts: {
    name: 'twinlake_lock_timeouts_total',
    type: 'counter',
    help: 'Writes refused because the lock of their path did not come in time.',
    labels: [],
    alerts: [
      {
        name: 'TwinlakeLockTimeouts',
        expr: 'rate(twinlake_lock_timeouts_total[5m]) > 0.1',
        for: '10m',
        severity: 'warning',
        summary: '{{ $value | printf "%.2f" }} writes a second give up waiting for the lock of their path',
        description: 'Several clients write to one path, or a move of a large folder holds it.',
      },
    ],
  },
} as const satisfies Record<string, MetricRow>;
