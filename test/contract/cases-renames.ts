// Contract: rename and concat.
import type { RenameMutation } from '../../src/core/mutation.ts';
import type { ContractCase } from './contract-case.ts';
import { type Fixture, kindOf } from './fixture.ts';

function rename({ mutate, at }: Fixture, from: string, to: string, more: Partial<RenameMutation> = {}) {
  return mutate({
    verb: 'rename',
    path: at(from),
    destination: at(to),
    replace: 'none',
    intoDirectory: false,
    ...more,
  });
}

export const renameCases: ContractCase[] = [
  {
    name: 'rename moves a file',
    async run(t, fixture) {
      const { at, write, read, exists } = fixture;
      await write(at('a'), 'content');
      await rename(fixture, 'a', 'b');
      t.notOk(await exists(at('a')));
      t.equal((await read(at('b'))).toString(), 'content');
    },
  },
  {
    name: 'rename moves a folder with all below it',
    async run(t, fixture) {
      const { at, write, mkdir, read, exists, names } = fixture;
      await write(at('a/x/y'), 'deep');
      await mkdir(at('a/empty'));
      await mkdir(at('to'));
      await rename(fixture, 'a', 'to/b');
      t.notOk(await exists(at('a')));
      t.same(await names(at('to'), { recursive: true }), ['b', 'b/empty', 'b/x', 'b/x/y']);
      t.equal((await read(at('to/b/x/y'))).toString(), 'deep');
    },
  },
  {
    name: 'rename keeps ETag, times and properties',
    async run(t, fixture) {
      const { at, store, write, stat } = fixture;
      const properties = { mark: 'kept' };
      await write(at('a'), 'x', store.supports.properties ? { attributes: { properties } } : {});
      const before = await stat(at('a'), true);
      await rename(fixture, 'a', 'b');
      const after = await stat(at('b'), true);
      if (store.supports.staging) t.equal(after.etag, before.etag);
      t.equal(after.modifiedMs, before.modifiedMs);
      if (store.supports.properties) t.equal(after.properties?.mark, 'kept');
    },
  },
  {
    name: 'rename of what is not there is not found',
    async run(t, fixture) {
      const { at, exists, failure } = fixture;
      t.equal(kindOf(await failure(rename(fixture, 'none', 'b')), 'not-found'), 'not-found');
      t.notOk(await exists(at('b')));
    },
  },
  {
    name: 'rename below a missing parent is refused',
    async run(t, fixture) {
      const { at, write, exists, failure } = fixture;
      await write(at('a'), 'x');
      const error = await failure(rename(fixture, 'a', 'no/b'));
      t.equal(kindOf(error, 'parent-not-found'), 'parent-not-found');
      t.ok(await exists(at('a')));
      t.notOk(await exists(at('no')));
    },
  },
  {
    name: 'rename below a file is refused',
    async run(t, fixture) {
      const { at, write, exists, failure } = fixture;
      await write(at('a'), 'x');
      await write(at('f'), 'y');
      const error = await failure(rename(fixture, 'a', 'f/b'));
      t.equal(kindOf(error, 'not-directory', 'parent-not-found'), 'not-directory');
      t.ok(await exists(at('a')));
    },
  },
  {
    name: 'rename with replace none refuses whatever stands there',
    async run(t, fixture) {
      const { at, write, mkdir, read, failure } = fixture;
      await write(at('a'), 'x');
      await write(at('f'), 'y');
      await mkdir(at('d'));
      t.equal(kindOf(await failure(rename(fixture, 'a', 'f')), 'exists'), 'exists');
      t.equal(kindOf(await failure(rename(fixture, 'a', 'd')), 'exists'), 'exists');
      t.equal((await read(at('f'))).toString(), 'y');
      t.equal((await read(at('a'))).toString(), 'x');
    },
  },
  {
    name: 'rename with replace file replaces a file',
    async run(t, fixture) {
      const { at, write, read, exists } = fixture;
      await write(at('a'), 'new');
      await write(at('f'), 'old');
      await rename(fixture, 'a', 'f', { replace: 'file' });
      t.equal((await read(at('f'))).toString(), 'new');
      t.notOk(await exists(at('a')));
    },
  },
  {
    name: 'rename with replace any replaces an empty folder and refuses a full one',
    async run(t, fixture) {
      const { at, write, mkdir, names, exists, failure } = fixture;
      await write(at('a/f'), 'x');
      await mkdir(at('empty'));
      await write(at('full/g'), 'y');
      const error = await failure(rename(fixture, 'a', 'full', { replace: 'any' }));
      t.equal(kindOf(error, 'not-empty', 'exists'), 'not-empty');
      t.same(await names(at('full')), ['g']);
      await rename(fixture, 'a', 'empty', { replace: 'any' });
      t.same(await names(at('empty')), ['f']);
      t.notOk(await exists(at('a')));
    },
  },
  {
    name: 'rename with If-None-Match: * on the destination',
    async run(t, fixture) {
      const { at, write, read, failure } = fixture;
      await write(at('a'), 'new');
      await write(at('f'), 'old');
      const condition = { ifNoneMatch: '*' };
      const error = await failure(rename(fixture, 'a', 'f', { replace: 'file', condition }));
      t.equal(kindOf(error, 'exists'), 'exists');
      t.equal((await read(at('f'))).toString(), 'old');
      await rename(fixture, 'a', 'g', { replace: 'file', condition });
      t.equal((await read(at('g'))).toString(), 'new');
    },
  },
  {
    name: 'rename with a condition on the source',
    async run(t, fixture) {
      const { at, write, stat, exists, failure } = fixture;
      await write(at('a'), 'x');
      const { etag } = await stat(at('a'));
      if (etag === undefined) return;
      const wrong = { sourceCondition: { ifMatch: '0x8D0000000000000' } };
      const error = await failure(rename(fixture, 'a', 'b', wrong));
      t.equal(kindOf(error, 'source-condition-failed'), 'source-condition-failed');
      t.notOk(await exists(at('b')));
      await rename(fixture, 'a', 'b', { sourceCondition: { ifMatch: etag } });
      t.ok(await exists(at('b')));
    },
  },
  {
    name: 'rename of a folder into itself is refused',
    async run(t, fixture) {
      const { at, write, names, folder, failure } = fixture;
      await write(at('a/f'), 'x');
      t.equal(kindOf(await failure(rename(fixture, 'a', 'a/b')), 'invalid'), 'invalid');
      t.same(await names(folder, { recursive: true }), ['a', 'a/f']);
    },
  },
  {
    name: 'rename onto itself changes nothing',
    async run(t, fixture) {
      const { at, write, read } = fixture;
      await write(at('a'), 'x');
      await rename(fixture, 'a', 'a', { replace: 'any' });
      t.equal((await read(at('a'))).toString(), 'x');
    },
  },
  {
    name: 'rename into a directory keeps the name',
    async run(t, fixture) {
      const { at, write, mkdir, names, exists } = fixture;
      await write(at('a'), 'x');
      await mkdir(at('d'));
      await rename(fixture, 'a', 'd', { intoDirectory: true });
      t.same(await names(at('d')), ['a']);
      t.notOk(await exists(at('a')));
      await rename(fixture, 'd/a', 'plain', { intoDirectory: true });
      t.ok(await exists(at('plain')), 'without a folder there it is the new name');
    },
  },
  {
    name: 'concat joins files and removes the sources',
    async run(t, fixture) {
      const { at, write, mutate, read, names, folder } = fixture;
      for (const name of ['a', 'b', 'c']) await write(at(name), `<${name}>`);
      const sources = [at('c'), at('b')];
      await mutate({
        verb: 'concat',
        path: at('a'),
        sources,
        create: false,
        deleteSourceDirectory: false,
      });
      t.equal((await read(at('a'))).toString(), '<a><c><b>');
      t.same(await names(folder), ['a']);
    },
  },
  {
    name: 'a file joined anew has the rights of its first part',
    async run(t, { at, write, mutate, read, stat, names, folder }) {
      for (const [name, permission] of [
        ['a', 0o770],
        ['b', 0o600],
        ['c', 0o644],
      ] as const)
        await write(at(name), `<${name}>`, { attributes: { permission } });
      const sources = [at('a'), at('b'), at('c')];
      await mutate({
        verb: 'concat',
        path: at('joined'),
        sources,
        create: true,
        deleteSourceDirectory: false,
      });
      t.equal((await read(at('joined'))).toString(), '<a><b><c>');
      t.equal((await stat(at('joined'))).permission, 0o770);
      t.same(await names(folder), ['joined']);
    },
  },
  {
    name: 'concat with a missing source changes nothing',
    async run(t, { at, write, mutate, read, failure }) {
      await write(at('a'), 'a');
      await write(at('b'), 'b');
      const sources = [at('b'), at('none')];
      const concat = { verb: 'concat', path: at('a'), create: false, deleteSourceDirectory: false } as const;
      t.equal(kindOf(await failure(mutate({ ...concat, sources })), 'not-found'), 'not-found');
      t.equal((await read(at('a'))).toString(), 'a');
      t.equal((await read(at('b'))).toString(), 'b');
    },
  },
];
