// The contract suite over our WebHDFS driver on a real NameNode and a real HttpFS. Needs Java and, once, Maven.
import { Readable } from 'node:stream';
import t from 'tap';
import { ownCtx } from '../../src/core/ctx.ts';
import type { Mutation } from '../../src/core/mutation.ts';
import { StoreError } from '../../src/core/store-error.ts';
import { withSagas } from '../../src/layers/sagas.ts';
import { withStaging } from '../../src/layers/staging.ts';
import { createWebhdfsStore } from '../../src/stores/webhdfs/webhdfs-store.ts';
import { bodyOfBytes, createFixture, patternBytes } from '../contract/fixture.ts';
import { storeContract } from '../contract/store-contract.ts';
import { startHdfs } from './start-hdfs.ts';

const hdfs = await startHdfs({ httpfs: true });
t.teardown(() => hdfs.stop());

/** HDFS refuses a colon in any name (`DFSUtil.isValidName`), and these two cases have one. */
const without = ['odd names come back as they were given', 'odd names of folders, renamed and deleted'];
const oddNames = [
  'a b',
  ' a ',
  '+',
  '%41%2F%zz',
  '%41b',
  '#',
  '?x=1&y=2',
  ';,=',
  '\\',
  '[0]<1>',
  '...',
  '\t',
  'a\u0308',
  '\u{1f600}',
];

for (const [name, url] of [
  ['namenode', hdfs.namenodeUrl],
  ['httpfs', hdfs.httpfsUrl!],
] as const) {
  const open = () => withSagas(createWebhdfsStore({ name, url, user: hdfs.user }));
  await storeContract(t, {
    name,
    root: `/bare-${name}`,
    without,
    open: async () => {
      const store = open();
      return { store, close: () => store.close!() };
    },
  });
  await storeContract(t, {
    name: `${name} with staging`,
    root: `/staged-${name}`,
    // An append over a gap waits for those before it: it cannot be kept.
    without: [...without, 'a flush over a gap or beyond what was staged is refused'],
    open: async () => {
      const store = withStaging(open());
      return { store, close: () => store.close!() };
    },
  });
  await t.test(`${name}: blocks that nobody commits`, async (test) => {
    const store = withStaging(open());
    test.teardown(() => store.close!());
    const { mkdir, mutate, failure, names } = createFixture(store, `/left-${name}`);
    await mkdir(`/left-${name}/d`);
    const path = `/left-${name}/d/f`;
    const block = { verb: 'stage-block', path, blockId: 'YQ==', body: bodyOfBytes('left') } as const;
    await mutate(block);
    const hourMs = 3_600_000;
    const sweep = (beforeMs: number) => store.sweepPieces!([`/left-${name}`], beforeMs, ownCtx('sweep'));
    test.equal(await sweep(Date.now() - hourMs), 0, 'they are young');
    test.equal(await sweep(Date.now() + hourMs), 1);
    const left = await failure(names(`/left-${name}/.twinlake`));
    test.equal(left.kind, 'not-found', 'the folder is gone');
    const commit: Mutation = { verb: 'commit-blocks', path, parents: 'all', blockIds: ['YQ=='] };
    test.equal((await failure(mutate(commit))).code, 'InvalidBlockList');
  });
  await t.test(`${name}: odd names`, async (test) => {
    const store = open();
    test.teardown(() => store.close!());
    const { write, read, mutate, names, mkdir } = createFixture(store, `/odd-${name}`);
    for (const odd of oddNames) {
      const folder = `/odd-${name}/${odd}`;
      await write(`${folder}/${odd}`, odd);
      await mutate({ verb: 'append', path: `${folder}/${odd}`, body: bodyOfBytes('!') });
      test.equal((await read(`${folder}/${odd}`)).toString(), `${odd}!`, JSON.stringify(odd));
    }
    await mkdir(`/odd-${name}`);
    test.equal((await names(`/odd-${name}`)).length, oddNames.length);
  });
  await t.test(`${name}: what breaks off is taken back`, async (test) => {
    const store = open();
    test.teardown(() => store.close!());
    const { mutate, failure, exists } = createFixture(store, '/broken');
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let chunk = 0; chunk < 10; chunk++) yield patternBytes(70_000);
      throw new Error('the client has gone away');
    }
    const path = `/broken/${name}`;
    const broken = { stream: Readable.from(chunks(), { objectMode: false }) };
    const error = await failure(mutate({ verb: 'create', path, parents: 'all', body: broken }));
    test.equal(error.kind, 'aborted');
    test.equal(error.applied, 'no');
    test.notOk(await exists(path), 'it is really not there');
    const no = new StoreError('exists', 'the primary says no');
    const refused = await failure(
      mutate(
        { verb: 'create', path: `${path}-refused`, parents: 'all', body: bodyOfBytes(patternBytes(700_000)) },
        { beforeCommit: () => Promise.reject(no) },
      ),
    );
    test.equal(refused.kind, 'exists');
    test.equal(refused.applied, 'no');
    test.notOk(await exists(`${path}-refused`));
  });
  await t.test(`${name}: Hadoop's own shell sees the same`, async (test) => {
    const store = open();
    test.teardown(() => store.close!());
    const { write, mutate } = createFixture(store, '/shell');
    const path = `/shell/${name}/a b`;
    await write(path, 'hello', { attributes: { permission: 0o640, properties: { k: 'v' } } });
    await mutate({ verb: 'append', path, position: 5, body: bodyOfBytes(' shell') });
    test.equal((await hdfs.fs(['-cat', path])).stdout, 'hello shell');
    test.match((await hdfs.fs(['-ls', `/shell/${name}`])).stdout, /-rw-r----- .* 11 .*a b/);
    test.match((await hdfs.fs(['-getfattr', '-n', 'user.twinlake.k', path])).stdout, /user\.twinlake\.k="v"/);
  });
}
