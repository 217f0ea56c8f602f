// The pure words of the contract: paths, ACLs, conditions, leases.
import fc from 'fast-check';
import t from 'tap';
import {
  aclOfPermission,
  applyPermission,
  changeAcl,
  formatAcl,
  formatPermission,
  maxAclEntries,
  parseAcl,
  parsePermission,
  permissionOfAcl,
} from '../src/core/acl.ts';
import { checkCondition, hasCondition } from '../src/core/condition.ts';
import type { Entry } from '../src/core/entry.ts';
import { changeLease, checkLease, type LeaseState, leaseStatus } from '../src/core/lease.ts';
import {
  ancestorsOf,
  compareNames,
  comparePaths,
  isWithin,
  joinPath,
  maxPathDepth,
  maxPathLength,
  nameOf,
  normalizePath,
  parentOf,
  relativeTo,
  segmentsOf,
} from '../src/core/path.ts';
import type { Condition } from '../src/core/query.ts';
import { StoreError } from '../src/core/store-error.ts';

/** Printed by fast-check when a property fails; fixed, so that every run is the same. */
const seeded = { seed: 20_260_101, numRuns: 200 };

function failure(work: () => unknown): StoreError {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('this should have failed');
}

t.test('normal paths', async (t) => {
  const pairs: [string, string][] = [
    ['', '/'],
    ['/', '/'],
    ['//', '/'],
    ['a', '/a'],
    ['/a/', '/a'],
    ['//a///b//', '/a/b'],
    ['/a b/%2F/c+d', '/a b/%2F/c+d'],
    ['/.../..a/a..', '/.../..a/a..'],
  ];
  for (const [given, normal] of pairs) t.equal(normalizePath(given), normal);
  for (const bad of ['/a/../b', '..', '.', '/a/.', '/a\0', '/\ud800', `/${'x'.repeat(256)}`])
    t.equal(failure(() => normalizePath(bad)).kind, 'invalid', JSON.stringify(bad));
  t.equal(failure(() => normalizePath('/a'.repeat(maxPathDepth + 1))).kind, 'invalid');
  t.equal(failure(() => normalizePath(`/${'a'.repeat(200)}`.repeat(maxPathLength / 200))).kind, 'invalid');
  t.equal(normalizePath('/a'.repeat(maxPathDepth)).length, 2 * maxPathDepth);
  t.equal(normalizePath(`/${'\u00e4'.repeat(127)}`).length, 128);
});

t.test('parts of paths', async (t) => {
  t.same(segmentsOf('/'), []);
  t.same(segmentsOf('/a/b'), ['a', 'b']);
  t.equal(nameOf('/a/b'), 'b');
  t.equal(nameOf('/'), '');
  t.equal(parentOf('/a/b'), '/a');
  t.equal(parentOf('/a'), '/');
  t.equal(parentOf('/'), '/');
  t.same(ancestorsOf('/a/b/c'), ['/', '/a', '/a/b']);
  t.same(ancestorsOf('/'), []);
  t.ok(isWithin('/a/b', '/a'));
  t.ok(isWithin('/a', '/a'));
  t.ok(isWithin('/a', '/'));
  t.notOk(isWithin('/ab', '/a'));
  t.equal(joinPath('/', 'a'), '/a');
  t.equal(joinPath('/a', '/b'), '/a/b');
  t.equal(joinPath('/a', ''), '/a');
});

t.test('paths, whatever they are', async (t) => {
  const segment = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && text.isWellFormed());
  const path = fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`);
  fc.assert(
    fc.property(path, path, (a, b) => {
      t.equal(normalizePath(a), a);
      t.equal(joinPath(a, relativeTo(joinPath(a, b), a)), joinPath(a, b));
      if (a !== '/') t.equal(joinPath(parentOf(a), nameOf(a)), a);
    }),
    seeded,
  );
  fc.assert(
    fc.property(segment, segment, (a, b) => {
      t.equal(Math.sign(compareNames(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
    seeded,
  );
});

t.test('order of paths is depth first', async (t) => {
  const ordered = ['a', 'a/a', 'a/b', 'a/b/c', 'a/b.x', 'a-b', 'b', '\uff5e', '\u{1f600}'];
  t.same([...ordered].reverse().sort(comparePaths), ordered);
});

t.test('permissions', async (t) => {
  const pairs: [string, number, string][] = [
    ['750', 0o750, 'rwxr-x---'],
    ['0640', 0o640, 'rw-r-----'],
    ['1777', 0o1777, 'rwxrwxrwt'],
    ['1770', 0o1770, 'rwxrwx--T'],
    ['rwxr-x--T', 0o1750, 'rwxr-x--T'],
    ['rwxr-xr-t+', 0o1755, 'rwxr-xr-t'],
    ['---------', 0, '---------'],
  ];
  for (const [text, permission, printed] of pairs) {
    t.equal(parsePermission(text), permission, text);
    t.equal(formatPermission(permission), printed);
  }
  t.equal(formatPermission(0o750, true), 'rwxr-x---+');
  for (const bad of ['', '8', '2777', '77777', 'rwx', 'rwxrwxrwz', 'abcdefghi', '-1'])
    t.equal(failure(() => parsePermission(bad)).kind, 'invalid', bad);
});

t.test('ACLs', async (t) => {
  const text = 'user::rwx,user:bob:r-x,group::r--,mask::r-x,other::---,default:user::rwx';
  t.equal(formatAcl(parseAcl(text)), text);
  for (const bad of ['user', 'user:bob', 'king::rwx', 'user::rwz', 'mask:m:rwx', 'user:a:rwx:x', 'default:'])
    t.equal(failure(() => parseAcl(bad)).kind, 'invalid', bad);
  t.equal(permissionOfAcl(aclOfPermission(0o751)), 0o751);
  t.equal(permissionOfAcl(parseAcl(text)), 0o750, 'the mask shows in the group bits');

  const base = aclOfPermission(0o640);
  const withBob = changeAcl(base, 'modify', parseAcl('user:bob:rwx'));
  t.equal(formatAcl(withBob), 'user::rw-,user:bob:rwx,group::r--,mask::rwx,other::---', 'a mask appears');
  t.equal(permissionOfAcl(withBob), 0o670);
  t.equal(permissionOfAcl(applyPermission(withBob, 0o700)), 0o700, 'chmod goes to the mask');
  t.equal(formatAcl(applyPermission(withBob, 0o700)).includes('group::r--'), true);
  t.equal(formatAcl(changeAcl(withBob, 'remove', parseAcl('user:bob', false))).includes('bob'), false);
  t.same(changeAcl(withBob, 'remove-all', []), aclOfPermission(0o670));
  const withDefault = changeAcl(base, 'modify', parseAcl('default:user:eve:r--'));
  t.match(
    formatAcl(withDefault),
    /default:user::rw-,default:user:eve:r--,default:group::r--,default:mask::r--,default:other::---$/,
  );
  t.same(changeAcl(withDefault, 'remove-default', []), base);
  t.equal(failure(() => changeAcl(base, 'set', parseAcl('user::rwx'))).kind, 'invalid', 'base entries');
  const many = Array.from({ length: maxAclEntries }, (_, index) => `user:u${index}:r--`).join(',');
  t.equal(failure(() => changeAcl(base, 'modify', parseAcl(many))).kind, 'invalid', 'too many entries');
});

t.test('conditions', async (t) => {
  const entry: Entry = {
    path: '/a',
    type: 'file',
    lengthBytes: 1,
    modifiedMs: 10_500,
    permission: 0,
    owner: '',
    group: '',
    etag: 'E',
  };
  const holds: [Condition, Entry | undefined][] = [
    [{}, undefined],
    [{ ifMatch: 'E' }, entry],
    [{ ifMatch: '*' }, entry],
    [{ ifNoneMatch: '*' }, undefined],
    [{ ifNoneMatch: 'F' }, entry],
    [{ ifModifiedSinceMs: 9_999 }, entry],
    [{ ifUnmodifiedSinceMs: 10_000 }, entry],
    [{ leaseId: 'x' }, entry],
  ];
  for (const [condition, there] of holds)
    t.doesNotThrow(() => checkCondition(condition, there), JSON.stringify(condition));
  const fails: [Condition, Entry | undefined, string][] = [
    [{ ifMatch: 'F' }, entry, 'condition-failed'],
    [{ ifMatch: '*' }, undefined, 'condition-failed'],
    [{ ifNoneMatch: '*' }, entry, 'exists'],
    [{ ifNoneMatch: 'E' }, entry, 'condition-failed'],
    [{ ifModifiedSinceMs: 10_999 }, entry, 'condition-failed'],
    [{ ifUnmodifiedSinceMs: 9_999 }, entry, 'condition-failed'],
  ];
  for (const [condition, there, kind] of fails)
    t.equal(failure(() => checkCondition(condition, there)).kind, kind, JSON.stringify(condition));
  const source = () => checkCondition({ ifNoneMatch: '*' }, entry, 'source-condition-failed');
  t.equal(failure(source).kind, 'source-condition-failed');
  t.notOk(hasCondition({ leaseId: 'x' }));
  t.ok(hasCondition({ ifModifiedSinceMs: 0 }));
});

t.test('leases', async (t) => {
  const mine = '11111111-2222-3333-4444-555555555555';
  const other = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
  const newId = () => mine;
  const act = (state: LeaseState | undefined, action: Parameters<typeof changeLease>[1], nowMs = 0) =>
    changeLease(state, action, nowMs, newId);
  const code = (work: () => unknown) => failure(work).code;
  const fixed = act(undefined, { action: 'acquire', durationSeconds: 15 }).state!;
  const infinite = act(undefined, { action: 'acquire', proposedId: mine }).state!;

  t.test('states by the clock', async (t) => {
    t.same(leaseStatus(undefined, 0), { state: 'available' });
    t.same(leaseStatus(fixed, 14_999), { state: 'leased', duration: 'fixed' });
    t.same(leaseStatus(fixed, 15_000), { state: 'expired' });
    t.same(leaseStatus(infinite, 1e12), { state: 'leased', duration: 'infinite' });
    const breaking = act(infinite, { action: 'break', breakSeconds: 10 });
    t.equal(breaking.leaseSeconds, 10);
    t.same(leaseStatus(breaking.state, 9_999), { state: 'breaking' });
    t.same(leaseStatus(breaking.state, 10_000), { state: 'broken' });
  });

  t.test('actions', async (t) => {
    t.equal(act(fixed, { action: 'renew', leaseId: mine }, 60_000).state?.untilMs, 75_000, 'even expired');
    t.equal(act(fixed, { action: 'change', leaseId: mine, proposedId: other }).leaseId, other);
    const changed = act(fixed, { action: 'change', leaseId: mine, proposedId: other }).state;
    t.equal(act(changed, { action: 'change', leaseId: mine, proposedId: other }).leaseId, other, 'again');
    t.equal(act(fixed, { action: 'release', leaseId: mine.toUpperCase() }).state, undefined);
    t.equal(act(fixed, { action: 'acquire', proposedId: mine, durationSeconds: 60 }).state?.untilMs, 60_000);
    t.equal(act(fixed, { action: 'acquire', proposedId: other }, 20_000).leaseId, other, 'after it expired');
    t.equal(act(fixed, { action: 'break' }).leaseSeconds, 15, 'a fixed lease runs out');
    t.equal(act(fixed, { action: 'break', breakSeconds: 60 }).leaseSeconds, 15, 'never longer');
    t.equal(act(infinite, { action: 'break' }).leaseSeconds, 0);
    const breaking = act(infinite, { action: 'break', breakSeconds: 20 }).state;
    t.equal(act(breaking, { action: 'break', breakSeconds: 60 }, 5_000).leaseSeconds, 15);
    t.equal(act(breaking, { action: 'release', leaseId: mine }).state, undefined);
  });

  t.test('refusals', async (t) => {
    const broken = act(infinite, { action: 'break', breakSeconds: 0 }).state;
    const breaking = act(infinite, { action: 'break', breakSeconds: 20 }).state;
    const refused: [LeaseState | undefined, Parameters<typeof changeLease>[1], string][] = [
      [fixed, { action: 'acquire', proposedId: other }, 'LeaseAlreadyPresent'],
      [fixed, { action: 'acquire' }, 'LeaseAlreadyPresent'],
      [breaking, { action: 'acquire', proposedId: mine }, 'LeaseIsBreakingAndCannotBeAcquired'],
      [breaking, { action: 'acquire', proposedId: other }, 'LeaseAlreadyPresent'],
      [breaking, { action: 'change', leaseId: mine, proposedId: other }, 'LeaseIsBreakingAndCannotBeChanged'],
      [broken, { action: 'change', leaseId: mine, proposedId: other }, 'LeaseNotPresentWithLeaseOperation'],
      [broken, { action: 'renew', leaseId: mine }, 'LeaseIsBrokenAndCannotBeRenewed'],
      [fixed, { action: 'renew', leaseId: other }, 'LeaseIdMismatchWithLeaseOperation'],
      [fixed, { action: 'renew' }, 'LeaseIdMissing'],
      [fixed, { action: 'release', leaseId: other }, 'LeaseIdMismatchWithLeaseOperation'],
      [undefined, { action: 'release', leaseId: mine }, 'LeaseNotPresentWithLeaseOperation'],
      [undefined, { action: 'break' }, 'LeaseNotPresentWithLeaseOperation'],
    ];
    for (const [state, request, expected] of refused)
      t.equal(
        code(() => act(state, request)),
        expected,
        `${request.action}: ${expected}`,
      );
    for (const durationSeconds of [0, 14, 61, 15.5, -2])
      t.equal(failure(() => act(undefined, { action: 'acquire', durationSeconds })).kind, 'invalid');
    t.equal(failure(() => act(undefined, { action: 'acquire', proposedId: 'x' })).kind, 'invalid');
    t.equal(failure(() => act(fixed, { action: 'break', breakSeconds: 61 })).kind, 'invalid');
    t.equal(failure(() => act(fixed, { action: 'change', leaseId: mine })).kind, 'invalid');
  });

  t.test('what a lease lets through', async (t) => {
    t.doesNotThrow(() => checkLease(undefined, undefined, 0));
    t.doesNotThrow(() => checkLease(infinite, mine, 0));
    t.doesNotThrow(() => checkLease(infinite, undefined, 0, 'read'));
    t.doesNotThrow(() => checkLease(fixed, undefined, 15_000));
    t.equal(
      code(() => checkLease(infinite, undefined, 0)),
      'LeaseIdMissing',
    );
    t.equal(
      code(() => checkLease(infinite, other, 0, 'read')),
      'LeaseIdMismatchWithBlobOperation',
    );
    t.equal(
      code(() => checkLease(undefined, mine, 0)),
      'LeaseNotPresentWithBlobOperation',
    );
    t.equal(
      code(() => checkLease(fixed, mine, 15_000)),
      'LeaseLost',
    );
  });
});
