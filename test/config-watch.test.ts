// Hot reload of routes.yaml over real files: every way a file gets replaced, and every way it goes wrong.
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import type { ConfigError } from '../src/config/config-error.ts';
import { createRoutesFile } from '../src/config/routes-file.ts';
import { watchRoutes } from '../src/config/watch-routes.ts';
import type { RoutingTable } from '../src/core/route.ts';

const routes = (reads: string): string =>
  `mounts: [{ source: /lake, target: /lake }]\napps:\n  default: { reads: ${reads}, writes: both }\n`;

type News = { table: RoutingTable } | { error: ConfigError };

/** A routes file whose news can be awaited one by one, in order. */
function open(t: { teardown(fn: () => void): void }, dir: string, pollMs?: number) {
  const news = new PassThrough({ objectMode: true, highWaterMark: 1000 });
  const file = createRoutesFile({
    dir,
    onTable: (table) => news.write({ table }),
    onError: (error) => news.write({ error }),
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  t.teardown(() => file.close());
  const next = async (): Promise<News> => {
    for (;;) {
      const item: News | null = news.read();
      if (item) return item;
      await once(news, 'readable');
    }
  };
  const reads = async (): Promise<string> => {
    const item = await next();
    return 'table' in item ? item.table.match({})!.reads : item.error.message;
  };
  return { file, reads };
}

// With a poll this slow, only the operating system's events can bring the news.
const neverMs = 3_600_000;

for (const [how, pollMs] of [
  ['by events', neverMs],
  ['by polling too', 50],
] as const) {
  t.test(`overwritten in place and renamed over, ${how}`, async (t) => {
    const dir = t.testdir({ 'routes.yaml': routes('source') });
    const path = join(dir, 'routes.yaml');
    const { file, reads } = open(t, dir, pollMs);
    t.equal(file.current?.match({})?.reads, 'source', 'read at once');

    writeFileSync(path, routes('target'));
    t.equal(await reads(), 'target');
    for (const side of ['source', 'target', 'source']) {
      writeFileSync(`${path}.new`, routes(side));
      renameSync(`${path}.new`, path);
      t.equal(await reads(), side, 'editors save like this');
      t.equal(file.current?.match({})?.reads, side);
    }
    renameSync(path, `${path}~`);
    writeFileSync(path, routes('target'));
    t.equal(await reads(), 'target', 'vim moves the old file away first');
  });
}

t.test('swapped by symlink, as Kubernetes does with a ConfigMap', async (t) => {
  const dir = t.testdir({});
  const publish = (version: string, text: string): void => {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'routes.yaml'), text);
    symlinkSync(version, join(dir, '..data_tmp'));
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  };
  publish('..1', routes('source'));
  symlinkSync('..data/routes.yaml', join(dir, 'routes.yaml'));
  const { reads } = open(t, dir, neverMs);
  for (const [version, side] of [
    ['..2', 'target'],
    ['..3', 'source'],
    ['..4', 'target'],
  ] as const) {
    publish(version, routes(side));
    rmSync(join(dir, `..${Number(version.slice(2)) - 1}`), { recursive: true });
    t.equal(await reads(), side);
  }
});

t.test('a bad file changes nothing and says why; a good one puts it right', async (t) => {
  const dir = t.testdir({ 'routes.yaml': routes('source') });
  const path = join(dir, 'routes.yaml');
  const { file, reads } = open(t, dir);
  const { current } = file;

  for (const [text, reason] of [
    ['apps:\n  a: {\n', /routes\.yaml:\d+:\d+: bad YAML/],
    [routes('source').replace('writes', 'wirtes'), /:3:29: unknown key 'wirtes': did you mean 'writes'/],
    [routes('azure'), /routes\.yaml:3:21: 'azure' must be a store/],
    ['', /routes\.yaml:1:1: the file is empty/],
  ] as const) {
    writeFileSync(path, text);
    t.match(await reads(), reason);
    t.equal(file.current, current, 'the old table stays');
    t.match(file.lastError?.message, reason);
  }
  unlinkSync(path);
  t.match(await reads(), /routes\.yaml: cannot be read: there is no such file/);
  t.equal(file.current, current);

  writeFileSync(path, `# the same\n${routes('source')}`);
  t.equal(await reads(), 'source');
  t.equal(file.lastError, undefined);
  t.not(file.current, current);
  t.equal(file.current?.digest, current?.digest, 'a comment does not change the meaning');
});

t.test('a start without a usable file waits for one', async (t) => {
  const dir = t.testdir({});
  const { file, reads } = open(t, dir);
  t.equal(file.current, undefined);
  t.match(file.lastError?.message, /cannot be read/);
  t.match(await reads(), /cannot be read/);
  writeFileSync(join(dir, 'routes.yaml'), routes('target'));
  t.equal(await reads(), 'target');
});

t.test(
  'a directory that comes later is polled and watched; a text counts only when it stands still',
  async (t) => {
    const dir = join(t.testdir({}), 'later');
    const seen = new PassThrough({ objectMode: true });
    const watching = watchRoutes({
      dir,
      pollMs: 20,
      stableMs: 5,
      onText: (text) => seen.write({ text }),
      onUnreadable: (error) => seen.write({ error }),
      onWatchError: (error) => seen.write({ watchError: error }),
    });
    t.teardown(() => watching.close());
    const next = async (): Promise<object> => {
      const item: object | null = seen.read();
      if (item) return item;
      await once(seen, 'readable');
      return seen.read();
    };
    t.match(await next(), { watchError: { code: 'ENOENT' } }, 'fs.watch cannot watch it');
    t.match(await next(), { error: { code: 'ENOENT' } });

    mkdirSync(dir);
    writeFileSync(join(dir, 'routes.yaml'), 'one');
    t.same(await next(), { text: 'one' });
    watching.close();
    writeFileSync(join(dir, 'routes.yaml'), 'two');
    t.equal(readFileSync(join(dir, 'routes.yaml'), 'utf8'), 'two');
    t.equal(seen.read(), null, 'nothing is told after close');
  },
);
