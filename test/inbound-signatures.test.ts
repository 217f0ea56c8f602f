// Who may come in with an account's key or with a SAS: Microsoft's own client, and requests that nobody should send.
import { buffer } from 'node:stream/consumers';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  DataLakeSASPermissions,
  DataLakeServiceClient,
  DirectorySASPermissions,
  FileSystemSASPermissions,
  generateAccountSASQueryParameters,
  generateDataLakeSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-file-datalake';
import t, { type Test } from 'tap';
import { parseGatewayConfig } from '../src/config/gateway-config.ts';
import { startEmulators } from '../src/server/start-emulators.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { signSharedKey } from '../src/wire/dfs/shared-key.ts';
import { both, inboundGateway, key, otherKey } from './inbound-bench.ts';

const auth = `auth: { schemes: [shared-key, sas], accounts: { acct: { key1: "\${env:KEY1}", key2: "\${env:KEY2}" } } }`;
const once = { retryOptions: { maxTries: 1 } };
const owner = new StorageSharedKeyCredential('acct', key);
const soon = () => new Date(Date.now() + 600_000);
const past = () => new Date(Date.now() - 600_000);

async function bench(t: Test) {
  const gateway = await inboundGateway(t, auth, `  default: { ${both} }`);
  const url = `${gateway.url}/acct`;
  const lake = new DataLakeServiceClient(url, owner, once).getFileSystemClient('lake');
  await write(lake, 'd/f', 'first');
  const withSas = (sas: string) =>
    new DataLakeServiceClient(`${url}?${sas}`, undefined, once).getFileSystemClient('lake');
  return { ...gateway, url, lake, withSas };
}

type Lake = ReturnType<DataLakeServiceClient['getFileSystemClient']>;

async function write(lake: Lake, name: string, text: string): Promise<void> {
  const file = lake.getFileClient(name);
  await file.create();
  await file.append(text, 0, text.length);
  await file.flush(text.length);
}

async function read(lake: Lake, name: string): Promise<string> {
  return (await buffer((await lake.getFileClient(name).read()).readableStreamBody!)).toString();
}

async function names(lake: Lake, path?: string): Promise<string[]> {
  const found: string[] = [];
  const listed = lake.listPaths({ recursive: true, ...(path === undefined ? {} : { path }) });
  for await (const { name } of listed) found.push(name!);
  return found;
}

/** `STATUS CODE` of what must not succeed. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (thrown) {
    const error = thrown as { statusCode?: number; code?: string; response?: { headers: Headers } };
    return `${error.statusCode} ${error.response?.headers.get('x-ms-error-code') ?? error.code}`;
  }
}

function serviceSas(more: Partial<Parameters<typeof generateDataLakeSASQueryParameters>[0]>): string {
  // Each kind of resource has letters of its own in the SDK.
  const permissions =
    more.pathName === undefined
      ? FileSystemSASPermissions.parse('racwdlmeop')
      : more.isDirectory
        ? DirectorySASPermissions.parse('racwdlmeop')
        : DataLakeSASPermissions.parse('racwdmeop');
  const values = { fileSystemName: 'lake', permissions, expiresOn: soon(), ...more };
  return generateDataLakeSASQueryParameters(values, owner).toString();
}

function accountSas(permissions: string, types = 'sco', more = {}): string {
  const values = {
    services: AccountSASServices.parse('b').toString(),
    resourceTypes: AccountSASResourceTypes.parse(types).toString(),
    permissions: AccountSASPermissions.parse(permissions),
    expiresOn: soon(),
    ...more,
  };
  return generateAccountSASQueryParameters(values, owner).toString();
}

t.test('SharedKey: either key comes in, nothing else does', async (t) => {
  const { url, lake, ask } = await bench(t);
  const signedWith = (account: string, secret: string) =>
    new DataLakeServiceClient(url, new StorageSharedKeyCredential(account, secret), once).getFileSystemClient(
      'lake',
    );
  t.equal(await read(lake, 'd/f'), 'first');
  t.equal(await read(signedWith('acct', otherKey), 'd/f'), 'first', 'the second key');
  const wrong = Buffer.from('wrong').toString('base64');
  t.equal(await refusal(write(signedWith('acct', wrong), 'g', 'x')), '403 AuthenticationFailed');
  t.equal(await refusal(write(signedWith('other', key), 'g', 'x')), '403 AuthenticationFailed');

  const send = (line: string, dateMs: number, signedLine = line) => {
    const headers = { 'x-ms-date': new Date(dateMs).toUTCString(), 'x-ms-version': '2023-11-03' };
    const [method, target] = signedLine.split(' ') as [string, string];
    const [rawPath, search = ''] = target.split('?') as [string, string?];
    const authorization = signSharedKey('acct', key, { method, rawPath, search, headers });
    return ask(line, { ...headers, authorization });
  };
  const line = 'DELETE /acct/lake/d/f';
  const code = async (answer: ReturnType<typeof ask>) =>
    `${(await answer).status} ${(await answer).headers.get('x-ms-error-code')}`;
  t.equal(await code(send(line, Date.now() - 3_600_000)), '403 AuthenticationFailed', 'an old request');
  t.equal(await code(send(line, Date.now() + 3_600_000)), '403 AuthenticationFailed', 'one of the future');
  t.equal(
    await code(send(line, Date.now(), 'DELETE /acct/lake/d/g')),
    '403 AuthenticationFailed',
    'another path',
  );
  t.equal(await code(send(`${line}?recursive=true`, Date.now(), line)), '403 AuthenticationFailed');
  const twice = 'DELETE /acct/lake/d?recursive=false&recursive=true';
  t.equal(await code(send(twice, Date.now())), '403 AuthenticationFailed', 'a repeated parameter');
  t.equal(await code(ask(line)), '401 NoAuthenticationInformation');
  t.equal(await code(ask(line, { authorization: 'Bearer x.y.z' })), '403 AuthenticationFailed');
  t.equal(await code(ask(line, { authorization: 'SharedKey acct:' })), '403 AuthenticationFailed');
  t.equal((await ask(line)).text.includes('NoAuthenticationInformation'), true, 'in the body too');
  t.equal((await ask('PUT /webhdfs/v1/old/g?op=MKDIRS&user.name=ann')).status, 401, 'WebHDFS signs nothing');
  t.strictSame(await names(lake), ['d', 'd/f'], 'nothing was changed');
});

t.test('a SAS does what its letters say', async (t) => {
  const { lake, withSas } = await bench(t);
  const all = withSas(accountSas('racwdl'));
  await write(all, 'd/g', 'by sas');
  t.equal(await read(all, 'd/g'), 'by sas');
  await all.getFileClient('d/g').move('d/h');
  t.strictSame(await names(all), ['d', 'd/f', 'd/h']);
  await all.getFileClient('d/h').delete();

  const reading = withSas(accountSas('rl'));
  t.equal(await read(reading, 'd/f'), 'first');
  t.strictSame(await names(reading), ['d', 'd/f']);
  t.equal(await refusal(write(reading, 'd/f', 'x')), '403 AuthorizationPermissionMismatch');
  t.equal(await refusal(reading.getFileClient('d/f').delete()), '403 AuthorizationPermissionMismatch');
  t.equal(await refusal(reading.getFileClient('d/f').move('e')), '403 AuthorizationPermissionMismatch');
  t.equal(await refusal(reading.delete()), '403 AuthorizationPermissionMismatch');

  const writing = withSas(accountSas('cw', 'o'));
  await write(writing, 'w', 'written blind');
  t.equal(await refusal(read(writing, 'w')), '403 AuthorizationPermissionMismatch');
  t.equal(await refusal(names(writing)), '403 AuthorizationResourceTypeMismatch');
  t.equal(await read(lake, 'w'), 'written blind');
  const creating = withSas(accountSas('c', 'o'));
  t.equal(await refusal(creating.getFileClient('w').create()), '403 UnauthorizedBlobOverwrite');
  await creating.getFileClient('new').create();
  t.equal(await read(lake, 'w'), 'written blind');
});

t.test('a SAS of a filesystem, a folder or a file is for nothing else', async (t) => {
  const { lake, withSas } = await bench(t);
  await write(lake, 'e/f', 'elsewhere');
  const filesystem = withSas(serviceSas({}));
  await write(filesystem, 'd/x', '1');
  await filesystem.getFileClient('d/x').delete();
  t.equal(await refusal(filesystem.delete()), '403 AuthorizationResourceTypeMismatch');

  const folder = withSas(serviceSas({ pathName: 'd', isDirectory: true, directoryDepth: 1 }));
  t.equal(await read(folder, 'd/f'), 'first');
  t.strictSame(await names(folder, 'd'), ['d/f']);
  await write(folder, 'd/sub/g', '2');
  t.equal(await refusal(read(folder, 'e/f')), '403 AuthenticationFailed');
  t.equal(await refusal(read(folder, 'dd/f')), '403 AuthenticationFailed');
  t.equal(await refusal(names(folder)), '403 AuthenticationFailed');
  t.equal(await refusal(folder.getFileClient('d/f').move('e/g')), '403 AuthenticationFailed', 'out of it');

  const file = withSas(serviceSas({ pathName: 'd/f' }));
  t.equal(await read(file, 'd/f'), 'first');
  t.equal(await refusal(read(file, 'd/sub/g')), '403 AuthenticationFailed');
  t.equal(await refusal(names(file)), '403 AuthenticationFailed');
  t.strictSame(await names(lake), ['d', 'd/f', 'd/sub', 'd/sub/g', 'e', 'e/f']);
});

t.test('a source that the SAS does not cover is neither moved nor copied in', async (t) => {
  const { lake, ask } = await bench(t);
  await write(lake, 'secret/f', 'secret');
  const sas = serviceSas({ pathName: 'd', isDirectory: true, directoryDepth: 1 });
  const status = async (headers: Record<string, string>) =>
    (await ask(`PUT /acct/lake/d/stolen?${sas}`, { 'content-length': '0', ...headers })).status;
  for (const source of [
    '/lake/secret/f',
    '/acct/lake/secret/f',
    '%2Flake%2Fsecret%2Ff',
    '/lake/d%2F..%2Fsecret/f',
  ])
    t.not(await status({ 'x-ms-rename-source': source }), 201, source);
  for (const source of ['/lake/secret/f', `/lake/secret/f?${sas}`])
    t.equal(await status({ 'x-ms-rename-source': source }), 403, source);
  t.equal(await status({ 'x-ms-copy-source': '/acct/lake/secret/f' }), 403);
  t.equal(await status({ 'x-ms-copy-source': '/acct/lake/d/../secret/f' }), 403);
  t.strictSame(await names(lake), ['d', 'd/f', 'secret', 'secret/f']);
});

t.test('a SAS that is over, too early, tampered with or for others', async (t) => {
  const { lake, ask, withSas } = await bench(t);
  const refused = (sas: string) => refusal(read(withSas(sas), 'd/f'));
  t.equal(await refused(serviceSas({ expiresOn: past() })), '403 AuthenticationFailed');
  t.equal(await refused(serviceSas({ startsOn: soon() })), '403 AuthenticationFailed');
  t.equal(await refused(accountSas('r', 'o', { expiresOn: past() })), '403 AuthenticationFailed');
  const narrow = serviceSas({ permissions: DataLakeSASPermissions.parse('r') });
  t.equal(await refused(narrow.replace('sp=r', 'sp=rw')), '403 AuthenticationFailed');
  t.equal(await refused(narrow.replace('sr=c', 'sr=d&sdd=0')), '403 AuthenticationFailed');
  t.equal(await refused(`${narrow}&sp=rw`), '403 AuthenticationFailed');
  t.equal(await refused(`${narrow}&se=2099-01-01T00%3A00%3A00Z`), '403 AuthenticationFailed');
  t.equal(await refused(narrow.replace(/sig=[^&]*/, 'sig=AAAA')), '403 AuthenticationFailed');
  t.equal(await refused(narrow.replace(/sig=[^&]*/, 'sig=')), '403 AuthenticationFailed');
  t.equal(await refused(narrow.replace(/sv=[^&]*/, 'sv=2015-04-05')), '403 AuthenticationFailed');
  t.equal(await refused(serviceSas({ protocol: SASProtocol.Https })), '403 AuthorizationProtocolMismatch');
  const elsewhere = { ipRange: { start: '10.0.0.1', end: '10.0.0.9' } };
  t.equal(await refused(serviceSas(elsewhere)), '403 AuthorizationSourceIPMismatch');
  t.equal(await read(withSas(serviceSas({ ipRange: { start: '127.0.0.1' } })), 'd/f'), 'first');
  const stranger = new StorageSharedKeyCredential('acct', Buffer.from('wrong').toString('base64'));
  const permissions = DataLakeSASPermissions.parse('r');
  const forged = { fileSystemName: 'lake', permissions, expiresOn: soon() };
  t.equal(
    await refused(generateDataLakeSASQueryParameters(forged, stranger).toString()),
    '403 AuthenticationFailed',
  );
  const raw = await ask(`DELETE /acct/lake/d/f?${narrow}`);
  t.equal(raw.status, 403);
  t.notOk(raw.text.includes(/sig=([^&]*)/.exec(narrow)![1]!), 'the answer does not repeat it');
  t.strictSame(await names(lake), ['d', 'd/f']);
});

t.test('the emulator takes a SAS too, and keeps it to its letters', async (t) => {
  const dir = t.testdir();
  const text = `
state: { dir: state }
stores: { source: { type: memory }, target: { type: memory } }
emulators:
  webhdfs: { port: 0 }
  dfs: { port: 0, accounts: { acct: "\${env:KEY1}" } }
`;
  const { emulators } = parseGatewayConfig(text, { file: 'gateway.yaml', dir, env: { KEY1: key } });
  const running = await startEmulators(emulators, 60_000, createLogger({ level: 'silent' }));
  t.teardown(() => running.close());
  const lakeWith = (sas: string) =>
    new DataLakeServiceClient(`${running.dfsUrl}/acct?${sas}`, undefined, once).getFileSystemClient('lake');
  const all = lakeWith(accountSas('racwdl'));
  await all.create();
  await write(all, 'f', 'by sas');
  const reading = lakeWith(accountSas('rl'));
  t.equal(await read(reading, 'f'), 'by sas');
  t.equal(await refusal(write(reading, 'f', 'x')), '403 AuthorizationPermissionMismatch');
  t.equal(
    await refusal(read(lakeWith(accountSas('rl', 'o', { expiresOn: past() })), 'f')),
    '403 AuthenticationFailed',
  );
  t.equal(await read(all, 'f'), 'by sas');
});
