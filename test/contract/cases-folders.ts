// Contract: folders, parents, listings, deletes, totals.
import type { ContractCase } from './contract-case.ts';
import { kindOf } from './fixture.ts';

export const folderCases: ContractCase[] = [
  {
    name: 'mkdir makes a folder and says so',
    async run(t, { at, mkdir, stat }) {
      t.not((await mkdir(at('d'))).created, false);
      const entry = await stat(at('d'));
      t.equal(entry.type, 'directory');
      t.equal(entry.lengthBytes, 0);
    },
  },
  {
    name: 'mkdir of a folder that is there keeps it',
    async run(t, { at, mkdir, write, read }) {
      await mkdir(at('d'));
      await write(at('d/f'), 'kept');
      t.not((await mkdir(at('d'))).created, true);
      t.equal((await read(at('d/f'))).toString(), 'kept');
    },
  },
  {
    name: 'mkdir with If-None-Match: * refuses a folder that is there',
    async run(t, { at, mkdir, mutate, failure }) {
      await mkdir(at('d'));
      const again = mutate({
        verb: 'mkdir',
        path: at('d'),
        parents: 'all',
        condition: { ifNoneMatch: '*' },
      });
      t.equal(kindOf(await failure(again), 'exists'), 'exists');
    },
  },
  {
    name: 'mkdir over a file is refused',
    async run(t, { at, mkdir, write, read, failure }) {
      await write(at('f'), 'x');
      t.equal(kindOf(await failure(mkdir(at('f'))), 'exists', 'not-directory'), 'exists');
      t.equal(kindOf(await failure(mkdir(at('f/g'))), 'not-directory', 'exists'), 'not-directory');
      t.equal((await read(at('f'))).toString(), 'x');
    },
  },
  {
    name: 'missing parents are refused where none may be made',
    async run(t, { at, mutate, exists, failure }) {
      for (const verb of ['mkdir', 'create'] as const) {
        const error = await failure(mutate({ verb, path: at(`${verb}/x`), parents: 'none' }));
        t.equal(kindOf(error, 'parent-not-found'), 'parent-not-found');
        t.notOk(await exists(at(verb)));
      }
    },
  },
  {
    name: 'parents below a root folder that is there are made',
    async run(t, { at, mutate, stat }) {
      await mutate({ verb: 'create', path: at('p/q/f'), parents: 'below-root-folder' });
      await mutate({ verb: 'mkdir', path: at('r/s'), parents: 'below-root-folder' });
      t.equal((await stat(at('p/q'))).type, 'directory');
      t.equal((await stat(at('r/s'))).type, 'directory');
    },
  },
  {
    name: 'what is not there is not found',
    async run(t, { at, query, mutate, failure }) {
      const path = at('nothing');
      const errors = [
        await failure(query({ verb: 'stat', path })),
        await failure(query({ verb: 'read', path, offset: 0 })),
        await failure(query({ verb: 'list', path, recursive: false, limit: 10 })),
        await failure(query({ verb: 'summary', path })),
        await failure(mutate({ verb: 'delete', path, recursive: false })),
        await failure(mutate({ verb: 'delete', path, recursive: true })),
        await failure(mutate({ verb: 'set-attributes', path, permission: 0o700 })),
      ];
      for (const error of errors) {
        t.equal(kindOf(error, 'not-found'), 'not-found');
        t.equal(error.applied, 'no');
        t.notOk(error.temporary);
      }
    },
  },
  {
    name: 'what lies below a file is not there',
    async run(t, { at, write, query, failure }) {
      await write(at('f'), 'x');
      const error = await failure(query({ verb: 'stat', path: at('f/g') }));
      t.equal(kindOf(error, 'not-found', 'not-directory'), 'not-found');
    },
  },
  {
    name: 'a listing shows files and folders in order of name',
    async run(t, { at, folder, mkdir, write, names, list }) {
      await write(at('b'), '12');
      await mkdir(at('a'));
      await write(at('a/inner'), 'x');
      await write(at('B'), '1');
      t.same(await names(folder), ['B', 'a', 'b']);
      const entries = await list(folder);
      t.same(
        entries.map((entry) => [entry.type, entry.lengthBytes]),
        [
          ['file', 1],
          ['directory', 0],
          ['file', 2],
        ],
      );
      t.ok(entries.every((entry) => entry.path.startsWith(`${folder}/`)));
    },
  },
  {
    name: 'an empty folder lists nothing',
    async run(t, { folder, page }) {
      const { entries, token } = await page(folder);
      t.same(entries, []);
      t.equal(token, undefined);
    },
  },
  {
    name: 'listing a file gives that one file',
    async run(t, { at, write, list }) {
      await write(at('f'), 'abc');
      const entries = await list(at('f'));
      t.same(
        entries.map((entry) => [entry.path, entry.type, entry.lengthBytes]),
        [[at('f'), 'file', 3]],
      );
    },
  },
  {
    name: 'a recursive listing is depth first, a folder before its content',
    async run(t, { at, folder, write, mkdir, names }) {
      for (const path of ['a/b/c', 'a/b.x', 'a-b', 'a/a', 'z']) await write(at(path));
      await mkdir(at('a/empty'));
      const expected = ['a', 'a/a', 'a/b', 'a/b/c', 'a/b.x', 'a/empty', 'a-b', 'z'];
      t.same(await names(folder, { recursive: true }), expected);
      t.same(await names(folder, { recursive: true, limit: 2 }), expected, 'page by page');
      t.same(await names(folder, { recursive: true, limit: 1 }), expected, 'one by one');
    },
  },
  {
    name: 'pages join without gaps or doubles',
    async run(t, { folder, at, write, names }) {
      const expected: string[] = [];
      for (let index = 0; index < 25; index++) {
        expected.push(`f${String(index).padStart(2, '0')}`);
        await write(at(expected.at(-1)!));
      }
      for (const limit of [1, 3, 24, 25, 26]) t.same(await names(folder, { limit }), expected, `by ${limit}`);
    },
  },
  {
    name: 'a page holds no more than was asked for',
    async run(t, { folder, at, write, page }) {
      for (const name of ['a', 'b', 'c']) await write(at(name));
      const { entries, token } = await page(folder, { limit: 2 });
      t.ok(entries.length <= 2);
      t.type(token, 'string');
    },
  },
  {
    name: 'a listing starts behind a name, there or not',
    async run(t, { folder, at, write, names }) {
      for (const path of ['a', 'b/x', 'b/y', 'c', 'd']) await write(at(path));
      t.same(await names(folder, { after: 'b' }), ['c', 'd']);
      t.same(await names(folder, { after: 'bb' }), ['c', 'd']);
      t.same(await names(folder, { after: 'd' }), []);
      t.same(await names(folder, { after: 'b', limit: 1 }), ['c', 'd'], 'page by page');
      t.same(await names(folder, { recursive: true, after: 'b' }), ['b/x', 'b/y', 'c', 'd']);
      t.same(await names(folder, { recursive: true, after: 'b/x' }), ['b/y', 'c', 'd']);
      t.same(await names(folder, { recursive: true, after: 'b/z' }), ['c', 'd']);
      t.same(await names(folder, { recursive: true, after: 'aa/q' }), ['b', 'b/x', 'b/y', 'c', 'd']);
    },
  },
  {
    name: 'delete removes a file',
    async run(t, { at, folder, write, mutate, exists, names }) {
      await write(at('f'), 'x');
      await mutate({ verb: 'delete', path: at('f'), recursive: false });
      t.notOk(await exists(at('f')));
      t.same(await names(folder), []);
    },
  },
  {
    name: 'delete removes an empty folder',
    async run(t, { at, mkdir, mutate, exists }) {
      await mkdir(at('d'));
      await mutate({ verb: 'delete', path: at('d'), recursive: false });
      t.notOk(await exists(at('d')));
    },
  },
  {
    name: 'a folder with content is deleted only recursively',
    async run(t, { at, write, mutate, read, exists, failure }) {
      await write(at('d/e/f'), 'x');
      const error = await failure(mutate({ verb: 'delete', path: at('d'), recursive: false }));
      t.equal(kindOf(error, 'not-empty'), 'not-empty');
      t.equal((await read(at('d/e/f'))).toString(), 'x');
      await mutate({ verb: 'delete', path: at('d'), recursive: true });
      for (const path of ['d', 'd/e', 'd/e/f']) t.notOk(await exists(at(path)), path);
      await write(at('d/new'), 'y');
      t.notOk(await exists(at('d/e')), 'nothing comes back');
    },
  },
  {
    name: 'summary counts what lies below',
    async run(t, { at, folder, write, mkdir, query }) {
      await write(at('a/one'), '1');
      await write(at('a/b/two'), '22');
      await mkdir(at('c'));
      const total = await query({ verb: 'summary', path: folder });
      t.match(total, { fileCount: 2, lengthBytes: 3, directoryCount: 3 });
      const file = await query({ verb: 'summary', path: at('a/b/two') });
      t.match(file, { fileCount: 1, lengthBytes: 2, directoryCount: 0 });
    },
  },
  {
    name: 'access to what is there',
    async run(t, { at, write, query, failure }) {
      await write(at('f'), 'x');
      await query({ verb: 'access', path: at('f'), action: 4 });
      const error = await failure(query({ verb: 'access', path: at('none'), action: 4 }));
      t.equal(kindOf(error, 'not-found'), 'not-found');
    },
  },
];
