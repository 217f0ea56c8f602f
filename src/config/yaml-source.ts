// A YAML text as a plain value, with the way back from a key to its line.
import { isAlias, isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type ConfigProblem, formatKeyPath, type KeyPath } from './config-error.ts';

/** A parsed text. */
export interface YamlSource {
  /** Plain JavaScript value; undefined if `problems` has any. */
  value: unknown;
  /** What the YAML itself has wrong: syntax, duplicate keys, unknown tags. */
  problems: ConfigProblem[];
  /**
   * A problem placed at a key or at its value; where the path leaves the text, at the deepest part that is there.
   * @param at `key` for problems of the name, `value` (default) for what stands behind it
   */
  problem(path: KeyPath, reason: string, at?: 'key' | 'value'): ConfigProblem;
  /** The line of a key, from 1. */
  lineOf(path: KeyPath): number;
}

/** Longest config text in bytes; more is no config but a mistake. */
const maxConfigBytes = 1024 * 1024;

/** @param file the name that problems carry */
export function parseYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number, path: KeyPath, reason: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path: formatKeyPath(path), reason };
  };
  const problems = [...doc.errors, ...doc.warnings].map((error) =>
    at(error.pos[0], [], yamlReason(error.code, error.message, text.slice(error.pos[0]))),
  );
  if (Buffer.byteLength(text) > maxConfigBytes)
    problems.push(at(0, [], `longer than ${maxConfigBytes} bytes`));

  let value: unknown;
  if (problems.length === 0) {
    try {
      value = doc.toJS();
    } catch (error) {
      problems.push(at(0, [], `not usable as YAML: ${(error as Error).message}`));
    }
  }

  const offsetOf = (path: KeyPath, wanted: 'key' | 'value'): number => {
    let node: unknown = doc.contents;
    let keyOffset = startOf(node);
    for (const step of path) {
      const target = isAlias(node) ? node.resolve(doc) : node;
      if (isMap(target)) {
        const pair = target.items.find((item) => String((item.key as { value?: unknown }).value) === step);
        if (!pair) return keyOffset;
        keyOffset = startOf(pair.key);
        node = pair.value;
      } else if (isSeq(target) && target.items[Number(step)] !== undefined) {
        node = target.items[Number(step)];
        keyOffset = startOf(node);
      } else {
        return keyOffset;
      }
    }
    // A block map or list begins on the line after its key; its key is what a reader looks for.
    const scalar = !isMap(node) && !isSeq(node);
    return wanted === 'key' || !scalar || !hasPlace(node) ? keyOffset : startOf(node);
  };

  return {
    value,
    problems,
    problem: (path, reason, wanted = 'value') => at(offsetOf(path, wanted), path, reason),
    lineOf: (path) => lines.linePos(offsetOf(path, 'key')).line,
  };
}

function yamlReason(code: string, message: string, rest: string): string {
  if (code === 'MULTIPLE_DOCS') return 'bad YAML: one document a file, without a second `---`';
  if (code !== 'DUPLICATE_KEY') return `bad YAML: ${message}`;
  const name = /^["']?([^"':\s]+)/.exec(rest)?.[1] ?? '';
  return `duplicate key '${name}'`;
}

function hasPlace(node: unknown): boolean {
  const range = (node as Node | null)?.range;
  // An empty value (`key:`) has a range of no width, which may lie on a later line.
  return range !== undefined && range !== null && range[1] > range[0];
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
