// Azure Data Lake Store Gen1 as a store: the WebHDFS operations, with Gen1's own requests below them.
import type { Dispatcher } from 'undici';
import type { Store, Supports } from '../../core/store.ts';
import { createHadoopStore } from '../webhdfs/hadoop-store.ts';
import { createParts } from '../webhdfs/store-parts.ts';
import { createTransport } from '../webhdfs/transport.ts';
import { createGen1Calls } from './gen1-calls.ts';
import { msConcat } from './ms-concat.ts';
import { createTokenSource, type TokenProvider } from './token-source.ts';

export interface AdlsGen1StoreOptions {
  name: string;
  /** Of the account, such as `https://ACCOUNT.azuredatalakestore.net`. */
  url: string;
  /** A credential of `@azure/identity`, or anything that gives tokens. */
  credential: TokenProvider;
  /** The Authorization header of who is asked for now; undefined: the credential's own. */
  onBehalf?: () => string | undefined;
  /** The caller closes it. */
  dispatcher?: Dispatcher;
  /** At most so many; default 128. */
  connections?: number;
  /** Default 60,000. */
  headersTimeoutMs?: number;
  /** Epoch milliseconds; default the system's clock. */
  now?: () => number;
}

/** Gen1 has no extended attributes: properties and content headers are refused. */
const supports: Supports = {
  timePrecisionMs: 1,
  staging: false,
  acl: true,
  owners: true,
  properties: false,
  setTimes: true,
  expiry: true,
  leases: false,
  concat: true,
  atomicCreate: false,
  rootFolders: 'any',
};

/** A store over one Gen1 account. It asks for a token before the first request. */
export function createAdlsGen1Store(options: AdlsGen1StoreOptions): Store {
  const transport = createTransport(options);
  const own = createTokenSource(options.credential, options.now ?? Date.now);
  const authorization = async (): Promise<string> => options.onBehalf?.() ?? own();
  const calls = createGen1Calls(options.url, authorization, transport);
  return createHadoopStore(createParts(options.name, calls, supports), transport.close, { concat: msConcat });
}
