// What gateway.yaml says of the faults that a drill puts in front of a store.
import { type Static, Type } from 'typebox';
import { count } from './count.ts';

const closed = { additionalProperties: false };

const faults = [
  'refuse',
  'throttle',
  'delay',
  'hang',
  'cut',
  'lose-answer',
  'apply-late',
  'forget',
  'short-page',
  'drip',
] as const;

const verbs = [
  ...(['stat', 'list', 'read', 'summary', 'checksum', 'access'] as const),
  ...(['mkdir', 'create', 'append', 'stage', 'flush', 'stage-block', 'commit-blocks'] as const),
  ...(['rename', 'delete', 'concat', 'truncate', 'set-attributes', 'lease'] as const),
];

const ruleSchema = Type.Object(
  {
    fault: Type.Enum(faults, {
      description: 'What happens to a call; docs/drills.md says what each one is.',
    }),
    verbs: Type.Optional(
      Type.Array(Type.Enum(verbs), {
        minItems: 1,
        expects: `a list of these: ${verbs.join(', ')}`,
        description: 'Operations that it may happen to. Default: all that it can happen to.',
      }),
    ),
    path: Type.Optional(
      Type.String({
        pattern: '^/',
        expects: 'a path that begins with /',
        description: 'Only to this path of the store and what is below it.',
      }),
    ),
    probability: Type.Number({
      default: 1,
      minimum: 0,
      maximum: 1,
      expects: 'a number from 0 to 1',
      description: 'To how many of these calls it happens: 1 to all, 0.01 to one in a hundred.',
    }),
    afterMs: count(0, 0, 'Not before so long after the start.'),
    everyMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'With `forMs`: it comes again every so often, counted from `afterMs`.',
      }),
    ),
    forMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'How long it lasts, once or each `everyMs`. Default: for good.',
      }),
    ),
    retryAfterMs: Type.Optional(
      Type.Integer({ minimum: 0, description: '`refuse`, `throttle`: how long the store asks to wait.' }),
    ),
    delayMs: count(
      1_000,
      0,
      '`delay`: how much later the call reaches the store. `apply-late`: how long after the lost answer it is applied.',
    ),
    afterBytes: count(0, 0, '`cut`: so many bytes of the body pass.'),
    bytesPerSecond: count(65_536, 1, '`drip`: how fast the body passes.'),
    pageEntries: count(1, 0, '`short-page`: so many entries at most, and a token if there are more.'),
    maxBodyBytes: count(
      1_048_576,
      0,
      '`apply-late`: longer bodies are left out, for they are kept in memory until then.',
    ),
  },
  closed,
);

/** Faults by rules; the first rule that fits and whose die says so happens. */
export const chaosSchema = Type.Object(
  {
    seed: count(1, 0, 'Of the dice: the same calls in the same order meet the same faults.'),
    rules: Type.Array(ruleSchema, {
      minItems: 1,
      description: 'The first rule that fits a call, and whose die says so, happens.',
    }),
  },
  { ...closed, description: 'Faults on purpose, for a drill: see below.' },
);

export type ChaosConfig = Static<typeof chaosSchema>;
export type ChaosRule = Static<typeof ruleSchema>;
export type Fault = ChaosRule['fault'];

/** What contradicts itself in the rules: the key below `rules` and why. */
export function chaosProblems({ rules }: ChaosConfig): { path: (string | number)[]; reason: string }[] {
  return rules.flatMap(({ everyMs, forMs }, i) => {
    if (everyMs === undefined) return [];
    if (forMs === undefined) return [{ path: ['rules', i, 'everyMs'], reason: 'needs forMs beside it' }];
    return forMs > everyMs
      ? [{ path: ['rules', i, 'forMs'], reason: `must be at most everyMs (${everyMs})` }]
      : [];
  });
}
