// An Entra of the test's own over https: tenants' token endpoint, published keys, and the endpoint of managed identities.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Test } from 'tap';

const pem = (name: string) => readFileSync(resolve(import.meta.dirname, `tls/${name}.pem`), 'utf8');

/** The tenant that it knows. */
export const tenantId = '11111111-2222-3333-4444-555555555555';

/** What it was asked for, and what it gave. */
export interface Grant {
  path: string;
  /** Of the form, or of the query and headers of a managed identity. */
  asked: Record<string, string>;
}

/** Everything in this process trusts its certificate from now on. @param knows who gets a token: the id that it is made for */
export async function openEntra(t: Test, knows: (grant: Grant) => string | undefined) {
  setDefaultCACertificates([...getCACertificates('default'), pem('cert')]);
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }];
  const grants: Grant[] = [];
  const tokenFor = (oid: string, audience: string) =>
    new SignJWT({ oid, appid: oid, tid: tenantId })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(`https://sts.windows.net/${tenantId}/`)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);

  const server = createServer({ cert: pem('cert'), key: pem('key') }, async (request, response) => {
    const url = new URL(request.url!, `https://${request.headers.host}`);
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const base = `${url.origin}/${tenantId}`;
    if (url.pathname === '/keys') return answer(200, { keys });
    if (url.pathname.endsWith('/.well-known/openid-configuration')) {
      return answer(200, {
        issuer: `${base}/v2.0`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        jwks_uri: `${url.origin}/keys`,
      });
    }
    const form = new URLSearchParams(await text(request));
    const headers = { header: String(request.headers['x-identity-header'] ?? '') };
    const asked: Record<string, string> = {
      ...Object.fromEntries(url.searchParams),
      ...Object.fromEntries(form),
      ...headers,
    };
    const grant: Grant = { path: url.pathname, asked };
    grants.push(grant);
    const oid = knows(grant);
    if (oid === undefined)
      return answer(401, { error: 'invalid_client', error_description: 'AADSTS7000215: not known here' });
    const resource = asked.resource ?? asked.scope?.replace(/\/\.default.*$/, '') ?? '';
    const access_token = await tokenFor(oid, resource);
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600);
    return answer(200, { token_type: 'Bearer', expires_in: 3600, expires_on, resource, access_token });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  return { url, grants, tokenFor };
}
