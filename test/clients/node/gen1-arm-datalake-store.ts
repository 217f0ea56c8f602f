// npm azure-arm-datalake-store: the client of Gen1 that was generated from its description, over TLS (it knows nothing else).
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { openLab, someBytes } from './lab.ts';

const lab = await openLab();
const { where } = lab;
const { DataLakeStoreFileSystemClient } = lab.load('azure-arm-datalake-store');

// An account is the first label of a host name: 127 of 0.0.1.
const [account, ...rest] = new URL(where.tlsEndpoint).host.split('.');
const credentials = {
  signRequest(request: { headers: Record<string, string> }, done: (error: null) => void): void {
    request.headers.authorization = 'Bearer a-token';
    done(null);
  },
};
const client = new DataLakeStoreFileSystemClient(credentials, {
  adlsFileSystemDnsSuffix: rest.join('.'),
  noRetryPolicy: true,
});
const fs = client.fileSystem;
const small = someBytes(3000);

const at = (path: string): string => `${where.root}/${path}`;
const write = (path: string, streamContents: Buffer | undefined = small, overwrite = true) =>
  fs.create(account, at(path), { ...(streamContents ? { streamContents } : {}), overwrite });
/** As its users do: what comes is handed on as it comes, to whoever listens from the callback on. */
const read = (path: string, options = {}): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    fs.open(account, at(path), options, (error: Error | null, content: Readable) => {
      if (error) reject(error);
      else resolve(buffer(content));
    });
  });
const stat = async (path: string) => (await fs.getFileStatus(account, at(path))).fileStatus;
const refusedAs = (exception: string) => (error: { body?: { remoteException?: { exception?: string } } }) =>
  error.body?.remoteException?.exception === exception;
const missing = refusedAs('FileNotFoundException');
const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (missing(error as object)) return false;
    throw error;
  }
};

/** All entries of a folder, by pages of the service's size. */
async function list(path: string): Promise<{ pathSuffix: string; type: string }[]> {
  const all: { pathSuffix: string; type: string }[] = [];
  for (;;) {
    const after = all.length > 0 ? { listAfter: all.at(-1)!.pathSuffix } : {};
    const found = await fs.listFileStatus(account, path, { listSize: 4000, ...after });
    const page = found.fileStatuses.fileStatus;
    all.push(...page);
    if (page.length < 4000) return all;
  }
}

lab.operation('mkdir', async () => {
  const { operationResult } = await fs.mkdirs(account, at('new/deeper'));
  assert.equal(operationResult, true);
  assert.equal((await stat('new/deeper')).type, 'DIRECTORY');
});

lab.operation('upload small', async () => {
  await write('small');
  assert.deepEqual(await read('small'), small);
});

lab.operation('upload large', async () => {
  const data = someBytes(where.largeBytes, 2);
  const partBytes = 4_194_304;
  await fs.create(account, at('large'), { streamContents: data.subarray(0, partBytes), syncFlag: 'DATA' });
  for (let offset = partBytes; offset < data.length; offset += partBytes) {
    const part = data.subarray(offset, offset + partBytes);
    const syncFlag = offset + partBytes < data.length ? 'DATA' : 'CLOSE';
    await fs.append(account, at('large'), part, { offset, syncFlag });
  }
  assert.ok((await read('large')).equals(data));
});

lab.operation('empty file', async () => {
  await fs.create(account, at('empty'));
  assert.equal((await stat('empty')).length, 0);
  assert.equal((await read('empty')).length, 0);
});

lab.operation('overwrite', async () => {
  await write('again', Buffer.from('first'));
  await assert.rejects(write('again', small, false), refusedAs('FileAlreadyExistsException'));
  await write('again', Buffer.from('second'));
  assert.equal(String(await read('again')), 'second');
});

lab.operation('append', async () => {
  await write('log', Buffer.from('one'));
  await fs.append(account, at('log'), Buffer.from('two'));
  await fs.append(account, at('log'), Buffer.from('three'), { offset: 6 });
  await assert.rejects(
    fs.append(account, at('log'), Buffer.from('x'), { offset: 3 }),
    refusedAs('BadOffsetException'),
  );
  await fs.concurrentAppend(account, at('log'), Readable.from([Buffer.from('four')]), {
    appendMode: 'autocreate',
  });
  assert.equal(String(await read('log')), 'onetwothreefour');
});

lab.operation('append nothing', async () => {
  await write('unchanged', Buffer.from('same'));
  await fs.append(account, at('unchanged'), Readable.from([]));
  assert.equal(String(await read('unchanged')), 'same');
});

lab.operation('download whole', async () => {
  await write('whole');
  assert.deepEqual(await read('whole'), small);
});

lab.operation('download ranges', async () => {
  await write('ranges');
  assert.deepEqual(await read('ranges', { offset: 10, length: 20 }), small.subarray(10, 30));
  assert.deepEqual(await read('ranges', { offset: 2990 }), small.subarray(2990));
});

lab.operation('list flat', async () => {
  const names = (await list(where.many.folder)).map(({ pathSuffix }) => pathSuffix).sort();
  assert.equal(names.length, where.many.files + 1);
  assert.deepEqual(
    [names[0], names[1], names.at(-1)],
    ['below', 'file-00000', `file-${String(where.many.files - 1).padStart(5, '0')}`],
  );
});

lab.operation('list recursive', async () => {
  const count = async (path: string): Promise<number> => {
    let files = 0;
    for (const { pathSuffix, type } of await list(path))
      files += type === 'DIRECTORY' ? await count(`${path}/${pathSuffix}`) : 1;
    return files;
  };
  assert.equal(await count(where.many.folder), where.many.files + where.many.filesBelow);
});

lab.operation('stat', async () => {
  await write('known');
  const { type, length } = await stat('known');
  assert.deepEqual([type, length], ['FILE', 3000]);
  assert.equal(await exists('nowhere'), false);
  const { contentSummary } = await fs.getContentSummary(account, at('known'));
  assert.deepEqual([contentSummary.fileCount, contentSummary.length], [1, 3000]);
  await fs.checkAccess(account, at('known'), 'r--');
});

lab.operation('rename file', async () => {
  await write('before');
  assert.equal((await fs.rename(account, at('before'), at('after'))).operationResult, true);
  assert.deepEqual([await read('after'), await exists('before')], [small, false]);
});

lab.operation('rename folder', async () => {
  await write('tree/a/b');
  assert.equal((await fs.rename(account, at('tree'), at('forest'))).operationResult, true);
  assert.deepEqual([await read('forest/a/b'), await exists('tree')], [small, false]);
});

lab.operation('delete file', async () => {
  await write('doomed');
  assert.equal((await fs.deleteMethod(account, at('doomed'))).operationResult, true);
  assert.equal(await exists('doomed'), false);
});

lab.operation('delete folder', async () => {
  await write('doomed-tree/a/b');
  assert.equal(
    (await fs.deleteMethod(account, at('doomed-tree'), { recursive: true })).operationResult,
    true,
  );
  assert.equal(await exists('doomed-tree'), false);
});

lab.operation('permissions', async () => {
  await write('rights');
  await fs.setPermission(account, at('rights'), { permission: '600' });
  assert.equal((await stat('rights')).permission, '600');
});

lab.operation('acl', async () => {
  await fs.mkdirs(account, at('acl'));
  const entries = async (): Promise<string[]> =>
    (await fs.getAclStatus(account, at('acl'))).aclStatus.entries;
  await fs.setAcl(account, at('acl'), 'user::rwx,user:eve:r-x,group::r-x,other::---');
  assert.ok((await entries()).includes('user:eve:r-x'));
  await fs.modifyAclEntries(account, at('acl'), 'user:bob:rwx,default:user:bob:rwx');
  await fs.removeAclEntries(account, at('acl'), 'user:eve');
  await fs.removeDefaultAcl(account, at('acl'));
  const left = await entries();
  assert.ok(left.includes('user:bob:rwx'));
  assert.deepEqual(
    left.filter((entry) => /eve|default/.test(entry)),
    [],
  );
  await fs.removeAcl(account, at('acl'));
  assert.ok(!(await entries()).includes('user:bob:rwx'));
});

lab.cannot('metadata', 'Gen1 has no metadata');
lab.cannot('leases', 'Gen1 shows no leases to this client');

lab.operation('expiry', async () => {
  await write('short-lived');
  const set = () => fs.setFileExpiry(account, at('short-lived'), 'RelativeToNow', { expireTime: 3_600_000 });
  if (where.place === 'source') {
    await assert.rejects(set());
    lab.notHere('a WebHDFS primary has no expiry: refused, nothing changed');
  }
  await set();
  assert.ok((await stat('short-lived')).expirationTime > 0);
});

lab.operation('concat', async () => {
  for (const name of ['one', 'two', 'three']) await write(`parts/${name}`, Buffer.from(name));
  await fs.msConcat(account, at('joined'), Buffer.from(`sources=${at('parts/one')},${at('parts/two')}`));
  assert.equal(String(await read('joined')), 'onetwo');
  await fs.concat(account, at('joined'), [at('parts/three')]);
  assert.equal(String(await read('joined')), 'onetwothree');
});

lab.operation('names', async () => {
  for (const name of where.names) {
    const path = `names/${name}/${name}`;
    await write(path, Buffer.from(name));
    assert.equal(String(await read(path)), name);
    const listed = await list(at(`names/${name}`));
    assert.deepEqual(
      listed.map(({ pathSuffix }) => pathSuffix),
      [name],
    );
    const to = `names/${name}/x-${name.slice(0, 40)}`;
    assert.equal((await fs.rename(account, at(path), at(to))).operationResult, true);
    assert.equal(String(await read(to)), name);
  }
  await write(where.deepPath);
  assert.deepEqual(await read(where.deepPath), small);
});

lab.cannot('conditions', 'Gen1 has no conditional requests');

lab.operation('errors', async () => {
  await assert.rejects(read('nowhere'));
  await assert.rejects(stat('nowhere'), missing);
  await assert.rejects(fs.listFileStatus(account, at('nowhere')), missing);
  await assert.rejects(fs.append(account, at('nowhere'), small), missing);
  await write('file-there');
  await assert.rejects(write('file-there/x'));
  await assert.rejects(fs.deleteMethod(account, at(''), { recursive: false }));
});

await lab.run();
