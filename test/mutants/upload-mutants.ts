// Deliberate breakages of uploads over a store that only appends.
import type { Mutant } from './mutant.ts';

/** What an upload must not lose, and readers must not see. */
export const uploadMutants: readonly Mutant[] = [
  {
    name: 'an upload that goes on ends as an idle one',
    file: 'src/gateway/plan-stage.ts',
    find: '!now.unflushed || isOld)',
    replace: '!now.unflushed)',
    suites: ['idle-uploads.test.ts'],
  },
  {
    name: 'what is flushed shows before a crash could no longer take it back',
    file: 'src/layers/staging/uploads.ts',
    find: 'if (upload.kept) await table.set(shown.path, ends',
    replace: 'upload.shown = shown;\n      if (upload.kept) await table.set(shown.path, ends',
    suites: ['layer-staging.test.ts'],
  },
  {
    name: 'an append that was on its way at a crash is forgotten',
    file: 'src/journal/recover.ts',
    find: 'lateUntilMs: tailUntilMs,',
    replace: '',
    suites: ['late-after-crash.test.ts'],
  },
  {
    name: 'what is hidden does not go with a rename that was open at a crash',
    file: 'src/journal/recover.ts',
    find: 'movedFrom: upload.path,',
    replace: '',
    suites: ['late-after-crash.test.ts'],
  },
  {
    name: 'pieces go from under a block on its way',
    file: 'src/layers/staging/pieces.ts',
    find: 'if (inUse.has(path)) return false;',
    replace: '',
    suites: ['layer-staging-pieces.test.ts'],
  },
  {
    name: 'a block is put where a removal may still happen',
    file: 'src/layers/staging/pieces.ts',
    find: '      refuseLate(folder);\n',
    replace: '',
    suites: ['layer-staging-pieces.test.ts'],
  },
];
