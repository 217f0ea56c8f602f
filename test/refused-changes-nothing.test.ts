// A store's `applied: 'no'` is a promise: whatever request of a change is refused, then nothing was changed. Every driver under its
// layers, every change, refused from each of its requests on.
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import type { AclEntry } from '../src/core/acl.ts';
import { ownCtx } from '../src/core/ctx.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Store } from '../src/core/store.ts';
import { StoreError } from '../src/core/store-error.ts';
import { createDfsFace } from '../src/faces/dfs/dfs-face.ts';
import { createLinkSigner } from '../src/faces/webhdfs/links.ts';
import { createWebhdfsFace } from '../src/faces/webhdfs/webhdfs-face.ts';
import { withLeases } from '../src/layers/leases.ts';
import { withSagas } from '../src/layers/sagas.ts';
import { withStaging } from '../src/layers/staging.ts';
import { createAdlsGen1Store } from '../src/stores/adls-gen1/adls-gen1-store.ts';
import { createAdlsGen2Store } from '../src/stores/adls-gen2/adls-gen2-store.ts';
import { createMemoryStore } from '../src/stores/memory/memory-store.ts';
import { createWebhdfsStore } from '../src/stores/webhdfs/webhdfs-store.ts';
import type { Face, FaceReply } from '../src/wire/http.ts';
import { bodyOfBytes } from './contract/fixture.ts';
import { serveFace } from './face-server.ts';
import { account, key, sharedKey } from './gen2/rig.ts';
import { signedBy } from './signed-accounts.ts';

// Every request of every change is refused in turn: that takes a while on a busy machine.
t.setTimeout(120_000);

const busy = {
  webhdfs: JSON.stringify({ RemoteException: { exception: 'RetriableException', message: 'busy' } }),
  gen2: JSON.stringify({ error: { code: 'ServerBusy', message: 'busy' } }),
};

const getToken = async () => ({ token: 'abc', expiresOnTimestamp: Number.MAX_SAFE_INTEGER });

/** A driver whose server can be told to refuse everything after some more requests. */
async function open(t: Test, kind: 'webhdfs' | 'gen1' | 'gen2') {
  const memory = createMemoryStore({ name: 'memory', rootFolders: kind === 'gen2' ? 'filesystems' : 'any' });
  const isGen2 = kind === 'gen2';
  const inner: Face = isGen2
    ? createDfsFace({ store: memory, ...signedBy({ [account]: key }) })
    : createWebhdfsFace({ store: memory, links: createLinkSigner(randomBytes(32)) });
  const road = { left: Number.POSITIVE_INFINITY };
  const refusal: FaceReply = {
    status: 503,
    headers: {
      'content-type': 'application/json',
      ...(isGen2 ? { 'x-ms-error-code': 'ServerBusy' } : {}),
    },
    body: isGen2 ? busy.gen2 : busy.webhdfs,
  };
  const server = await serveFace(async (request) => {
    if (road.left-- > 0) return inner(request);
    await buffer(request.body).catch(() => undefined);
    return refusal;
  });
  const { url } = server;
  const driver = {
    webhdfs: () => createWebhdfsStore({ name: 'hdfs', url, user: 'svc' }),
    gen1: () => createAdlsGen1Store({ name: 'gen1', url, credential: { getToken } }),
    gen2: () => createAdlsGen2Store({ name: 'gen2', url: `${url}/${account}`, credential: sharedKey }),
  }[kind]();
  t.teardown(async () => {
    await driver.close?.();
    await server.close();
  });
  const states = new Map();
  const table = {
    get: async (path: string) => states.get(path),
    set: async (path: string, state: unknown) => void states.set(path, state),
  };
  return { memory, road, store: withLeases(withStaging(withSagas(driver)), table) };
}

/** All that a client may see, but times and ETags. */
async function picture(store: Store): Promise<unknown[]> {
  const ctx = ownCtx('test');
  const { entries } = await store.query({ verb: 'list', path: '/fsx', recursive: true, limit: 1000 }, ctx);
  const seen = [];
  for (const { path } of entries) {
    if (path.includes('/.twinlake')) continue;
    const { entry } = await store.query({ verb: 'stat', path, attributes: true }, ctx);
    const { type, owner, group, permission, acl, properties, content } = entry;
    const bytes =
      type === 'file'
        ? await buffer((await store.query({ verb: 'read', path, offset: 0 }, ctx)).body)
        : undefined;
    seen.push({ path, type, owner, group, permission, acl, properties, content, bytes: `${bytes}` });
  }
  return seen;
}

const attributes = {
  permission: 0o640,
  owner: 'eve',
  properties: { a: 'b' },
  content: { contentType: 'x/y' },
};
const plainAcl: AclEntry[] = [
  { scope: 'access', type: 'user', name: '', permission: 6 },
  { scope: 'access', type: 'group', name: '', permission: 4 },
  { scope: 'access', type: 'other', name: '', permission: 0 },
];
const blocks = ['QQ==', 'Qg=='];
const stage = (position: number): Mutation => ({
  verb: 'stage',
  path: '/fsx/file',
  position,
  body: bodyOfBytes('more'),
});
const rename = { verb: 'rename', path: '/fsx/file', intoDirectory: false } as const;

/** Every change of more than one request, with what has to come before it. */
const changes: Record<string, { before?: () => Mutation[]; change: () => Mutation }> = {
  create: {
    change: () => ({
      verb: 'create',
      path: '/fsx/new',
      parents: 'none',
      body: bodyOfBytes('new'),
      attributes,
    }),
  },
  overwrite: {
    change: () => ({
      verb: 'create',
      path: '/fsx/file',
      parents: 'none',
      body: bodyOfBytes('n'),
      attributes,
    }),
  },
  append: { change: () => ({ verb: 'append', path: '/fsx/file', body: bodyOfBytes('more') }) },
  mkdir: { change: () => ({ verb: 'mkdir', path: '/fsx/folder', parents: 'none', attributes }) },
  'rename to a new name': { change: () => ({ ...rename, destination: '/fsx/new', replace: 'none' }) },
  'rename over a file': { change: () => ({ ...rename, destination: '/fsx/other', replace: 'any' }) },
  'rename over a folder': { change: () => ({ ...rename, destination: '/fsx/d', replace: 'any' }) },
  'rename with properties': {
    change: () => ({ ...rename, destination: '/fsx/new', replace: 'none', properties: { c: 'd' } }),
  },
  delete: { change: () => ({ verb: 'delete', path: '/fsx/file', recursive: false }) },
  'set-attributes': {
    change: () => ({ verb: 'set-attributes', path: '/fsx/file', ...attributes, modifiedMs: 1 }),
  },
  'set an ACL and a mode': {
    change: () => ({
      verb: 'set-attributes',
      path: '/fsx/file',
      permission: 0o600,
      acl: { mode: 'modify', entries: [{ scope: 'access', type: 'user', name: 'eve', permission: 4 }] },
    }),
  },
  'set an ACL and a sticky mode': {
    change: () => ({
      verb: 'set-attributes',
      path: '/fsx/d',
      permission: 0o1700,
      acl: { mode: 'replace', entries: plainAcl },
    }),
  },
  concat: {
    change: () => ({
      verb: 'concat',
      path: '/fsx/file',
      sources: ['/fsx/other'],
      create: false,
      deleteSourceDirectory: false,
    }),
  },
  truncate: { change: () => ({ verb: 'truncate', path: '/fsx/file', lengthBytes: 2 }) },
  'concat into a new file': {
    change: () => ({
      verb: 'concat',
      path: '/fsx/new',
      sources: ['/fsx/file', '/fsx/other'],
      create: true,
      deleteSourceDirectory: false,
    }),
  },
  flush: {
    before: () => [stage(4)],
    change: () => ({
      verb: 'flush',
      path: '/fsx/file',
      position: 8,
      retain: false,
      close: true,
      content: { contentType: 'x/y' },
    }),
  },
  'flush of less': {
    before: () => [stage(4)],
    change: () => ({ verb: 'flush', path: '/fsx/file', position: 6, retain: false, close: true }),
  },
  'commit of blocks': {
    before: () =>
      blocks.map((blockId) => ({
        verb: 'stage-block',
        path: '/fsx/new',
        blockId,
        body: bodyOfBytes(blockId),
      })),
    change: () => ({
      verb: 'commit-blocks',
      path: '/fsx/new',
      parents: 'none',
      blockIds: blocks,
      attributes: { ...attributes, permission: 0o604 },
    }),
  },
};

/** Without what the store says itself that it cannot hold. */
function asSupported({ supports }: Store, mutation: Mutation): Mutation {
  if (supports.properties) return mutation;
  const { properties: _p, content: _c, ...rest } = mutation as Mutation & typeof attributes;
  if (!('attributes' in rest)) return rest as Mutation;
  const { properties: _q, content: _d, ...kept } = rest.attributes as typeof attributes;
  return { ...rest, attributes: kept } as Mutation;
}

/** Refused from request `allowed` on. @returns whether it was refused */
async function refusedAfter(t: Test, kind: 'webhdfs' | 'gen1' | 'gen2', name: string, allowed: number) {
  const { memory, road, store } = await open(t, kind);
  const ctx = { ...ownCtx('test'), wantEntry: true };
  const { before, change } = changes[name]!;
  for (const path of ['/fsx/file', '/fsx/other'])
    await store.mutate({ verb: 'create', path, parents: 'all', body: bodyOfBytes(path.slice(5)) }, ctx);
  await store.mutate({ verb: 'mkdir', path: '/fsx/d', parents: 'none' }, ctx);
  for (const mutation of before?.() ?? []) await store.mutate(mutation, ctx);
  const seen = await picture(memory);
  road.left = allowed;
  try {
    await store.mutate(asSupported(store, change()), ctx);
    return false;
  } catch (error) {
    if (StoreError.from(error).applied === 'unknown') return true;
    t.strictSame(await picture(memory), seen, `${name}, refused after ${allowed} requests`);
    return true;
  } finally {
    road.left = Number.POSITIVE_INFINITY;
  }
}

for (const kind of ['webhdfs', 'gen1', 'gen2'] as const) {
  t.test(kind, async (t) => {
    for (const name of Object.keys(changes)) {
      let allowed = 0;
      while (await refusedAfter(t, kind, name, allowed)) allowed++;
      t.ok(allowed > 0 && allowed < 60, `${name}: ${allowed} requests`);
    }
  });
}
