// Every interleaving of an upload within small bounds, decided by the real functions: no acked byte is lost, no unflushed one shown.
import t from 'tap';
import { findUploadTrace } from './model/find-upload-trace.ts';
import { type UploadRules, uploadRules } from './model/upload-steps.ts';

const worlds = {
  full: { failover: 'full', ack: 'primary' },
  none: { failover: 'none', ack: 'primary' },
  both: { failover: 'full', ack: 'both' },
} as const;

const bounds =
  process.env.TWINLAKE_FULL === '1'
    ? { appends: 3, crashes: 2, flips: 1, faults: 2 }
    : { appends: 2, crashes: 1, flips: 1, faults: 1 };
if (process.env.TWINLAKE_FULL === '1') t.setTimeout(600_000);

for (const [name, route] of Object.entries(worlds))
  t.test(`${name}: nothing acknowledged is lost`, async (t) => {
    const { states, trace } = findUploadTrace({ route, bounds, rules: uploadRules });
    t.equal(trace, undefined);
    t.ok(states > 1000, `${states} states`);
  });

const flaws: Record<string, Partial<UploadRules>> = {
  'the set of sides does not shrink': {
    settleStage: (outcomes) => {
      const settled = uploadRules.settleStage(outcomes);
      return {
        ...settled,
        changes: settled.changes.map((change) =>
          change.do === 'put-upload'
            ? { ...change, upload: { ...change.upload, sides: [...outcomes.now.sides] } }
            : change,
        ),
      };
    },
  },
  'the record is not durable before the answer': {
    settleStage: (outcomes) => ({ ...uploadRules.settleStage(outcomes), durableFirst: false }),
  },
  'an open append does not shrink the set after a crash': {
    recover: (left, nowMs, tail) =>
      uploadRules.recover({ ...left, intents: left.intents.filter((one) => !one.staged) }, nowMs, tail),
  },
  'appends that are open together have different primaries': {
    planStage: (asked) => uploadRules.planStage({ ...asked, state: { ...asked.state, intents: [] } }),
  },
  'an answer that rests on one side alone is forgotten': {
    settleStage: (outcomes) =>
      uploadRules.settleStage({ ...outcomes, answeredAlone: { allows: () => true } }),
    mayAnswerEarly: (asked) =>
      uploadRules.mayAnswerEarly({ ...asked, answeredAlone: { allows: () => true } }),
  },
};

for (const [flaw, left] of Object.entries(flaws))
  t.test(`found: ${flaw}`, async (t) => {
    const { trace } = findUploadTrace({ route: worlds.full, bounds, rules: { ...uploadRules, ...left } });
    t.ok(trace, 'a trace');
    t.comment(trace?.join(' → '));
  });
