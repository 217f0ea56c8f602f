// Which failures will come again however often repair tries: the path is pinned then (semantics B4). Pure.
import type { StoreError } from '../core/store-error.ts';

/** Code of a refusal of attributes or owners: the content is equal, only this cannot be. */
export const attributesRefused = 'attributes-refused';

/** What a store says of names and sizes that it cannot hold. That a caller may not is often a credential, and passes. */
const kindsForGood: ReadonlySet<StoreError['kind']> = new Set(['invalid', 'unsupported', 'too-large']);

/** True if trying again cannot help until the path is another one. */
export function isRefusedForGood(error: StoreError): boolean {
  if (error.temporary || error.applied === 'unknown') return false;
  return kindsForGood.has(error.kind) || error.code === attributesRefused;
}
