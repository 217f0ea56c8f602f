// The census of a running gateway over real drivers: what clients of both faces used, and what the other store cannot hold.
import t from 'tap';
import type { CensusView } from '../../src/admin/admin-server.ts';
import { adminView, drained } from './admin-view.ts';
import { routesOf, startLake } from './lake.ts';
import { sendRaw } from './raw-http.ts';

t.test('an operator sees what is used and what is lost, over /v1 and /metrics', async (t) => {
  const lake = await startLake(t, { routes: routesOf({ reads: 'target' }) });
  const { url, adminUrl } = lake.gateway;
  const admin = adminView(adminUrl);
  const status = async (line: string, headers: Record<string, string> = {}, body = '') =>
    (await sendRaw(url, { line, headers: { 'content-length': String(body.length), ...headers }, body }))
      ?.status;
  t.equal(await status('PUT /webhdfs/v1/lake/d?op=MKDIRS'), 200);
  const create = 'PUT /webhdfs/v1/lake/d/x?op=CREATE&data=true&replication=2&blocksize=1048576';
  t.equal(await status(create, { 'content-type': 'application/octet-stream' }, 'hello'), 201);
  const expiry = { 'x-ms-expiry-option': 'RelativeToNow', 'x-ms-expiry-time': '86400000' };
  t.equal(await status('PUT /devstoreaccount1/lake/d/y?resource=file', expiry), 201);
  t.equal(await status('PUT /webhdfs/v1/lake/d?op=SETSTORAGEPOLICY&storagepolicy=HOT'), 501);

  const losses = (attribute: string) =>
    admin.metric('twinlake_fidelity_losses_total', { app: 'default', attribute });
  t.equal(await losses('replication'), 1);
  t.equal(await losses('block-size'), 1);
  t.equal(await losses('expiry'), 1);
  const used = { app: 'default', face: 'webhdfs', op: 'SETSTORAGEPOLICY', result: 'unsupported' };
  t.equal(await admin.metric('twinlake_operations_total', used), 1);

  const refused = { verb: 'create', side: 'source', outcome: 'refused' };
  t.equal(await admin.metric('twinlake_mutations_total', refused), 0, 'HDFS is not asked to keep an expiry');
  await drained(t, admin);

  const answer = await fetch(`${adminUrl}/v1/apps/default/census`);
  t.equal(answer.status, 200);
  const census = (await answer.json()) as CensusView;
  const find = (op: string) => census.operations.find((one) => one.op === op)!;
  t.match(find('CREATE'), { results: { ok: 1 }, parameters: { data: 1, replication: 1 } });
  t.match(find('CREATE').cannotExpress, { replication: { count: 1, example: '/lake/d/x' } });
  t.match(find('createPath').cannotExpress, { expiry: { count: 1, example: '/lake/d/y' } });
  t.match(find('SETSTORAGEPOLICY').results, { unsupported: 1 });
  t.equal((await fetch(`${adminUrl}/v1/apps/nobody/census`)).status, 404);
});
