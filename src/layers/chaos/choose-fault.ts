// Which fault meets a call: a decision of rules, time and dice, without carrying it out.
import type { ChaosRule, Fault } from '../../config/chaos-schema.ts';
import { bodyOf, type Mutation, pathsOf } from '../../core/mutation.ts';
import { isWithin } from '../../core/path.ts';
import type { Query } from '../../core/query.ts';

/** What a rule is asked about. */
export interface Call {
  operation: Query | Mutation;
  /** Since the layer was made. */
  elapsedMs: number;
  /** Bytes that may still be kept for late application. */
  roomBytes: number;
}

const queryVerbs: ReadonlySet<string> = new Set([
  'stat',
  'list',
  'read',
  'summary',
  'checksum',
  'access',
] satisfies Query['verb'][]);

/** True if the operation asks and changes nothing. */
export function isQuery(operation: Query | Mutation): operation is Query {
  return queryVerbs.has(operation.verb);
}

/** True while a rule's time window is open. */
export function isOpen({ afterMs, everyMs, forMs }: ChaosRule, elapsedMs: number): boolean {
  const sinceMs = elapsedMs - afterMs;
  if (sinceMs < 0) return false;
  if (forMs === undefined) return true;
  return (everyMs === undefined ? sinceMs : sinceMs % everyMs) < forMs;
}

/** Whether there is anything in the operation for the fault to work on. */
function canMeet(rule: ChaosRule, { operation, roomBytes }: Call): boolean {
  if (isQuery(operation)) {
    const only: Partial<Record<Fault, boolean>> = {
      'apply-late': false,
      forget: false,
      cut: operation.verb === 'read',
      drip: operation.verb === 'read',
      'short-page': operation.verb === 'list',
    };
    return only[rule.fault] ?? true;
  }
  const body = bodyOf(operation);
  switch (rule.fault) {
    case 'short-page':
      return false;
    case 'drip':
      return body !== undefined;
    case 'cut':
      return body !== undefined && (body.lengthBytes === undefined || body.lengthBytes > rule.afterBytes);
    case 'apply-late': {
      const neededBytes = body ? (body.lengthBytes ?? rule.maxBodyBytes) : 0;
      return neededBytes <= rule.maxBodyBytes && neededBytes < roomBytes;
    }
    default:
      return true;
  }
}

function fits(rule: ChaosRule, call: Call): boolean {
  const { operation } = call;
  const paths = isQuery(operation) ? [operation.path] : pathsOf(operation);
  return (
    (rule.verbs === undefined || rule.verbs.includes(operation.verb)) &&
    (rule.path === undefined || paths.some((path) => isWithin(path, rule.path!))) &&
    isOpen(rule, call.elapsedMs) &&
    canMeet(rule, call)
  );
}

/**
 * The first rule that fits and whose die falls below its probability.
 * @param dice one for each rule, 0 ≤ die() < 1; thrown only for calls that the rule fits
 */
export function chooseFault(
  rules: readonly ChaosRule[],
  call: Call,
  dice: readonly (() => number)[],
): ChaosRule | undefined {
  return rules.find((rule, i) => fits(rule, call) && dice[i]!() < rule.probability);
}

/** A die whose throws follow from its seed (mulberry32). */
export function seededDie(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
