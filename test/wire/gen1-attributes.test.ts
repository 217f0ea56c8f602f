// The facts of docs/wire/gen1.md about setting attributes.
import { webhdfsBench } from '../face-webhdfs-bench.ts';
import { factsOf } from './facts.ts';

const fact = factsOf('gen1.md', () => webhdfsBench().face);
const api = 'api-version=2018-09-01';

fact('G36', async (t, send) => {
  await send(`PUT /webhdfs/v1/d/f?OP=CREATE&${api}&write=true`, {}, 'x');
  const put = (path: string, op: string, more: string) =>
    send(`PUT /webhdfs/v1${path}?op=${op}&${api}&${more}`);
  for (const permission of ['770', '0770', '1770']) {
    const set = await put('/d', 'SETPERMISSION', `permission=${permission}`);
    t.strictSame([set.status, set.body, set.headers['content-length']], [200, '', '0'], permission);
    t.equal(
      (await send(`GET /webhdfs/v1/d?OP=GETFILESTATUS&${api}`)).json.FileStatus.permission,
      permission.replace(/^0/, ''),
    );
  }
  for (const answer of [
    await put('/d', 'SETOWNER', 'owner=ann&group=staff'),
    await put('/d', 'MODIFYACLENTRIES', 'aclspec=user:a:r--'),
  ])
    t.strictSame([answer.status, answer.body, answer.headers['content-length']], [200, '', '0']);
});
