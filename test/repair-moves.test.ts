// Renames that the secondary missed are done as renames: nothing is copied again, and whatever happens around them, both sides end equal.
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { clientCtx, get, look, names, put } from './gateway/actions.ts';
import { createRig, type Rig } from './gateway/rig.ts';

const rename = (store: Store, path: string, destination: string) =>
  store.mutate({ verb: 'rename', path, destination, replace: 'any', intoDirectory: false }, clientCtx());
const remove = (store: Store, path: string) =>
  store.mutate({ verb: 'delete', path, recursive: true }, clientCtx());

/** Every path with its content, without what is ours. */
async function treeOf(store: Store): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const path of await names(store, '/', true)) {
    if (path.includes('/.twinlake')) continue;
    const content = await look(store, path);
    tree[path] = content === '(is-directory)' ? '/' : content;
  }
  return tree;
}

async function healed(t: Test, rig: Rig): Promise<void> {
  rig.down.clear();
  rig.repair.wake();
  await rig.settled();
  t.same(await treeOf(rig.stores.target), await treeOf(rig.stores.source));
}

t.test('a moved folder of 1,000 files is not copied again; what was written in it since is', async (t) => {
  const rig = await createRig(t);
  for (const store of [rig.stores.source, rig.stores.target])
    for (let i = 0; i < 1000; i++) await put(store, `/lake/a/f${i}`, `content ${i}`);
  const before = rig.copiedBytes();
  rig.down.add('target');
  await rename(rig.gateway, '/lake/a', '/lake/b');
  await rename(rig.gateway, '/lake/b', '/lake/c');
  await put(rig.gateway, '/lake/c/f7', 'changed 7');
  await remove(rig.gateway, '/lake/c/f8');
  await put(rig.gateway, '/lake/a/new', 'the old name again');
  await healed(t, rig);
  t.equal(rig.copiedBytes() - before, 'changed 7the old name again'.length);
  t.equal(await get(rig.stores.target, '/lake/c/f7'), 'changed 7');
});

t.test(
  'a swap by way of a third name, a folder moved into itself by way of another, there and back',
  async (t) => {
    const rig = await createRig(t);
    for (const name of ['a', 'b', 'c', 'd'])
      for (const file of ['x', 'y/z']) await put(rig.gateway, `/lake/${name}/${file}`, `${name} ${file}`);
    await rig.settled();
    const before = rig.copiedBytes();
    rig.down.add('target');
    await rename(rig.gateway, '/lake/a', '/lake/t');
    await rename(rig.gateway, '/lake/b', '/lake/a');
    await rename(rig.gateway, '/lake/t', '/lake/b');
    await rename(rig.gateway, '/lake/c', '/lake/t');
    await put(rig.gateway, '/lake/c/own', '');
    await rename(rig.gateway, '/lake/t', '/lake/c/inside');
    await rename(rig.gateway, '/lake/d', '/lake/e');
    await rename(rig.gateway, '/lake/e', '/lake/d');
    await healed(t, rig);
    t.equal(rig.copiedBytes(), before);
  },
);

t.test(
  'a rename that the other side refuses, or whose answer is lost, ends in a copy or in the rename',
  async (t) => {
    for (const kind of ['denied', 'timeout'] as const) {
      let failures = kind === 'denied' ? Number.POSITIVE_INFINITY : 2;
      const wrap = (store: Store): Store => ({
        ...store,
        async mutate(mutation, ctx) {
          const isMove =
            mutation.verb === 'rename' && `${mutation.path}${mutation.destination}`.includes('/moved/');
          if (!isMove || failures-- <= 0) return store.mutate(mutation, ctx);
          if (kind === 'denied') throw new StoreError('denied', 'no renames here');
          await store.mutate(mutation, ctx);
          throw new StoreError('timeout', 'the answer is lost', { applied: 'unknown' });
        },
      });
      const rig = await createRig(t, { wrap: (side, store) => (side === 'target' ? wrap(store) : store) });
      await put(rig.gateway, '/lake/a/x', 'content');
      await rig.settled();
      rig.down.add('target');
      await rename(rig.gateway, '/lake/a', '/lake/b');
      await put(rig.gateway, '/lake/a', 'now a file');
      await healed(t, rig);
      await rig.close();
    }
  },
);

t.test(
  'what a rename is to take away is not touched before, and nothing goes below its new name',
  async (t) => {
    const rig = await createRig(t);
    await put(rig.gateway, '/lake/a/x', 'one');
    await rig.settled();
    rig.down.add('target');
    await rename(rig.gateway, '/lake/a', '/lake/b');
    await put(rig.gateway, '/lake/a/x', 'two');
    await put(rig.gateway, '/lake/b/y', 'new');
    // The rename itself has to wait: a request without an answer may still land there.
    const { divergence } = await rig.journal.state('/lake/b');
    const tailUntilMs = Date.now() + 60_000;
    await rig.journal.apply([{ do: 'put', divergence: { ...divergence!, tailUntilMs } }]);
    rig.down.clear();
    await rig.repair.settleNow(['/lake/a/x', '/lake/b/y', '/lake/a'], 5000);
    t.same(await treeOf(rig.stores.target), { '/lake': '/', '/lake/a': '/', '/lake/a/x': 'one' });
    await rig.journal.apply([{ do: 'put', divergence: divergence! }]);
    await healed(t, rig);
    t.equal(rig.copiedBytes(), 'twonew'.length);
  },
);

t.test('a folder keeps what a rename has to take out of it until that is done', async (t) => {
  const rig = await createRig(t);
  await put(rig.gateway, '/lake/a/x/file', 'content');
  await rig.settled();
  rig.down.add('target');
  await rename(rig.gateway, '/lake/a/x', '/lake/b');
  await remove(rig.gateway, '/lake/a');
  const { divergence } = await rig.journal.state('/lake/b');
  const tailUntilMs = Date.now() + 60_000;
  await rig.journal.apply([{ do: 'put', divergence: { ...divergence!, tailUntilMs } }]);
  rig.down.clear();
  await rig.repair.settleNow(['/lake/a', '/lake/a/x'], 5000);
  t.equal(await look(rig.stores.target, '/lake/a/x/file'), 'content');
  await rig.journal.apply([{ do: 'put', divergence: divergence! }]);
  await healed(t, rig);
});

t.test(
  'what the other side has missed before a rename is copied, though it is as long as what is there',
  async (t) => {
    const rig = await createRig(t);
    for (const path of ['/lake/file', '/lake/folder/file']) await put(rig.gateway, path, 'old');
    await rig.settled();
    rig.down.add('target');
    for (const path of ['/lake/file', '/lake/folder/file']) await put(rig.gateway, path, 'new');
    await rename(rig.gateway, '/lake/file', '/lake/moved');
    await rename(rig.gateway, '/lake/folder', '/lake/moved-folder');
    await healed(t, rig);
  },
);

/** Numbers from a seed. */
function randomFrom(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32LE() % below;
}

t.test(
  'whatever is renamed, written and removed while a side comes and goes: equal in the end',
  async (t) => {
    const base = process.env.SEED ?? String(Math.floor(Math.random() * 1e9));
    t.comment(`SEED=${base}`);
    const stateDir = t.testdir({});
    for (let run = 0; run < Number(process.env.RUNS ?? 12); run++) {
      const random = randomFrom(`${base}-${run}`);
      const words = ['a', 'b', 'c'];
      const anyPath = (): string =>
        `/lake/${Array.from({ length: 1 + random(3) }, () => words[random(3)]).join('/')}`;
      const rig = await createRig(t, { stateDir: `${stateDir}/${run}` });
      const log: string[] = [];
      const act = async (): Promise<void> => {
        const [path, other] = [anyPath(), anyPath()];
        const what = random(10);
        // All contents have one length: what is trusted wrongly is not found by its length.
        const content = `${1000 + log.length}`;
        log.push(what < 4 ? `put ${path} ${content}` : what < 8 ? `mv ${path} ${other}` : `rm ${path}`);
        const asked =
          what < 4
            ? put(rig.gateway, path, content)
            : what < 8
              ? rename(rig.gateway, path, other)
              : remove(rig.gateway, path);
        await asked.catch((error) => log.push(`  ${error.kind}`));
      };
      for (let i = 0; i < 8; i++) await act();
      await rig.settled();
      for (let outage = 0; outage < 3; outage++) {
        log.push('-- down');
        rig.down.add('target');
        for (let i = 0; i < 2 + random(8); i++) await act();
        log.push('-- up');
        rig.down.clear();
        rig.repair.wake();
        // Sometimes repair is interrupted in the middle, sometimes clients go on meanwhile.
        if (random(2) === 0) for (let i = 0; i < random(4); i++) await act();
        for (let i = random(30); i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
      }
      await rig.settled();
      const [source, target] = [await treeOf(rig.stores.source), await treeOf(rig.stores.target)];
      if (!t.same(target, source, `run ${run} of SEED=${base}`)) {
        t.comment(log.join('\n'));
        break;
      }
      await rig.close();
    }
  },
);
