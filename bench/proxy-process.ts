// The yardstick: @fastify/http-proxy in front of the same stores, with nothing else in the way.
import proxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { accountPath } from './scenarios.ts';

const [webhdfs, gen2] = process.argv.slice(2);
const app = fastify();
await app.register(proxy, { upstream: webhdfs!, prefix: '/webhdfs', rewritePrefix: '/webhdfs' });
await app.register(proxy, { upstream: gen2!, prefix: accountPath, rewritePrefix: accountPath });
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit());
process.send!({ url });
