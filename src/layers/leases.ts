// Leases for a store that has none (HDFS, Gen1): kept beside it, judged before each write (semantics B3).
import { randomUUID } from 'node:crypto';
import type { Entry } from '../core/entry.ts';
import { changeLease, checkLease, type LeaseState, leaseStatus } from '../core/lease.ts';
import { bodyOf, type LeaseMutation, type Mutation, type MutationResult, pathsOf } from '../core/mutation.ts';
import type { Condition, Query, QueryResult } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** Where the leases are; survives restarts where it matters. */
export interface LeaseTable {
  get(path: string): Promise<LeaseState | undefined>;
  /** Resolves when durable. */
  set(path: string, state: LeaseState | undefined): Promise<void>;
}

/** A path that a mutation changes, and the lease it shows for it. */
interface Claim {
  path: string;
  leaseId: string | undefined;
}

/** A rename's `condition` is on its destination, `sourceCondition` on what is moved. */
function claimsOf(mutation: Mutation): Claim[] {
  const leaseId = 'condition' in mutation ? mutation.condition?.leaseId : undefined;
  if (mutation.verb === 'rename') {
    const { path, destination, sourceCondition } = mutation;
    return [
      { path, leaseId: sourceCondition?.leaseId },
      { path: destination, leaseId },
    ];
  }
  return pathsOf(mutation).map((path, index) => ({ path, leaseId: index === 0 ? leaseId : undefined }));
}

function bare<O extends Query | Mutation>(operation: O): O {
  const free = { ...operation };
  for (const name of ['condition', 'sourceCondition'] as const) {
    const condition = (free as { [key in typeof name]?: Condition })[name];
    if (condition?.leaseId === undefined) continue;
    const { leaseId: _, ...rest } = condition;
    Object.assign(free, { [name]: rest });
  }
  return free;
}

/** What becomes of the leases of the paths that a mutation has changed: they go where their files go. */
async function follow(table: LeaseTable, mutation: Mutation, result: MutationResult): Promise<void> {
  const [own, ...others] = claimsOf(mutation);
  const { path, leaseId } = own!;
  const drop = async (gone: string): Promise<void> => {
    if (await table.get(gone)) await table.set(gone, undefined);
  };
  if (mutation.verb === 'rename') {
    const destination = result.entry?.path ?? mutation.destination;
    const state = await table.get(path);
    if (destination === path) return;
    if (state) await table.set(destination, state);
    else await drop(destination);
    await drop(path);
  } else if (mutation.verb === 'concat') {
    for (const source of others) await drop(source.path);
  } else if (mutation.verb === 'delete') {
    await drop(path);
  } else if ((mutation.verb === 'create' || mutation.verb === 'commit-blocks') && leaseId === undefined) {
    // A replaced file takes its lease with it (Gen2: "lease broken"), unless the writer holds it.
    await drop(path);
  }
}

/** A layer: `lease` works, and leased paths take only writes that carry the lease. */
export function withLeases(store: Store, table: LeaseTable, now: () => number = Date.now): Store {
  const shown = async (entry: Entry): Promise<Entry> => {
    const state = await table.get(entry.path);
    return state ? { ...entry, lease: leaseStatus(state, now()) } : entry;
  };
  const lease = async (mutation: LeaseMutation, ctx: Ctx): Promise<MutationResult> => {
    const { path, condition } = bare(mutation);
    const { entry } = await store.query({ verb: 'stat', path, ...(condition ? { condition } : {}) }, ctx);
    const change = changeLease(await table.get(path), mutation, now(), randomUUID);
    await table.set(path, change.state);
    const { state: _, ...told } = change;
    return { ...told, entry: await shown(entry) };
  };
  const judge = async ({ path, leaseId }: Claim, ctx: Ctx): Promise<void> => {
    const state = await table.get(path);
    if (!state && leaseId === undefined) return;
    try {
      checkLease(state, leaseId, now());
    } catch (error) {
      // The lease of a file that went with its folder, or past this layer, binds nobody.
      if (!state || (await isThere(store, path, ctx))) throw error;
      await table.set(path, undefined);
      checkLease(undefined, leaseId, now());
    }
  };
  return {
    ...store,
    supports: { ...store.supports, leases: true },
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      const leaseId = 'condition' in query ? query.condition?.leaseId : undefined;
      if (leaseId !== undefined) checkLease(await table.get(query.path), leaseId, now(), 'read');
      const result = await store.query(bare(query), ctx);
      return 'entry' in result ? { ...result, entry: await shown(result.entry) } : result;
    },
    async mutate(mutation, ctx) {
      if (mutation.verb === 'lease') return lease(mutation, ctx);
      try {
        for (const claim of claimsOf(mutation)) await judge(claim, ctx);
        const result = await store.mutate(bare(mutation), ctx);
        await follow(table, mutation, result);
        return result;
      } finally {
        bodyOf(mutation)?.stream.destroy();
      }
    },
  };
}

async function isThere(store: Store, path: string, ctx: Ctx): Promise<boolean> {
  try {
    await store.query({ verb: 'stat', path }, ctx);
    return true;
  } catch (error) {
    const { kind } = StoreError.from(error, 'no');
    if (kind === 'not-found' || kind === 'not-directory') return false;
    throw error;
  }
}
