// Contract: uploads in pieces, for stores that stage.
import { formatAcl, parseAcl, sortAcl } from '../../src/core/acl.ts';
import type { ContractCase } from './contract-case.ts';
import { bodyOfBytes, brokenBody, type Fixture, kindOf, patternBytes } from './fixture.ts';

const staging: ContractCase['when'] = (supports) => supports.staging;

function begin({ mutate }: Fixture, path: string) {
  return mutate({ verb: 'create', path, parents: 'all', upload: true });
}

function stage({ mutate }: Fixture, path: string, position: number, content: string | Buffer) {
  return mutate({ verb: 'stage', path, position, body: bodyOfBytes(content) });
}

function flush({ mutate }: Fixture, path: string, position: number, retain = false) {
  return mutate({ verb: 'flush', path, position, retain, close: true });
}

const blockId = (name: string): string => Buffer.from(name).toString('base64');

export const uploadCases: ContractCase[] = [
  {
    name: 'staged bytes show only after the flush',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      const { etag } = await fixture.stat(path);
      await stage(fixture, path, 0, 'hello');
      const before = await fixture.stat(path);
      t.equal(before.lengthBytes, 0);
      t.equal(before.etag, etag, 'the ETag stays until the flush');
      t.equal((await fixture.read(path)).length, 0);
      await flush(fixture, path, 5);
      t.equal((await fixture.read(path)).toString(), 'hello');
      t.not((await fixture.stat(path)).etag, etag);
    },
  },
  {
    name: 'staging in any order and in parallel',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      const bytes = patternBytes(1_000_000);
      await begin(fixture, path);
      const size = 70_000;
      const positions = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size);
      positions.sort((a, b) => ((a * 7919) % 104_729) - ((b * 7919) % 104_729));
      await Promise.all(
        positions.map((at) =>
          stage(fixture, path, at, bytes.subarray(at, Math.min(at + size, bytes.length))),
        ),
      );
      await flush(fixture, path, bytes.length);
      t.ok((await fixture.read(path)).equals(bytes));
    },
  },
  {
    name: 'the same position again overwrites',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await stage(fixture, path, 0, 'wrong');
      await stage(fixture, path, 5, '-tail');
      await stage(fixture, path, 0, 'right');
      await flush(fixture, path, 10);
      t.equal((await fixture.read(path)).toString(), 'right-tail');
    },
  },
  {
    name: 'a staged body that breaks off leaves what was staged',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await stage(fixture, path, 0, 'whole');
      const body = brokenBody('XX', 5);
      await fixture.failure(fixture.mutate({ verb: 'stage', path, position: 0, body }));
      t.ok(body.stream.destroyed || body.stream.readableEnded, 'the body is released');
      await flush(fixture, path, 5);
      t.equal((await fixture.read(path)).toString(), 'whole');
    },
  },
  {
    name: 'a flush over a gap or beyond what was staged is refused',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await stage(fixture, path, 0, 'aa');
      await stage(fixture, path, 3, 'bb');
      for (const position of [3, 5, 6]) {
        const error = await fixture.failure(flush(fixture, path, position));
        t.equal(kindOf(error, 'invalid-flush'), 'invalid-flush', `to ${position}`);
      }
      t.equal((await fixture.stat(path)).lengthBytes, 0);
      await stage(fixture, path, 2, '-');
      await flush(fixture, path, 5);
      t.equal((await fixture.read(path)).toString(), 'aa-bb');
    },
  },
  {
    name: 'a second upload goes on at the end of the file',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await stage(fixture, path, 0, 'first');
      await flush(fixture, path, 5);
      await stage(fixture, path, 5, ' second');
      t.equal((await fixture.read(path)).toString(), 'first');
      await flush(fixture, path, 12);
      t.equal((await fixture.read(path)).toString(), 'first second');
    },
  },
  {
    name: 'a flush drops what lies beyond, unless it retains',
    when: staging,
    async run(t, fixture) {
      const { at, read, failure } = fixture;
      for (const retain of [true, false]) {
        const path = at(`retain-${retain}`);
        await begin(fixture, path);
        await stage(fixture, path, 0, 'one');
        await stage(fixture, path, 3, 'two');
        await flush(fixture, path, 3, retain);
        t.equal((await read(path)).toString(), 'one');
        if (retain) {
          await flush(fixture, path, 6);
          t.equal((await read(path)).toString(), 'onetwo');
        } else {
          t.equal(kindOf(await failure(flush(fixture, path, 6)), 'invalid-flush'), 'invalid-flush');
        }
      }
    },
  },
  {
    name: 'an empty upload can be flushed',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await flush(fixture, path, 0);
      t.equal((await fixture.stat(path)).lengthBytes, 0);
    },
  },
  {
    name: 'a flush sets content headers',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await stage(fixture, path, 0, '{}');
      const content = { contentType: 'application/json' };
      await fixture.mutate({ verb: 'flush', path, position: 2, retain: false, close: true, content });
      t.equal((await fixture.stat(path)).content?.contentType, 'application/json');
    },
  },
  {
    name: 'a flush keeps the attributes of the file',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      const attributes = { properties: { a: '1' }, permission: 0o640 };
      await fixture.mutate({ verb: 'create', path, parents: 'all', upload: true, attributes });
      await stage(fixture, path, 0, 'x');
      await flush(fixture, path, 1);
      const entry = await fixture.stat(path, true);
      t.equal(entry.properties?.a, '1');
      t.equal(entry.permission, 0o640);
    },
  },
  {
    name: 'a flush with the ETag of the create, and one with an old ETag',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      const { etag } = await fixture.stat(path);
      if (etag === undefined) return;
      await stage(fixture, path, 0, 'abc');
      const flushed = { verb: 'flush', path, position: 3, retain: false, close: true } as const;
      await fixture.mutate({ ...flushed, condition: { ifMatch: etag } });
      const again = await fixture.failure(fixture.mutate({ ...flushed, condition: { ifMatch: etag } }));
      t.equal(kindOf(again, 'condition-failed'), 'condition-failed');
    },
  },
  {
    name: 'a create drops what was staged',
    when: staging,
    async run(t, fixture) {
      const path = fixture.at('f');
      await begin(fixture, path);
      await stage(fixture, path, 0, 'old');
      await begin(fixture, path);
      t.equal(kindOf(await fixture.failure(flush(fixture, path, 3)), 'invalid-flush'), 'invalid-flush');
    },
  },
  {
    name: 'staged bytes move with a rename',
    when: staging,
    async run(t, fixture) {
      const { at, mutate, read } = fixture;
      await begin(fixture, at('d/f'));
      await stage(fixture, at('d/f'), 0, 'moved');
      await mutate({
        verb: 'rename',
        path: at('d'),
        destination: at('e'),
        replace: 'none',
        intoDirectory: false,
      });
      await flush(fixture, at('e/f'), 5);
      t.equal((await read(at('e/f'))).toString(), 'moved');
    },
  },
  {
    name: 'staging where there is no file',
    when: staging,
    async run(t, fixture) {
      const { at, mkdir, failure } = fixture;
      t.equal(kindOf(await failure(stage(fixture, at('none'), 0, 'x')), 'not-found'), 'not-found');
      t.equal(kindOf(await failure(flush(fixture, at('none'), 0)), 'not-found'), 'not-found');
      await mkdir(at('d'));
      t.not((await failure(stage(fixture, at('d'), 0, 'x'))).kind, 'internal');
    },
  },
  {
    name: 'blocks are joined in the order of the commit',
    when: staging,
    async run(t, { at, mutate, exists, read, failure }) {
      const path = at('blob');
      for (const name of ['a', 'b', 'c'])
        await mutate({ verb: 'stage-block', path, blockId: blockId(name), body: bodyOfBytes(`<${name}>`) });
      t.notOk(await exists(path), 'blocks make no file');
      const commit = (ids: string[]) =>
        mutate({ verb: 'commit-blocks', path, parents: 'all', blockIds: ids.map(blockId) });
      const error = await failure(commit(['a', 'x']));
      t.equal(kindOf(error, 'invalid'), 'invalid');
      t.equal(error.code, 'InvalidBlockList');
      await commit(['c', 'a']);
      t.equal((await read(path)).toString(), '<c><a>');
      t.equal(kindOf(await failure(commit(['b'])), 'invalid'), 'invalid', 'a commit uses its blocks up');
    },
  },
  {
    name: 'blocks belong to the name that they were put under',
    when: staging,
    async run(t, { at, write, mutate, read, failure }) {
      const [path, destination] = [at('blob'), at('moved')];
      await write(path, 'old');
      await mutate({ verb: 'stage-block', path, blockId: blockId('a'), body: bodyOfBytes('new') });
      await mutate({ verb: 'rename', path, destination, replace: 'none', intoDirectory: false });
      const commit = (to: string) =>
        mutate({ verb: 'commit-blocks', path: to, parents: 'all', blockIds: [blockId('a')] });
      t.equal((await failure(commit(destination))).code, 'InvalidBlockList');
      t.equal((await read(destination)).toString(), 'old');
      await commit(path);
      t.equal((await read(path)).toString(), 'new');
      t.equal((await read(destination)).toString(), 'old');
    },
  },
  {
    name: 'a commit replaces a file with its attributes',
    when: staging,
    async run(t, { at, write, mutate, read, stat }) {
      const path = at('blob');
      await write(path, 'old', { attributes: { properties: { old: '1' } } });
      await mutate({ verb: 'stage-block', path, blockId: blockId('a'), body: bodyOfBytes('new') });
      t.equal((await read(path)).toString(), 'old');
      const attributes = { properties: { fresh: '2' }, content: { contentType: 'text/plain' } };
      const blockIds = [blockId('a')];
      await mutate({ verb: 'commit-blocks', path, parents: 'all', blockIds, attributes });
      const entry = await stat(path, true);
      t.equal((await read(path)).toString(), 'new');
      t.same(entry.properties, { fresh: '2' });
      t.equal(entry.content?.contentType, 'text/plain');
    },
  },
  {
    name: 'a commit makes a file that inherits from its folder',
    when: (supports) => supports.staging && supports.acl,
    async run(t, { at, mkdir, mutate, stat }) {
      await mkdir(at('d'));
      const spec =
        'default:user::rwx,default:user:bob:r--,default:group::r-x,default:mask::rwx,default:other::---';
      const acl = { mode: 'modify', entries: parseAcl(spec) } as const;
      await mutate({ verb: 'set-attributes', path: at('d'), acl });
      const path = at('d/blob');
      await mutate({ verb: 'stage-block', path, blockId: blockId('a'), body: bodyOfBytes('a') });
      await mutate({ verb: 'commit-blocks', path, parents: 'all', blockIds: [blockId('a')] });
      const entry = await stat(path, true);
      t.equal(formatAcl(sortAcl(entry.acl ?? [])), 'user::rw-,user:bob:r--,group::r-x,mask::rw-,other::---');
    },
  },
];
