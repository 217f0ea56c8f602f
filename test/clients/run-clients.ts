// Runs the clients of one protocol everywhere, judges what they say and what they leave behind, and keeps the results.
import type { Test } from 'tap';
import { adminView, drained } from '../end-to-end/admin-view.ts';
import { lakeFilesystem, webhdfsClient } from '../end-to-end/clients.ts';
import { differencesOf, gen2Tree, type Tree, webhdfsTree } from '../end-to-end/trees.ts';
import { type Client, operations, type Place, places, type Result, type Where } from './client.ts';
import { type AllResults, keepResults, matrixTable } from './client-results.ts';
import { clients } from './clients.ts';
import { cacheDir } from './install-cache.ts';
import { startWorkplace, type Workplace } from './places-to-work.ts';

/** Which clients run: those that CI has time for, or all; `TWINLAKE_CLIENTS` picks some by parts of their names. */
function chosen(protocol: Client['protocol']): Client[] {
  const words = process.env.TWINLAKE_CLIENTS?.toLowerCase().split(',');
  return clients.filter(
    (client) =>
      client.protocol === protocol &&
      (words
        ? words.some((word) => client.name.toLowerCase().includes(word))
        : process.env.TWINLAKE_FULL || client.inCi),
  );
}

/** One test for each client and place; the matrix at the end. `UPDATE_DOCS=1` keeps the results. */
export function runClients(t: Test, protocol: Client['protocol']): Promise<unknown> {
  return t.test(protocol, (test) => runAll(test, protocol));
}

async function runAll(t: Test, protocol: Client['protocol']): Promise<void> {
  const these = chosen(protocol);
  if (these.length === 0) {
    t.pass('no client of this protocol was asked for');
    return;
  }
  const [workplace] = await Promise.all([
    startWorkplace(t),
    ...these.map((client) => client.install(cacheDir)),
  ]);
  const results: AllResults = {};
  for (const { name, version } of these) results[name] = { version, places: {} };
  for (const place of places) {
    if (place !== 'emulator') await workplace.makePrimary(place);
    for (const client of these) {
      await t.test(`${client.name}, ${place}`, async (test) => {
        const found = await runOnce(test, client, place, workplace);
        results[client.name]!.places[place] = Object.fromEntries(
          found.map(({ operation, ...rest }) => [operation, rest]),
        );
      });
    }
  }
  for (const line of matrixTable(these, results).split('\n')) t.comment(line);
  if (process.env.UPDATE_DOCS === '1') keepResults(results, clients);
}

async function runOnce(
  test: Test,
  client: Client,
  place: Place,
  { lake, whereFor }: Workplace,
): Promise<Result[]> {
  const where = await whereFor(client, place);
  await makeRoot(client, where);
  const found: Result[] = [];
  for await (const result of client.run(where, cacheDir)) {
    found.push(result);
    const { operation, outcome, reason } = result;
    if (outcome === 'fail') test.fail(`${operation}: ${reason}`);
    else if (outcome === 'n/a') test.ok(reason, `${operation}: not applicable, ${reason}`);
    else test.pass(operation);
  }
  const said = found.map(({ operation }) => operation);
  test.strictSame([...said].sort(), [...operations].sort(), 'says each operation once');
  if (place !== 'emulator') await equalEverywhere(test, where.root, lake);
  return found;
}

/** The root, made past the client: whether it can make folders is for it to say. */
async function makeRoot(client: Client, { endpoint, root }: Where): Promise<void> {
  if (client.protocol !== 'gen2') {
    await webhdfsClient(endpoint).call('PUT', root, 'MKDIRS');
    return;
  }
  const [, filesystem, path] = /^\/([^/]+)\/(.+)$/.exec(root)!;
  await lakeFilesystem(endpoint, undefined, filesystem).getDirectoryClient(path!).create();
}

/** Nothing diverges; both stores and both faces of the gateway have the same below `root`. */
async function equalEverywhere(test: Test, root: string, lake: Workplace['lake']): Promise<void> {
  await drained(test, adminView(lake.gateway.adminUrl));
  const [source, bare, target, webhdfs, gen2] = [
    await webhdfsTree(lake.source.url, root),
    await webhdfsTree(lake.source.url, root, false),
    await gen2Tree(lake.target.url, root),
    await webhdfsTree(lake.gateway.url, root, false),
    await gen2Tree(lake.gateway.url, root),
  ];
  const pairs: [string, Tree, Tree][] = [
    ['both stores have the same', source, target],
    ['the WebHDFS face shows the same', bare, webhdfs],
    ['the Gen2 face shows the same', target, gen2],
  ];
  test.ok(source.size > 20, `the client left ${source.size} paths`);
  for (const [what, left, right] of pairs) test.strictSame(differencesOf(left, right), [], what);
}
