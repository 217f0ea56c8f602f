// What each app really uses: operations, parameters, kinds of names, and what the other store cannot hold of it. In memory, bounded.

/** Most apps, operations of an app, and parameters of an operation; what comes after is counted under `others`. */
export const censusLimits = { apps: 1_000, operations: 300, parameters: 64 } as const;
/** Stands for everything beyond a limit. */
export const others = '(other)';
/** Longest name of a parameter and longest path of an example that are kept. */
const maxShown = { parameter: 64, example: 300 } as const;

/** One answered request of an app. */
export interface Observation {
  face: string;
  op: string;
  result: string;
  parameters: readonly string[];
  path?: string;
  /** What one of the two stores cannot hold of it. */
  losses: readonly string[];
}

/** How often, and the latest path. */
export interface Count {
  count: number;
  example?: string;
}

/** One operation of an app. */
export interface OperationCensus {
  face: string;
  op: string;
  results: Record<string, number>;
  parameters: Record<string, number>;
  /** By kind of loss. */
  cannotExpress: Record<string, Count>;
  firstMs: number;
  lastMs: number;
}

/** One app. */
export interface AppCensus {
  operations: OperationCensus[];
  /** By kind of name, see `traitsOf`. */
  names: Record<string, Count>;
  longestSegmentBytes: number;
  deepestSegments: number;
}

/** The census of a process. */
export interface Census {
  /** When it began, epoch milliseconds. */
  readonly sinceMs: number;
  note(app: string, observation: Observation): void;
  /** Undefined for an app that has not been seen. */
  of(app: string): AppCensus | undefined;
}

const traits: [string, RegExp][] = [
  ['space', / /],
  ['plus', /\+/],
  ['percent', /%/],
  ['hash', /#/],
  ['question-mark', /\?/],
  ['quote', /["'`]/],
  ['colon', /:/],
  ['backslash', /\\/],
  ['trailing-dot', /\.(\/|$)/],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  ['control-character', /[\x00-\x1f\x7f]/],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  ['non-ascii', /[^\x00-\x7f]/],
  ['combining-character', /\p{M}/u],
];

/** The kinds of characters in a path that some client, server or proxy is known to take wrongly. */
export function traitsOf(path: string): string[] {
  // Most names are plain: one look.
  if (/^[\w/=.-]*$/.test(path) && !/\.(\/|$)/.test(path)) return [];
  return traits.filter(([, pattern]) => pattern.test(path)).map(([trait]) => trait);
}

interface Counted extends Omit<AppCensus, 'operations'> {
  operations: Map<string, OperationCensus>;
}

/** A census that begins now. */
export function createCensus(now: () => number): Census {
  const apps = new Map<string, Counted>();
  return {
    sinceMs: now(),
    note(app, observation) {
      const counted = take(apps, app, censusLimits.apps, others, () => ({
        operations: new Map(),
        names: Object.create(null) as Record<string, Count>,
        longestSegmentBytes: 0,
        deepestSegments: 0,
      }));
      noteOperation(counted.operations, observation, now());
      if (observation.path !== undefined) noteName(counted, observation.path);
    },
    of(app) {
      const counted = apps.get(app);
      return counted && { ...counted, operations: [...counted.operations.values()] };
    },
  };
}

function noteOperation(
  operations: Map<string, OperationCensus>,
  { face, op, result, parameters, path, losses }: Observation,
  nowMs: number,
): void {
  const seen = take(operations, `${face} ${op}`, censusLimits.operations, others, (key) => ({
    ...(key === others ? { face: others, op: others } : { face, op }),
    results: Object.create(null),
    parameters: Object.create(null),
    cannotExpress: Object.create(null),
    firstMs: nowMs,
    lastMs: nowMs,
  }));
  seen.lastMs = nowMs;
  seen.results[result] = (seen.results[result] ?? 0) + 1;
  for (const parameter of parameters) {
    const name = parameter.slice(0, maxShown.parameter);
    const isRoom = name in seen.parameters || Object.keys(seen.parameters).length < censusLimits.parameters;
    const key = isRoom ? name : others;
    seen.parameters[key] = (seen.parameters[key] ?? 0) + 1;
  }
  for (const loss of losses) count(seen.cannotExpress, loss, path);
}

function noteName(counted: Counted, path: string): void {
  for (const trait of traitsOf(path)) count(counted.names, trait, path);
  let depth = 0;
  for (let from = 0; from < path.length; ) {
    const slash = path.indexOf('/', from + 1);
    const to = slash === -1 ? path.length : slash;
    // A UTF-16 unit is at most three bytes of UTF-8: most segments need no second look.
    if ((to - from) * 3 > counted.longestSegmentBytes)
      counted.longestSegmentBytes = Math.max(
        counted.longestSegmentBytes,
        Buffer.byteLength(path.slice(from + 1, to)),
      );
    depth++;
    from = to;
  }
  if (path !== '/') counted.deepestSegments = Math.max(counted.deepestSegments, depth);
}

function count(counts: Record<string, Count>, kind: string, path: string | undefined): void {
  const known = counts[kind] ?? { count: 0 };
  counts[kind] = known;
  known.count++;
  if (path !== undefined) known.example = path.slice(0, maxShown.example);
}

/** What stands under a key, made if there is room, else what all that came too late share. */
function take<V>(map: Map<string, V>, key: string, limit: number, late: string, make: (key: string) => V): V {
  const shared = map.has(key) || map.size < limit ? key : late;
  const known = map.get(shared);
  if (known !== undefined) return known;
  const made = make(shared);
  map.set(shared, made);
  return made;
}
