// Everything a WebHDFS client can get wrong: each is refused as Hadoop would, and afterwards both stores are as they were.
import t, { type Test } from 'tap';
import { adminView, drained } from './admin-view.ts';
import { lakeFilesystem, webhdfsClient } from './clients.ts';
import { type Lake, startLake } from './lake.ts';
import { type RawWords, sendRaw } from './raw-http.ts';
import { isRefusal, type Refusal } from './refusals.ts';
import { sameTrees } from './trees.ts';

t.setTimeout(300_000);

type Case = [name: string, request: string | RawWords, expected: Refusal];

const bad: Refusal = { status: 400, code: 'IllegalArgumentException' };
const long = 'n'.repeat(256);
const file = '/webhdfs/v1/lake/file';

const paths: Case[] = [
  ['a malformed escape', 'GET /webhdfs/v1/lake/a%ZZ?op=GETFILESTATUS', bad],
  ['half an escape', 'GET /webhdfs/v1/lake/a%4?op=GETFILESTATUS', bad],
  ['an escape that is no UTF-8', 'GET /webhdfs/v1/lake/a%FF?op=GETFILESTATUS', bad],
  ['a malformed escape in the query', 'GET /webhdfs/v1/lake/file?op=GETFILESTATUS&user.name=%ZZ', bad],
  ['..', 'GET /webhdfs/v1/lake/../etc/passwd?op=OPEN', bad],
  ['.. escaped', 'GET /webhdfs/v1/lake/%2e%2e/x?op=GETFILESTATUS', bad],
  ['.. in a write', 'PUT /webhdfs/v1/lake/..%2Fx?op=MKDIRS', bad],
  ['.. in a destination', `PUT ${file}?op=RENAME&destination=/lake/../x`, bad],
  ['NUL', 'GET /webhdfs/v1/lake/a%00b?op=GETFILESTATUS', bad],
  ['NUL in a destination', `PUT ${file}?op=RENAME&destination=/lake/a%00b`, bad],
  ['a name of 256 bytes', `PUT /webhdfs/v1/lake/${long}?op=MKDIRS`, bad],
  ['a path of 9,000 characters', `PUT /webhdfs/v1/lake${'/folder78'.repeat(1000)}?op=MKDIRS`, bad],
  ['a path of 1,100 folders', `PUT /webhdfs/v1/lake${'/f'.repeat(1100)}?op=MKDIRS`, bad],
  ['a request line of 200 KB', `GET /webhdfs/v1/${'x'.repeat(200_000)}?op=OPEN`, { status: 431 }],
];

const operations: Case[] = [
  ['no operation', `GET ${file}`, bad],
  ['an unknown question', `GET ${file}?op=EXPLAIN`, bad],
  ['an unknown change', `PUT ${file}?op=EXPLODE`, { status: 501, code: 'UnsupportedOperationException' }],
  ['a change that two stores cannot do', `PUT ${file}?op=ALLOWSNAPSHOT`, { status: 501 }],
  ['a change by GET', `GET ${file}?op=DELETE`, bad],
  ['a question by POST', `POST ${file}?op=GETFILESTATUS`, { status: [400, 501] }],
  ['a method of another protocol', `PROPFIND ${file}?op=GETFILESTATUS`, { status: [400, 501] }],
  ['RENAME to nowhere', `PUT ${file}?op=RENAME`, bad],
  ['MODIFYACLENTRIES without entries', `PUT ${file}?op=MODIFYACLENTRIES`, bad],
  ['SETACL with garbage', `PUT ${file}?op=SETACL&aclspec=everybody`, bad],
  ['CONCAT of nothing', `POST ${file}?op=CONCAT`, bad],
  ['a mode that is none', `PUT ${file}?op=SETPERMISSION&permission=999`, bad],
  ['a flag that is none', `DELETE ${file}?op=DELETE&recursive=perhaps`, bad],
  ['a negative offset', `GET ${file}?op=OPEN&offset=-1`, bad],
  ['an absurd offset', `GET ${file}?op=OPEN&offset=99999999999999999999`, bad],
  ['an offset that is no number', `GET ${file}?op=OPEN&offset=first`, bad],
  ['a negative length', `GET ${file}?op=OPEN&length=-5`, bad],
  ['a replication of nothing', `PUT /webhdfs/v1/lake/new?op=CREATE&replication=0`, bad],
  ['a time that is none', `PUT ${file}?op=SETTIMES&modificationtime=yesterday`, bad],
];

const places: Case[] = [
  [
    'a missing file',
    'GET /webhdfs/v1/lake/none?op=GETFILESTATUS',
    { status: 404, code: 'FileNotFoundException' },
  ],
  ['a file outside every mount', 'GET /webhdfs/v1/other/x?op=GETFILESTATUS', { status: [403, 404] }],
  [
    'a folder outside every mount',
    'PUT /webhdfs/v1/other/x?op=MKDIRS',
    { status: 403, code: 'AccessControlException' },
  ],
  ['a rename out of the mount', `PUT ${file}?op=RENAME&destination=/other/x`, { status: [403, 501] }],
  ['the hidden folder', 'PUT /webhdfs/v1/lake/.twinlake/x?op=MKDIRS', { status: [403, 404] }],
  ['the removal of a full folder', 'DELETE /webhdfs/v1/lake/folder?op=DELETE', { status: 403 }],
  [
    'a folder below a file',
    `PUT ${file}/below?op=MKDIRS`,
    { status: 403, code: /ParentNotDirectory|FileAlreadyExists/ },
  ],
];

/** The second step of a write, asked for and not yet made. */
async function secondStep(lake: Lake, method: string, name: string, op: string): Promise<string> {
  const { headers } = await webhdfsClient(lake.gateway.url).call(method, `/lake/${name}`, op, {
    overwrite: true,
  });
  const { pathname, search } = new URL(headers.get('location')!);
  return `${method} ${pathname}${search}`;
}

const promised = { 'content-length': '1000000' };

/** Bodies that are not what their request says; none of them may leave a trace. */
async function brokenBodies(t: Test, lake: Lake): Promise<void> {
  for (const [method, op, name] of [
    ['PUT', 'CREATE', 'file'],
    ['PUT', 'CREATE', 'new'],
    ['POST', 'APPEND', 'file'],
  ] as const) {
    const line = await secondStep(lake, method, name, op);
    const what = `${op} of ${name}`;
    const half = { line, headers: promised, body: Buffer.alloc(300_000, 'x') };
    const short = await sendRaw(lake.gateway.url, { ...half, after: 'end' });
    t.ok(
      short === undefined || (short.status >= 400 && short.status < 500),
      `${what}, cut short: ${short?.status}`,
    );
    await sendRaw(lake.gateway.url, { ...half, after: 'break' });
    const chunked = { line, headers: { 'transfer-encoding': 'chunked' } };
    const cut = await sendRaw(lake.gateway.url, { ...chunked, body: '5\r\nabcde\r\n', after: 'end' });
    t.ok(
      cut === undefined || (cut.status >= 400 && cut.status < 500),
      `${what}, a chunk missing: ${cut?.status}`,
    );
    await sendRaw(lake.gateway.url, { ...chunked, body: '5\r\nabcde\r\n', after: 'break' });
    const garbled = await sendRaw(lake.gateway.url, { ...chunked, body: '5\r\nabcde\r\nZZ\r\nabc\r\n' });
    isRefusal(t, `${what}, a chunk of no size`, garbled, { status: 400, code: 'IOException' });
  }
  const line = await secondStep(lake, 'PUT', 'new', 'CREATE');
  for (const length of ['-5', 'many', '5, 6']) {
    const answer = await sendRaw(lake.gateway.url, {
      line,
      headers: { 'content-length': length },
      body: 'abcde',
    });
    t.equal(answer?.status, 400, `a content-length of ${length}`);
  }
}

/** Links are worth nothing once they have been touched. */
async function forgedLinks(t: Test, lake: Lake): Promise<void> {
  const line = await secondStep(lake, 'PUT', 'new', 'CREATE');
  const forged: [string, string][] = [
    ['another path', line.replace('/lake/new', '/lake/file')],
    ['another operation', line.replace('PUT', 'POST').replace('op=CREATE', 'op=APPEND')],
    ['another signature', line.slice(0, -3)],
  ];
  for (const [what, words] of forged) {
    const answer = await sendRaw(lake.gateway.url, {
      line: words,
      headers: { 'content-length': '1' },
      body: 'x',
    });
    isRefusal(t, `a link for ${what}`, answer, { status: [400, 401, 403] });
  }
}

t.test('WebHDFS through the gateway', async (t) => {
  const lake = await startLake(t);
  const hdfs = webhdfsClient(lake.gateway.url);
  await hdfs.write('/lake/file', 'what was there before');
  await hdfs.write('/lake/folder/inner', 'and here');
  const admin = adminView(lake.gateway.adminUrl);
  await drained(t, admin);
  const before = await sameTrees(t, lake);
  const run = async (t: Test, cases: readonly Case[]): Promise<void> => {
    for (const [name, request, expected] of cases) {
      const words = typeof request === 'string' ? { line: request } : request;
      isRefusal(t, name, await sendRaw(lake.gateway.url, words), expected);
    }
  };
  await t.test('paths', (t) => run(t, paths));
  await t.test('operations and parameters', (t) => run(t, operations));
  await t.test('places', (t) => run(t, places));
  await t.test('bodies', (t) => brokenBodies(t, lake));
  await t.test('links', (t) => forgedLinks(t, lake));
  await t.test('nothing has changed', async (t) => {
    await drained(t, admin);
    t.strictSame(await sameTrees(t, lake), before);
    t.equal(await admin.metric('twinlake_http_requests_total', { status: '500' }), 0, 'no 500');
    t.notOk(
      lake.gateway.log.some((line) => /internal|TypeError|RangeError/.test(JSON.stringify(line))),
      'nothing unforeseen in the log',
    );
  });
  await t.test('a body longer than it says counts up to there', async (t) => {
    const line = await secondStep(lake, 'PUT', 'five', 'CREATE');
    await sendRaw(lake.gateway.url, { line, headers: { 'content-length': '5' }, body: 'abcdefghij' });
    t.equal((await hdfs.read('/lake/five'))?.bytes.toString(), 'abcde');
    t.equal((await lakeFilesystem(lake.gateway.url).getFileClient('five').getProperties()).contentLength, 5);
  });
});
