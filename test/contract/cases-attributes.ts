// Contract: permissions, ACLs, owners, properties, times, expiry, leases.
import { parseAcl } from '../../src/core/acl.ts';
import type { SetAttributesMutation } from '../../src/core/mutation.ts';
import type { ContractCase } from './contract-case.ts';
import { bodyOfBytes, type Fixture, kindOf } from './fixture.ts';

function set({ mutate }: Fixture, path: string, change: Partial<SetAttributesMutation>) {
  return mutate({ verb: 'set-attributes', path, ...change });
}

const leaseId = '11111111-2222-3333-4444-555555555555';
const otherId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

export const attributeCases: ContractCase[] = [
  {
    name: 'a new file takes the permission it is given',
    async run(t, { at, write, mkdir, stat }) {
      await write(at('f'), 'x', { attributes: { permission: 0o640 } });
      await mkdir(at('d'), { permission: 0o1750 });
      t.equal((await stat(at('f'))).permission, 0o640);
      t.equal((await stat(at('d'))).permission & 0o777, 0o750);
    },
  },
  {
    name: 'a permission can be changed and nothing else changes',
    async run(t, fixture) {
      const { at, write, stat, read } = fixture;
      await write(at('f'), 'x');
      const before = await stat(at('f'));
      await set(fixture, at('f'), { permission: 0o600 });
      const after = await stat(at('f'));
      t.equal(after.permission, 0o600);
      t.equal(after.modifiedMs, before.modifiedMs);
      t.equal(after.owner, before.owner);
      if (fixture.store.supports.staging) t.equal(after.etag, before.etag, 'the ETag stays');
      t.equal((await read(at('f'))).toString(), 'x');
    },
  },
  {
    name: 'a umask is taken off the permission',
    when: (supports) => supports.acl && supports.staging,
    async run(t, { at, write, stat }) {
      await write(at('f'), 'x', { attributes: { permission: 0o666, umask: 0o027 } });
      t.equal((await stat(at('f'))).permission, 0o640);
    },
  },
  {
    name: 'owner and group can be set',
    when: (supports) => supports.owners,
    async run(t, fixture) {
      const { at, write, stat } = fixture;
      await write(at('f'), 'x');
      await set(fixture, at('f'), { owner: 'alice' });
      await set(fixture, at('f'), { group: 'staff' });
      t.match(await stat(at('f')), { owner: 'alice', group: 'staff' });
    },
  },
  {
    name: 'ACL entries are set, changed and removed',
    when: (supports) => supports.acl,
    async run(t, fixture) {
      const { at, write, stat } = fixture;
      await write(at('f'), 'x', { attributes: { permission: 0o640 } });
      const named = async () => (await stat(at('f'), true)).acl?.filter((entry) => entry.name !== '');
      const entries = parseAcl('user::rw-,user:bob:r-x,group::r--,other::---');
      await set(fixture, at('f'), { acl: { mode: 'set', entries } });
      t.match(await named(), [{ type: 'user', name: 'bob', permission: 5 }]);
      const { acl, permission } = await stat(at('f'), true);
      t.match(acl?.find((entry) => entry.type === 'mask') ?? {}, { permission: 5 });
      t.equal(permission & 0o070, 0o050, 'the group bits show the mask');
      await set(fixture, at('f'), { acl: { mode: 'modify', entries: parseAcl('user:eve:r--') } });
      t.equal((await named())?.length, 2);
      await set(fixture, at('f'), { acl: { mode: 'remove', entries: parseAcl('user:bob', false) } });
      t.match(await named(), [{ name: 'eve' }]);
      await set(fixture, at('f'), { acl: { mode: 'remove-all', entries: [] } });
      t.same(await named(), []);
    },
  },
  {
    name: 'a default ACL is inherited',
    when: (supports) => supports.acl,
    async run(t, fixture) {
      const { at, write, mkdir, stat } = fixture;
      await mkdir(at('d'));
      const entries = parseAcl(
        'default:user::rwx,default:user:bob:rwx,default:group::r-x,default:mask::rwx,default:other::---',
      );
      await set(fixture, at('d'), { acl: { mode: 'modify', entries } });
      await write(at('d/f'), 'x');
      await mkdir(at('d/e'));
      const file = await stat(at('d/f'), true);
      t.ok(file.acl?.some((entry) => entry.name === 'bob' && entry.scope === 'access'));
      t.notOk(file.acl?.some((entry) => entry.scope === 'default'));
      const inner = await stat(at('d/e'), true);
      t.ok(inner.acl?.some((entry) => entry.name === 'bob' && entry.scope === 'default'));
      t.ok(inner.acl?.some((entry) => entry.name === 'bob' && entry.scope === 'access'));
    },
  },
  {
    name: 'setting access entries keeps the default ACL, replacing them does not',
    when: (supports) => supports.acl,
    async run(t, fixture) {
      const { at, mkdir, stat } = fixture;
      await mkdir(at('d'));
      const defaults = async () =>
        (await stat(at('d'), true)).acl?.filter((entry) => entry.scope === 'default').length;
      await set(fixture, at('d'), { acl: { mode: 'modify', entries: parseAcl('default:user:bob:rwx') } });
      t.equal(await defaults(), 5, 'bob, the three that every ACL has, and the mask');
      const entries = parseAcl('user::rwx,user:eve:r-x,group::r-x,other::---');
      await set(fixture, at('d'), { acl: { mode: 'set', entries } });
      t.equal(await defaults(), 5);
      await set(fixture, at('d'), { acl: { mode: 'replace', entries } });
      t.equal(await defaults(), 0);
      t.ok((await stat(at('d'), true)).acl?.some((entry) => entry.name === 'eve'));
    },
  },
  {
    name: 'properties are set as a whole',
    when: (supports) => supports.properties,
    async run(t, fixture) {
      const { at, write, mkdir, stat } = fixture;
      await write(at('f'), 'x', { attributes: { properties: { a: '1', b: 'zwei \u00e4' } } });
      t.same((await stat(at('f'), true)).properties, { a: '1', b: 'zwei \u00e4' });
      await set(fixture, at('f'), { properties: { c: '3' } });
      t.same((await stat(at('f'), true)).properties, { c: '3' });
      await set(fixture, at('f'), { properties: {} });
      t.same((await stat(at('f'), true)).properties, {});
      await mkdir(at('d'), { properties: { on: 'folder' } });
      t.same((await stat(at('d'), true)).properties, { on: 'folder' });
    },
  },
  {
    name: 'content headers are kept and replaced as a whole',
    when: (supports) => supports.properties && supports.staging,
    async run(t, fixture) {
      const { at, write, stat } = fixture;
      const content = { contentType: 'text/csv', cacheControl: 'no-store', contentEncoding: 'gzip' };
      await write(at('f'), 'x', { attributes: { content } });
      t.match((await stat(at('f'))).content, content);
      await set(fixture, at('f'), { content: { contentType: 'text/plain' } });
      t.equal((await stat(at('f'))).content?.contentType, 'text/plain');
      t.notOk((await stat(at('f'))).content?.cacheControl);
    },
  },
  {
    name: 'replacing a file drops its properties',
    when: (supports) => supports.properties,
    async run(t, { at, write, stat }) {
      await write(at('f'), 'x', { attributes: { properties: { a: '1' } } });
      await write(at('f'), 'y');
      t.same((await stat(at('f'), true)).properties ?? {}, {});
    },
  },
  {
    name: 'modification time can be set',
    when: (supports) => supports.setTimes,
    async run(t, fixture) {
      const { at, write, stat, store } = fixture;
      await write(at('f'), 'x');
      const modifiedMs = 1_500_000_000_123;
      await set(fixture, at('f'), { modifiedMs });
      const { timePrecisionMs } = store.supports;
      const expected = Math.floor(modifiedMs / timePrecisionMs) * timePrecisionMs;
      t.equal((await stat(at('f'))).modifiedMs, expected);
    },
  },
  {
    name: 'an expired file is gone',
    when: (supports) => supports.expiry,
    async run(t, fixture) {
      const { at, write, stat, exists, names, folder } = fixture;
      await write(at('f'), 'x');
      const expiresMs = Date.now() + 3_600_000;
      await set(fixture, at('f'), { expiresMs });
      t.equal((await stat(at('f'))).expiresMs, expiresMs);
      await set(fixture, at('f'), { expiresMs: null });
      t.equal((await stat(at('f'))).expiresMs, undefined);
      await set(fixture, at('f'), { expiresMs: 1_000 });
      t.notOk(await exists(at('f')));
      t.same(await names(folder), []);
      await write(at('f'), 'again');
      t.ok(await exists(at('f')));
    },
  },
  {
    name: 'a lease keeps others from writing',
    when: (supports) => supports.leases,
    async run(t, { at, write, read, mutate, stat, failure }) {
      const path = at('f');
      await write(path, 'x');
      t.equal((await stat(path)).lease?.state ?? 'available', 'available');
      const acquired = await mutate({
        verb: 'lease',
        path,
        action: 'acquire',
        proposedId: leaseId,
        durationSeconds: -1,
      });
      t.equal(acquired.leaseId, leaseId);
      t.match((await stat(path)).lease, { state: 'leased', duration: 'infinite' });
      const refused = [
        await failure(write(path, 'y')),
        await failure(write(path, 'y', { condition: { leaseId: otherId } })),
        await failure(mutate({ verb: 'append', path, body: bodyOfBytes('y') })),
        await failure(mutate({ verb: 'delete', path, recursive: false })),
        await failure(
          mutate({ verb: 'lease', path, action: 'acquire', proposedId: otherId, durationSeconds: 15 }),
        ),
        await failure(mutate({ verb: 'lease', path, action: 'release', leaseId: otherId })),
      ];
      for (const error of refused) t.equal(kindOf(error, 'lease-conflict'), 'lease-conflict');
      t.equal((await read(path)).toString(), 'x');
      await mutate({ verb: 'append', path, body: bodyOfBytes('y'), condition: { leaseId } });
      await mutate({ verb: 'lease', path, action: 'release', leaseId });
      await mutate({ verb: 'append', path, body: bodyOfBytes('z') });
      t.equal((await read(path)).toString(), 'xyz');
    },
  },
  {
    name: 'a lease can be changed, renewed and broken',
    when: (supports) => supports.leases,
    async run(t, { at, write, mutate, stat }) {
      const path = at('f');
      await write(path, 'x');
      const lease = { verb: 'lease', path } as const;
      await mutate({ ...lease, action: 'acquire', proposedId: leaseId, durationSeconds: 15 });
      const changed = await mutate({ ...lease, action: 'change', leaseId, proposedId: otherId });
      t.equal(changed.leaseId, otherId);
      await mutate({ ...lease, action: 'renew', leaseId: otherId });
      const broken = await mutate({ ...lease, action: 'break', breakSeconds: 0 });
      t.equal(broken.leaseSeconds ?? 0, 0);
      t.equal((await stat(path)).lease?.state, 'broken');
      await write(path, 'y');
    },
  },
];
