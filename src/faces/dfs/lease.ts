// Leases: POST with x-ms-lease-action on the DFS API, PUT comp=lease on the Blob API (Gen2 reference §2.8, §3.2).
import type { LeaseMutation } from '../../core/mutation.ts';
import { badHeader, conditionOf, type Exchange, given, missingHeader, type Operation } from './exchange.ts';
import { empty, entryAfter, versionHeaders } from './replies.ts';

const statuses: Record<LeaseMutation['action'], number> = {
  acquire: 201,
  renew: 200,
  change: 200,
  release: 200,
  break: 202,
};

/** A header's whole number of seconds, -1 for ever. @throws StoreError `invalid` */
function seconds(exchange: Exchange, name: string): number | undefined {
  const text = given(exchange, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,6}$/.test(text)) throw badHeader(name, 'it is no number of seconds');
  return Number(text);
}

/**
 * The lease that a new path is to be made with; undefined if none is asked. What a store would refuse is refused here, before the
 * path is made.
 * @throws StoreError `invalid`
 */
export function leaseOfNew(exchange: Exchange): LeaseMutation | undefined {
  const proposedId = given(exchange, 'x-ms-proposed-lease-id');
  if (proposedId === undefined) return undefined;
  if (!/^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i.test(proposedId))
    throw badHeader('x-ms-proposed-lease-id', 'it is not a GUID');
  const durationSeconds = seconds(exchange, 'x-ms-lease-duration') ?? -1;
  if (durationSeconds !== -1 && (durationSeconds < 15 || durationSeconds > 60))
    throw badHeader('x-ms-lease-duration', 'a lease lasts 15 to 60 seconds, or -1');
  return { verb: 'lease', path: exchange.address.path, action: 'acquire', proposedId, durationSeconds };
}

export const leasePath: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const action = given(exchange, 'x-ms-lease-action')?.toLowerCase();
  if (action === undefined) throw missingHeader('x-ms-lease-action');
  if (!Object.hasOwn(statuses, action)) throw badHeader('x-ms-lease-action', 'it is not a lease action');
  const mutation: LeaseMutation = {
    verb: 'lease',
    path: address.path,
    action: action as LeaseMutation['action'],
  };
  const [leaseId, proposedId] = [given(exchange, 'x-ms-lease-id'), given(exchange, 'x-ms-proposed-lease-id')];
  const [duration, breakSeconds] = [
    seconds(exchange, 'x-ms-lease-duration'),
    seconds(exchange, 'x-ms-lease-break-period'),
  ];
  if (leaseId !== undefined) mutation.leaseId = leaseId;
  if (proposedId !== undefined) mutation.proposedId = proposedId;
  if (duration !== undefined) mutation.durationSeconds = duration;
  if (breakSeconds !== undefined) mutation.breakSeconds = breakSeconds;
  const { leaseId: _, ...condition } = conditionOf(exchange) ?? {};
  if (Object.keys(condition).length > 0) mutation.condition = condition;
  const result = await store.mutate(mutation, ctx);
  const headers: Record<string, string | number> = versionHeaders(
    await entryAfter(exchange, result, address.path),
  );
  if (result.leaseId !== undefined) headers['x-ms-lease-id'] = result.leaseId;
  if (result.leaseSeconds !== undefined) headers['x-ms-lease-time'] = result.leaseSeconds;
  return empty(statuses[mutation.action], headers);
};
