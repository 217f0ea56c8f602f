// What readers and conditions see of a file under upload on a store that only appends, row by row.
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Entry } from '../src/core/entry.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Condition, Query } from '../src/core/query.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { isOther, masked, type Upload } from '../src/layers/staging/uploads.ts';
import { withStaging } from '../src/layers/staging.ts';
import { bodyOfBytes, createFixture } from './contract/fixture.ts';
import { appendOnly } from './stacks/append-only.ts';

const path = '/fs/d/f';

/** As HttpFS and Gen1: files have no ids. */
function nameless(store: Store): Store {
  const bare = ({ fileId: _, ...entry }: Entry): Entry => entry;
  return {
    ...store,
    async query(query, ctx) {
      const result = await store.query(query, ctx);
      if ('entry' in result) return { ...result, entry: bare(result.entry) };
      return 'entries' in result ? { ...result, entries: result.entries.map(bare) } : result;
    },
    async mutate(mutation, ctx) {
      const { entry, ...result } = await store.mutate(mutation, ctx);
      return entry ? { ...result, entry: bare(entry) } : result;
    },
  };
}

/** `old` is flushed in a file, ` hidden` is not. */
async function createWorld(wrap: (store: Store) => Store = (store) => store) {
  const plain = appendOnly();
  const client = createFixture(withStaging(wrap(plain)), '/fs');
  const write = (to: string, content: string) =>
    client.mutate({ verb: 'create', path: to, parents: 'all', body: bodyOfBytes(content) });
  await client.mkdir('/fs/d');
  await write(path, 'old');
  await client.mutate({ verb: 'stage', path, position: 3, body: bodyOfBytes(' hidden') });
  const flush = () => client.mutate({ verb: 'flush', path, position: 10, retain: false, close: true });
  return { ...client, plain, stored: createFixture(plain, '/fs'), write, flush };
}

t.test('every query is answered with what is flushed', async (t) => {
  const { query, store, flush } = await createWorld();
  const lengths: [string, () => Promise<number>][] = [
    ['stat', async () => (await query({ verb: 'stat', path })).entry.lengthBytes],
    [
      'stat with attributes',
      async () => (await query({ verb: 'stat', path, attributes: true })).entry.lengthBytes,
    ],
    ['read', async () => (await query({ verb: 'read', path, offset: 0 })).body.resume() && length('read', 0)],
    ['read from within', () => length('read', 1)],
    ['list', () => length('list', '/fs/d', false)],
    ['list of all below', () => length('list', '/fs', true)],
    ['list of the file', () => length('list', path, false)],
    ['summary of the file', async () => (await query({ verb: 'summary', path })).lengthBytes],
    ['summary of a folder', async () => (await query({ verb: 'summary', path: '/fs' })).lengthBytes],
  ];
  async function length(verb: 'read' | 'list', at: string | number, recursive = false): Promise<number> {
    if (verb === 'read') {
      const { body, lengthBytes } = await query({ verb: 'read', path, offset: Number(at) });
      body.destroy();
      return lengthBytes + Number(at);
    }
    const { entries } = await query({ verb: 'list', path: String(at), recursive, limit: 100 });
    return entries.find((entry) => entry.path === path)!.lengthBytes;
  }
  for (const [what, ask] of lengths) t.equal(await ask(), 3, what);
  const checksum: Query = { verb: 'checksum', path };
  await t.rejects(
    store.query(checksum, ownCtx('test')),
    { kind: 'unavailable', code: 'own-limit' },
    'checksum',
  );
  await t.resolves(store.query({ verb: 'access', path, action: 4 }, ownCtx('test')), 'access');
  await flush();
  for (const [what, ask] of lengths) t.equal(await ask(), 10, `${what}, flushed`);
  await t.resolves(store.query(checksum, ownCtx('test')), 'checksum, flushed');
});

t.test('which file is another one', async (t) => {
  const { entry } = await (await createWorld()).query({ verb: 'stat', path });
  const one = (fileId: number | undefined, lengthBytes: number): Entry => {
    const { fileId: _, ...bare } = entry;
    return { ...bare, ...(fileId === undefined ? {} : { fileId }), lengthBytes };
  };
  const table: [string, Entry, Entry, boolean][] = [
    ['the same', one(7, 3), one(7, 3), false],
    ['grown', one(7, 3), one(7, 9), false],
    ['shorter than what was flushed', one(7, 3), one(7, 2), true],
    ['another id', one(7, 3), one(8, 9), true],
    ['no id before', one(undefined, 3), one(8, 9), false],
    ['no id now', one(7, 3), one(undefined, 9), false],
    ['a store that says 0', one(0, 3), one(0, 9), false],
    ['0 is no id', one(0, 3), one(8, 9), false],
    ['no id, shorter', one(undefined, 3), one(undefined, 2), true],
  ];
  for (const [what, shown, now, other] of table) {
    t.equal(isOther(shown, now), other, what);
    const upload = { shown } as Upload;
    t.equal(masked(now, upload).lengthBytes, other ? now.lengthBytes : shown.lengthBytes, what);
  }
});

t.test('conditions are judged by what is shown', async (t) => {
  const destination = '/fs/d/other';
  const changes: Record<string, (condition: Condition) => Mutation> = {
    append: (condition) => ({ verb: 'append', path, body: bodyOfBytes('x'), condition }),
    create: (condition) => ({ verb: 'create', path, parents: 'all', body: bodyOfBytes('x'), condition }),
    delete: (condition) => ({ verb: 'delete', path, recursive: false, condition }),
    'set-attributes': (condition) => ({ verb: 'set-attributes', path, permission: 0o600, condition }),
    stage: (condition) => ({ verb: 'stage', path, position: 10, body: bodyOfBytes('x'), condition }),
    flush: (condition) => ({ verb: 'flush', path, position: 10, retain: false, close: true, condition }),
    'the source of a rename': (sourceCondition) => ({
      ...{ verb: 'rename', path, destination, replace: 'any', intoDirectory: false, sourceCondition },
    }),
    'the destination of a rename': (condition) => ({
      ...{
        verb: 'rename',
        path: destination,
        destination: path,
        replace: 'any',
        intoDirectory: false,
        condition,
      },
    }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const { mutate, stat, stored, write, failure } = await createWorld();
    await write(destination, 'another');
    const [shown, inStore] = [(await stat(path)).etag!, (await stored.stat(path)).etag!];
    t.not(shown, inStore);
    const error = await failure(mutate(change({ ifMatch: inStore })));
    t.match(error.kind, /condition-failed$/, `${what}: nobody was shown that`);
    t.equal(error.applied, 'no');
    await t.resolves(mutate(change({ ifMatch: shown })), what);
  }
  const { mutate, stored, read } = await createWorld();
  await stored.mutate({ verb: 'delete', path, recursive: false });
  await mutate({
    verb: 'create',
    path,
    parents: 'all',
    body: bodyOfBytes('x'),
    condition: { ifNoneMatch: '*' },
  });
  t.equal((await read(path)).toString(), 'x', 'a file that somebody took away does not exist');
});

t.test('a time that is set shows at once', async (t) => {
  const { mutate, stat, flush } = await createWorld();
  await mutate({ verb: 'set-attributes', path, modifiedMs: 1_000_000 });
  t.equal((await stat(path)).modifiedMs, 1_000_000);
  t.equal((await stat(path)).lengthBytes, 3);
  await flush();
  t.equal((await stat(path)).lengthBytes, 10);
});

t.test('a file that somebody else put there is appended to as it is', async (t) => {
  for (const content of ['longer than all that was there', 'x']) {
    const { mutate, read, stored, write } = await createWorld();
    await stored.mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes(content) });
    await mutate({ verb: 'append', path, body: bodyOfBytes('+') });
    t.equal((await read(path)).toString(), `${content}+`);
    await write('/fs/d/part', 'part');
    await mutate({
      verb: 'concat',
      path,
      sources: ['/fs/d/part'],
      create: false,
      deleteSourceDirectory: false,
    });
    t.equal((await read(path)).toString(), `${content}+part`);
  }
});

const replacements: Record<string, Mutation> = {
  create: { verb: 'create', path, parents: 'all', body: bodyOfBytes('') },
  rename: { verb: 'rename', path: '/fs/d/new', destination: path, replace: 'any', intoDirectory: false },
  'commit-blocks': { verb: 'commit-blocks', path, parents: 'all', blockIds: ['QQ=='] },
};

for (const [what, replacement] of Object.entries(replacements))
  for (const named of [true, false])
    for (const applied of [true, false])
      t.test(
        `${what} without an answer, ${applied ? 'made' : 'not made'}, ${named ? 'with' : 'without'} ids`,
        async (t) => {
          let silent = false;
          const { mutate, read, write, failure } = await createWorld((plain) => {
            const store = named ? plain : nameless(plain);
            return {
              ...store,
              async mutate(mutation, ctx) {
                const last = what === 'create' ? 'create' : 'rename';
                if (!silent || mutation.verb !== last) return store.mutate(mutation, ctx);
                if (applied) await store.mutate(mutation, ctx);
                throw new StoreError('timeout', 'no answer', { applied: 'unknown' });
              },
            };
          });
          const content = 'new and longer than the one before';
          await write('/fs/d/new', content);
          await mutate({ verb: 'stage-block', path, blockId: 'QQ==', body: bodyOfBytes(content) });
          silent = true;
          const change = what === 'create' ? { ...replacement, body: bodyOfBytes(content) } : replacement;
          t.equal((await failure(mutate(change as Mutation))).applied, 'unknown');
          t.equal((await read(path)).toString(), applied ? content : 'old');
        },
      );

t.test(
  'a file under upload that may have been moved hides its unflushed bytes under either name',
  async (t) => {
    for (const applied of [true, false]) {
      let silent = true;
      const { mutate, read, failure } = await createWorld((store) => ({
        ...store,
        async mutate(mutation, ctx) {
          if (mutation.verb !== 'rename' || !silent) return store.mutate(mutation, ctx);
          silent = false;
          if (applied) await store.mutate(mutation, ctx);
          throw new StoreError('timeout', 'no answer', { applied: 'unknown' });
        },
      }));
      const move = { destination: '/fs/e', replace: 'none', intoDirectory: false } as const;
      await failure(mutate({ verb: 'rename', path: '/fs/d', ...move }));
      const at = applied ? '/fs/e/f' : path;
      t.equal((await read(at)).toString(), 'old');
      await mutate({ verb: 'flush', path: at, position: 10, retain: false, close: true });
      t.equal((await read(at)).toString(), 'old hidden', 'and goes on');
      if (!applied) await mutate({ verb: 'rename', path: '/fs/d', ...move });
      t.equal((await read('/fs/e/f')).toString(), 'old hidden');
    }
  },
);

t.test('an answer that says a file was not there ends no upload that began since', async (t) => {
  let meanwhile: (() => Promise<unknown>) | undefined;
  const { mutate, stored, failure, stat, write } = await createWorld((store) => ({
    ...store,
    async query(query, ctx) {
      const now = query.verb === 'stat' ? meanwhile : undefined;
      if (!now) return store.query(query, ctx);
      meanwhile = undefined;
      await now();
      throw new StoreError('not-found', 'it was not there');
    },
  }));
  await stored.mutate({ verb: 'delete', path, recursive: false });
  meanwhile = async () => {
    await write(path, 'new');
    await mutate({ verb: 'stage', path, position: 3, body: bodyOfBytes(' hidden') });
  };
  t.equal((await failure(stat(path))).kind, 'not-found');
  t.equal((await stat(path)).lengthBytes, 3);
});
