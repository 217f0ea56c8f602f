// Deliberate breakages of the promise that nothing acknowledged is lost. Each must be caught by a suite.
import { moveMutants } from './move-mutants.ts';
import type { Mutant } from './mutant.ts';
import { repairMutants } from './repair-mutants.ts';
import { uploadMutants } from './upload-mutants.ts';

/** The least that has to be there (issue 4); of each kind there may be several. */
export const kinds = [
  'skip the journal fsync',
  'ack before the journal',
  'drop the lock',
  'ignore generations on clear',
  'clear after a failed compare',
  'read from the route instead of the truth',
  'lose a divergence on rename',
  'pending moves applied in the wrong order',
] as const;

/** All of them. */
export const mutants: readonly Mutant[] = [
  {
    name: 'skip the journal fsync',
    file: 'src/journal/sqlite-worker.ts',
    find: 'pragma synchronous = full',
    replace: 'pragma synchronous = off',
    suites: ['torture/power-loss.interop.ts'],
  },
  {
    name: 'ack before the journal',
    file: 'src/gateway/mutate.ts',
    find: 'const intent = await openIntent(parts, write, decided.plan);',
    replace:
      'let intent: Intent | undefined;\n    openIntent(parts, write, decided.plan).then((opened) => (intent = opened));',
    suites: ['gateway-durable.test.ts'],
  },
  {
    name: 'drop the lock',
    file: 'src/journal/locks.ts',
    find: 'if (held.isFree(holds) && !overtakes(holds, queued)) return lockOf(holds, onWanted);',
    replace: 'if (queued) return lockOf(holds, onWanted);',
    suites: ['locks.test.ts', 'journal-properties.test.ts'],
  },
  {
    name: 'ignore generations on clear',
    file: 'src/journal/path-index.ts',
    find: 'if (findNode(rows.root, change.path)?.divergence?.generation === change.generation)',
    replace: '',
    suites: ['journal.test.ts', 'journal-properties.test.ts'],
  },
  {
    name: 'read from the route instead of the truth',
    file: 'src/gateway/ask.ts',
    find: 'if (truth) return { side: truth, clean: false };',
    replace: '',
    suites: ['gateway-pure.test.ts', 'gateway.test.ts'],
  },
  {
    name: 'lose a divergence on rename',
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
    file: 'src/gateway/plan-stage.ts',
    find: 'return sides.length === 0 ? undefined : { ...now, sides, unflushed: true, touchedMs: nowMs };',
    replace: 'return { ...now, unflushed: true, touchedMs: nowMs };',
    suites: ['gateway-pure.test.ts', 'model-uploads.test.ts'],
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
  {
    name: 'a listing shows what the other side had',
    file: 'src/gateway/overlay.ts',
    find: 'else byName.delete(name);',
    replace: '',
    suites: ['listing-overlay.test.ts'],
  },
  {
    name: 'a listing does not ask the truth of its names',
    file: 'src/gateway/overlay.ts',
    find: 'if (entry) byName.set(name, entry);',
    replace: 'if (entry && !byName.has(name)) byName.set(name, entry);',
    suites: ['listing-overlay.test.ts'],
  },
  {
    name: 'a listing forgets what is settled while its page is fetched',
    file: 'src/gateway/listing.ts',
    find: 'const here = new Set([...before.here, ...later.here]);',
    replace: 'const here = new Set(later.here);',
    suites: ['repair-fence.test.ts', 'listing-overlay.test.ts'],
  },
  {
    name: 'after a restart an upload keeps the side that an open append may not have reached',
    file: 'src/journal/recover.ts',
    find: 'sides: isLost ? before.filter((side) => side === primary) : before,',
    replace: 'sides: before,',
    suites: ['journal-properties.test.ts', 'model-uploads.test.ts'],
  },
  {
    name: 'after a restart nobody knows that an upload has bytes that are not flushed',
    file: 'src/journal/recover.ts',
    find: 'unflushed: true,',
    replace: 'unflushed: upload?.unflushed ?? false,',
    suites: ['journal.test.ts', 'journal-properties.test.ts', 'model-uploads.test.ts'],
  },
  {
    name: 'a saga begins before it is written down',
    file: 'src/layers/sagas/open-sagas.ts',
    find: 'await table.set(saga.id, saga);\n      } catch',
    replace: 'void table.set(saga.id, saga);\n      } catch',
    suites: ['sagas.test.ts'],
  },
  {
    name: 'a saga is forgotten before its sources are removed',
    file: 'src/layers/sagas/open-sagas.ts',
    find: "const failure = await roll(store, open.saga, () => reach(open, 'building'), ctx);\n        await end(open);",
    replace:
      "await end(open);\n        const failure = await roll(store, open.saga, () => reach(open, 'building'), ctx);",
    suites: ['sagas.test.ts'],
  },
  {
    name: 'a saga is renamed before it is written down that it may be',
    file: 'src/layers/sagas.ts',
    find: 'await sagas.built(open);',
    replace: '',
    suites: ['sagas.test.ts'],
  },
  {
    name: 'what is half done is shown',
    file: 'src/layers/sagas/open-sagas.ts',
    find: "if (open.saga.step === 'building' || !touches(open.saga, path, tree)) continue;",
    replace: 'if (tree || !tree) continue;',
    suites: ['sagas.test.ts'],
  },
  ...repairMutants,
  ...moveMutants,
  ...uploadMutants,
];
