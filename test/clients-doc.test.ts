// docs/clients.md shows the results that are kept, and those are of every client, version, place and operation that there is.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { operations, places } from './clients/client.ts';
import { clientsPage, pageFile, readResults } from './clients/client-results.ts';
import { clients } from './clients/clients.ts';

const again =
  'UPDATE_DOCS=1 TWINLAKE_CLIENTS=NAME npm run interop -- clients/ runs a client and keeps what it says';

t.test('the page shows the results', async (t) => {
  t.equal(readFileSync(pageFile, 'utf8'), clientsPage(clients, readResults()), again);
});

t.test('there are results of every client as it is pinned, and no operation fails', async (t) => {
  const results = readResults();
  t.strictSame(
    Object.keys(results),
    clients.map(({ name }) => name),
    again,
  );
  for (const { name, version } of clients) {
    const kept = results[name];
    t.equal(kept?.version, version, `${name}: ${again}`);
    for (const place of places) {
      const seen = kept?.places[place] ?? {};
      t.strictSame(Object.keys(seen).sort(), [...operations].sort(), `${name}, ${place}: ${again}`);
      for (const [operation, { outcome, reason }] of Object.entries(seen)) {
        if (outcome === 'n/a') t.ok(reason, `${name}, ${operation}: says why not`);
        else t.equal(outcome, 'pass', `${name}, ${place}: ${operation}`);
      }
    }
  }
});
