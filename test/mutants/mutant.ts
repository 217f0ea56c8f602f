// What a deliberate breakage is.

/** One breakage: a text that stands exactly once in a file, and what stands there instead. */
export interface Mutant {
  name: string;
  file: string;
  find: string;
  replace: string;
  /** Suites that should catch it, the quickest first; files below `test/`. */
  suites: readonly string[];
}
