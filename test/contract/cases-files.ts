// Contract: whole files.
import type { ContractCase } from './contract-case.ts';
import { bodyOfBytes, brokenBody, kindOf, patternBytes } from './fixture.ts';

export const fileCases: ContractCase[] = [
  {
    name: 'truncate cuts a file and keeps its attributes',
    async run(t, { at, mutate, write, read, stat, names, folder }) {
      await write(at('a'), patternBytes(100_000), { attributes: { permission: 0o640 } });
      await mutate({ verb: 'truncate', path: at('a'), lengthBytes: 70_001 });
      t.ok((await read(at('a'))).equals(patternBytes(100_000).subarray(0, 70_001)));
      t.match(await stat(at('a')), { lengthBytes: 70_001, permission: 0o640 });
      await mutate({ verb: 'append', path: at('a'), body: bodyOfBytes('more') });
      t.equal((await read(at('a'), { offset: 70_001 })).toString(), 'more');
      await mutate({ verb: 'truncate', path: at('a'), lengthBytes: 70_005 });
      t.equal((await stat(at('a'))).lengthBytes, 70_005, 'to the length that it has');
      await mutate({ verb: 'truncate', path: at('a'), lengthBytes: 0 });
      t.equal((await read(at('a'))).length, 0);
      t.same(await names(folder), ['a']);
    },
  },
  {
    name: 'truncate makes nothing longer, and cuts no folder',
    async run(t, { at, mutate, mkdir, write, read, failure }) {
      const truncate = (name: string) => mutate({ verb: 'truncate', path: at(name), lengthBytes: 4 });
      await write(at('a'), 'abc');
      await mkdir(at('d'));
      const longer = await failure(truncate('a'));
      t.equal(kindOf(longer, 'invalid'), 'invalid');
      t.equal(longer.applied, 'no');
      t.equal((await read(at('a'))).toString(), 'abc');
      t.equal(kindOf(await failure(truncate('d')), 'is-directory'), 'is-directory');
      t.equal(kindOf(await failure(truncate('none')), 'not-found'), 'not-found');
    },
  },
  {
    name: 'create and read a file',
    async run(t, { at, write, read, stat }) {
      const result = await write(at('a.txt'), 'hello');
      t.equal(result.entry?.type ?? 'file', 'file');
      t.equal((await read(at('a.txt'))).toString(), 'hello');
      const entry = await stat(at('a.txt'));
      t.equal(entry.path, at('a.txt'));
      t.equal(entry.type, 'file');
      t.equal(entry.lengthBytes, 5);
      t.ok(Math.abs(entry.modifiedMs - Date.now()) < 3_600_000, 'modified just now');
    },
  },
  {
    name: 'create makes parents if all are allowed',
    async run(t, { at, write, stat }) {
      await write(at('p/q/a'), 'x');
      t.equal((await stat(at('p/q'))).type, 'directory');
    },
  },
  {
    name: 'an empty file',
    async run(t, { at, write, read, stat }) {
      await write(at('empty'));
      t.equal((await stat(at('empty'))).lengthBytes, 0);
      t.equal((await read(at('empty'))).length, 0);
    },
  },
  {
    name: 'create without a body makes an empty file',
    async run(t, { at, mutate, stat }) {
      await mutate({ verb: 'create', path: at('bare'), parents: 'all' });
      t.equal((await stat(at('bare'))).lengthBytes, 0);
    },
  },
  {
    name: 'create replaces a file',
    async run(t, { at, write, read }) {
      await write(at('a'), 'a long first content');
      await write(at('a'), 'second');
      t.equal((await read(at('a'))).toString(), 'second');
    },
  },
  {
    name: 'create with If-None-Match: * refuses to replace',
    async run(t, { at, write, read, failure }) {
      await write(at('a'), 'first', { condition: { ifNoneMatch: '*' } });
      const error = await failure(write(at('a'), 'second', { condition: { ifNoneMatch: '*' } }));
      t.equal(kindOf(error, 'exists'), 'exists');
      t.equal(error.applied, 'no');
      t.equal((await read(at('a'))).toString(), 'first');
    },
  },
  {
    name: 'create over a directory is refused',
    async run(t, { at, mkdir, write, stat, failure }) {
      await mkdir(at('d'));
      t.equal(kindOf(await failure(write(at('d'), 'x')), 'is-directory', 'exists'), 'is-directory');
      t.equal((await stat(at('d'))).type, 'directory');
    },
  },
  {
    name: 'create below a file is refused',
    async run(t, { at, write, read, failure }) {
      await write(at('f'), 'x');
      const error = await failure(write(at('f/g'), 'y'));
      t.equal(kindOf(error, 'not-directory'), 'not-directory');
      t.equal((await read(at('f'))).toString(), 'x');
    },
  },
  {
    name: 'a body that breaks off changes nothing',
    when: (supports) => supports.atomicCreate,
    async run(t, { at, mutate, write, read, exists, failure }) {
      await write(at('a'), 'first');
      for (const path of [at('a'), at('new')]) {
        const body = brokenBody('sec', 6);
        const error = await failure(mutate({ verb: 'create', path, parents: 'all', body }));
        t.ok(['aborted', 'timeout', 'unavailable'].includes(error.kind), error.kind);
        t.ok(body.stream.destroyed || body.stream.readableEnded, 'the body is released');
      }
      t.equal((await read(at('a'))).toString(), 'first');
      t.notOk(await exists(at('new')));
    },
  },
  {
    name: 'a refused create releases its body',
    async run(t, { at, mutate, mkdir, failure }) {
      await mkdir(at('d'));
      const body = bodyOfBytes(patternBytes(200_000));
      await failure(mutate({ verb: 'create', path: at('d'), parents: 'all', body }));
      t.ok(body.stream.destroyed || body.stream.readableEnded);
    },
  },
  {
    name: 'a file of 5 MiB comes back byte for byte',
    async run(t, { at, write, read, stat }) {
      const bytes = patternBytes(5 * 1024 * 1024 + 17);
      await write(at('big'), bytes);
      t.equal((await stat(at('big'))).lengthBytes, bytes.length);
      t.ok((await read(at('big'))).equals(bytes));
      const middle = await read(at('big'), { offset: 1_048_575, lengthBytes: 2_097_155 });
      t.ok(middle.equals(bytes.subarray(1_048_575, 1_048_575 + 2_097_155)));
    },
  },
  {
    name: 'append puts bytes at the end',
    async run(t, { at, write, mutate, read }) {
      await write(at('a'), 'one');
      await mutate({ verb: 'append', path: at('a'), body: bodyOfBytes(' two') });
      t.equal((await read(at('a'))).toString(), 'one two');
    },
  },
  {
    name: 'append at a position that is not the end is refused',
    async run(t, { at, write, mutate, read, failure }) {
      await write(at('a'), 'one');
      for (const position of [0, 2, 4]) {
        const body = bodyOfBytes('X');
        const error = await failure(mutate({ verb: 'append', path: at('a'), position, body }));
        t.equal(kindOf(error, 'bad-offset'), 'bad-offset', `at ${position}`);
      }
      await mutate({ verb: 'append', path: at('a'), position: 3, body: bodyOfBytes('!') });
      t.equal((await read(at('a'))).toString(), 'one!');
    },
  },
  {
    name: 'append to what is not there, or is no file, is refused',
    async run(t, { at, mkdir, mutate, failure }) {
      const append = (path: string) => failure(mutate({ verb: 'append', path, body: bodyOfBytes('x') }));
      t.equal(kindOf(await append(at('none')), 'not-found'), 'not-found');
      await mkdir(at('d'));
      t.equal(kindOf(await append(at('d')), 'is-directory', 'not-found'), 'is-directory');
    },
  },
];
