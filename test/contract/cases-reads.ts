// Contract: ranges, conditions on reads, checksums, reads beside writes.
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { ContractCase } from './contract-case.ts';
import { bodyOfBytes, kindOf, patternBytes } from './fixture.ts';

export const readCases: ContractCase[] = [
  {
    name: 'a range is clipped at the end of the file',
    async run(t, { at, write, read, query }) {
      await write(at('f'), '0123456789');
      t.equal((await read(at('f'), { offset: 3, lengthBytes: 4 })).toString(), '3456');
      t.equal((await read(at('f'), { offset: 8, lengthBytes: 100 })).toString(), '89');
      t.equal((await read(at('f'), { offset: 9 })).toString(), '9');
      const result = await query({ verb: 'read', path: at('f'), offset: 8, lengthBytes: 100 });
      t.equal(result.offset, 8);
      t.equal(result.lengthBytes, 2);
      t.equal(result.entry.lengthBytes, 10);
      t.equal((await buffer(result.body)).length, 2);
    },
  },
  {
    name: 'a read that starts at or beyond the end is refused',
    async run(t, { at, write, read, failure }) {
      await write(at('f'), '0123456789');
      for (const offset of [10, 11, 1_000_000]) {
        const error = await failure(read(at('f'), { offset }));
        t.equal(kindOf(error, 'invalid-range'), 'invalid-range', `from ${offset}`);
      }
      await write(at('empty'));
      t.equal((await read(at('empty'))).length, 0);
      const error = await failure(read(at('empty'), { offset: 0, lengthBytes: 5 }));
      t.equal(kindOf(error, 'invalid-range'), 'invalid-range', 'a range of an empty file');
    },
  },
  {
    name: 'a folder cannot be read',
    async run(t, { at, mkdir, read, failure }) {
      await mkdir(at('d'));
      t.equal(kindOf(await failure(read(at('d'))), 'is-directory', 'not-found'), 'is-directory');
    },
  },
  {
    name: 'a body can be left unread',
    async run(t, { at, write, query, read }) {
      await write(at('f'), patternBytes(1_000_000));
      const { body } = await query({ verb: 'read', path: at('f'), offset: 0 });
      body.on('error', () => undefined);
      body.destroy();
      t.equal((await read(at('f'), { offset: 999_999 })).length, 1);
    },
  },
  {
    name: 'many reads at once',
    async run(t, { at, write, read }) {
      const bytes = patternBytes(300_000);
      await write(at('f'), bytes);
      const parts = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          read(at('f'), { offset: index * 30_000, lengthBytes: 30_000 }),
        ),
      );
      t.ok(Buffer.concat(parts).equals(bytes));
    },
  },
  {
    name: 'the checksum depends on the content alone',
    when: (supports) => supports.checksum !== undefined,
    async run(t, { at, store, write, query }) {
      await write(at('a'), 'some bytes');
      await write(at('b'), 'some bytes');
      await write(at('c'), 'other bytes');
      const of = (name: string) => query({ verb: 'checksum', path: at(name) });
      const [a, b, c] = [await of('a'), await of('b'), await of('c')];
      t.match(a.bytes, /^([0-9a-f]{2})+$/);
      t.equal(a.bytes, b.bytes);
      t.not(a.bytes, c.bytes);
      if (store.supports.checksum === 'MD5') {
        t.equal(a.algorithm, 'MD5');
        t.equal(a.bytes, createHash('md5').update('some bytes').digest('hex'));
      }
    },
  },
  {
    name: 'an ETag, where there is one, stays while the content does and changes with it',
    async run(t, { at, write, stat, mutate, list, folder }) {
      await write(at('f'), 'one');
      const { etag } = await stat(at('f'));
      if (etag === undefined) return;
      t.notMatch(etag, /"/);
      t.equal((await stat(at('f'))).etag, etag);
      const listed = (await list(folder))[0]?.etag;
      t.ok(listed === undefined || listed === etag, 'the listing shows the same');
      await mutate({ verb: 'append', path: at('f'), body: bodyOfBytes(' two') });
      const second = (await stat(at('f'))).etag;
      t.not(second, etag);
      await write(at('f'), 'three');
      t.not((await stat(at('f'))).etag, second);
    },
  },
  {
    name: 'conditions on a read',
    async run(t, { at, write, stat, read, failure }) {
      await write(at('f'), 'one');
      const { etag, modifiedMs } = await stat(at('f'));
      const failed = async (condition: object): Promise<string> =>
        kindOf(await failure(read(at('f'), { condition })), 'condition-failed');
      if (etag !== undefined) {
        t.equal((await read(at('f'), { condition: { ifMatch: etag } })).toString(), 'one');
        t.equal(await failed({ ifMatch: '0x8D0000000000000' }), 'condition-failed');
        t.equal(await failed({ ifNoneMatch: etag }), 'condition-failed');
        t.equal((await read(at('f'), { condition: { ifNoneMatch: '0x8D0' } })).toString(), 'one');
      }
      t.equal(await failed({ ifModifiedSinceMs: modifiedMs + 60_000 }), 'condition-failed');
      t.equal(await failed({ ifUnmodifiedSinceMs: modifiedMs - 60_000 }), 'condition-failed');
      const kept = { ifUnmodifiedSinceMs: modifiedMs + 60_000, ifModifiedSinceMs: modifiedMs - 60_000 };
      t.equal((await read(at('f'), { condition: kept })).toString(), 'one');
    },
  },
  {
    name: 'conditions on writes',
    async run(t, { at, write, stat, read, mutate, failure }) {
      await write(at('f'), 'one');
      const { etag } = await stat(at('f'));
      if (etag === undefined) return;
      const wrong = { ifMatch: '0x8D0000000000000' };
      const path = at('f');
      const refused = [
        await failure(write(path, 'two', { condition: wrong })),
        await failure(mutate({ verb: 'append', path, body: bodyOfBytes('x'), condition: wrong })),
        await failure(mutate({ verb: 'delete', path, recursive: false, condition: wrong })),
        await failure(mutate({ verb: 'set-attributes', path, permission: 0o700, condition: wrong })),
      ];
      for (const error of refused) t.equal(kindOf(error, 'condition-failed'), 'condition-failed');
      t.equal((await read(path)).toString(), 'one');
      await write(path, 'two', { condition: { ifMatch: etag } });
      t.equal((await read(path)).toString(), 'two');
      const late = await failure(write(path, 'three', { condition: { ifMatch: etag } }));
      t.equal(kindOf(late, 'condition-failed'), 'condition-failed');
    },
  },
  {
    name: 'If-Match: * refuses to make a file',
    async run(t, { at, write, exists, failure }) {
      const error = await failure(write(at('f'), 'x', { condition: { ifMatch: '*' } }));
      t.equal(kindOf(error, 'condition-failed', 'not-found'), 'condition-failed');
      t.notOk(await exists(at('f')));
      await write(at('f'), 'x');
      await write(at('f'), 'y', { condition: { ifMatch: '*' } });
    },
  },
];
