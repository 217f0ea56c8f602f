// What the gateway itself is to a store: @azure/identity's real code against an Entra of our own, its tokens checked by a Gen2 over TLS.
import { resolve } from 'node:path';
import t, { type Test } from 'tap';
import { secretOf } from '../src/config/secret.ts';
import type { Gen1Config, Gen2Config, IdentityConfig } from '../src/config/store-schema.ts';
import { makeStore } from '../src/server/make-store.ts';
import { createFixture } from './contract/fixture.ts';
import { type Grant, openEntra, tenantId } from './fake-entra.ts';
import { both, inboundGateway } from './inbound-bench.ts';

const pem = (name: string) => resolve(import.meta.dirname, `tls/${name}.pem`);

/** A Gen2 endpoint that takes tokens of this Entra and lets only `app-1` write; and the driver of an identity for it. */
async function bench(t: Test, knows: (grant: Grant) => string | undefined) {
  const entra = await openEntra(t, knows);
  const issuer = `https://sts.windows.net/${tenantId}/`;
  const tls = `tls: { certFile: ${pem('cert')}, keyFile: ${pem('key')} }`;
  const bearer = `bearer: { issuers: ["${issuer}"], jwksUrl: "${entra.url}/keys" }`;
  const routes = `  default: { ${both}, access: { readOnly: true } }\n  one: { ${both}, match: { users: [app-1] } }`;
  // The keys’ URL has a host name, and is https as in life.
  const lake = await inboundGateway(t, `${tls}, auth: { schemes: [bearer], ${bearer} }`, routes);
  const storeWith = async (identity: Partial<IdentityConfig>) => {
    const url = `${lake.url}/acct`;
    const config = { type: 'adls-gen2', url, account: 'acct', identity } as Gen2Config;
    const store = await makeStore('target', config);
    t.teardown(() => store.close?.());
    return createFixture(store, '/lake');
  };
  return { entra, storeWith, url: lake.url, tls, bearer };
}

/** For the length of a test. */
function environment(t: Test, values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    process.env[name] = value;
    t.teardown(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

t.test('a client secret', async (t) => {
  const knows = ({ asked }: Grant) =>
    asked.client_id === 'app-1' && asked.client_secret === 'sesame' ? 'app-1' : undefined;
  const { entra, storeWith } = await bench(t, knows);
  const own = { kind: 'client-secret', tenantId, clientId: 'app-1', authorityHost: entra.url } as const;
  const lake = await storeWith({ ...own, clientSecret: secretOf('sesame') });
  await lake.write('/lake/f', 'written with a token');
  t.equal((await lake.read('/lake/f')).toString(), 'written with a token');
  t.equal(entra.grants.length > 0 && entra.grants.length <= 3, true, 'tokens are kept');
  t.match(entra.grants[0], {
    path: `/${tenantId}/oauth2/v2.0/token`,
    asked: { grant_type: 'client_credentials', scope: /^https:\/\/storage\.azure\.com\/\.default/ },
  });
  const wrong = await storeWith({ ...own, clientSecret: secretOf('guess') });
  const refused = await wrong.failure(wrong.write('/lake/g', 'x'));
  t.equal(refused.kind, 'unauthenticated');
  t.notMatch(String(refused.message), /guess/);
  t.equal(await lake.exists('/lake/g'), false);
});

t.test('an identity without rights is refused by the store', async (t) => {
  const { entra, storeWith } = await bench(t, () => 'app-2');
  const own = { kind: 'client-secret', tenantId, clientId: 'app-2', authorityHost: entra.url } as const;
  const lake = await storeWith({ ...own, clientSecret: secretOf('sesame') });
  t.equal((await lake.failure(lake.write('/lake/f', 'x'))).kind, 'denied');
});

t.test('a workload identity is the one that the config names, whatever the environment says', async (t) => {
  const knows = ({ asked, path }: Grant) =>
    path.startsWith(`/${tenantId}/`) && asked.client_assertion === 'the token of the pod'
      ? asked.client_id
      : undefined;
  const { entra, storeWith } = await bench(t, knows);
  const dir = t.testdir({ token: 'the token of the pod' });
  environment(t, {
    AZURE_CLIENT_ID: 'app-of-the-environment',
    AZURE_TENANT_ID: '99999999-2222-3333-4444-555555555555',
    AZURE_FEDERATED_TOKEN_FILE: `${dir}/token`,
  });
  const lake = await storeWith({ kind: 'workload', tenantId, clientId: 'app-1', authorityHost: entra.url });
  await lake.write('/lake/f', 'x');
  t.match(entra.grants[0]?.asked, {
    client_id: 'app-1',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });
  environment(t, {
    AZURE_CLIENT_ID: 'app-1',
    AZURE_TENANT_ID: tenantId,
    AZURE_FEDERATED_TOKEN_FILE: '/nowhere',
  });
  const fromFile = await storeWith({ kind: 'workload', tokenFile: `${dir}/token`, authorityHost: entra.url });
  await fromFile.write('/lake/g', 'x');
  t.equal((await lake.read('/lake/g')).toString(), 'x', 'what is not named comes from the environment');
});

t.test('a managed identity, system- and user-assigned', async (t) => {
  const knows = ({ asked }: Grant) => (asked.header === 'header' ? (asked.client_id ?? 'app-1') : undefined);
  const { entra, storeWith } = await bench(t, knows);
  environment(t, { IDENTITY_ENDPOINT: `${entra.url}/msi/token`, IDENTITY_HEADER: 'header' });
  const system = await storeWith({ kind: 'managed' });
  await system.write('/lake/f', 'x');
  t.match(entra.grants[0], { path: '/msi/token', asked: { resource: /^https:\/\/storage\.azure\.com/ } });
  const assigned = await storeWith({ kind: 'managed', clientId: 'app-2' });
  t.equal((await assigned.failure(assigned.write('/lake/f', 'y'))).kind, 'denied');
  t.equal(entra.grants.at(-1)?.asked.client_id, 'app-2');
  t.equal((await system.read('/lake/f')).toString(), 'x');
});

t.test('Gen1 gets tokens of its own resource', async (t) => {
  const { entra, url } = await bench(t, () => 'app-1');
  const own = { kind: 'client-secret', tenantId, clientId: 'app-1', authorityHost: entra.url } as const;
  const identity = { ...own, clientSecret: secretOf('sesame') };
  const store = await makeStore('source', { type: 'adls-gen1', url, identity } as Gen1Config);
  t.teardown(() => store.close?.());
  const old = createFixture(store, '/old');
  await old.write('/old/f', 'through Gen1');
  t.equal((await old.read('/old/f')).toString(), 'through Gen1');
  t.match(entra.grants[0]?.asked.scope, /^https:\/\/datalake\.azure\.net\/\/\.default/);
});

t.test('Gen1 gets callers’ tokens of its own resource', async (t) => {
  const { entra, url } = await bench(t, () => 'app-2');
  const own = { kind: 'client-secret', tenantId, clientId: 'app-2', authorityHost: entra.url } as const;
  const identity = { ...own, clientSecret: secretOf('sesame'), forwardCallers: true };
  const store = await makeStore('source', { type: 'adls-gen1', url, identity } as Gen1Config);
  t.teardown(() => store.close?.());
  const { mutate, failure } = createFixture(store, '/old');
  const mkdir = async (path: string, oid: string, audience: string) => {
    const token = await entra.tokenFor(oid, audience);
    const caller = { scheme: 'bearer' as const, token: { reveal: () => token, audiences: [audience] } };
    return mutate({ verb: 'mkdir', path, parents: 'all' }, { caller });
  };
  t.match(await mkdir('/old/d', 'app-1', 'https://datalake.azure.net/'), {});
  t.equal((await failure(mkdir('/old/e', 'app-2', 'https://datalake.azure.net/'))).kind, 'denied');
  t.equal((await failure(mkdir('/old/f', 'app-1', 'https://storage.azure.com/'))).kind, 'denied');
  const gateways = mutate({ verb: 'mkdir', path: '/old/g', parents: 'all' }, { caller: {} });
  t.equal((await failure(gateways)).kind, 'denied', 'without a caller it is the gateway’s own');
});

t.test('callers’ tokens go on to the store that they were made for, and to no other', async (t) => {
  const { entra, url, tls, bearer } = await bench(t, () => 'app-1');
  const own = `kind: client-secret, tenantId: ${tenantId}, clientId: app-1, clientSecret: "\${env:KEY1}"`;
  const identity = `{ ${own}, authorityHost: "${entra.url}", forwardCallers: true }`;
  const target = `type: adls-gen2, url: "${url}/acct", identity: ${identity}`;
  const routes = '  default: { reads: target, writes: target }';
  const front = await inboundGateway(t, `${tls}, auth: { schemes: [bearer], ${bearer} }`, routes, target);
  const storage = 'https://storage.azure.com';
  const headersOf = async (oid: string, audience: string) => ({
    authorization: `Bearer ${await entra.tokenFor(oid, audience)}`,
    'x-ms-version': '2023-11-03',
    'content-length': '0',
  });
  const [may, mayNot] = [await headersOf('app-1', storage), await headersOf('app-2', `${storage}/`)];
  const status = async (line: string, headers: Record<string, string>) =>
    (await front.ask(line, headers)).status;
  t.equal(await status('PUT /acct/lake/f?resource=file', may), 201);
  t.equal(await status('DELETE /acct/lake/f', mayNot), 403, 'though the gateway itself may');
  t.equal(await status('HEAD /acct/lake/f', mayNot), 200);
  const forOthers = await headersOf('app-1', 'https://datalake.azure.net/');
  t.equal(
    await status('HEAD /acct/lake/f', forOthers),
    403,
    'a token for another store is not shown to this one',
  );

  const both = Array.from({ length: 20 }, (_, i) =>
    status(`PUT /acct/lake/${i}?resource=file`, i % 2 ? may : mayNot),
  );
  t.strictSame(
    await Promise.all(both),
    both.map((_, i) => (i % 2 ? 201 : 403)),
    'side by side each is who it is',
  );

  const { authorization } = may;
  const write = async (name: string, second: Record<string, string>) => {
    const line = `/webhdfs/v1/old/${name}?op=CREATE`;
    const first = await fetch(front.url + line, {
      method: 'PUT',
      headers: { authorization },
      redirect: 'manual',
    });
    const link = first.headers.get('location')!.slice(front.url.length);
    return (await front.ask(`PUT ${link}`, second, 'x')).status;
  };
  t.equal(await write('w', { authorization }), 201);
  t.equal(await write('v', {}), 403, 'a link is no token');
  t.equal(
    await write('v', { authorization: mayNot.authorization }),
    403,
    'nor is another’s token that of the link',
  );
  t.equal(await write('v', { authorization: 'Bearer x.y.z' }), 401);
  t.equal(await status('HEAD /acct/lake/v', may), 404);
});
