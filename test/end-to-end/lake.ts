// A whole installation for one test: two emulators and the gateway as real processes on ports of their own, any of which may be killed
// and started again.
import { writeFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ChaosConfig } from '../../src/config/chaos-schema.ts';
import type { Side } from '../../src/core/store.ts';
import { type LogLine, type ServerProcess, startServer } from './server-process.ts';

/** routes.yaml of one default app on the mount /lake. */
export function routesOf(app: {
  reads: Side;
  writes?: Side | 'both';
  failover?: string;
  ack?: 'primary' | 'both';
}): string {
  return `mounts:
  - { source: /lake, target: /lake }
apps:
  default:
    reads: ${app.reads}
    writes: ${app.writes ?? 'both'}
    failover: ${app.failover ?? 'reads'}
    ack: ${app.ack ?? 'primary'}
`;
}

/** One process of the installation; the same address and folder however often it is started again. */
export interface Part {
  readonly url: string;
  readonly log: readonly LogLine[];
  /** Of the running process. */
  pid(): number;
  /** The most memory that the running process ever had resident, in MiB. */
  peakMiB(): Promise<number>;
  kill(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  start(): Promise<void>;
}

/** The installation. */
export interface Lake {
  /** WebHDFS emulator. */
  source: Part;
  /** Gen2 emulator; `url` is without the account. */
  target: Part;
  gateway: Part & { readonly adminUrl: string };
  configDir: string;
  /** Replaces routes.yaml in one step, as editors and Kubernetes do. */
  setRoutes(text: string): Promise<void>;
  /** Faults that each part has from its next start on. */
  setChaos(chaos: LakeChaos): Promise<void>;
}

/** Faults on purpose: in the gateway, in front of a store; or in the emulator itself. */
export interface LakeChaos {
  stores?: Partial<Record<Side, ChaosConfig>>;
  emulators?: Partial<Record<Side, ChaosConfig>>;
}

/** The test that it belongs to. */
type Owner = Pick<Test, 'testdir' | 'teardown'>;

/** What may be different. */
export interface LakeOptions {
  routes?: string;
  /** Appended to gateway.yaml's `writes`. */
  writes?: Record<string, number>;
  /** How long a store may take to answer, milliseconds. */
  timeoutMs?: number;
  /** Addresses of stores that the test serves itself; no emulator is started for them. */
  sourceUrl?: string;
  targetUrl?: string;
  /** More environment of the gateway's process. */
  gatewayEnv?: Record<string, string>;
  /** What stands between the gateway and its stores: takes the address of a store, gives the one to use instead. */
  roads?: Partial<Record<Side, (url: string) => Promise<string>>>;
}

/** Short waits, so that a test sees breakers close and repair finish soon. */
function gatewayYaml(options: LakeOptions, { stores, emulators }: LakeChaos = {}): string {
  const breaker = { resetMs: 500, rollingMs: 2000, volumeThreshold: 5 };
  const layersOf = (chaos: ChaosConfig | undefined): string =>
    JSON.stringify({ timeoutMs: options.timeoutMs ?? 5000, breaker, ...(chaos ? { chaos } : {}) });
  const drill = (chaos: ChaosConfig | undefined): string => JSON.stringify(chaos ? { chaos } : {});
  const writes = { zombieMs: 500, bodyIdleMs: 5000, ...options.writes };
  return `state: { dir: ../state }
stores:
  source:
    type: webhdfs
    url: http://127.0.0.1:9870
    user: twinlake
    layers: ${layersOf(stores?.source)}
  target:
    type: adls-gen2
    url: http://127.0.0.1:10004/devstoreaccount1
    key: devstore
    layers: ${layersOf(stores?.target)}
emulators:
  webhdfs: ${drill(emulators?.source)}
  dfs: ${drill(emulators?.target)}
writes: ${JSON.stringify(writes)}
repair: { pollMs: 100, backoffMs: 100, backoffMaxMs: 500 }
`;
}

/** A part that remembers its addresses from its first start. */
async function createPart(
  args: readonly string[],
  message: string,
  envFor: (ready: LogLine | undefined) => Record<string, string>,
): Promise<{ first: LogLine; part: (url: string) => Part; end(): Promise<void> }> {
  let running: ServerProcess | undefined = await startServer(args, envFor(undefined), message);
  const first = running.ready;
  const formerLog: LogLine[] = [];
  const end = async (how: 'kill' | 'stop'): Promise<number | null> => {
    const was = running;
    running = undefined;
    if (!was) return null;
    const code = await was[how]();
    formerLog.push(...was.log);
    return code ?? null;
  };
  return {
    first,
    end: () => end('kill').then(() => undefined),
    part: (url) => ({
      url,
      get log() {
        return [...formerLog, ...(running?.log ?? [])];
      },
      pid() {
        if (!running) throw new Error('it is not running');
        return running.pid;
      },
      async peakMiB() {
        if (!running) throw new Error('it is not running');
        return running.peakMiB();
      },
      kill: () => end('kill').then(() => undefined),
      stop: () => end('stop'),
      async start() {
        if (running) throw new Error('it is running');
        running = await startServer(args, envFor(first), message);
      },
    }),
  };
}

const portOf = (url: unknown): string => new URL(String(url)).port;

async function createEmulator(t: Owner, dir: string, configDir: string, face: 'webhdfs' | 'gen2') {
  const made = await createPart(
    ['emulate', '--dir', join(dir, face), '--config', configDir],
    'emulators listen',
    (before) => ({
      TWINLAKE_EMULATOR_WEBHDFS_PORT: before && face === 'webhdfs' ? portOf(before.webhdfs) : '0',
      TWINLAKE_EMULATOR_DFS_PORT: before && face === 'gen2' ? portOf(before.gen2) : '0',
    }),
  );
  t.teardown(() => made.end());
  return made.part(String(made.first[face]));
}

/** A part that the test serves itself. */
function foreign(url: string): Part {
  const refuse = async (): Promise<never> => {
    throw new Error(`${url} is served by the test itself`);
  };
  return { url, log: [], pid: () => Number.NaN, peakMiB: refuse, kill: refuse, stop: refuse, start: refuse };
}

/** Everything running; ended at the end of the test. */
export async function startLake(t: Owner, options: LakeOptions = {}): Promise<Lake> {
  const dir = t.testdir({});
  const configDir = join(dir, 'config');
  const routesFile = join(configDir, 'routes.yaml');
  await mkdir(configDir);
  await writeFile(join(configDir, 'gateway.yaml'), gatewayYaml(options));
  writeFileSync(routesFile, options.routes ?? routesOf({ reads: 'source' }));
  const [source, target] = await Promise.all([
    options.sourceUrl ? foreign(options.sourceUrl) : createEmulator(t, dir, configDir, 'webhdfs'),
    options.targetUrl ? foreign(options.targetUrl) : createEmulator(t, dir, configDir, 'gen2'),
  ]);
  const { roads = {} } = options;
  const reached = {
    source: (await roads.source?.(source.url)) ?? source.url,
    target: (await roads.target?.(target.url)) ?? target.url,
  };
  const made = await createPart(['serve', '--config', configDir], 'gateway listens', (before) => ({
    TWINLAKE_DATA_PORT: before ? portOf(before.data) : '0',
    TWINLAKE_ADMIN_PORT: before ? portOf(before.admin) : '0',
    TWINLAKE_SOURCE_URL: reached.source,
    TWINLAKE_TARGET_URL: `${reached.target}/devstoreaccount1`,
    ...options.gatewayEnv,
  }));
  t.teardown(() => made.end());
  const gateway = made.part(String(made.first.data));
  return {
    source,
    target,
    gateway: Object.assign(gateway, { adminUrl: String(made.first.admin) }),
    configDir,
    async setRoutes(text) {
      await writeFile(`${routesFile}.new`, text);
      await rename(`${routesFile}.new`, routesFile);
    },
    setChaos: (chaos) => writeFile(join(configDir, 'gateway.yaml'), gatewayYaml(options, chaos)),
  };
}
