// The two lean stores in one process of their own. Tells its addresses; on any message, which may say how a store is from now on, how
// many requests came so far.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLeanGen2 } from './lean-gen2.ts';
import { createLeanWebhdfs } from './lean-webhdfs.ts';
import { accountPath } from './scenarios.ts';
import { createHealth, type Health } from './store-health.ts';

let requests = 0;
const health = { webhdfs: createHealth(), gen2: createHealth() };

/** How one of the stores is from now on. */
export interface HealthOrder {
  store: keyof typeof health;
  health: Health;
}

async function listen(name: keyof typeof health, handler: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    requests++;
    health[name].serve(handler, request, response);
  });
  // Longer than any run, so that nobody meets a connection that is just being closed.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const webhdfs = await listen('webhdfs', createLeanWebhdfs());
const gen2 = await listen('gen2', createLeanGen2());
process.on('message', (order: Partial<HealthOrder>) => {
  if (order.store && order.health) health[order.store].become(order.health);
  process.send!({ requests });
});
process.on('disconnect', () => process.exit());
process.send!({ webhdfs, gen2, gen2Account: gen2 + accountPath });
