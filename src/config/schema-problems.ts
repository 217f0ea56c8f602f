// Checks a value against a typebox schema and says what is wrong in an operator's words, at the line of the key.
import { Settings } from 'typebox/system';
import { Value } from 'typebox/value';
import type { ConfigProblem, KeyPath } from './config-error.ts';
import { nearest } from './nearest.ts';
import { type SchemaNode, schemaAt, valueAt } from './schema-node.ts';
import type { YamlSource } from './yaml-source.ts';

/** Most problems that one check reports; a config with more is another kind of file. */
const maxProblems = 200;

/**
 * Everything in `value` that the schema forbids; empty if it fits.
 * @param hidden true for keys whose value must not be printed
 */
export function schemaProblems(
  schema: SchemaNode,
  value: unknown,
  source: YamlSource,
  hidden: (path: KeyPath) => boolean = () => false,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  const add = (path: KeyPath, reason: string, at: 'key' | 'value'): void => {
    const key = path.join('\0');
    if (!problems.has(key)) problems.set(key, source.problem(path, reason, at));
  };
  for (const error of errorsOf(schema, value)) {
    const path = pathOf(error.instancePath, value);
    const node = schemaAt(schema, path);
    // `boolean` repeats `additionalProperties`; branches of a choice are summed up by the choice itself.
    if (error.keyword === 'boolean' || error.schemaPath.includes('/anyOf/')) continue;
    if (error.keyword === 'additionalProperties') {
      for (const name of error.params.additionalProperties)
        add([...path, name], unknownKey(name, node), 'key');
    } else if (error.keyword === 'required') {
      for (const name of error.params.requiredProperties)
        add([...path, name], `missing key '${name}'`, 'key');
    } else {
      add(path, reasonOf(error, node, valueAt(value, path), hidden(path)), 'value');
    }
  }
  return [...problems.values()];
}

function errorsOf(schema: SchemaNode, value: unknown): ReturnType<typeof Value.Errors> {
  // typebox stops after eight errors unless told otherwise, and only a process-wide setting tells it.
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: maxProblems });
  try {
    return Value.Errors(schema, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function unknownKey(name: string, node: SchemaNode | undefined): string {
  const known = Object.keys(node?.properties ?? {});
  const near = nearest(name, known);
  const advice = near ? `did you mean '${near}'?` : `known keys are ${known.join(', ')}`;
  return `unknown key '${name}': ${advice}`;
}

type SchemaError = ReturnType<typeof Value.Errors>[number];

function reasonOf(
  error: SchemaError,
  node: SchemaNode | undefined,
  value: unknown,
  isHidden: boolean,
): string {
  if (value === null || value === undefined) return 'is empty: give it a value or remove the key';
  const shown = !isHidden && typeof value !== 'object' ? `'${String(value)}' ` : '';
  if (node?.expects) return `${shown}must be ${node.expects}`;
  if (error.keyword === 'enum' && node?.enum) return `${shown}must be one of ${node.enum.join(', ')}`;
  if (error.keyword === 'type' && typeof error.params.type === 'string')
    return `${shown}must be ${kindName(error.params.type, value)}`;
  if (error.keyword === 'minItems') return 'must not be an empty list';
  return `${shown}${error.message}`;
}

function kindName(type: string, value: unknown): string {
  if (type === 'object') return 'a map of keys';
  if (type === 'array') return 'a list';
  if (type === 'integer') return 'a whole number';
  if (type === 'number') return 'a number';
  if (type === 'boolean') return 'true or false';
  return typeof value === 'object' ? 'text' : 'text: put it in quotes';
}

/** A JSON pointer as a path; a step is an index where the value is a list. */
function pathOf(pointer: string, root: unknown): KeyPath {
  const path: (string | number)[] = [];
  if (pointer === '') return path;
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(valueAt(root, path)) ? Number(name) : name);
  }
  return path;
}
