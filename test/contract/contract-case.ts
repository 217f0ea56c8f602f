// One sentence of the contract and how it is tried.
import type { Test } from 'tap';
import type { Supports } from '../../src/core/store.ts';
import type { Fixture } from './fixture.ts';

export interface ContractCase {
  /** Unique; `without` names it. */
  name: string;
  /** Only for stores that can; absent: for all. */
  when?: (supports: Supports) => boolean;
  run(t: Test, fixture: Fixture): Promise<void>;
}
