// Folders that a write implies: the same mode on both sides, none left behind by a refused write.
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import type { Mutation } from '../src/core/mutation.ts';
import type { Side } from '../src/core/store.ts';
import { createKnownFolders } from '../src/gateway/known-folders.ts';
import { createRig, type Rig } from './gateway/rig.ts';

async function modes(rig: Rig, path: string): Promise<(number | string)[]> {
  const at = async (side: Side): Promise<number | string> => {
    try {
      return (await rig.stores[side].query({ verb: 'stat', path }, rig.ctx())).entry.permission;
    } catch (error) {
      return (error as { kind: string }).kind;
    }
  };
  return [await at('source'), await at('target')];
}

const create = (path: string, more: object = {}): Mutation => ({
  verb: 'create',
  path,
  parents: 'all',
  attributes: { permission: 0o640 },
  body: { stream: Readable.from(['x']), lengthBytes: 1 },
  ...more,
});

async function refusal(writing: Promise<unknown>): Promise<string> {
  const error = await writing.then(
    () => undefined,
    (thrown: { kind: string }) => thrown,
  );
  return error?.kind ?? 'taken';
}

async function made(rig: Rig, protocol: 'webhdfs' | 'dfs', mutation: Mutation) {
  await rig.gateway.mutate(mutation, rig.ctx(protocol));
  await rig.settled();
}

t.test('implied folders have the mode of their protocol, on both sides', async (t) => {
  const rig = await createRig(t);
  await made(rig, 'webhdfs', {
    verb: 'mkdir',
    path: '/lake/strict',
    parents: 'all',
    attributes: { permission: 0o570 },
  });
  t.strictSame(await modes(rig, '/lake/strict'), [0o570, 0o570]);
  await made(rig, 'webhdfs', create('/lake/strict/a/b/file'));
  t.strictSame(await modes(rig, '/lake/strict/a'), [0o770, 0o770], 'HDFS: the parent’s, open to the owner');
  t.strictSame(await modes(rig, '/lake/strict/a/b'), [0o770, 0o770]);
  await made(rig, 'webhdfs', {
    verb: 'mkdir',
    path: '/lake/c/d',
    parents: 'all',
    attributes: { permission: 0o511 },
  });
  t.strictSame(
    await modes(rig, '/lake/c'),
    [0o711, 0o711],
    'HDFS: what a new folder asks for, open to the owner',
  );
  t.strictSame(await modes(rig, '/lake/c/d'), [0o511, 0o511]);
  await made(rig, 'dfs', create('/lake/e/f/file', { parents: 'below-root-folder' }));
  t.strictSame(await modes(rig, '/lake/e/f'), [0o750, 0o750], 'Gen2: everything but the umask');
});

t.test('a refused write takes its folders with it, but not those of others', async (t) => {
  const rig = await createRig(t);
  await made(rig, 'webhdfs', create('/lake/file'));
  const bad = { attributes: { acl: [{ scope: 'default', type: 'user', name: '', permission: 7 }] } };
  t.equal(await refusal(rig.gateway.mutate(create('/lake/g/h/file', bad), rig.ctx())), 'invalid');
  await rig.settled();
  t.strictSame(await modes(rig, '/lake/g'), ['not-found', 'not-found']);
  t.equal(await refusal(rig.gateway.mutate(create('/lake/file/below'), rig.ctx())), 'not-directory');
  const missing = create('/nolake/file', { parents: 'below-root-folder' });
  t.equal(await refusal(rig.gateway.mutate(missing, rig.ctx('dfs'))), 'parent-not-found');
  t.strictSame(await modes(rig, '/nolake'), ['not-found', 'not-found']);
  t.equal(
    await refusal(rig.gateway.mutate(create('/lake/i/file', { condition: { ifMatch: '*' } }), rig.ctx())),
    'condition-failed',
  );
  t.strictSame(await modes(rig, '/lake/i'), ['not-found', 'not-found']);
});

t.test('folders that were removed are made again', async (t) => {
  const rig = await createRig(t);
  for (const verb of ['delete', 'rename'] as const) {
    await made(rig, 'dfs', create('/lake/j/k/file'));
    const away = { verb, path: '/lake/j', recursive: true, destination: '/lake/elsewhere' };
    await made(rig, 'dfs', { ...away, replace: 'none', intoDirectory: false } as Mutation);
    t.strictSame(await modes(rig, '/lake/j/k'), ['not-found', 'not-found']);
  }
  await made(rig, 'dfs', create('/lake/j/k/file'));
  t.strictSame(await modes(rig, '/lake/j/k'), [0o750, 0o750]);
});

t.test('a folder that is seen while it is being moved away is made again', async (t) => {
  const gate = Promise.withResolvers<void>();
  const moving = Promise.withResolvers<void>();
  const rig = await createRig(t, {
    wrap: (_, store) => ({
      ...store,
      async mutate(mutation, ctx) {
        if (mutation.verb === 'rename') {
          moving.resolve();
          await gate.promise;
        }
        return store.mutate(mutation, ctx);
      },
    }),
  });
  await made(rig, 'dfs', create('/lake/l/file'));
  const away = { verb: 'rename', path: '/lake/l', destination: '/lake/m' } as const;
  const move = rig.gateway.mutate({ ...away, replace: 'none', intoDirectory: false }, rig.ctx('dfs'));
  await moving.promise;
  const write = rig.gateway.mutate(create('/lake/l/next'), rig.ctx('dfs'));
  while (rig.locks.waiters() === 0) await setImmediate();
  gate.resolve();
  await Promise.all([move, write]);
  await rig.settled();
  t.strictSame(await modes(rig, '/lake/l'), [0o750, 0o750]);
});

t.test('what was seen before a removal does not count after it', async (t) => {
  const folders = createKnownFolders();
  const seenAt = folders.age;
  folders.add('/a/b', seenAt);
  t.ok(folders.has('/a/b'));
  folders.forget('/a');
  t.notOk(folders.has('/a/b'));
  folders.add('/a/b', seenAt);
  t.notOk(folders.has('/a/b'));
});
