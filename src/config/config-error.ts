// Everything wrong with a config file, each with its place: what an operator sees instead of a stack trace.

/** One thing that is wrong. */
export interface ConfigProblem {
  /** The file, or the name of an environment variable. */
  file: string;
  /** From 1; 0 if the problem has no place in a text (a missing file, a variable). */
  line: number;
  /** From 1; 0 as `line`. */
  column: number;
  /** The key, e.g. `apps.billing.match.hosts[0]`; '' for the whole file. */
  path: string;
  reason: string;
}

/** A step of a key's path: a name in a map or an index in a list. */
export type KeyPath = readonly (string | number)[];

/** `file:line:column: reason`, without what a problem does not have. */
function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return `${place}: ${problem.reason}`;
}

/** `apps.billing.match.hosts[0]`. */
export function formatKeyPath(path: KeyPath): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('');
}

/** A config that cannot be used; the message has one problem a line. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  /** @param problems at least one; they are put in the order of the text */
  constructor(problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort(
      (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
    );
    super(sorted.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = sorted;
  }
}
