// What a grant covers: the whole table of rights, levels and paths, without any store.
import { Readable } from 'node:stream';
import t from 'tap';
import { type Grant, judgeMutation, readingRights, refusalOfQuery } from '../src/core/access.ts';
import type { Mutation } from '../src/core/mutation.ts';
import type { Query } from '../src/core/query.ts';

const body = { stream: Readable.from([]) };
const path = '/lake/in/f';

/** Every mutation, inside the folder /lake/in. */
const mutations: Mutation[] = [
  { verb: 'mkdir', path, parents: 'all' },
  { verb: 'create', path, parents: 'all' },
  { verb: 'append', path, body },
  { verb: 'stage', path, position: 0, body },
  { verb: 'flush', path, position: 0, retain: false, close: true },
  { verb: 'stage-block', path, blockId: 'AA==', body },
  { verb: 'commit-blocks', path, parents: 'all', blockIds: [] },
  { verb: 'rename', path, destination: '/lake/in/g', replace: 'any', intoDirectory: true },
  { verb: 'delete', path, recursive: true },
  { verb: 'concat', path, sources: ['/lake/in/d/g'], create: false, deleteSourceDirectory: true },
  { verb: 'truncate', path, lengthBytes: 0 },
  { verb: 'set-attributes', path, permission: 0o600 },
  { verb: 'lease', path, action: 'break' },
];
const queries: Query[] = [
  { verb: 'stat', path },
  { verb: 'list', path, recursive: true, limit: 1 },
  { verb: 'read', path, offset: 0 },
  { verb: 'summary', path },
  { verb: 'checksum', path },
  { verb: 'access', path, action: 4 },
];
const inside: Grant = { within: ['/lake/in'] };
const refused = (mutation: Mutation, ...lists: Grant[][]) => {
  const verdict = judgeMutation(mutation, lists);
  return 'refused' in verdict ? verdict.refused : undefined;
};

t.test('a read-only caller asks everything and changes nothing', async (t) => {
  const readOnly: Grant[] = [{ rights: readingRights }];
  for (const query of queries) t.equal(refusalOfQuery(query, [readOnly]), undefined, query.verb);
  for (const mutation of mutations) t.equal(refused(mutation, readOnly), 'right', mutation.verb);
  t.equal(refusalOfQuery({ verb: 'access', path, action: 2 }, [readOnly]), 'right', 'and hears so');
});

t.test('a confined caller does everything inside and nothing outside', async (t) => {
  for (const query of queries) {
    t.equal(refusalOfQuery(query, [[inside]]), undefined, query.verb);
    t.equal(refusalOfQuery({ ...query, path: '/lake/inner/f' }, [[inside]]), 'path', `${query.verb} outside`);
    const above = query.verb === 'stat' || query.verb === 'access' ? undefined : 'path';
    t.equal(refusalOfQuery({ ...query, path: '/lake' }, [[inside]]), above, `${query.verb} above`);
  }
  for (const mutation of mutations) {
    t.equal(refused(mutation, [inside]), undefined, mutation.verb);
    for (const outside of ['/lake/inner/f', '/lake', '/', '/other/in/f'])
      t.equal(refused({ ...mutation, path: outside }, [inside]), 'path', `${mutation.verb} ${outside}`);
  }
});

t.test('every path that an operation names is looked at', async (t) => {
  const rename = { verb: 'rename', path, replace: 'any', intoDirectory: false } as const;
  t.equal(refused({ ...rename, destination: '/lake/out' }, [inside]), 'path');
  const concat = { verb: 'concat', path, create: false, deleteSourceDirectory: false } as const;
  t.equal(refused({ ...concat, sources: ['/lake/in/a', '/lake/b'] }, [inside]), 'path');
  const beside: Grant[] = [{ within: ['/lake/in/f', '/lake/in/d/g'] }];
  const sources = ['/lake/in/d/g'];
  t.equal(refused({ ...concat, sources }, beside), undefined);
  t.equal(
    refused({ ...concat, sources, deleteSourceDirectory: true }, beside),
    'path',
    'the folder goes too',
  );
});

t.test('every list must allow, a list by any of its grants', async (t) => {
  const elsewhere: Grant = { within: ['/lake/other'] };
  t.equal(refused(mutations[0]!, [elsewhere, inside]), undefined);
  t.equal(refused(mutations[0]!, [inside], [elsewhere]), 'path');
  t.equal(refused(mutations[0]!, []), 'right', 'an empty list allows nothing');
  t.equal(refused(mutations[0]!), undefined, 'no list, no confinement');
  t.equal(refused(mutations[0]!, [{ within: [] }]), 'path', 'no path is none, not all');
});

t.test('who may create but not write replaces nothing', async (t) => {
  const creating: Grant[] = [{ rights: new Set(['create', 'move']) }];
  const verdict = (mutation: Mutation) => judgeMutation(mutation, [creating]);
  t.strictSame(verdict({ verb: 'create', path, parents: 'all' }), {
    mutation: { verb: 'create', path, parents: 'all', condition: { ifNoneMatch: '*' } },
    replacesNothing: true,
  });
  t.match(verdict(mutations.find(({ verb }) => verb === 'rename')!), { mutation: { replace: 'none' } });
  const conditioned: Mutation = { verb: 'create', path, parents: 'all', condition: { ifMatch: 'x' } };
  t.strictSame(verdict(conditioned), { refused: 'right' });
  t.strictSame(verdict({ verb: 'truncate', path, lengthBytes: 0 }), { refused: 'right' });
});

t.test('owner, ACL and content are rights of their own', async (t) => {
  const only = (
    ...rights: NonNullable<Grant['rights']> extends ReadonlySet<infer R> ? R[] : never
  ): Grant[] => [{ rights: new Set(rights) }];
  const acl = { mode: 'replace', entries: [] } as const;
  const change = { verb: 'set-attributes', path } as const;
  t.equal(refused({ ...change, acl: { ...acl, entries: [] } }, only('write')), 'right');
  t.equal(refused({ ...change, owner: 'ann' }, only('write', 'permissions')), 'right');
  t.equal(refused({ ...change, owner: 'ann' }, only('ownership')), undefined);
  t.equal(refused({ ...change, owner: 'ann', properties: {} }, only('ownership')), 'right');
  t.equal(refused({ ...change, permission: 0, expiresMs: null }, only('permissions')), 'right');
  t.equal(refused({ ...change, permission: 0 }, only('permissions')), undefined);
  const made = { verb: 'create', path, parents: 'all', attributes: { owner: 'ann' } } as const;
  t.equal(refused(made, only('write')), 'right');
});

t.test('levels tell an account, a filesystem, its listing and what lies in it apart', async (t) => {
  const objects: Grant[] = [{ levels: new Set(['object']) }];
  t.equal(refused({ verb: 'delete', path: '/lake', recursive: true }, objects), 'level');
  t.equal(refused({ verb: 'delete', path, recursive: true }, objects), undefined);
  t.equal(refusalOfQuery({ verb: 'list', path, recursive: false, limit: 1 }, [objects]), 'level');
  t.equal(refusalOfQuery({ verb: 'list', path: '/', recursive: false, limit: 1 }, [objects]), 'level');
});

t.test('a right to one path is none to what lies in it', async (t) => {
  const one: Grant[] = [
    { within: ['/lake/d'], exact: true },
    { within: ['/lake/f'], exact: true },
  ];
  t.equal(refused({ verb: 'delete', path: '/lake/d/x', recursive: false }, one), 'path');
  const rename = { verb: 'rename', path: '/lake/f', destination: '/lake/d', replace: 'any' } as const;
  t.match(judgeMutation({ ...rename, intoDirectory: true }, [one]), { mutation: { intoDirectory: false } });
});
