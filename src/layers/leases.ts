// Leases for a store that has none (HDFS, Gen1): kept beside it, judged before each write (semantics B3).
import { randomUUID } from 'node:crypto';
import type { Entry } from '../core/entry.ts';
import { changeLease, checkLease, type LeaseState, leaseStatus } from '../core/lease.ts';
import { type LeaseMutation, type Mutation, type MutationResult, pathsOf } from '../core/mutation.ts';
import type { Query, QueryResult } from '../core/query.ts';
import type { Ctx, Store } from '../core/store.ts';

/** Where the leases are; survives restarts where it matters. */
export interface LeaseTable {
  get(path: string): Promise<LeaseState | undefined>;
  /** Resolves when durable. */
  set(path: string, state: LeaseState | undefined): Promise<void>;
}

function withoutLease(mutation: Mutation): Mutation {
  if (!('condition' in mutation) || mutation.condition?.leaseId === undefined) return mutation;
  const { leaseId: _, ...condition } = mutation.condition;
  return { ...mutation, condition };
}

/** A layer: `lease` works, and leased paths take only writes that carry the lease. */
export function withLeases(store: Store, table: LeaseTable, now: () => number = Date.now): Store {
  const shown = async (entry: Entry): Promise<Entry> => {
    const state = await table.get(entry.path);
    return state ? { ...entry, lease: leaseStatus(state, now()) } : entry;
  };
  const lease = async (mutation: LeaseMutation, ctx: Ctx): Promise<MutationResult> => {
    const { entry } = await store.query({ verb: 'stat', path: mutation.path, ...conditionOf(mutation) }, ctx);
    const change = changeLease(await table.get(mutation.path), mutation, now(), randomUUID);
    await table.set(mutation.path, change.state);
    const { state: _, ...told } = change;
    return { ...told, entry: await shown(entry) };
  };
  return {
    ...store,
    supports: { ...store.supports, leases: true },
    async query<Q extends Query>(query: Q, ctx: Ctx): Promise<QueryResult<Q>> {
      const result = await store.query(query, ctx);
      return 'entry' in result ? { ...result, entry: await shown(result.entry) } : result;
    },
    async mutate(mutation, ctx) {
      if (mutation.verb === 'lease') return lease(mutation, ctx);
      for (const path of pathsOf(mutation)) {
        const leaseId =
          'condition' in mutation && path === mutation.path ? mutation.condition?.leaseId : undefined;
        checkLease(await table.get(path), leaseId, now());
      }
      const result = await store.mutate(withoutLease(mutation), ctx);
      // A file that is gone or replaced takes its lease with it (Gen2 reference §2.3: "lease broken").
      if (mutation.verb === 'delete' && (await table.get(mutation.path)))
        await table.set(mutation.path, undefined);
      return result;
    },
  };
}

function conditionOf(mutation: LeaseMutation): Pick<LeaseMutation, 'condition'> {
  const bare = withoutLease(mutation) as LeaseMutation;
  return bare.condition ? { condition: bare.condition } : {};
}
