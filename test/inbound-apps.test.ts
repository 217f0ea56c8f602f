// What an app asks of its callers, on a listener that takes several credentials and none; and what is told of refusals.
import t from 'tap';
import { withoutSecrets } from '../src/server/data-listener.ts';
import { signSharedKey } from '../src/wire/dfs/shared-key.ts';
import { both, inboundGateway, key } from './inbound-bench.ts';

const auth = `auth: { schemes: [none, shared-key, user-name], accounts: { acct: { key1: "\${env:KEY1}" } } }`;
const closed = `  default: { ${both}, access: { readOnly: true } }
  signed: { ${both}, match: { headers: { x-app: signed } }, access: { schemes: [shared-key] } }
  named: { ${both}, match: { headers: { x-app: named } }, access: { schemes: [user-name] } }`;
const gen2 = { 'x-ms-version': '2023-11-03', accept: 'application/json', 'content-length': '0' };

function signed(line: string, headers: Record<string, string>, secret = key): Record<string, string> {
  const [method, target] = line.split(' ') as [string, string];
  const [rawPath, search = ''] = target.split('?') as [string, string?];
  const dated = { ...gen2, ...headers, 'x-ms-date': new Date().toUTCString() };
  const authorization = signSharedKey('acct', secret, { method, rawPath, search, headers: dated });
  return { ...dated, authorization };
}

t.test('an app takes only the credentials that it asks for', async (t) => {
  const { ask } = await inboundGateway(t, auth, closed);
  const create = 'PUT /acct/lake/f?resource=file';
  const status = async (line: string, headers: Record<string, string>, body?: string) =>
    (await ask(line, headers, body)).status;
  t.equal(await status(create, { ...gen2, 'x-app': 'signed' }), 401);
  t.equal(await status(create, signed(create, { 'x-app': 'named' })), 403, 'another credential than that');
  t.equal(await status(create, signed(create, { 'x-app': 'signed' }, 'd3Jvbmc=')), 403, 'none is no way out');
  t.equal(await status(create, signed(create, { 'x-app': 'signed' })), 201);
  t.equal(await status('HEAD /acct/lake/f', gen2), 200, 'the default app reads without');
  t.equal(await status('DELETE /acct/lake/f', gen2), 403);

  const write = 'PUT /webhdfs/v1/old/w?op=CREATE';
  t.equal(await status(write, { 'x-app': 'named' }, 'x'), 401, 'nobody is named');
  t.equal(await status(`${write}&user.name=ann`, { 'x-app': 'signed' }, 'x'), 403);
  t.equal(await status(`${write}&user.name=ann`, { 'x-app': 'named' }, 'x'), 201);
});

t.test('a link of the first step is no better than who got it', async (t) => {
  const { ask, url } = await inboundGateway(t, auth, closed);
  const linkFor = async (line: string, app: string) => {
    const headers = app === '' ? {} : { 'x-app': app };
    const first = await fetch(`${url}/webhdfs/v1/old/w?op=CREATE${line}`, {
      method: 'PUT',
      headers,
      redirect: 'manual',
    });
    t.equal(first.status, 307);
    return first.headers.get('location')!.slice(url.length);
  };
  const put = async (link: string, app: string) => (await ask(`PUT ${link}`, { 'x-app': app }, 'x')).status;
  t.equal(await put(await linkFor('', 'named'), 'named'), 401, 'got without a credential');
  const anonymous = await linkFor('&user.name=ann', '');
  t.equal(await put(anonymous, 'named'), 403, 'got as the default app, which may only read');
  const good = await linkFor('&user.name=ann', 'named');
  const [kept, token = ''] = good.split('twinlake.link=');
  const parts = token.split('.');
  t.equal(parts.length, 5, 'it says how the user was found out');
  const scheme = (name: string) =>
    [...parts.slice(0, 3), Buffer.from(name).toString('base64url'), parts[4]].join('.');
  t.equal(await put(`${kept}twinlake.link=${scheme('shared-key')}`, 'named'), 403, 'forged');
  t.equal(
    await put(`${kept}twinlake.link=${[...parts.slice(0, 3), parts[4]].join('.')}`, 'named'),
    403,
    'shortened',
  );
  t.equal(await put(good.replace('/old/w', '/old/v'), 'named'), 403, 'for another path');
  t.equal(await put(good, 'named'), 201);
});

t.test('refusals are counted by reason, and logs have no secrets', async (t) => {
  const { ask, adminUrl } = await inboundGateway(t, auth.replace('none, ', ''), closed);
  await ask('HEAD /acct/lake/f', gen2);
  await ask('HEAD /acct/lake/f', { ...gen2, authorization: 'SharedKey acct:AAAA' });
  await ask('DELETE /acct/lake/f', signed('DELETE /acct/lake/f', {}));
  await ask('GET /webhdfs/v1/old?op=LISTSTATUS');
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  const counted = (face: string, reason: string) =>
    metrics.includes(`twinlake_refused_requests_total{face="${face}",reason="${reason}"} 1`);
  t.ok(counted('dfs', 'no-credential'));
  t.ok(counted('dfs', 'bad-credential'));
  t.ok(counted('dfs', 'not-allowed'));
  t.ok(counted('webhdfs', 'no-credential'));
  t.equal(
    withoutSecrets('/acct/lake/f?sv=1&sig=abc%2F=&sp=r&Delegation=xyz&twinlake.link=a.b.c.d'),
    '/acct/lake/f?sv=1&sig=[secret]&sp=r&Delegation=[secret]&twinlake.link=[secret]',
  );
  t.equal(withoutSecrets('/acct/lake/sig=1?design=2'), '/acct/lake/sig=1?design=2');
});
