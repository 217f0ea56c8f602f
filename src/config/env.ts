// The one table of environment variables. A variable wins over the file; an empty one counts as not set.
import type { KeyPath } from './config-error.ts';

/** A variable and the key of gateway.yaml that it replaces. */
export interface EnvVariable {
  name: string;
  key: KeyPath;
}

const variable = (name: string, key: string): EnvVariable => ({ name, key: key.split('.') });

/** All of them, in the order of the documentation. */
export const envVariables: readonly EnvVariable[] = [
  variable('TWINLAKE_DATA_HOST', 'listen.data.host'),
  variable('TWINLAKE_DATA_PORT', 'listen.data.port'),
  variable('TWINLAKE_PUBLIC_URL', 'listen.data.publicUrl'),
  variable('TWINLAKE_TLS_CERT_FILE', 'listen.data.tls.certFile'),
  variable('TWINLAKE_TLS_KEY_FILE', 'listen.data.tls.keyFile'),
  variable('TWINLAKE_ADMIN_HOST', 'listen.admin.host'),
  variable('TWINLAKE_ADMIN_PORT', 'listen.admin.port'),
  variable('TWINLAKE_STATE_DIR', 'state.dir'),
  variable('TWINLAKE_SOURCE_URL', 'stores.source.url'),
  variable('TWINLAKE_TARGET_URL', 'stores.target.url'),
  variable('TWINLAKE_ZOMBIE_MS', 'writes.zombieMs'),
  variable('TWINLAKE_EMULATOR_WEBHDFS_HOST', 'emulators.webhdfs.host'),
  variable('TWINLAKE_EMULATOR_WEBHDFS_PORT', 'emulators.webhdfs.port'),
  variable('TWINLAKE_EMULATOR_WEBHDFS_DIR', 'emulators.webhdfs.dir'),
  variable('TWINLAKE_EMULATOR_DFS_HOST', 'emulators.dfs.host'),
  variable('TWINLAKE_EMULATOR_DFS_PORT', 'emulators.dfs.port'),
  variable('TWINLAKE_EMULATOR_DFS_DIR', 'emulators.dfs.dir'),
  variable('TWINLAKE_LOG_LEVEL', 'log.level'),
];

/** The variable that stands for a key, if there is one. */
export function envNameOf(key: KeyPath): string | undefined {
  return envVariables.find((each) => each.key.join('.') === key.join('.'))?.name;
}
