// What gateway.yaml says of how clients of a listener prove who they are.
import { Type } from 'typebox';
import { count } from './count.ts';
import { inboundSchemes } from './inbound-schemes.ts';
import type { Secret } from './secret.ts';

const closed = { additionalProperties: false };
const section = { ...closed, default: {} };

const accountKeysSchema = Type.Object(
  {
    key1: Type.Unsafe<Secret>(
      Type.String({ isSecret: true, minLength: 1, description: 'A key, base64, by reference.' }),
    ),
    key2: Type.Optional(
      Type.Unsafe<Secret>(
        Type.String({
          isSecret: true,
          minLength: 1,
          description:
            'Another one that is taken too, so that one can be replaced while the other is in use.',
        }),
      ),
    ),
  },
  closed,
);

const httpsUrl = (description: string) =>
  Type.String({
    pattern: '^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:\\d+)?)(/[^?#@\\s]*)?$',
    expects: 'an https URL without user, query and fragment (http on this machine only)',
    description,
  });

const bearerSchema = Type.Object(
  {
    issuers: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description:
        'Whose tokens are taken (`iss`), e.g. `https://sts.windows.net/TENANT/` and `https://login.microsoftonline.com/TENANT/v2.0`.',
    }),
    audiences: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      default: ['https://storage.azure.com', 'https://storage.azure.com/', 'https://datalake.azure.net/'],
      description: 'For whom tokens must be made (`aud`). Default: what clients of Gen2 and Gen1 ask for.',
    }),
    jwksUrl: httpsUrl(
      'The issuers’ keys, e.g. `https://login.microsoftonline.com/TENANT/discovery/v2.0/keys`.',
    ),
    authorizationUrl: Type.Optional(
      httpsUrl(
        'Where clients get tokens; a 401 tells it, e.g. `https://login.microsoftonline.com/TENANT/oauth2/authorize`.',
      ),
    ),
    clockSkewMs: count(60_000, 0, 'How far the issuer’s clock may be from this machine’s.'),
  },
  closed,
);

export const authSchema = Type.Object(
  {
    schemes: Type.Array(Type.Enum([...inboundSchemes], { expects: `one of ${inboundSchemes.join(', ')}` }), {
      minItems: 1,
      default: ['none'],
      description:
        'How callers may prove who they are: `shared-key`, `sas` (Gen2 clients), `bearer`, `certificate` (both faces), `user-name` (WebHDFS, from trusted networks), or `none`: requests without a credential are taken.',
    }),
    accounts: Type.Record(Type.String(), accountKeysSchema, {
      default: {},
      description:
        'Gen2 accounts by name, with the keys that clients sign with; they need not be those of the target. Needed with `shared-key` and `sas`.',
    }),
    bearer: Type.Optional(bearerSchema),
    userNames: Type.Object(
      {
        networks: Type.Array(Type.String({ expects: 'an address or a network like 10.0.0.0/8' }), {
          default: ['127.0.0.0/8', '::1'],
          description:
            'Whose `user.name` is believed with the scheme `user-name`: addresses of the peers themselves.',
        }),
      },
      section,
    ),
  },
  section,
);
