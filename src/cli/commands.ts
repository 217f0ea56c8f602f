// Commands and their options; each one is a few calls into server/, and loads what it needs.
import { resolve } from 'node:path';
import closeWithGrace from 'close-with-grace';
import { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { loadGatewayConfig } from '../config/gateway-config.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { runConfigCheck } from './config-check.ts';
import { type RecoverOptions, runRecover } from './recover.ts';
import { welcome } from './welcome.ts';

/** How long a stop may take before the process ends anyway, milliseconds. */
const graceMs = 10_000;

interface Closing {
  close(): Promise<void>;
}

/** Ends cleanly on Ctrl-C and SIGTERM: what was started last is closed first. */
function closeOnSignals(running: readonly Closing[], logger: Logger): void {
  closeWithGrace({ delay: graceMs, logger: false }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping: something failed that nothing handles');
    else logger.info({ signal }, 'stopping');
    for (const part of [...running].reverse()) await part.close();
  });
}

/** Where the emulators listen is where the stores are, whatever ports they got (port 0). */
function pointStoresAt(config: GatewayConfig, urls: { webhdfsUrl: string; dfsUrl: string }): GatewayConfig {
  const { source, target } = config.stores;
  const moved = (store: typeof source): typeof source => {
    if (store.type === 'webhdfs' && isEmulator(store.url, config.emulators.webhdfs.port))
      return { ...store, url: urls.webhdfsUrl };
    if (store.type === 'adls-gen2' && isEmulator(store.url, config.emulators.dfs.port)) {
      return { ...store, url: `${urls.dfsUrl}/${store.account}` };
    }
    return store;
  };
  return { ...config, stores: { source: moved(source), target: moved(target) } };
}

/** Port 0 means: the sample address stands for whatever port the emulator gets. */
function isEmulator(url: string, port: number): boolean {
  const asked = Number(new URL(url).port);
  return asked === port || (port === 0 && (asked === 9870 || asked === 10_004));
}

async function start(dir: string): Promise<void> {
  const { startEmulators } = await import('../server/start-emulators.ts');
  const { startGateway } = await import('../server/start-gateway.ts');
  const config = loadGatewayConfig(dir, process.env);
  const logger = createLogger({ level: config.log.level });
  const emulators = await startEmulators(config.emulators, config.writes.bodyIdleMs, logger);
  const running: Closing[] = [emulators];
  closeOnSignals(running, logger);
  const gateway = await startGateway(dir, pointStoresAt(config, emulators), logger);
  running.push(gateway);
  process.stdout.write(welcome({ ...emulators, ...gateway, dir }));
}

async function serve(dir: string): Promise<void> {
  const { startGateway } = await import('../server/start-gateway.ts');
  const config = loadGatewayConfig(dir, process.env);
  const logger = createLogger({ level: config.log.level });
  const gateway = await startGateway(dir, config, logger);
  closeOnSignals([gateway], logger);
  logger.info({ data: gateway.dataUrl, admin: gateway.adminUrl }, 'gateway listens');
}

async function emulate(dir: string | undefined, configDir: string): Promise<void> {
  const { startEmulators } = await import('../server/start-emulators.ts');
  const env = dir === undefined ? process.env : { ...process.env, TWINLAKE_STATE_DIR: resolve(dir) };
  const config = loadGatewayConfig(configDir, env);
  const logger = createLogger({ level: config.log.level });
  const emulators = await startEmulators(config.emulators, config.writes.bodyIdleMs, logger);
  closeOnSignals([emulators], logger);
  logger.info({ webhdfs: emulators.webhdfsUrl, gen2: emulators.dfsUrl }, 'emulators listen');
}

const sampleConfig = resolve(import.meta.dirname, '../../config');

/** Runs one command line; a config error ends with its lines and exit code 1. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('twinlake').description(
    'Moves applications from one data lake store to another without downtime.',
  );
  const configOption = ['--config <dir>', 'directory with gateway.yaml and routes.yaml'] as const;
  program
    .command('start')
    .description('both emulators and the gateway in one process, to try things out')
    .option(...configOption, sampleConfig)
    .action((options: { config: string }) => start(options.config));
  program
    .command('serve')
    .description('the gateway')
    .requiredOption(...configOption)
    .action((options: { config: string }) => serve(options.config));
  program
    .command('emulate')
    .description('a WebHDFS/Gen1 server and a Gen2 server that keep their files in a directory')
    .option('--dir <dir>', 'where the files are; default: the state directory of the config')
    .option(...configOption, sampleConfig)
    .action((options: { dir?: string; config: string }) => emulate(options.dir, options.config));
  program
    .command('recover')
    .description('says which side is true where the journal of a mount was lost')
    .requiredOption('--truth <side>', 'source or target')
    .option('--mount <path>', 'target root of one mount; default: all that wait')
    .option('--admin <url>', 'admin API of the running gateway', 'http://127.0.0.1:9090')
    .action(async (options: RecoverOptions) => {
      process.exitCode = await runRecover(options, (line) => process.stdout.write(`${line}\n`));
    });
  program
    .command('config')
    .description('work with a config directory')
    .command('check <dir>')
    .description('says whether gateway.yaml and routes.yaml would be accepted')
    .action(async (dir: string) => {
      process.exitCode = await runConfigCheck(dir, (line) => process.stdout.write(`${line}\n`));
    });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    const message =
      error instanceof ConfigError || process.env.TWINLAKE_LOG_LEVEL !== 'debug'
        ? (error as Error).message
        : error;
    process.stderr.write(`${typeof message === 'string' ? message : (message as Error).stack}\n`);
    process.exit(1);
  }
}
