// A schema as plain data, and walks over a value beside its schema: defaults, lookups.
import type { KeyPath } from './config-error.ts';

/** What our schemas carry beyond JSON Schema: all of it is optional. */
export interface SchemaNode {
  type?: string;
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  /** What a value must be, in words; printed where it is not. */
  expects?: string;
  /** The value is a file or folder: relative ones are resolved. */
  isPath?: boolean;
  /** The value is a credential: it comes by reference and is never printed. */
  isSecret?: boolean;
}

/** The schema of a key, or undefined if the schema has no such key. */
export function schemaAt(root: SchemaNode, path: KeyPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    if (!node) return undefined;
    if (typeof step === 'number' || node.type === 'array') node = node.items;
    else if (Object.hasOwn(node.properties ?? {}, step)) node = node.properties?.[step];
    else node = Object.values(node.patternProperties ?? {})[0];
  }
  return node;
}

/** The value of a key; undefined if it is not there. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** The value with the defaults of all keys that are not there; the value itself is left as it is. */
export function withDefaults(schema: SchemaNode, value: unknown): unknown {
  if (value === undefined) {
    return schema.default === undefined ? undefined : withDefaults(schema, structuredClone(schema.default));
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item) => withDefaults(items, item)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const filled: [string, unknown][] = Object.entries(value).map(([name, item]) => {
    const node = schemaAt(schema, [name]);
    return [name, node ? withDefaults(node, item) : item];
  });
  for (const [name, node] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(value, name)) continue;
    const item = withDefaults(node, undefined);
    if (item !== undefined) filled.push([name, item]);
  }
  return Object.fromEntries(filled);
}
