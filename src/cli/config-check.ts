// `twinlake config check DIR`: says whether gateway.yaml and routes.yaml would be accepted, and what they mean.
import { resolve } from 'node:path';
import { ConfigError } from '../config/config-error.ts';
import { loadGatewayConfig } from '../config/gateway-config.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { loadRoutes } from '../config/routes.ts';
import type { StoreConfig } from '../config/store-schema.ts';
import type { RoutingTable } from '../core/route.ts';

/**
 * Checks both files and prints every problem (`file:line:column: reason`), or a summary.
 * @param out gets one line at a time, without line end
 * @returns the exit code: 0 if both are good, else 1
 */
export async function runConfigCheck(
  dir: string,
  out: (line: string) => void,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<number> {
  const errors: ConfigError[] = [];
  const attempt = <T>(load: () => T): T | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
      return undefined;
    }
  };
  const config = attempt(() => loadGatewayConfig(dir, env));
  // With a bad gateway.yaml the routes are checked all the same, only not against the types of the stores.
  const table = attempt(() => loadRoutes(dir, config?.stores));
  if (config && table) {
    for (const line of summary(dir, config, table)) out(line);
    return 0;
  }
  const count = errors.reduce((sum, { problems }) => sum + problems.length, 0);
  for (const error of errors) for (const line of error.message.split('\n')) out(line);
  out(`${count} ${count === 1 ? 'problem' : 'problems'}`);
  return 1;
}

function summary(dir: string, config: GatewayConfig, table: RoutingTable): string[] {
  const { data, admin } = config.listen;
  const rows = [['app', 'reads', 'writes', 'ack', 'failover', 'mounts (source -> target)']];
  for (const { app, reads, writes, ack, failover, mounts } of table.routes.values()) {
    const pairs = mounts.map(({ source, target }) => `${source} -> ${target}`).join(', ');
    rows.push([app, reads, writes, ack, failover, pairs]);
  }
  return [
    `${resolve(dir)} is good`,
    '',
    `source  ${describeStore(config.stores.source)}`,
    `target  ${describeStore(config.stores.target)}`,
    `data    ${data.host}:${data.port}${data.tls ? ' (TLS)' : ''}`,
    `admin   ${admin.host}:${admin.port}`,
    `state   ${config.state.dir}`,
    '',
    ...columns(rows),
  ];
}

function describeStore(store: StoreConfig): string {
  if ('url' in store) return `${store.type} ${store.url}`;
  return store.type === 'local' ? `local ${store.dir}` : store.type;
}

function columns(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
