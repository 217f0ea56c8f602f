// routes.yaml and the table in force: a good file is put in force, a bad one is reported and changes nothing (semantics C3).
import type { ConfigError } from '../config/config-error.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { parseRoutes } from '../config/routes.ts';
import { createRoutesFile } from '../config/routes-file.ts';
import type { RoutingTable } from '../core/route.ts';
import type { Journal } from '../journal/journal.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type TableInForce, tableRow } from './table-in-force.ts';

/** The table the former process ended with, if it can still be read. */
export async function formerTable(
  journal: Journal,
  config: GatewayConfig,
  logger: Logger,
): Promise<RoutingTable | undefined> {
  const text = await journal.meta(tableRow);
  if (text === undefined) return undefined;
  try {
    return parseRoutes(text, { file: 'the routing table in the journal', stores: config.stores });
  } catch (error) {
    logger.error({ err: error }, 'the routing table in the journal is not valid any more');
    return undefined;
  }
}

/** What following needs. */
export interface Following {
  dir: string;
  config: GatewayConfig;
  table: TableInForce;
  metrics: Metrics;
  logger: Logger;
  /** Told after each table that came into force. */
  onTable(): void;
}

/**
 * Puts the first table in force and follows the file from then on.
 * @returns a way to stop
 * @throws ConfigError if there is no valid table at all, neither in the file nor in the journal
 */
export async function followRoutes({
  dir,
  config,
  table,
  metrics,
  logger,
  onTable,
}: Following): Promise<() => void> {
  const take = async (proposed: RoutingTable, text: string): Promise<void> => {
    await table.propose(proposed, text);
    metrics.routesReloads.child('applied').inc();
    metrics.routesValid.child().set(1);
    logger.info({ apps: [...proposed.routes.keys()] }, 'routing table in force');
    onTable();
  };
  const refuse = (error: ConfigError): void => {
    metrics.routesReloads.child('refused').inc();
    metrics.routesValid.child().set(0);
    const { problems } = error;
    logger.error({ problems }, `routes.yaml is refused, the old table stays:\n${error.message}`);
  };
  const file = createRoutesFile({
    dir,
    stores: config.stores,
    onTable: (proposed, text) => {
      const failed = (error: unknown): void =>
        logger.error({ err: error }, 'the new table could not be put in force');
      take(proposed, text).catch(failed);
    },
    onError: refuse,
  });
  try {
    if (file.current && file.currentText !== undefined) await take(file.current, file.currentText);
    else if (file.lastError && table.current().routes.size > 0) refuse(file.lastError);
    else throw file.lastError ?? new Error('routes.yaml has no routing table');
  } catch (error) {
    file.close();
    throw error;
  }
  return () => file.close();
}
