// A listing of a tree ends its page in time, whatever each folder costs, and the pages together show everything once.
import t from 'tap';
import { ownCtx } from '../src/core/ctx.ts';
import type { Entry } from '../src/core/entry.ts';
import { joinPath } from '../src/core/path.ts';
import { type ListQuery, type ListResult, pageMs } from '../src/core/query.ts';
import type { HadoopCalls } from '../src/stores/webhdfs/hadoop-calls.ts';
import { list } from '../src/stores/webhdfs/list.ts';
import { createParts } from '../src/stores/webhdfs/store-parts.ts';
import { createWebhdfsStore } from '../src/stores/webhdfs/webhdfs-store.ts';
import { put } from './gateway/actions.ts';
import { createRig } from './gateway/rig.ts';

const folders = ['a', 'b', 'c', 'd', 'e'];
const wanted = folders.flatMap((name) => [`/lake/${name}`, `/lake/${name}/one`, `/lake/${name}/two`]);

/** At every look a third of a page's time has passed. */
function slowClock(): () => number {
  let at = 0;
  return () => (at += pageMs / 3);
}

async function pagesOf(ask: (query: ListQuery) => Promise<ListResult>): Promise<string[][]> {
  const pages: string[][] = [];
  let token: string | undefined;
  do {
    const query: ListQuery = { verb: 'list', path: '/lake', recursive: true, limit: 1000 };
    const page: ListResult = await ask(token === undefined ? query : { ...query, token });
    pages.push(page.entries.map(({ path }) => path));
    token = page.token;
  } while (token !== undefined);
  return pages;
}

t.test('of an HDFS', async (t) => {
  const entryOf = (path: string, type: Entry['type']): Entry => ({
    path,
    type,
    lengthBytes: 0,
    modifiedMs: 0,
    permission: 0o755,
    owner: '',
    group: '',
  });
  const listPage: HadoopCalls['listPage'] = async (folder, after) => {
    // A file lists itself.
    if (/one$|two$/.test(folder)) return { entries: [entryOf(folder, 'file')], more: false };
    const [names, type] =
      folder === '/lake' ? [folders, 'directory' as const] : [['one', 'two'], 'file' as const];
    const rest = names.filter((name) => after === undefined || name > after);
    return { entries: rest.map((name) => entryOf(joinPath(folder, name), type)), more: false };
  };
  const { supports } = createWebhdfsStore({ name: 'hdfs', url: 'http://127.0.0.1:9', user: 'ann' });
  const parts = createParts('hdfs', { listPage } as HadoopCalls, supports);
  const pages = await pagesOf((query) => list(parts, query, ownCtx('list'), slowClock()));
  t.strictSame(pages.flat(), wanted);
  t.equal(pages.length, 4);
  t.ok(pages.slice(0, -1).every((page) => page.length > 0));
});

t.test('of a gateway that walks because something diverges', async (t) => {
  const now = slowClock();
  let isSlow = false;
  const rig = await createRig(t, { now: () => (isSlow ? now() : Date.now()) });
  for (const path of wanted.filter((each) => /one|two/.test(each))) await put(rig.gateway, path, 'text');
  await rig.settled();
  rig.down.add('target');
  await put(rig.gateway, '/lake/c/one', 'newer');
  isSlow = true;
  const pages = await pagesOf((query) => rig.gateway.query(query, rig.ctx()));
  t.strictSame(pages.flat(), wanted);
  t.equal(pages.length, 4);
});
