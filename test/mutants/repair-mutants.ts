// Deliberate breakages of repair: what makes two sides equal, and when it may forget that they differed.
import type { Mutant } from './mutant.ts';

/** All of them. */
export const repairMutants: readonly Mutant[] = [
  {
    name: 'repair does not look whether a newer write has the path',
    file: 'src/sync/fence.ts',
    find: "if (divergence?.path !== row.path || divergence.generation !== row.generation) return 'superseded';",
    replace: '',
    suites: ['repair-fence.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'clear after a failed compare',
    file: 'src/sync/copy.ts',
    find: "return difference === 'same' || difference === 'nothing-there';",
    replace: 'return true;',
    suites: ['repair-fence.test.ts'],
  },
  {
    name: 'late requests are not waited for',
    file: 'src/sync/fence.ts',
    find: 'return (tailUntilMs ?? 0) <= nowMs;',
    replace: 'return (tailUntilMs ?? 0) <= nowMs || nowMs > 0;',
    suites: ['repair-fence.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'repair puts in place what it read before a newer write',
    file: 'src/sync/copy.ts',
    find: 'if (!isSameVersion(prepared.truth, before[0]) || !isSameVersion(prepared.other, before[1])) return false;',
    replace: '',
    suites: ['repair-fence.test.ts'],
  },
  {
    name: 'repair does not wait for the flush of an upload',
    file: 'src/sync/fence.ts',
    find: "return isElsewhere || !isTailOver(divergence, nowMs) ? 'deferred' : 'clear';",
    replace: "return !isTailOver(divergence, nowMs) ? 'deferred' : 'clear';",
    suites: ['repair.test.ts', 'gateway-uploads.test.ts'],
  },
  {
    name: 'a growing file is copied from the start after each append',
    file: 'src/sync/fence.ts',
    find: 'return now.grownSince !== undefined && now.grownSince <= generation ? now : undefined;',
    replace: 'return undefined;',
    suites: ['repair-growing.test.ts'],
  },
  {
    name: 'a file that was written anew is taken for one that grew',
    file: 'src/gateway/aftermath.ts',
    find: 'if (earlier?.truth === row.truth && grows.has(settled.mutation.verb))',
    replace: 'if (earlier?.truth === row.truth)',
    suites: ['gateway-pure.test.ts', 'repair-growing.test.ts'],
  },
  {
    name: 'a file that was written anew before repair began is taken for one that grew since',
    file: 'src/sync/fence.ts',
    find: 'now.grownSince !== undefined && now.grownSince <= generation',
    replace: 'now.grownSince !== undefined',
    suites: ['repair-growing.test.ts'],
  },
  {
    name: 'repair asks a store that is known to be away',
    file: 'src/sync/repair.ts',
    find: 'if (closed || isAnyDown()) return;\n    try {',
    replace: 'if (closed) return;\n    try {',
    suites: ['repair.test.ts'],
  },
  {
    name: 'repair looks for work while a store is away',
    file: 'src/sync/repair.ts',
    find: 'if (isAnyDown()) return;\n    round++;',
    replace: 'round++;',
    suites: ['repair.test.ts'],
  },
  {
    name: 'repair removes a folder with the newest state of something in it',
    file: 'src/sync/copy.ts',
    find: "if (there.type === 'directory') await refuseIfTruthBelow(parts, job);",
    replace: '',
    suites: ['repair.test.ts'],
  },
];
