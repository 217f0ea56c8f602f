// The shape of routes.yaml. What a schema cannot say (ties, mounts, pairs) is in the rules beside it.
import { type Static, Type } from 'typebox';
import { inboundSchemes } from './inbound-schemes.ts';

const closed = { additionalProperties: false };
const aSide = 'a store: source or target';

const mountSchema = Type.Object(
  {
    source: Type.String({
      pattern: '^/',
      expects: 'an absolute path, like /clusters/billing',
      description: 'Root of the subtree in the source store.',
    }),
    target: Type.String({
      pattern: '^/',
      expects: 'an absolute path, like /billing',
      description:
        'Root of the same subtree in the target store. In a Gen2 account the first segment is the filesystem; `/` is the whole account.',
    }),
  },
  { ...closed, expects: 'a pair like { source: /lake, target: /lake }' },
);

const mounts = (description: string) => Type.Array(mountSchema, { minItems: 1, description });

const names = (expects: string, description: string) =>
  Type.Array(Type.String({ minLength: 1, expects }), { minItems: 1, description });

const headerValue = Type.Union(
  [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
  { expects: 'text or a list of texts' },
);

const matchSchema = Type.Object(
  {
    hosts: Type.Optional(
      names(
        'a host name without a port',
        'Host names that the client may have called, without port; case does not count.',
      ),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), headerValue, {
        description:
          'Header names with the value, or the list of values, that each must have. Every header counts as one key.',
      }),
    ),
    users: Type.Optional(
      names(
        'a user name',
        'WebHDFS `user.name`, SharedKey account or the user of a token. Counts only if authenticated, or on loopback.',
      ),
    ),
    clients: Type.Optional(
      names(
        'an Entra application id',
        'Entra application ids. Counts only if authenticated, or on loopback.',
      ),
    ),
  },
  {
    ...closed,
    description:
      'Which callers are this app: all keys must fit, any member of a list will do, the app with more keys wins. An app without `match` is the default app.',
  },
);

const accessSchema = Type.Object(
  {
    schemes: Type.Optional(
      Type.Array(Type.Enum([...inboundSchemes], { expects: `one of ${inboundSchemes.join(', ')}` }), {
        minItems: 1,
        description:
          'How the app’s callers must have proven who they are. Default: any way that the listener takes (`listen.data.auth.schemes`).',
      }),
    ),
    paths: Type.Optional(
      names(
        'an absolute path of the target, like /billing/reports',
        'Folders that the app is confined to, in the target’s names; of the folders above them only attributes may be asked.',
      ),
    ),
    readOnly: Type.Boolean({ default: false, description: 'Every change is refused.' }),
  },
  closed,
);

const appSchema = Type.Object(
  {
    match: Type.Optional(matchSchema),
    reads: Type.Enum(['source', 'target'], {
      expects: aSide,
      description:
        'Where reads go; this side is the primary of writes. Changing it is the cutover, or the rollback.',
    }),
    writes: Type.Enum(['source', 'both', 'target'], {
      expects: 'a store or both: source, both or target',
      description:
        'Where writes go. With `reads: source`: source or both; with `reads: target`: both or target.',
    }),
    ack: Type.Enum(['primary', 'both'], {
      default: 'primary',
      description:
        'When a write is answered: when the primary has it, or when both have it. Only with `writes: both`.',
    }),
    ackFallback: Type.Enum(['degrade', 'refuse'], {
      default: 'degrade',
      description:
        'With `ack: both`, when the secondary does not have it: answer anyway and remember the divergence, or fail the request.',
    }),
    failover: Type.Enum(['none', 'reads', 'full'], {
      default: 'reads',
      description:
        'What may go to the other store while the primary is away and the path is clean: nothing, reads, or reads and writes. Only with `writes: both`.',
    }),
    mounts: Type.Optional(mounts('The app’s own mounts; they replace the list at the top of the file.')),
    access: Type.Optional(accessSchema),
    namespace: Type.Optional(
      Type.Enum(['source', 'target'], {
        expects: aSide,
        description:
          'Whose paths the clients use. Without it WebHDFS and Gen1 clients use the source’s paths, Gen2 clients the target’s.',
      }),
    ),
  },
  closed,
);

/** routes.yaml as a whole. */
export const routesSchema = Type.Object(
  {
    mounts: Type.Optional(mounts('Mounts of every app that has none of its own.')),
    apps: Type.Record(Type.String(), appSchema, {
      minProperties: 1,
      expects: 'a map of at least one app',
      description: 'The apps by name.',
    }),
  },
  { ...closed, expects: 'a map with the keys `mounts` and `apps`' },
);

/** routes.yaml once it fits the schema, defaults filled in. */
export type RoutesContent = Static<typeof routesSchema>;
export type AppEntry = RoutesContent['apps'][string];
export type MatchEntry = NonNullable<AppEntry['match']>;
