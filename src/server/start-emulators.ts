// `twinlake emulate`: the same faces over stores/local, as a WebHDFS/Gen1 server and a Gen2 server that keep their files.
import { createIdentify } from '../auth/identify.ts';
import { sharedAccessSignature } from '../auth/sas.ts';
import { sharedKey } from '../auth/shared-key.ts';
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { createDfsFace } from '../faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../faces/webhdfs/webhdfs-face.ts';
import { withAuthorization } from '../layers/authorization.ts';
import { createLocalStore } from '../stores/local/local-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createDataListener } from './data-listener.ts';
import { startDrill } from './drill.ts';
import { linkKey, makeStateDir } from './state-dir.ts';

/** Both emulators, listening. */
export interface Emulators {
  webhdfsUrl: string;
  dfsUrl: string;
  close(): Promise<void>;
}

/** Starts them on the addresses and folders of the config. Rejects if an address is taken. */
export async function startEmulators(
  config: GatewayConfig['emulators'],
  bodyIdleMs: number,
  logger: Logger,
): Promise<Emulators> {
  const { webhdfs, dfs } = config;
  await Promise.all([makeStateDir(webhdfs.dir), makeStateDir(dfs.dir)]);
  // A killed process loses nothing without fsync; a power cut may, and an emulator is no place for what must survive one.
  const common = { fsync: false } as const;
  const hdfsFiles = await createLocalStore({
    ...common,
    name: 'emulated HDFS',
    dir: webhdfs.dir,
    rootFolders: 'any',
  });
  const gen2Files = await createLocalStore({
    ...common,
    name: 'emulated Gen2',
    dir: dfs.dir,
    rootFolders: 'filesystems',
  });
  const hdfs = startDrill(hdfsFiles, webhdfs.chaos, 'emulators.webhdfs', logger);
  const gen2 = startDrill(gen2Files, dfs.chaos, 'emulators.dfs', logger);
  const links = createLinkSigner(await linkKey(webhdfs.dir));
  const keys = new Map(Object.entries(dfs.accounts).map(([name, key]) => [name, [key.reveal()]]));
  const now = Date.now;
  const identify = createIdentify({
    ways: [sharedKey(keys, now), sharedAccessSignature({ keys, behindHttps: false, now })],
    anonymous: false,
  });
  const gen2Store = withAuthorization(gen2.store, (ctx) => ({
    ctx,
    lists: ctx.caller.grants ? [ctx.caller.grants] : [],
  }));
  const hdfsListener = await createDataListener({
    faces: { webhdfs: hdfs.face(createWebhdfsFace({ store: hdfs.store, links })) },
    host: webhdfs.host,
    port: webhdfs.port,
    bodyIdleMs,
    logger,
  });
  const gen2Listener = await createDataListener({
    faces: { dfs: gen2.face(createDfsFace({ store: gen2Store, accounts: [...keys.keys()], identify })) },
    host: dfs.host,
    port: dfs.port,
    bodyIdleMs,
    logger,
  }).catch(async (error) => {
    await hdfsListener.close();
    throw error;
  });
  return {
    webhdfsUrl: hdfsListener.url,
    dfsUrl: gen2Listener.url,
    async close() {
      await Promise.all([hdfsListener.close(), gen2Listener.close()]);
      await Promise.all([hdfs.store.close?.(), gen2.store.close?.()]);
    },
  };
}
