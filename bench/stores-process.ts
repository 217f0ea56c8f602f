// The two lean stores in one process of their own. Tells its addresses, and on any message how many requests came so far.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLeanGen2 } from './lean-gen2.ts';
import { createLeanWebhdfs } from './lean-webhdfs.ts';
import { accountPath } from './scenarios.ts';

let requests = 0;

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    requests++;
    handler(request, response);
  });
  // Longer than any run, so that nobody meets a connection that is just being closed.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const webhdfs = await listen(createLeanWebhdfs());
const gen2 = await listen(createLeanGen2());
process.on('message', () => process.send!({ requests }));
process.on('disconnect', () => process.exit());
process.send!({ webhdfs, gen2, gen2Account: gen2 + accountPath });
