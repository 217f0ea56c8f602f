// The contract suite: every sentence of `src/core/store.ts` and its data types, tried on any store.
import type { Test } from 'tap';
import { ownCtx } from '../../src/core/ctx.ts';
import { ancestorsOf } from '../../src/core/path.ts';
import type { Store } from '../../src/core/store.ts';
import { attributeCases } from './cases-attributes.ts';
import { fileCases } from './cases-files.ts';
import { folderCases } from './cases-folders.ts';
import { nameCases } from './cases-names.ts';
import { readCases } from './cases-reads.ts';
import { renameCases } from './cases-renames.ts';
import { requestCases } from './cases-requests.ts';
import { uploadCases } from './cases-uploads.ts';
import type { ContractCase } from './contract-case.ts';
import { createFixture } from './fixture.ts';

export interface ContractOptions {
  name: string;
  /** Once for the whole suite. */
  open(): Promise<{ store: Store; close(): Promise<void> }>;
  /** Folder below which everything is made; default `/lake` (a filesystem name, where only those may stand). It is made if it is missing. */
  root?: string;
  /** Names of cases that this store stack cannot keep; say why beside the call. */
  without?: readonly string[];
  /** What must hold when all cases have run. */
  afterwards?(t: Test): Promise<void>;
}

const allCases: readonly ContractCase[] = [
  ...fileCases,
  ...readCases,
  ...folderCases,
  ...renameCases,
  ...uploadCases,
  ...attributeCases,
  ...nameCases,
  ...requestCases,
];

/** Runs every case that fits `store.supports`, each in a folder of its own. */
export async function storeContract(t: Test, options: ContractOptions): Promise<void> {
  const { root = '/lake', without = [] } = options;
  const unknown = without.filter((name) => !allCases.some((each) => each.name === name));
  if (unknown.length > 0) throw new Error(`no such contract case: ${unknown.join(', ')}`);
  await t.test(`contract: ${options.name}`, async (suite) => {
    const { store, close } = await options.open();
    suite.teardown(close);
    for (const folder of [...ancestorsOf(root).slice(1), root])
      await store.mutate({ verb: 'mkdir', path: folder, parents: 'all' }, ownCtx('contract'));
    for (const [index, each] of allCases.entries()) {
      if (without.includes(each.name) || (each.when && !each.when(store.supports))) continue;
      await suite.test(each.name, async (test) => {
        const folder = `${root}/case-${index}`;
        await store.mutate({ verb: 'mkdir', path: folder, parents: 'all' }, ownCtx('contract'));
        await each.run(test, createFixture(store, folder));
      });
    }
    if (options.afterwards) await options.afterwards(suite);
  });
}
