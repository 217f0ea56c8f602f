// The gateway and two stores as an operator would run them: processes of their own, on the sample configuration.
import { join } from 'node:path';
import type { Test } from 'tap';
import { account } from '../end-to-end/clients.ts';
import { projectRoot, type ServerProcess, startServer } from '../end-to-end/server-process.ts';

/** A gateway between two stores. */
export interface Installation {
  /** The source as WebHDFS, without `/webhdfs/v1`. */
  sourceUrl: string;
  /** The target as Gen2, without the account. */
  targetUrl: string;
  /** Clients of either protocol. */
  dataUrl: string;
  adminUrl: string;
  gateway: ServerProcess;
}

/** Any free port, for each listener. */
const freePorts = {
  TWINLAKE_DATA_PORT: '0',
  TWINLAKE_ADMIN_PORT: '0',
  TWINLAKE_EMULATOR_WEBHDFS_PORT: '0',
  TWINLAKE_EMULATOR_DFS_PORT: '0',
};

/**
 * Starts both emulators in one process and the gateway in another; ended with the test.
 * @param sourceUrl a WebHDFS server to use instead of the emulator
 */
export async function startInstallation(t: Test, dir: string, sourceUrl?: string): Promise<Installation> {
  const config = join(projectRoot, 'config');
  const start = async (args: string[], env: Record<string, string>, message: string) => {
    const server = await startServer([...args, '--config', config], { ...freePorts, ...env }, message);
    t.teardown(() => server.kill());
    return server;
  };
  const emulators = await start(['emulate', '--dir', join(dir, 'stores')], {}, 'emulators listen');
  const source = sourceUrl ?? String(emulators.ready.webhdfs);
  const targetUrl = String(emulators.ready.gen2);
  const env = {
    TWINLAKE_STATE_DIR: join(dir, 'state'),
    TWINLAKE_SOURCE_URL: source,
    TWINLAKE_TARGET_URL: `${targetUrl}/${account}`,
  };
  const gateway = await start(['serve'], env, 'gateway listens');
  return {
    sourceUrl: source,
    targetUrl,
    dataUrl: String(gateway.ready.data),
    adminUrl: String(gateway.ready.admin),
    gateway,
  };
}
