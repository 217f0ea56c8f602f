// Who may come in with a token, a client certificate or a believed name: through TLS, both faces, and Microsoft's own client.

import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { resolve } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { DataLakeServiceClient } from '@azure/storage-file-datalake';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import t, { type Test } from 'tap';
import { both, inboundGateway } from './inbound-bench.ts';
import { json, serve } from './one-purpose-server.ts';

const pem = (name: string) => resolve(import.meta.dirname, `tls/${name}.pem`);
const read = (name: string) => readFileSync(pem(name), 'utf8');
const tls = `tls: { certFile: ${pem('cert')}, keyFile: ${pem('key')} }`;
setDefaultCACertificates([...getCACertificates('default'), read('cert')]);

const tenant = '11111111-2222-3333-4444-555555555555';
const issuer = `https://sts.windows.net/${tenant}/`;
const gen2 = { 'x-ms-version': '2023-11-03', accept: 'application/json' };
const nowSeconds = () => Math.floor(Date.now() / 1000);

/** An issuer whose keys are published on a port of this machine. */
async function openIssuer(t: Test) {
  const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const keys = [{ ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }];
  const state = { broken: false, asked: 0 };
  const url = await serve(t, (_request, response) => {
    state.asked++;
    if (state.broken) json(response, 500, {});
    else json(response, 200, { keys });
  });
  const claims: JWTPayload = { oid: 'ann-oid', appid: 'APP-ID', tid: tenant, iss: issuer };
  const token = (more: JWTPayload = {}, header = {}, key = own.privateKey) =>
    new SignJWT({ aud: 'https://storage.azure.com', exp: nowSeconds() + 600, ...claims, ...more })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
      .sign(key);
  const config = `bearer: { issuers: ["${issuer}"], jwksUrl: "${url}/keys", authorizationUrl: "https://login.example/authorize" }`;
  return { token, stranger: other.privateKey, publicJwk: keys[0]!, claims, config, state };
}

const apps = `  default: { ${both} }
  mine: { ${both}, match: { clients: [app-id], users: [ann-oid] }, access: { schemes: [bearer], paths: [/lake/in] } }`;

t.test('a token of the issuer comes in, through the real client over TLS', async (t) => {
  const issued = await openIssuer(t);
  const auth = `auth: { schemes: [bearer], ${issued.config} }`;
  const { url, ask } = await inboundGateway(t, `${tls}, ${auth}`, apps);
  const expiresOnTimestamp = Date.now() + 600_000;
  const clientOf = (more: JWTPayload) => {
    const credential = { getToken: async () => ({ token: await issued.token(more), expiresOnTimestamp }) };
    const service = new DataLakeServiceClient(`${url}/acct`, credential, { retryOptions: { maxTries: 1 } });
    return service.getFileSystemClient('lake');
  };
  const lake = clientOf({ appid: 'other' });
  await lake.getDirectoryClient('in').create();
  await lake.getFileClient('out').create();
  const mine = clientOf({});
  const file = mine.getFileClient('in/f');
  await file.create();
  await file.append('mine', 0, 4);
  await file.flush(4);
  t.equal((await buffer((await file.read()).readableStreamBody!)).toString(), 'mine');
  const statusOf = (lake: typeof mine) =>
    lake
      .getFileClient('out')
      .delete()
      .then(
        () => 200,
        (error) => error.statusCode,
      );
  t.equal(await statusOf(mine), 403, 'its app is confined');
  t.equal(await statusOf(clientOf({ aud: 'https://graph.microsoft.com' })), 401);

  const authorization = `Bearer ${await issued.token({ aud: 'https://datalake.azure.net/' })}`;
  const created = await ask('PUT /webhdfs/v1/old/in/w?op=CREATE', { authorization }, 'x');
  t.equal(created.status, 201, 'WebHDFS in two steps: the link stands for the token');
  const confined = await ask('PUT /webhdfs/v1/old/w?op=CREATE', { authorization }, 'x');
  t.equal(confined.status, 403);
  t.equal((await ask('PUT /webhdfs/v1/old/w?op=MKDIRS&user.name=ann')).status, 401);
  const gen1 = await ask('GET /webhdfs/v1/old/in/w?op=OPEN&api-version=2018-09-01&read=true', {
    authorization,
  });
  t.strictSame([gen1.status, gen1.text], [200, 'x'], 'Gen1 clients bring nothing else');
});

t.test('what is no good token is 401 and changes nothing', async (t) => {
  const issued = await openIssuer(t);
  const { ask } = await inboundGateway(
    t,
    `auth: { schemes: [bearer], ${issued.config} }`,
    `  default: { ${both} }`,
  );
  const send = async (token: string, line = 'PUT /acct/lake/f?resource=file') =>
    ask(line, { ...gen2, 'content-length': '0', authorization: `Bearer ${token}` });
  const good = await issued.token();
  const [head = '', payload = '', signature = ''] = good.split('.');
  const forged = Buffer.from(JSON.stringify({ ...issued.claims, exp: nowSeconds() + 9_000 })).toString(
    'base64url',
  );
  const unsigned = new UnsecuredJWT({ ...issued.claims, aud: 'https://storage.azure.com' })
    .setIssuer(issuer)
    .setExpirationTime('1h')
    .encode();
  const secret = new TextEncoder().encode(JSON.stringify(issued.publicJwk));
  const confused = await new SignJWT({
    ...issued.claims,
    aud: 'https://storage.azure.com',
    exp: nowSeconds() + 600,
  })
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .sign(secret);
  const bad: Record<string, string> = {
    'another issuer': await issued.token({ iss: 'https://sts.windows.net/other/' }),
    'another audience': await issued.token({ aud: 'https://graph.microsoft.com' }),
    'no audience': await issued.token({ aud: undefined as never }),
    expired: await issued.token({ exp: nowSeconds() - 3_600 }),
    'never ending': await issued.token({ exp: undefined as never }),
    'not yet': await issued.token({ nbf: nowSeconds() + 3_600 }),
    'of nobody': await issued.token({ oid: undefined as never }),
    'another key': await issued.token({}, {}, issued.stranger),
    'an unknown key': await issued.token({}, { kid: 'two' }),
    'other claims': `${head}.${forged}.${signature}`,
    'no signature': `${head}.${payload}.`,
    'alg none': unsigned,
    'the published key as a secret': confused,
    'no token at all': 'x',
    nothing: '',
  };
  for (const [what, token] of Object.entries(bad)) {
    const answer = await send(token);
    t.equal(answer.status, 401, what);
    t.equal(answer.headers.get('x-ms-error-code'), 'InvalidAuthenticationInfo', what);
    t.match(
      answer.headers.get('www-authenticate'),
      /^Bearer authorization_uri=https:\/\/login\.example\/authorize /,
    );
    if (token.length > 1)
      t.notOk(answer.text.includes(token.split('.')[1]!), 'the answer does not repeat it');
  }
  const anonymous = await ask('HEAD /acct/lake');
  t.equal(anonymous.headers.get('www-authenticate')?.includes('resource_id=https://storage.azure.com'), true);
  const { status, text: java } = await ask('GET /webhdfs/v1/old?op=LISTSTATUS', {
    authorization: 'Bearer x',
  });
  t.match([status, java], [401, /RemoteException/]);
  t.equal((await send(good, 'HEAD /acct/lake/f')).status, 404, 'nothing was made');
  t.equal((await send(good)).status, 201);
});

t.test(
  'without the issuer’s keys nobody comes in, and clients hear that it is not their fault',
  async (t) => {
    const issued = await openIssuer(t);
    const { ask } = await inboundGateway(
      t,
      `auth: { schemes: [bearer], ${issued.config} }`,
      `  default: { ${both} }`,
    );
    issued.state.broken = true;
    const send = async () =>
      (await ask('HEAD /acct/lake', { ...gen2, authorization: `Bearer ${await issued.token()}` })).status;
    t.equal(await send(), 503);
    issued.state.broken = false;
    t.equal(await send(), 200);
    const before = issued.state.asked;
    for (let i = 0; i < 5; i++) t.equal(await send(), 200);
    t.equal(issued.state.asked, before, 'keys are kept');
  },
);

t.test('a certificate of the client CA is a user', async (t) => {
  const mutual = tls.replace(' }', `, clientCaFile: ${pem('client-ca')} }`);
  const routes = `  default: { ${both}, access: { readOnly: true } }\n  billing: { ${both}, match: { users: [svc-billing] } }`;
  const { url } = await inboundGateway(t, `${mutual}, auth: { schemes: [certificate] }`, routes);
  const send = (method: string, path: string, client?: string) =>
    new Promise<string>((found, failed) => {
      const shown = client === undefined ? {} : { cert: read(`${client}-cert`), key: read(`${client}-key`) };
      const words = {
        method,
        ca: read('cert'),
        agent: false,
        headers: { ...gen2, 'content-length': '0' },
        ...shown,
      };
      const sent = httpsRequest(`${url}${path}`, words, async (answer) => {
        await text(answer);
        found(`${answer.statusCode} ${answer.headers['x-ms-error-code'] ?? ''}`.trim());
      });
      sent.on('error', failed).end();
    });
  t.equal(await send('PUT', '/acct/lake/f?resource=file', 'client'), '201');
  t.equal(await send('PUT', '/webhdfs/v1/old/d?op=MKDIRS&user.name=eve', 'client'), '200');
  t.equal(await send('DELETE', '/acct/lake/f', 'stranger'), '403 AuthenticationFailed');
  t.equal(await send('DELETE', '/acct/lake/f'), '401 NoAuthenticationInformation');
  t.equal(await send('PUT', '/webhdfs/v1/old/e?op=MKDIRS&user.name=svc-billing'), '401');
  t.equal(await send('PUT', '/webhdfs/v1/old/e?op=MKDIRS&user.name=svc-billing', 'stranger'), '403');
  t.equal(await send('HEAD', '/acct/lake/f', 'client'), '200');
});

t.test('user.name is believed from the networks that are named, and nowhere else', async (t) => {
  const routes = `  default: { ${both}, access: { readOnly: true } }\n  billing: { ${both}, match: { users: [ann] } }`;
  const trusting = await inboundGateway(t, 'auth: { schemes: [user-name] }', routes);
  const mkdir = '/webhdfs/v1/old/d?op=MKDIRS';
  const write = '/webhdfs/v1/old/f?op=CREATE';
  t.equal((await trusting.ask(`PUT ${mkdir}&user.name=ann`)).status, 200);
  t.equal((await trusting.ask(`PUT ${write}&user.name=ann`, {}, 'x')).status, 201);
  t.equal(
    (await trusting.ask(`PUT ${write}&user.name=eve`, {}, 'y')).status,
    403,
    'eve is of the default app',
  );
  t.equal((await trusting.ask(`GET ${write.replace('CREATE', 'OPEN')}&user.name=eve`)).text, 'x');
  t.equal((await trusting.ask(`PUT ${mkdir}`)).status, 401, 'a name has to be said');
  t.equal(
    (await trusting.ask('PUT /acct/lake/g?resource=file', { ...gen2, 'content-length': '0' })).status,
    401,
  );
  const elsewhere = 'auth: { schemes: [user-name], userNames: { networks: [10.0.0.0/8] } }';
  const doubting = await inboundGateway(t, elsewhere, routes);
  t.equal((await doubting.ask(`PUT ${mkdir}&user.name=ann`)).status, 401);
});
