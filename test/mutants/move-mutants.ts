// Deliberate breakages of renames that the other side has missed: their order, and what they may still trust. That nothing touches an old
// name before its rename is done (`isBehindMove`) already keeps what `frozen` stands for: the loss of that alone changes no outcome.
import type { Mutant } from './mutant.ts';

/** All of them. */
export const moveMutants: readonly Mutant[] = [
  {
    name: 'pending moves applied in the wrong order: what goes below the new name does not wait',
    file: 'src/sync/moves.ts',
    find: "if (await isBehindMove(parts, row)) return 'deferred';",
    replace: '',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'pending moves applied in the wrong order: what goes below the new name is written first',
    file: 'src/sync/moves.ts',
    find: 'if (isWithin(row.path, path) || isWithin(row.path, moved.from) || isWithin(moved.from, row.path))',
    replace: 'if (isWithin(row.path, moved.from) || isWithin(moved.from, row.path))',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'pending moves applied in the wrong order: what was written below the old name goes first',
    file: 'src/sync/moves.ts',
    find: 'if (isWithin(row.path, path) || isWithin(row.path, moved.from) || isWithin(moved.from, row.path))',
    replace: 'if (isWithin(row.path, path) || isWithin(moved.from, row.path))',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'pending moves applied in the wrong order: a folder above the old name goes first',
    file: 'src/sync/moves.ts',
    find: 'if (isWithin(row.path, path) || isWithin(row.path, moved.from) || isWithin(moved.from, row.path))',
    replace: 'if (isWithin(row.path, path) || isWithin(row.path, moved.from))',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'pending moves applied in the wrong order: the steps of a chain are done one by one',
    file: 'src/gateway/aftermath.ts',
    find: 'to.moved = former.moved;',
    replace: 'to.moved = { from: mutation.path, generation };\n    from.frozen = generation;',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'pending moves applied in the wrong order: a rename of what nobody knows the other side has',
    file: 'src/gateway/aftermath.ts',
    find: 'if (!former) {',
    replace: 'if (!former?.moved) {',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'pending moves applied in the wrong order: what replaced a moved file is moved in its place',
    file: 'src/gateway/aftermath.ts',
    find: 'if (earlier?.moved && keepsContent.has(settled.mutation.verb)) row.moved = earlier.moved;',
    replace: 'if (earlier?.moved) row.moved = earlier.moved;',
    suites: ['repair-moves.test.ts'],
  },
];
