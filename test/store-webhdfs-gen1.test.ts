// The Gen1 driver against a server that only writes down what it is asked.
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import { createAdlsGen1Store } from '../src/stores/adls-gen1/adls-gen1-store.ts';
import { bodyOfBytes, createFixture, kindOf, patternBytes } from './contract/fixture.ts';
import { missing, serve } from './one-purpose-server.ts';

t.test('Gen1: a large body goes in pieces under one lease, with one token', async (test) => {
  const pieces: {
    op: string;
    offset: string | null;
    sync: string | null;
    lease: string | null;
    bytes: number;
  }[] = [];
  const auth = new Set<string | undefined>();
  const url = await serve(test, (request, response) => {
    const params = new URL(request.url!, 'http://x').searchParams;
    const op = params.get('op')!;
    auth.add(request.headers.authorization);
    if (op === 'GETFILESTATUS') return missing(response);
    void buffer(request).then((body) => {
      pieces.push({
        op,
        offset: params.get('offset'),
        sync: params.get('syncFlag'),
        lease: params.get('leaseid'),
        bytes: body.length,
      });
      response.writeHead(op === 'CREATE' ? 201 : 200).end();
    });
  });
  let asked = 0;
  const credential = {
    getToken: async (scope: string) => {
      test.equal(scope, 'https://datalake.azure.net//.default');
      asked += 1;
      return { token: 'abc', expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  const store = createAdlsGen1Store({ name: 'gen1', url, credential });
  test.teardown(() => store.close!());
  const body = bodyOfBytes(patternBytes(9_000_000));
  await store.mutate({ verb: 'create', path: '/fs/a', parents: 'all', body }, ownCtx('test'));
  const piece = 4_194_304;
  test.match(pieces, [
    { op: 'CREATE', offset: null, sync: 'DATA', bytes: piece },
    { op: 'APPEND', offset: String(piece), sync: 'DATA', bytes: piece },
    { op: 'APPEND', offset: String(2 * piece), sync: 'CLOSE', bytes: 9_000_000 - 2 * piece },
  ]);
  test.equal(new Set(pieces.map(({ lease }) => lease)).size, 1);
  test.same([...auth], ['Bearer abc']);
  test.equal(asked, 1);
});

t.test('Gen1: without a token nothing is asked', async (test) => {
  const store = createAdlsGen1Store({
    name: 'gen1',
    url: 'http://127.0.0.1:1',
    credential: { getToken: async () => null },
  });
  const { stat, failure } = createFixture(store, '/fs');
  test.equal(kindOf(await failure(stat('/fs')), 'unauthenticated'), 'unauthenticated');
});
