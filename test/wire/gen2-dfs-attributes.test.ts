// The facts of docs/wire/gen2.md about what a file has beside its content.
import { bench } from '../face-dfs-bench.ts';
import { factsOf, type Send } from './facts.ts';

const fact = factsOf('gen2.md', () => bench().face);
const lake = (send: Send) => send('PUT /acct/lake?resource=filesystem');
const file = (send: Send, path: string, headers = {}) =>
  send(`PUT /acct/lake/${path}?resource=file`, headers);
const head = (send: Send, path: string, query = '') => send(`HEAD /acct/lake/${path}${query}`);

fact('D34', async (t, send) => {
  await lake(send);
  await file(send, 'f');
  await send('PATCH /acct/lake/f?action=append&position=0&flush=true', {}, 'old');
  t.equal((await head(send, 'f')).headers['content-length'], '3');
  await send('PATCH /acct/lake/f?action=setProperties', { 'x-ms-properties': 'a=YQ==' });
  t.equal((await file(send, 'f')).status, 201);
  const { headers } = await head(send, 'f');
  t.strictSame([headers['content-length'], headers['x-ms-properties']], ['0', undefined]);
});

fact('D37', async (t, send) => {
  await lake(send);
  await file(send, 'f', { 'x-ms-properties': 'a=YQ==' });
  const { headers } = await head(send, 'f', '?action=getStatus&upn=false');
  t.match(headers, { 'x-ms-resource-type': 'file', 'content-length': '0', 'x-ms-permissions': 'rw-r-----' });
  t.equal(headers['x-ms-properties'], undefined);
});
