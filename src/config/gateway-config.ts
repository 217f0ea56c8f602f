// gateway.yaml and the environment: from text to a checked config with all defaults, or everything that is wrong with it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError, type ConfigProblem, formatKeyPath, type KeyPath } from './config-error.ts';
import { type EnvVariable, envNameOf, envVariables } from './env.ts';
import { completeConfig, crossChecks } from './gateway-rules.ts';
import { type GatewayConfig, gatewaySchema } from './gateway-schema.ts';
import { type Expanded, expandReferences, referenceKey } from './references.ts';
import { unreadable } from './routes.ts';
import { type SchemaNode, schemaAt, valueAt, withDefaults } from './schema-node.ts';
import { schemaProblems } from './schema-problems.ts';
import { storeSchemas, untypedStoreSchema } from './store-schema.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

/** Name of the file in the config directory. */
const gatewayFileName = 'gateway.yaml';

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The static config of a directory. Relative files and folders in it are relative to the directory, those in
 * variables to the working directory.
 * @throws ConfigError
 */
export function loadGatewayConfig(dir: string, env: Env): GatewayConfig {
  const file = join(dir, gatewayFileName);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([unreadable(file, error)]);
  }
  return parseGatewayConfig(text, { file, dir, env });
}

/**
 * The static config of a text.
 * @param from.file the name that problems carry
 * @param from.dir where relative files are looked up
 * @throws ConfigError with every problem the text and the environment have
 */
export function parseGatewayConfig(
  text: string,
  from: { file: string; dir: string; env: Env },
): GatewayConfig {
  const source = parseYaml(text, from.file);
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  const expanded = expandReferences(source.value, from);
  const schema = schemaFor(expanded.value);
  const written = coerceReferences(expanded, schema);
  const set = envVariables.filter(({ name }) => env(from.env, name) !== undefined);
  const overridden = set.reduce(
    (value, { name, key }) => withValue(value, key, fromText(env(from.env, name)!, schemaAt(schema, key))),
    written,
  );
  const value = withDefaults(schema, overridden);

  const place = placer(set, from.env);
  const isHidden = (path: KeyPath): boolean =>
    expanded.referenced.has(referenceKey(path)) ||
    schemaAt(schema, path)?.isSecret === true ||
    // A URL that is refused for its user or query may carry a password or a SAS there.
    /[@?]/.test(String(valueAt(value, path)));
  const problems = [
    ...expanded.problems.map(({ path, reason }) => place(source.problem(path, reason))),
    ...schemaProblems(schema, value, source, isHidden).map(place),
    ...literalSecrets(schema, expanded, source),
  ];
  // What stands in for an unresolved reference is wrong for a second reason, which would only mislead.
  const first = problems.filter((each, i) => problems.findIndex(({ path }) => path === each.path) === i);
  if (first.length > 0) throw new ConfigError(first);

  const beforeEnv = withDefaults(schema, written);
  const dirOf = (key: KeyPath): string =>
    set.some((each) => formatKeyPath(each.key) === formatKeyPath(key)) ? process.cwd() : resolve(from.dir);
  const urlsFromEnv = set.map(({ key }) => formatKeyPath(key));
  const config = completeConfig({ schema, value, beforeEnv, dirOf, urlsFromEnv });
  const crossed = crossChecks(config).map(({ path, reason }) => place(source.problem(path, reason)));
  if (crossed.length > 0) throw new ConfigError(crossed);
  return config;
}

function env(from: Env, name: string): string | undefined {
  return from[name] || undefined;
}

/** The schema depends on the types of the two stores, so that an error is about the store's own keys. */
function schemaFor(value: unknown): SchemaNode {
  const storeSchema = (side: string) => {
    const type = valueAt(value, ['stores', side, 'type']);
    const known = typeof type === 'string' && Object.hasOwn(storeSchemas, type);
    return known ? storeSchemas[type as keyof typeof storeSchemas] : untypedStoreSchema;
  };
  return gatewaySchema(storeSchema('source'), storeSchema('target')) as SchemaNode;
}

/** A text that stands where a number or a truth value belongs, as that; other texts stay, for the check to refuse. */
function fromText(text: string, node: SchemaNode | undefined): unknown {
  if (node?.type === 'integer' && /^-?\d+$/.test(text.trim())) return Number(text);
  if (node?.type === 'number' && /^\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  if (node?.type === 'boolean' && /^(true|false)$/.test(text.trim())) return text.trim() === 'true';
  return text;
}

function coerceReferences(expanded: Expanded, schema: SchemaNode): unknown {
  let { value } = expanded;
  for (const key of expanded.referenced.keys()) {
    // Lists hold texts only, so a step never has to be an index here.
    const path = key.split('\0');
    const text = valueAt(value, path);
    if (typeof text === 'string') value = withValue(value, path, fromText(text, schemaAt(schema, path)));
  }
  return value;
}

/** A copy with one key set; unchanged where something that is no map stands in the way. */
function withValue(root: unknown, [name, ...rest]: KeyPath, value: unknown): unknown {
  if (name === undefined) return value;
  if (Array.isArray(root)) return root;
  if (root !== undefined && root !== null && typeof root !== 'object') return root;
  const map = (root ?? {}) as Record<string, unknown>;
  return { ...map, [name]: withValue(map[name], rest, value) };
}

/** Puts a problem where its cause is: at the variable if one replaced the key. */
function placer(set: readonly EnvVariable[], from: Env): (problem: ConfigProblem) => ConfigProblem {
  return (problem) => {
    const variable = set.find(({ key }) => formatKeyPath(key) === problem.path);
    if (variable) {
      // Kubernetes sets NAME_PORT=tcp://... for a Service called `twinlake-data`.
      const isServiceLink = env(from, variable.name)?.startsWith('tcp://');
      const advice = isServiceLink
        ? '; this comes from a Kubernetes Service of that name: set enableServiceLinks: false'
        : '';
      return { ...problem, file: variable.name, line: 0, column: 0, reason: problem.reason + advice };
    }
    const name = problem.reason.startsWith('missing key') ? envNameOf(problem.path.split('.')) : undefined;
    return name ? { ...problem, reason: `${problem.reason} (or set ${name})` } : problem;
  };
}

/** Secrets that stand in the file as they are. */
function literalSecrets(schema: SchemaNode, expanded: Expanded, source: YamlSource): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const visit = (value: unknown, path: KeyPath): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) visit(item, [...path, name]);
    } else if (schemaAt(schema, path)?.isSecret && typeof value === 'string') {
      if (value === 'devstore' || expanded.referenced.get(referenceKey(path)) === 'whole') return;
      const reason = `a secret must not stand in this file: write \${env:NAME} or \${file:PATH}`;
      problems.push(source.problem(path, reason));
    }
  };
  visit(expanded.value, []);
  return problems;
}
