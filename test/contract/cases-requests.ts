// Contract: what goes with every request: the abort signal, the caller's last word, many at once.
import { PassThrough } from 'node:stream';
import type { ContractCase } from './contract-case.ts';
import { bodyOfBytes, patternBytes } from './fixture.ts';

export const requestCases: ContractCase[] = [
  {
    name: 'an aborted upload ends and releases its body',
    when: (supports) => supports.atomicCreate,
    async run(t, { at, mutate, exists, failure }) {
      const stream = new PassThrough();
      const aborter = new AbortController();
      const path = at('f');
      stream.write('the first half');
      const work = mutate(
        { verb: 'create', path, parents: 'all', body: { stream, lengthBytes: 100 } },
        { signal: aborter.signal },
      );
      setImmediate(() => aborter.abort(new Error('gone')));
      const error = await failure(work);
      t.ok(['aborted', 'timeout', 'unavailable'].includes(error.kind), error.kind);
      t.ok(stream.destroyed || stream.readableEnded, 'the body is released');
      t.notOk(await exists(path));
    },
  },
  {
    name: 'nothing is done once the caller has gone',
    async run(t, { at, mutate, exists, failure }) {
      const signal = AbortSignal.abort(new Error('gone'));
      const body = bodyOfBytes('x');
      await failure(mutate({ verb: 'create', path: at('f'), parents: 'all', body }, { signal }));
      t.notOk(await exists(at('f')));
      t.ok(body.stream.destroyed || body.stream.readableEnded, 'the body is released');
    },
  },
  {
    name: 'a change waits for the last word before it shows',
    when: (supports) => supports.atomicCreate,
    async run(t, { at, mutate, read, write, exists }) {
      await write(at('f'), 'old');
      let seen = '';
      const beforeCommit = async (): Promise<void> => {
        seen = (await read(at('f'))).toString();
      };
      const body = bodyOfBytes('new');
      await mutate({ verb: 'create', path: at('f'), parents: 'all', body }, { beforeCommit });
      t.equal(seen, 'old');
      t.equal((await read(at('f'))).toString(), 'new');
      t.ok(await exists(at('f')));
    },
  },
  {
    name: 'a change whose last word is no does not happen',
    when: (supports) => supports.atomicCreate,
    async run(t, { at, mutate, read, write, exists, failure }) {
      await write(at('f'), 'old');
      const no = { beforeCommit: () => Promise.reject(new Error('no')) };
      for (const path of [at('f'), at('new')])
        await failure(mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes('new') }, no));
      t.equal((await read(at('f'))).toString(), 'old');
      t.notOk(await exists(at('new')));
    },
  },
  {
    name: 'a body of unknown length',
    async run(t, { at, mutate, read }) {
      const bytes = patternBytes(700_000);
      const { stream } = bodyOfBytes(bytes);
      await mutate({ verb: 'create', path: at('f'), parents: 'all', body: { stream } });
      t.ok((await read(at('f'))).equals(bytes));
    },
  },
  {
    name: 'many writers in one new folder',
    async run(t, { at, write, names }) {
      const files = Array.from({ length: 20 }, (_, index) => `d/e/f${String(index).padStart(2, '0')}`);
      await Promise.all(files.map((name) => write(at(name), name)));
      t.same(
        await names(at('d/e')),
        files.map((name) => name.slice(4)),
      );
    },
  },
  {
    name: 'of many that must be first, one is',
    async run(t, { at, write, read }) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 6 }, (_, index) =>
          write(at('f'), `writer ${index}`, { condition: { ifNoneMatch: '*' } }),
        ),
      );
      t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      t.equal((await read(at('f'))).toString(), `writer ${winner}`);
    },
  },
  {
    name: 'a result carries the entry when it is wanted',
    async run(t, { at, mutate, write, stat }) {
      const { entry } = await write(at('f'), 'abc');
      const there = await stat(at('f'));
      t.equal(entry?.modifiedMs, there.modifiedMs);
      t.equal(entry?.etag, there.etag);
      const appended = await mutate({ verb: 'append', path: at('f'), body: bodyOfBytes('d') });
      t.equal(appended.entry?.etag, (await stat(at('f'))).etag);
    },
  },
];
