// What is known durably of a change that takes several requests, and how it is carried to its end or taken back.
import { isWithin, parentOf } from '../../core/path.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';

/** A change of several requests. All of it is one rename, with what has to be done before and after. */
export interface Saga {
  id: string;
  /** `building`: nothing that a client sees has changed. `built`: the rename and what comes after it may be under way. */
  step: 'building' | 'built';
  from: string;
  to: string;
  /** `from` is ours, a hidden file, and not the client's. */
  hidden: boolean;
  /** ETag of what is replaced, if something else must not be. */
  replaces?: string;
  /** Removed after the rename, if they are still what they were. */
  sources: { path: string; etag?: string }[];
  /** Removed last, with all in it. */
  folder?: string;
}

/** Where sagas are kept; survives restarts where it matters. */
export interface SagaTable {
  /** Another value: another table has taken its place, and what was known is read anew. */
  current(): unknown;
  all(): Promise<Saga[]>;
  /** Resolves when durable. */
  set(id: string, saga: Saga | undefined): Promise<void>;
}

/** Nothing survives. */
export const noSagas: SagaTable = {
  current: () => undefined,
  all: async () => [],
  set: async () => undefined,
};

/** True if what is at the path, or with `tree` below it, is what the saga changes. */
export function touches(saga: Saga, path: string, tree: boolean): boolean {
  const changed = [saga.from, saga.to, ...saga.sources.map((source) => source.path), saga.folder];
  return changed.some(
    (each) => each !== undefined && (isWithin(path, each) || (tree && isWithin(each, path))),
  );
}

/**
 * True if a request of it that arrives after its end changes nothing: it names a version, or what only this saga knows.
 * @param fences the store judges a condition and changes in one request
 */
export function isFenced(saga: Saga, fences: boolean): boolean {
  const { step, hidden, sources, folder } = saga;
  if (step === 'building') return true;
  return fences && hidden && folder === undefined && sources.every(({ etag }) => etag !== undefined);
}

const isSettled = (failure: StoreError): boolean => failure.applied === 'no' && !failure.temporary;

/**
 * Carries a saga on from wherever it stopped. A step that has been done refuses to be done again, and its name tells: what was renamed is
 * no longer under the name that only this saga knows.
 * @param takeBack writes down that it is `building` again, before the name that tells is removed
 * @returns why it was taken back, or what could not be removed; undefined if all is done
 * @throws StoreError if it is not known where it stands
 */
export async function roll(
  store: Store,
  saga: Saga,
  takeBack: () => Promise<void>,
  ctx: Ctx,
): Promise<StoreError | undefined> {
  const { from, to, hidden, replaces } = saga;
  if (saga.step === 'building') {
    await removed(store, from, false, undefined, ctx);
    return undefined;
  }
  try {
    const condition = replaces === undefined ? {} : { condition: { ifMatch: replaces } };
    const replace = hidden ? 'file' : 'any';
    const move = { verb: 'rename', path: from, destination: to, replace, intoDirectory: false } as const;
    await store.mutate({ ...move, ...condition }, ctx);
  } catch (error) {
    const failure = StoreError.from(error);
    if (!isSettled(failure)) throw failure;
    if (await isThere(store, from, ctx)) {
      if (hidden) {
        await takeBack();
        await removed(store, from, false, undefined, ctx);
      }
      return failure;
    }
  }
  let left: StoreError | undefined;
  for (const { path, etag } of saga.sources) left = (await removed(store, path, false, etag, ctx)) ?? left;
  if (saga.folder !== undefined) left = (await removed(store, saga.folder, true, undefined, ctx)) ?? left;
  if (hidden) await removed(store, parentOf(from), false, undefined, ctx).catch(() => undefined);
  return left && new StoreError(left.kind, left.message, { applied: 'unknown', cause: left });
}

async function isThere(store: Store, path: string, ctx: Ctx): Promise<boolean> {
  try {
    await store.query({ verb: 'stat', path }, ctx);
    return true;
  } catch (error) {
    if (StoreError.from(error).kind === 'not-found') return false;
    throw error;
  }
}

/** @returns why it stays for good; what has been changed by somebody else stays without a reason */
async function removed(
  store: Store,
  path: string,
  recursive: boolean,
  etag: string | undefined,
  ctx: Ctx,
): Promise<StoreError | undefined> {
  const condition = etag === undefined ? {} : { condition: { ifMatch: etag } };
  try {
    await store.mutate({ verb: 'delete', path, recursive, ...condition }, ctx);
  } catch (error) {
    const failure = StoreError.from(error);
    if (!isSettled(failure)) throw failure;
    return failure.kind === 'not-found' || failure.kind === 'condition-failed' ? undefined : failure;
  }
  return undefined;
}
