// The contract suite over our WebHDFS driver on a real NameNode and a real HttpFS. Needs Java and, once, Maven.
import t from 'tap';
import { withStaging } from '../../src/layers/staging.ts';
import { createWebhdfsStore } from '../../src/stores/webhdfs/webhdfs-store.ts';
import { bodyOfBytes, createFixture } from '../contract/fixture.ts';
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
  const open = () => createWebhdfsStore({ name, url, user: hdfs.user });
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
}
