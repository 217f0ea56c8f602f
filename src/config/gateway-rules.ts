// What the schema of gateway.yaml cannot say: values that follow from others, and values that contradict each other.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { accountName, authProblems, noAccountName } from './auth-rules.ts';
import { type ChaosConfig, chaosProblems } from './chaos-schema.ts';
import type { KeyPath } from './config-error.ts';
import type { GatewayConfig } from './gateway-schema.ts';
import { type SchemaNode, schemaAt } from './schema-node.ts';
import { devstoreKey, secretOf } from './secret.ts';
import type { Gen2Config, IdentityConfig, StoreConfig } from './store-schema.ts';

const sides = ['source', 'target'] as const;

/** A value that fits its schema, and what is known of where it came from. */
interface CheckedValue {
  schema: SchemaNode;
  value: unknown;
  /** The same without environment variables: what the file alone says. */
  beforeEnv: unknown;
  /** The folder that a relative path at this key is relative to. */
  dirOf(key: KeyPath): string;
  /** Keys that came from variables, as `formatKeyPath` prints them. */
  urlsFromEnv: readonly string[];
}

/** The config with absolute paths, hidden secrets, and what follows from other keys. */
export function completeConfig(checked: CheckedValue): GatewayConfig {
  const config = refine(checked, checked.value, []) as GatewayConfig;
  const dirs = join(config.state.dir, 'emulators');
  const { webhdfs, dfs } = config.emulators;
  const emulators = {
    webhdfs: { ...webhdfs, dir: webhdfs.dir ?? join(dirs, 'webhdfs') },
    dfs: { ...dfs, dir: dfs.dir ?? join(dirs, 'dfs') },
  };
  const written = checked.beforeEnv as GatewayConfig;
  const store = (side: 'source' | 'target'): StoreConfig => {
    const fixed = checked.urlsFromEnv.includes(`stores.${side}.url`);
    const followed = fixed ? config.stores[side] : followEmulator(config.stores[side], written, config);
    return followed.type === 'adls-gen2' ? completeGen2(followed) : followed;
  };
  return { ...config, emulators, stores: { source: store('source'), target: store('target') } };
}

function refine(checked: CheckedValue, value: unknown, path: KeyPath): unknown {
  if (Array.isArray(value)) return value.map((item, i) => refine(checked, item, [...path, i]));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, refine(checked, item, [...path, name])]),
    );
  }
  const node = schemaAt(checked.schema, path);
  if (typeof value !== 'string') return value;
  if (node?.isSecret) return secretOf(value === 'devstore' ? devstoreKey : value);
  return node?.isPath ? resolve(checked.dirOf(path), value) : value;
}

/**
 * A store whose URL is the address that the file gives an emulator stays with that emulator when a variable moves it:
 * `TWINLAKE_EMULATOR_DFS_PORT=0 npm start` must not need a second variable.
 */
function followEmulator(store: StoreConfig, written: GatewayConfig, config: GatewayConfig): StoreConfig {
  if (!('url' in store)) return store;
  const kind = store.type === 'adls-gen2' ? 'dfs' : 'webhdfs';
  const url = new URL(store.url);
  const before = written.emulators[kind];
  if (url.hostname !== before.host || url.port !== String(before.port)) return store;
  const now = config.emulators[kind];
  return { ...store, url: `${url.protocol}//${now.host}:${now.port}${url.pathname}`.replace(/\/$/, '') };
}

/** Path style names the account in the path, host style in the host's first label. */
function completeGen2(store: Gen2Config): Gen2Config {
  const { hostname, pathname } = new URL(store.url);
  const account =
    store.account ?? pathname.split('/').findLast((part) => part !== '') ?? hostname.split('.')[0]!;
  const needsIdentity = !store.key && !store.sas && !store.identity;
  return {
    ...store,
    account,
    ...(needsIdentity ? { identity: { kind: 'default' as const, forwardCallers: false } } : {}),
  };
}

/** Keys that contradict each other or the machine. */
export function crossChecks(config: GatewayConfig): { path: KeyPath; reason: string }[] {
  const found: { path: KeyPath; reason: string }[] = [];
  const note = (path: string, reason: string): void => {
    found.push({ path: path.split('.'), reason });
  };
  for (const side of sides) {
    const store = config.stores[side];
    if (store.type === 'adls-gen2') {
      const given = (['key', 'sas', 'identity'] as const).filter((name) => store[name] !== undefined);
      if (given.length > 1)
        note(`stores.${side}.${given[1]}`, `one of ${given.join(', ')} must go: give one credential`);
    }
    if ('identity' in store && store.identity) {
      for (const name of missingOf(store.identity))
        note(`stores.${side}.identity.${name}`, `missing key '${name}': kind client-secret needs it`);
      if (store.identity.forwardCallers && !config.listen.data.auth.schemes.includes('bearer'))
        note(`stores.${side}.identity.forwardCallers`, 'needs `bearer` in `listen.data.auth.schemes`');
    }
  }
  const { tls, port } = config.listen.data;
  for (const name of ['certFile', 'keyFile', 'clientCaFile'] as const) {
    const file = tls?.[name];
    if (file !== undefined && !existsSync(file)) note(`listen.data.tls.${name}`, `there is no file ${file}`);
  }
  found.push(...authProblems(config.listen.data));
  const { admin } = config.listen;
  if (port !== 0 && port === admin.port && config.listen.data.host === admin.host)
    note('listen.admin.port', 'the data listener has this port');
  const { lagBytes, lagTotalBytes, uploadIdleMs, blocksIdleMs } = config.writes;
  if (blocksIdleMs < uploadIdleMs)
    note('writes.blocksIdleMs', `must be at least uploadIdleMs (${uploadIdleMs})`);
  if (lagTotalBytes < lagBytes) note('writes.lagTotalBytes', `must be at least lagBytes (${lagBytes})`);
  const { backoffMs, backoffMaxMs } = config.repair;
  if (backoffMaxMs < backoffMs) note('repair.backoffMaxMs', `must be at least backoffMs (${backoffMs})`);
  const drills: [KeyPath, ChaosConfig | undefined][] = [
    ...sides.map((side): [KeyPath, ChaosConfig | undefined] => [
      ['stores', side, 'layers', 'chaos'],
      config.stores[side].layers.chaos,
    ]),
    [['emulators', 'webhdfs', 'chaos'], config.emulators.webhdfs.chaos],
    [['emulators', 'dfs', 'chaos'], config.emulators.dfs.chaos],
  ];
  for (const [at, drill] of drills) {
    for (const { path, reason } of drill ? chaosProblems(drill) : [])
      found.push({ path: [...at, ...path], reason });
  }
  for (const name of Object.keys(config.emulators.dfs.accounts)) {
    if (!accountName.test(name)) note(`emulators.dfs.accounts.${name}`, noAccountName(name));
  }
  return found;
}

function missingOf(identity: IdentityConfig): string[] {
  if (identity.kind !== 'client-secret') return [];
  return (['tenantId', 'clientId', 'clientSecret'] as const).filter((name) => identity[name] === undefined);
}
