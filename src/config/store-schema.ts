// What gateway.yaml says of one store, by its type.
import { type Static, Type } from 'typebox';
import { chaosSchema } from './chaos-schema.ts';
import { count } from './count.ts';
import type { Secret } from './secret.ts';

const closed = { additionalProperties: false };

const secret = (description: string) =>
  Type.Optional(Type.Unsafe<Secret>(Type.String({ isSecret: true, minLength: 1, description })));

const url = (description: string) =>
  Type.String({
    pattern: '^https?://[^/?#@\\s]+(/[^?#@\\s]*)?$',
    expects: 'an http or https URL without user, query and fragment',
    description,
  });

const layersSchema = Type.Object(
  {
    timeoutMs: count(
      30_000,
      1,
      'How long the store may take to answer, and how long a body may stand still, before the request is given up.',
    ),
    concurrency: count(256, 1, 'Requests that the store gets at once.'),
    queueDepth: count(
      1024,
      0,
      'Requests that may wait for their turn; more are refused at once as `throttled`.',
    ),
    breaker: Type.Object(
      {
        volumeThreshold: count(10, 1, 'Fewer requests than this within the window never open the breaker.'),
        errorPercent: Type.Integer({
          default: 50,
          minimum: 1,
          maximum: 100,
          description: 'Percent of temporary failures within the window that open the breaker.',
        }),
        rollingMs: count(10_000, 100, 'The window.'),
        resetMs: count(5_000, 1, 'How long the breaker stays open before one request is let through to try.'),
      },
      { ...closed, default: {} },
    ),
    chaos: Type.Optional(chaosSchema),
  },
  { ...closed, default: {} },
);

const identityKeys = {
  kind: Type.Enum(['default', 'managed', 'workload', 'cli', 'client-secret', 'none'], {
    default: 'default',
    description:
      'Where tokens come from: the usual chain of @azure/identity, a managed identity, a Kubernetes workload identity, the `az` login, a client secret, or no token at all (emulators).',
  }),
  tenantId: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Entra tenant. Needed with `kind: client-secret`; with `workload` it wins over `AZURE_TENANT_ID`.',
    }),
  ),
  clientId: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Entra application, or the user-assigned managed identity. Needed with `kind: client-secret`; with `workload` it wins over `AZURE_CLIENT_ID`.',
    }),
  ),
  tokenFile: Type.Optional(
    Type.String({
      isPath: true,
      minLength: 1,
      description:
        'With `kind: workload`: where Kubernetes puts the service account’s token. Default: `AZURE_FEDERATED_TOKEN_FILE`.',
    }),
  ),
  authorityHost: Type.Optional(
    Type.String({
      pattern: '^https://[^/?#@\\s]+/?$',
      expects: 'an https URL without a path',
      description:
        'Who gives tokens where it is not the public Entra (sovereign and private clouds), for `client-secret` and `workload`; it is not asked of Microsoft whether that is one of theirs.',
    }),
  ),
  forwardCallers: Type.Boolean({
    default: false,
    description:
      'Requests of a caller with a bearer token carry that token, if its audience is this store’s, so that the store’s own ACLs judge; a token for others is refused. All else, repair too, uses the identity named here.',
  }),
  clientSecret: secret('The application’s secret, by reference. Needed with `kind: client-secret`.'),
};

const identitySchema = Type.Object(identityKeys, closed);
const defaultIdentitySchema = Type.Object(identityKeys, { ...closed, default: {} });

const type = <const T extends string>(name: T, description: string) =>
  Type.Enum([name], { description, expects: 'the name of a store type' });

const webhdfs = Type.Object(
  {
    type: type('webhdfs', 'Hadoop over WebHDFS (NameNode and DataNodes) or HttpFS.'),
    url: url('Where the NameNode or HttpFS listens, e.g. `http://namenode:9870`.'),
    user: Type.String({
      default: 'twinlake',
      minLength: 1,
      description: 'The `user.name` that the gateway sends.',
    }),
    layers: layersSchema,
  },
  closed,
);

const gen1 = Type.Object(
  {
    type: type('adls-gen1', 'Azure Data Lake Store Gen1.'),
    url: url('The account, e.g. `https://ACCOUNT.azuredatalakestore.net`.'),
    identity: defaultIdentitySchema,
    layers: layersSchema,
  },
  closed,
);

const gen2 = Type.Object(
  {
    type: type('adls-gen2', 'Azure Data Lake Storage Gen2.'),
    url: url(
      'The account’s DFS endpoint, e.g. `https://ACCOUNT.dfs.core.windows.net`, or `http://HOST:PORT/ACCOUNT` (path style).',
    ),
    account: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9]{3,24}$',
        expects: 'an account name: 3 to 24 lower-case letters and digits',
        description:
          'The account’s name. Default: the last path segment of `url`, else the first label of its host.',
      }),
    ),
    key: secret(
      'Account key for SharedKey, by reference; or the word `devstore` for the well-known key of emulators.',
    ),
    sas: secret('A SAS token, by reference.'),
    identity: Type.Optional(identitySchema),
    layers: layersSchema,
  },
  closed,
);

const local = Type.Object(
  {
    type: type('local', 'A directory of this machine.'),
    dir: Type.String({ isPath: true, minLength: 1, description: 'The directory; made if missing.' }),
    layers: layersSchema,
  },
  closed,
);

const memory = Type.Object(
  { type: type('memory', 'In memory, gone with the process. For trials.'), layers: layersSchema },
  closed,
);

/** The schema of a store by its `type`. */
export const storeSchemas = { webhdfs, 'adls-gen1': gen1, 'adls-gen2': gen2, local, memory } as const;

/** For a store whose type is missing or unknown: complains of the type only. */
export const untypedStoreSchema = Type.Object({
  type: Type.Enum(Object.keys(storeSchemas), {
    expects: `a store type: ${Object.keys(storeSchemas).join(', ')}`,
    description: 'What kind of store it is.',
  }),
});

export type LayersConfig = Static<typeof layersSchema>;
export type IdentityConfig = Static<typeof identitySchema>;
type WebhdfsConfig = Static<typeof webhdfs>;
export type Gen1Config = Static<typeof gen1>;
/** With the account's name filled in, and an identity if neither key nor SAS is given. */
export type Gen2Config = Static<typeof gen2> & { account: string };
type LocalConfig = Static<typeof local>;
type MemoryConfig = Static<typeof memory>;
export type StoreConfig = WebhdfsConfig | Gen1Config | Gen2Config | LocalConfig | MemoryConfig;
