// A route with one side is transparent: what the gateway does not understand goes to the store unchanged and its answer comes back.
// With two sides it is refused and counted, and no store hears of it.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { otherSide, type Side } from '../../src/core/store.ts';
import { adminView, until } from './admin-view.ts';
import { account } from './clients.ts';
import { type Lake, routesOf, startLake } from './lake.ts';
import { type RawAnswer, type RawWords, sendRaw } from './raw-http.ts';
import { isRefusal } from './refusals.ts';

t.setTimeout(300_000);

/** A request as a store has seen it. */
interface Seen {
  line: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Stands in for a store of another make: remembers everything, answers what no face of ours would. */
async function foreignStore(t: Test): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString();
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    if (request.url?.includes('&away=')) {
      response.writeHead(307, { location: `http://${request.headers.host}/elsewhere?token=secret` }).end();
      return;
    }
    response.writeHead(209, {
      'content-type': 'application/x-foreign',
      'x-foreign': 'yes',
    });
    response.end(`an answer to ${request.method}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** A request that no face understands, and the line in which the store must have seen it. */
interface Unknown {
  name: string;
  words: RawWords;
  arrives: RegExp;
  changes: boolean;
}

const json = { accept: 'application/json' };
const length = (body: string): Record<string, string> => ({ 'content-length': String(body.length) });

const unknown: Record<Side, Unknown[]> = {
  source: [
    {
      name: 'a question of a newer Hadoop',
      words: { line: 'GET /webhdfs/v1/lake/a%20b?op=GETSTORAGEPOLICY&user.name=ann&extra=%2Fx' },
      arrives: /^GET \/webhdfs\/v1\/lake\/a%20b\?op=GETSTORAGEPOLICY&extra=%2Fx(&user\.name=twinlake)?$/,
      changes: false,
    },
    {
      name: 'a change that two stores cannot do',
      words: { line: 'PUT /webhdfs/v1/lake/dir?op=ALLOWSNAPSHOT', headers: length('') },
      arrives: /^PUT \/webhdfs\/v1\/lake\/dir\?op=ALLOWSNAPSHOT/,
      changes: true,
    },
    {
      name: 'an operation that nobody knows, with a body',
      words: { line: 'POST /webhdfs/v1/lake/dir?op=FROBNICATE&n=1', headers: length('frob'), body: 'frob' },
      arrives: /^POST \/webhdfs\/v1\/lake\/dir\?op=FROBNICATE&n=1/,
      changes: true,
    },
    {
      name: 'a question that the store answers better',
      words: { line: 'GET /webhdfs/v1/lake/dir?op=GETQUOTAUSAGE' },
      arrives: /^GET \/webhdfs\/v1\/lake\/dir\?op=GETQUOTAUSAGE/,
      changes: false,
    },
  ],
  target: [
    {
      name: 'a question of a newer service',
      words: { line: `GET /${account}/lake/a%20b?comp=explain&depth=2`, headers: json },
      arrives: new RegExp(`^GET /${account}/lake/a%20b\\?comp=explain&depth=2$`),
      changes: false,
    },
    {
      name: 'a change with a body',
      words: {
        line: `PUT /${account}/lake/file?comp=frobnicate`,
        headers: { ...json, ...length('<Frob/>'), 'content-type': 'application/xml', 'x-ms-frob': '1' },
        body: '<Frob/>',
      },
      arrives: new RegExp(`^PUT /${account}/lake/file\\?comp=frobnicate$`),
      changes: true,
    },
    {
      name: 'an action that nobody knows',
      words: { line: `PATCH /${account}/lake/file?action=frobnicate`, headers: { ...json, ...length('') } },
      arrives: new RegExp(`^PATCH /${account}/lake/file\\?action=frobnicate$`),
      changes: true,
    },
  ],
};

async function passedThrough(t: Test, lake: Lake, seen: Seen[], side: Side, each: Unknown): Promise<void> {
  seen.length = 0;
  const answer: RawAnswer | undefined = await sendRaw(lake.gateway.url, each.words);
  t.equal(seen.length, 1, 'the store has heard of it once');
  t.match(seen[0]?.line, each.arrives, 'with the path and parameters it was sent with');
  t.equal(seen[0]?.body, each.words.body ?? '', 'and its body');
  for (const name of ['content-type', 'x-ms-frob'])
    t.equal(seen[0]?.headers[name], each.words.headers?.[name], `and its ${name}`);
  t.equal(answer?.status, 209, 'the store’s status comes back');
  t.match(answer?.headers, { 'content-type': 'application/x-foreign', 'x-foreign': 'yes' });
  t.match(answer?.body, `an answer to ${each.words.line.split(' ')[0]}`, 'and its body');
  t.equal(answer?.headers['x-twinlake-served-by'], side);
}

async function isRefused(t: Test, lake: Lake, seen: Seen[], each: Unknown, side: Side): Promise<void> {
  const admin = adminView(lake.gateway.adminUrl);
  const face = side === 'source' ? 'webhdfs' : 'dfs';
  const refused = () => admin.metric('twinlake_refused_requests_total', { face });
  const before = await refused();
  seen.length = 0;
  const answer = await sendRaw(lake.gateway.url, each.words);
  isRefusal(t, each.name, answer, { status: each.changes ? 501 : 400 });
  t.equal(await refused(), before + 1, 'it is counted');
  t.notOk(
    seen.some(({ line }) => each.arrives.test(line)),
    'the store has not heard of it',
  );
}

for (const side of ['source', 'target'] as const) {
  t.test(`everything on the ${side}`, async (t) => {
    const { url, seen } = await foreignStore(t);
    const here = side === 'source' ? { sourceUrl: url } : { targetUrl: url };
    const lake = await startLake(t, { routes: routesOf({ reads: side, writes: side }), ...here });
    const admin = adminView(lake.gateway.adminUrl);
    for (const each of unknown[side])
      await t.test(each.name, (t) => passedThrough(t, lake, seen, side, each));
    if (side === 'source') {
      await t.test('redirects of the store do not reach the client', async (t) => {
        const answer = await sendRaw(lake.gateway.url, {
          line: 'GET /webhdfs/v1/lake/dir?op=GETFANCYTHING&away=1',
        });
        t.match([answer?.status, answer?.headers.location], [209, undefined]);
        t.match(seen.at(-1)?.line, /^GET \/elsewhere\?token=secret/);
      });
    }
    await t.test('requests of the other protocol are not for this store', async (t) => {
      for (const each of unknown[otherSide(side)]) {
        if (each.name.includes('better')) continue;
        isRefusal(t, each.name, await sendRaw(lake.gateway.url, each.words), { status: [400, 501] });
      }
    });
    await t.test('with both sides it is refused', async (t) => {
      await lake.setRoutes(routesOf({ reads: side }));
      await until('both sides are written', async () => {
        const [app] = await admin.apps();
        return app?.effective?.writes === 'both';
      });
      for (const each of unknown[side]) {
        if (!each.name.includes('better')) await isRefused(t, lake, seen, each, side);
      }
    });
  });
}
