// Deliberate breakages of the promise that nothing acknowledged is lost. Each must be caught by a suite.

/** One breakage: a text that stands exactly once in a file, and what stands there instead. */
export interface Mutant {
  name: string;
  file: string;
  find: string;
  replace: string;
  /** Suites that should catch it, the quickest first; files below `test/`. */
  suites: string[];
}

/** All of them. */
export const mutants: readonly Mutant[] = [
  {
    name: 'the journal is not synced',
    file: 'src/journal/sqlite-worker.ts',
    find: 'pragma synchronous = full',
    replace: 'pragma synchronous = off',
    suites: ['torture/power-loss.interop.ts'],
  },
  {
    name: 'acknowledged before the journal has it',
    file: 'src/gateway/mutate.ts',
    find: 'const intent = await openIntent(parts, write, decided.plan);',
    replace:
      'let intent: Intent | undefined;\n    openIntent(parts, write, decided.plan).then((opened) => (intent = opened));',
    suites: ['gateway-durable.test.ts'],
  },
  {
    name: 'no lock',
    file: 'src/journal/locks.ts',
    find: 'if (held.isFree(holds) && !overtakes(holds, queued)) return lockOf(holds, onWanted);',
    replace: 'if (queued) return lockOf(holds, onWanted);',
    suites: ['journal-properties.test.ts', 'journal.test.ts'],
  },
  {
    name: 'a clear ignores the generation',
    file: 'src/journal/path-index.ts',
    find: 'if (findNode(rows.root, change.path)?.divergence?.generation === change.generation)',
    replace: '',
    suites: ['journal.test.ts', 'journal-properties.test.ts'],
  },
  {
    name: 'repair does not look whether a newer write has the path',
    file: 'src/sync/repair-row.ts',
    find: "if (divergence?.path !== row.path || divergence.generation !== row.generation) return 'superseded';",
    replace: '',
    suites: ['repair-fence.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'cleared although the comparison failed',
    file: 'src/sync/copy.ts',
    find: "return difference === 'same' || difference === 'nothing-there';",
    replace: 'return true;',
    suites: ['repair-fence.test.ts'],
  },
  {
    name: 'reads follow the route instead of the truth',
    file: 'src/gateway/ask.ts',
    find: 'if (truth) return { side: truth, clean: false };',
    replace: '',
    suites: ['gateway-pure.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'a rename loses the divergences that it moves',
    file: 'src/gateway/aftermath.ts',
    find: "changes.push({ do: 'move', from: mutation.path, to: mutation.destination });",
    replace: '',
    suites: ['gateway.test.ts'],
  },
  {
    name: 'a read under way when truth moves is not asked again',
    file: 'src/gateway/ask.ts',
    find: 'if (!mark.isMarked(plan.side) || (tree && attempt === maxAttempts - 1)) return answer;',
    replace: 'return answer;',
    suites: ['gateway-pure.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'late requests are not waited for',
    file: 'src/sync/fence.ts',
    find: 'return (tailUntilMs ?? 0) <= nowMs;',
    replace: 'return (tailUntilMs ?? 0) <= nowMs || nowMs > 0;',
    suites: ['repair-fence.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'a restart forgets that late requests may land',
    file: 'src/journal/recover.ts',
    find: '[row.path, { ...row, tailUntilMs }]',
    replace: '[row.path, row]',
    suites: ['journal.test.ts'],
  },
  {
    name: 'an open intent is forgotten at the restart',
    file: 'src/journal/recover.ts',
    find: 'if (!intent.secondary) continue;',
    replace: 'if (intent) continue;',
    suites: ['journal.test.ts'],
  },
  {
    name: 'answered before the truth of a failover is on disk',
    file: 'src/gateway/settle.ts',
    find: "return { answer: 'secondary', divergence, durableFirst: true };",
    replace: "return { answer: 'secondary', divergence, durableFirst: false };",
    suites: ['gateway-durable.test.ts'],
  },
  {
    name: 'an upload keeps a side that lacks acknowledged bytes',
    file: 'src/gateway/stage.ts',
    find: 'return sides.length === 0 ? undefined : { ...now, sides, unflushed: true, touchedMs: nowMs };',
    replace: 'return { ...now, sides: now.sides, unflushed: true, touchedMs: sides.length ? nowMs : nowMs };',
    suites: ['gateway-pure.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'repair puts in place what it read before a newer write',
    file: 'src/sync/copy.ts',
    find: 'if (!isSameVersion(prepared.truth, before[0]) || !isSameVersion(prepared.other, before[1])) return false;',
    replace: '',
    suites: ['repair-fence.test.ts'],
  },
  {
    name: 'what goes below the new name of a missed rename does not wait for it',
    file: 'src/sync/moves.ts',
    find: "if (await isBehindMove(parts, row)) return 'deferred';",
    replace: '',
    suites: ['repair-moves.test.ts'],
  },
  {
    name: 'a failed commit counts as durable',
    file: 'src/journal/commit-queue.ts',
    find: 'for (const item of batch) item.fail?.(unwritable(reason));',
    replace: 'for (const item of batch) item.done?.();',
    suites: ['journal.test.ts'],
  },
  {
    name: 'the file moves rows by UTF-16 units, memory by characters',
    file: 'src/journal/sqlite-worker.ts',
    find: 'const rest = [...from].length + 1;',
    replace: 'const rest = from.length + 1;',
    suites: ['journal.test.ts', 'journal-properties.test.ts'],
  },
  {
    name: 'a crowded folder takes paths of the other truth with it',
    file: 'src/journal/collapse.ts',
    find: 'if (divergence && divergence.truth !== truth && !divergence.subtree) return false;',
    replace: '',
    suites: ['journal-size.test.ts', 'journal-properties.test.ts'],
  },
  {
    name: 'a crowded folder collapses under its writer',
    file: 'src/journal/size-limits.ts',
    find: 'options.isBusy(folder) || ',
    replace: '',
    suites: ['journal-size.test.ts'],
  },
  {
    name: 'writes to two stores go on without a journal',
    file: 'src/journal/refusing-journal.ts',
    find: "open: () => Promise.reject(new StoreError('unavailable', error.message, { retryAfterMs: 1000 })),",
    replace: 'open: async (intent) => ({ ...intent, id: 1, openedMs: 0 }),',
    suites: ['journal.test.ts'],
  },
];
