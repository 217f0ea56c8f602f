// Contract: names of all kinds, and what is no name.
import type { ContractCase } from './contract-case.ts';
import { bodyOfBytes, kindOf } from './fixture.ts';

const oddNames = [
  'with space',
  ' leading and trailing ',
  'plus+plus',
  'percent%41%2F%zz',
  'hash#mark',
  'question?x=1&y=2',
  'quote"single\'back`',
  'semi;comma,equals=',
  'colon:at@dollar$',
  'back\\slash',
  'brackets[0]{1}(2)<3>',
  'pipe|caret^tilde~',
  'star*',
  '.hidden',
  '...',
  'tab\there',
  'umlaut-\u00e4\u00f6\u00fc',
  'combining-a\u0308',
  '\u65e5\u672c\u8a9e',
  'emoji-\u{1f600}-\u{1f468}\u200d\u{1f469}',
  '\u05e2\u05d1\u05e8\u05d9\u05ea',
];

export const nameCases: ContractCase[] = [
  {
    name: 'odd names come back as they were given',
    async run(t, { at, folder, write, read, names }) {
      for (const name of oddNames) {
        await write(at(name), name);
        t.equal((await read(at(name))).toString(), name, JSON.stringify(name));
      }
      t.same(new Set(await names(folder)), new Set(oddNames));
      t.same(new Set(await names(folder, { limit: 3 })), new Set(oddNames), 'page by page');
    },
  },
  {
    name: 'odd names of folders, renamed and deleted',
    async run(t, { at, write, mutate, read, exists }) {
      for (const [index, name] of oddNames.entries()) {
        await write(at(`${name}/${name}`), 'x');
        const [path, destination] = [at(name), at(`${name}-${index}`)];
        await mutate({ verb: 'rename', path, destination, replace: 'none', intoDirectory: false });
        t.equal((await read(`${destination}/${name}`)).toString(), 'x', JSON.stringify(name));
        await mutate({ verb: 'delete', path: destination, recursive: true });
        t.notOk(await exists(destination));
      }
    },
  },
  {
    name: 'a name may be 255 bytes long',
    async run(t, { at, folder, write, names }) {
      const long = [`${'n'.repeat(255)}`, `${'\u00e4'.repeat(127)}x`];
      for (const name of long) await write(at(name), 'x');
      t.same(await names(folder), long);
    },
  },
  {
    name: 'a name of 256 bytes is refused',
    async run(t, { at, folder, write, names, failure }) {
      for (const name of ['n'.repeat(256), '\u00e4'.repeat(128)]) {
        const error = await failure(write(at(name), 'x'));
        t.equal(kindOf(error, 'invalid', 'too-large'), 'invalid');
        t.equal(error.applied, 'no');
      }
      t.same(await names(folder), []);
    },
  },
  {
    name: 'names that cannot be are refused',
    async run(t, { at, mutate, query, failure }) {
      for (const name of ['a/../b', '..', './a', 'nul\0nul', 'half\ud800']) {
        const body = bodyOfBytes('x');
        const written = await failure(mutate({ verb: 'create', path: at(name), parents: 'all', body }));
        t.equal(kindOf(written, 'invalid'), 'invalid', JSON.stringify(name));
        const asked = await failure(query({ verb: 'stat', path: at(name) }));
        t.equal(kindOf(asked, 'invalid', 'not-found'), 'invalid', JSON.stringify(name));
      }
    },
  },
  {
    name: 'names are listed in order of their UTF-8 bytes',
    async run(t, { at, folder, write, names }) {
      const ordered = ['A', 'B', 'a', 'b', '\u00e4', '\u65e5', '\uff5e', '\u{1f600}'];
      for (const name of [...ordered].reverse()) await write(at(name));
      t.same(await names(folder), ordered);
      t.same(await names(folder, { limit: 1 }), ordered, 'page by page');
      t.same(await names(folder, { after: '\uff5e' }), ['\u{1f600}']);
    },
  },
  {
    name: 'names differ by case and by composition',
    async run(t, { at, folder, write, names }) {
      const each = ['a\u0308', 'name', 'NAME', '\u00e4'];
      for (const name of each) await write(at(name), name);
      t.equal((await names(folder)).length, each.length);
    },
  },
];
