// The tables of docs/configuration.md, made from the schemas and the table of variables, so that no key stays undocumented.
import { chaosSchema } from '../src/config/chaos-schema.ts';
import { formatKeyPath } from '../src/config/config-error.ts';
import { envVariables } from '../src/config/env.ts';
import { gatewaySchema } from '../src/config/gateway-schema.ts';
import { routesSchema } from '../src/config/routes-schema.ts';
import type { SchemaNode } from '../src/config/schema-node.ts';
import { storeSchemas } from '../src/config/store-schema.ts';

/** One key that takes a value. */
export interface KeyRow {
  key: string;
  value: string;
  /** Markdown; `required` or `-` where there is none. */
  standard: string;
  description: string;
}

type ObjectNode = SchemaNode & { required?: string[]; minimum?: number; maximum?: number };

/** All keys below a schema, in its order. */
export function keyRows(node: ObjectNode, prefix = ''): KeyRow[] {
  const rows: KeyRow[] = [];
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    const isRequired = node.required?.includes(name) === true && child.default === undefined;
    const below = rowsOf(child, key, isRequired);
    // Keys of a map that may be left out are required only where the map is there.
    const mayMiss = node.required?.includes(name) !== true && child.properties !== undefined;
    rows.push(...(mayMiss ? below.map((row) => requiredWith(row, key)) : below));
  }
  return rows;
}

function requiredWith(row: KeyRow, key: string): KeyRow {
  return row.standard === 'required' ? { ...row, standard: `required with \`${key}\`` } : row;
}

function rowsOf(node: ObjectNode, key: string, isRequired: boolean): KeyRow[] {
  const below = node.properties ? keyRows(node, key) : [];
  const item = node.items?.properties ? keyRows(node.items, `${key}[]`) : [];
  const named = Object.values(node.patternProperties ?? {})[0];
  const entries = named?.properties ? keyRows(named, `${key}.NAME`) : [];
  if (node.properties && !node.description) return below;
  const row = {
    key,
    value: kindOf(node),
    standard: isRequired ? 'required' : standardOf(node, key),
    description: node.description ?? '',
  };
  return [row, ...below, ...item, ...entries];
}

function kindOf(node: ObjectNode): string {
  if (node.enum) return node.enum.map((each) => `\`${each}\``).join(', ');
  if (node.type === 'boolean') return '`true`, `false`';
  if (node.type === 'array') return node.items?.properties ? 'list of maps' : 'list of texts';
  if (node.type === 'object') return 'map';
  if (node.type === 'integer') {
    return `${node.minimum ?? 0}${node.maximum === undefined ? ' or more' : ` to ${node.maximum}`}`;
  }
  if (node.type === 'number') return `${node.minimum ?? 0} to ${node.maximum}`;
  if (node.isSecret) return 'secret';
  return node.isPath ? 'path' : 'text';
}

function standardOf({ default: value }: ObjectNode, key: string): string {
  if (value === undefined || (typeof value === 'object' && JSON.stringify(value) === '{}')) return '-';
  if (typeof value === 'number' && value >= 1024 ** 2 && key.endsWith('Bytes'))
    return `\`${value}\` (${value / 1024 ** 2} MiB)`;
  return typeof value === 'object' ? `\`${JSON.stringify(value)}\`` : `\`${value}\``;
}

function table(head: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const keyTable = (rows: readonly KeyRow[]): string =>
  table(
    ['key', 'value', 'default', 'meaning'],
    rows.map(({ key, value, standard, description }) => [`\`${key}\``, value, standard, description]),
  );

const gatewayNode = gatewaySchema(storeSchemas.memory, storeSchemas.memory) as ObjectNode;
/** A drill is the same wherever it is: its keys have a table of their own. */
const isOfDrill = ({ key }: KeyRow): boolean => key.includes('.chaos.');
const gatewayRows = keyRows(gatewayNode).filter((row) => !row.key.startsWith('stores.') && !isOfDrill(row));
const drillRows = keyRows(chaosSchema as ObjectNode, 'chaos');

/** Every row of every table. */
export const allRows: readonly KeyRow[] = [
  ...gatewayRows,
  ...drillRows,
  ...Object.values(storeSchemas).flatMap((schema) => keyRows(schema as ObjectNode, 'stores.SIDE')),
  ...keyRows(routesSchema as ObjectNode),
];

/** Markdown by the name of its place in the page: `<!-- table: NAME -->` up to `<!-- end -->`. */
export const referenceTables: ReadonlyMap<string, string> = new Map([
  ['gateway', keyTable(gatewayRows)],
  ...Object.entries(storeSchemas).map(([type, schema]): [string, string] => {
    const rows = keyRows(schema as ObjectNode, 'stores.SIDE').filter(({ key }) => !key.includes('.layers.'));
    return [`store ${type}`, keyTable(rows)];
  }),
  [
    'layers',
    keyTable(
      keyRows(storeSchemas.memory as ObjectNode, 'stores.SIDE').filter(
        (row) => row.key.includes('.layers.') && !isOfDrill(row),
      ),
    ),
  ],
  ['chaos', keyTable(drillRows)],
  ['routes', keyTable(keyRows(routesSchema as ObjectNode))],
  [
    'variables',
    table(
      ['variable', 'replaces'],
      envVariables.map(({ name, key }) => [`\`${name}\``, `\`${formatKeyPath(key)}\``]),
    ),
  ],
]);

/** The page with its tables made anew; places without a table stay as they are. */
export function withTables(page: string): string {
  return page.replace(
    /(<!-- table: ([^>]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const text = referenceTables.get(name);
      return text === undefined ? whole : `${begin}\n${text}\n\n${end}`;
    },
  );
}
