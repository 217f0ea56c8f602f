// The shape of gateway.yaml: every key with its default and what it means; docs/configuration.md is made from it.
import { type Static, type TSchema, Type } from 'typebox';
import { authSchema } from './auth-schema.ts';
import { chaosSchema } from './chaos-schema.ts';
import { count } from './count.ts';
import type { Secret } from './secret.ts';
import type { StoreConfig } from './store-schema.ts';

const closed = { additionalProperties: false };
const section = { ...closed, default: {} };

const host = (description: string) => Type.String({ default: '127.0.0.1', minLength: 1, description });
const port = (value: number, description: string) =>
  Type.Integer({
    default: value,
    minimum: 0,
    maximum: 65_535,
    expects: 'a port: 0 to 65535',
    description: `${description} 0 takes any free port.`,
  });
const path = (description: string) => Type.String({ isPath: true, minLength: 1, description });

const listenSchema = Type.Object(
  {
    data: Type.Object(
      {
        host: host('Address that clients’ requests are accepted on.'),
        port: port(8080, 'Port of both faces.'),
        publicUrl: Type.Optional(
          Type.String({
            pattern: '^https?://[^/?#@\\s]+/?$',
            expects: 'an http or https URL without a path',
            description:
              'How clients reach this listener; redirects of two-step writes point there. Default: what the request’s Host header says.',
          }),
        ),
        tls: Type.Optional(
          Type.Object(
            {
              certFile: path(
                'PEM file with the certificate and its chain. A changed one is taken within 10 seconds.',
              ),
              keyFile: path('PEM file with the private key.'),
              clientCaFile: Type.Optional(
                path('PEM file with the CA of clients’ certificates. Needed with the scheme `certificate`.'),
              ),
            },
            closed,
          ),
        ),
        auth: authSchema,
      },
      section,
    ),
    admin: Type.Object(
      {
        host: host('Address of metrics, health and admin API.'),
        port: port(9090, 'Port of metrics, health and admin API.'),
      },
      section,
    ),
  },
  section,
);

const stateSchema = Type.Object(
  {
    dir: path(
      'Directory of everything that must survive a restart: journal, keys, emulators’ files. Made if missing.',
    ),
  },
  { ...closed, default: {} },
);

const writesSchema = Type.Object(
  {
    lagMs: count(
      2_000,
      0,
      'How long the secondary may lag behind the primary before it is let go and becomes a divergence.',
    ),
    lagBytes: count(8 * 1024 ** 2, 65_536, 'How many bytes of one request the secondary may lag behind.'),
    lagTotalBytes: count(256 * 1024 ** 2, 65_536, 'The same for all requests of the process together.'),
    lagRequests: count(
      256,
      1,
      'How many answered writes may wait for one side at once; further ones are not sent there and diverge.',
    ),
    lockWaitMs: count(5_000, 0, 'How long a write waits for its path before it is refused with 503.'),
    maxLockWaiters: count(10_000, 1, 'Writes that may wait for paths at once.'),
    settleMs: count(
      5_000,
      0,
      'How long a rename, concat or recursive delete may wait until paths with two truths are settled.',
    ),
    orderWaitMs: count(
      10_000,
      0,
      'How long an append out of order waits for its turn on a store that appends only at the end.',
    ),
    bodyIdleMs: count(60_000, 1, 'How long a request’s body may stand still before it is cut.'),
    zombieMs: count(
      120_000,
      0,
      'How long a request that was given up may still be applied by a store: at least the store’s own request timeout and 60 s.',
    ),
    uploadIdleMs: count(86_400_000, 1, 'How long an upload may stand still before its record is closed.'),
    blocksIdleMs: count(
      604_800_000,
      1,
      'How long blocks without a Put Block List are kept on a store that only appends, at least uploadIdleMs; Gen2 itself keeps them a week.',
    ),
    linkTtlMs: count(3_600_000, 1_000, 'How long the redirect of a two-step write may be used.'),
  },
  section,
);

const repairSchema = Type.Object(
  {
    concurrency: count(4, 1, 'Divergences that are settled at once.'),
    pollMs: count(1_000, 10, 'How often the journal is asked for divergences.'),
    backoffMs: count(
      1_000,
      1,
      'How long a divergence that could not be settled is left alone the first time.',
    ),
    backoffMaxMs: count(60_000, 1, 'The longest it is left alone; the wait doubles from failure to failure.'),
  },
  section,
);

const journalSchema = Type.Object(
  {
    retryMs: count(
      1_000,
      10,
      'How often a journal that could not write (full disk) tries again; until then mutations are refused.',
    ),
    maxDivergencesPerFolder: count(
      10_000,
      2,
      'Most names in a folder that may diverge with one truth; beyond, the folder diverges as a whole and is marched through.',
    ),
    maxBytes: count(
      134_217_728,
      1_048_576,
      'Most bytes of the journal in use (some 300 for a divergent path). At the limit folders diverge as a whole from fewer names on; two-sided writes are refused only when nothing is left to be joined.',
    ),
  },
  section,
);

const emulatorsSchema = Type.Object(
  {
    webhdfs: Type.Object(
      {
        host: host('Address of the WebHDFS and Gen1 emulator.'),
        port: port(9870, 'Port of the WebHDFS and Gen1 emulator.'),
        dir: Type.Optional(path('Where its files are. Default: `emulators/webhdfs` in `state.dir`.')),
        chaos: Type.Optional(chaosSchema),
      },
      section,
    ),
    dfs: Type.Object(
      {
        host: host('Address of the Gen2 emulator.'),
        port: port(10_004, 'Port of the Gen2 emulator.'),
        dir: Type.Optional(path('Where its files are. Default: `emulators/dfs` in `state.dir`.')),
        accounts: Type.Record(
          Type.String(),
          Type.Unsafe<Secret>(Type.String({ isSecret: true, minLength: 1 })),
          {
            default: { devstoreaccount1: 'devstore' },
            description:
              'Accounts by name, each with its key by reference; `devstore` is the well-known key of emulators.',
          },
        ),
        chaos: Type.Optional(chaosSchema),
      },
      section,
    ),
  },
  section,
);

const sections = {
  listen: listenSchema,
  state: stateSchema,
  accounts: Type.Array(Type.String({ pattern: '^[a-z0-9]{3,24}$', expects: 'an account name' }), {
    minItems: 1,
    default: ['devstoreaccount1'],
    description:
      'Gen2 account names that clients may put in front of the path (`/devstoreaccount1/lake/x`), as path-style URLs do.',
  }),
  writes: writesSchema,
  repair: repairSchema,
  journal: journalSchema,
  emulators: emulatorsSchema,
  log: Type.Object(
    {
      level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        default: 'info',
        description: 'Lowest level that is logged.',
      }),
    },
    section,
  ),
};

/** gateway.yaml as a whole, for stores of these schemas. */
export function gatewaySchema<S extends TSchema, T extends TSchema>(source: S, target: T) {
  return Type.Object({ ...sections, stores: Type.Object({ source, target }, closed) }, closed);
}

type Sections = { [K in keyof typeof sections]: Static<(typeof sections)[K]> };
type Emulator = Sections['emulators']['webhdfs'] & { dir: string };

/** gateway.yaml, checked, with all defaults; files and folders are absolute. */
export interface GatewayConfig extends Omit<Sections, 'emulators'> {
  stores: { source: StoreConfig; target: StoreConfig };
  emulators: { webhdfs: Emulator; dfs: Sections['emulators']['dfs'] & { dir: string } };
}
