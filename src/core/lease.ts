// The lease of a file or filesystem as Gen2 means it: a pure state machine over a clock that the caller passes in.
import type { LeaseStatus } from './entry.ts';
import type { LeaseMutation } from './mutation.ts';
import { StoreError } from './store-error.ts';

/** Shortest and longest fixed lease, and the longest break period, in seconds (Lease Blob reference). */
const minLeaseSeconds = 15;
const maxLeaseSeconds = 60;
/** Duration of a lease that does not end by itself. */
const infiniteLease = -1;

/** What is kept of a lease; plain data, so that it can be stored. Absent: never leased, or released. */
export interface LeaseState {
  id: string;
  /** 15 to 60, or -1. */
  durationSeconds: number;
  /** When a fixed lease ends, epoch milliseconds. */
  untilMs?: number;
  /** Set by a break: from then on the lease is broken, epoch milliseconds. */
  breakAtMs?: number;
}

/** What a lease action leaves behind and what its caller is told. */
export interface LeaseChange {
  state: LeaseState | undefined;
  leaseId?: string;
  /** After a break: seconds until it takes effect. */
  leaseSeconds?: number;
}

type LeaseRequest = Pick<
  LeaseMutation,
  'action' | 'leaseId' | 'proposedId' | 'durationSeconds' | 'breakSeconds'
>;

/** How Gen2 shows a lease at this moment. */
export function leaseStatus(state: LeaseState | undefined, nowMs: number): LeaseStatus {
  if (!state) return { state: 'available' };
  if (state.breakAtMs !== undefined) return { state: nowMs < state.breakAtMs ? 'breaking' : 'broken' };
  if (state.durationSeconds === infiniteLease) return { state: 'leased', duration: 'infinite' };
  return nowMs < (state.untilMs ?? 0) ? { state: 'leased', duration: 'fixed' } : { state: 'expired' };
}

/**
 * May an operation that carries `leaseId` (or none) touch what has this lease? Reads without an id always may.
 * @throws StoreError `lease-conflict`
 */
export function checkLease(
  state: LeaseState | undefined,
  leaseId: string | undefined,
  nowMs: number,
  access: 'read' | 'write' = 'write',
): void {
  const shown = leaseStatus(state, nowMs).state;
  const active = shown === 'leased' || shown === 'breaking';
  if (leaseId === undefined) {
    if (active && access === 'write') throw conflict('LeaseIdMissing', 'there is a lease and no lease id');
    return;
  }
  if (!state) throw conflict('LeaseNotPresentWithBlobOperation', 'there is no lease');
  if (active && !sameId(state.id, leaseId))
    throw conflict('LeaseIdMismatchWithBlobOperation', 'the lease id is not that of the lease');
  if (!active) throw conflict('LeaseLost', 'the lease has ended');
}

/**
 * One lease action.
 * @param newId the id of a lease acquired without a proposed one
 * @throws StoreError `lease-conflict` with Gen2's code, or `invalid`
 */
export function changeLease(
  state: LeaseState | undefined,
  request: LeaseRequest,
  nowMs: number,
  newId: () => string,
): LeaseChange {
  switch (request.action) {
    case 'acquire':
      return acquire(state, request, nowMs, newId);
    case 'renew':
      return renew(state, request, nowMs);
    case 'change':
      return changeId(state, request, nowMs);
    case 'release':
      ofLease(state, request.leaseId);
      return { state: undefined };
    case 'break':
      return breakLease(state, request, nowMs);
  }
}

function acquire(
  state: LeaseState | undefined,
  request: LeaseRequest,
  nowMs: number,
  newId: () => string,
): LeaseChange {
  const durationSeconds = request.durationSeconds ?? infiniteLease;
  const fixed = durationSeconds >= minLeaseSeconds && durationSeconds <= maxLeaseSeconds;
  if (durationSeconds !== infiniteLease && !(fixed && Number.isInteger(durationSeconds))) {
    throw StoreError.invalid(`a lease lasts ${minLeaseSeconds} to ${maxLeaseSeconds} seconds, or -1`);
  }
  const proposed = request.proposedId ?? request.leaseId;
  if (proposed !== undefined) checkId(proposed);
  const shown = leaseStatus(state, nowMs).state;
  const own = state !== undefined && proposed !== undefined && sameId(state.id, proposed);
  if (shown === 'leased' && !own) throw conflict('LeaseAlreadyPresent', 'there is a lease already');
  if (shown === 'breaking') {
    throw own
      ? conflict('LeaseIsBreakingAndCannotBeAcquired', 'the lease is breaking')
      : conflict('LeaseAlreadyPresent', 'there is a lease already');
  }
  return held({ id: proposed ?? newId(), durationSeconds }, nowMs);
}

function renew(state: LeaseState | undefined, request: LeaseRequest, nowMs: number): LeaseChange {
  const lease = ofLease(state, request.leaseId);
  if (lease.breakAtMs !== undefined)
    throw conflict('LeaseIsBrokenAndCannotBeRenewed', 'the lease is broken and cannot be renewed');
  return held({ id: lease.id, durationSeconds: lease.durationSeconds }, nowMs);
}

function changeId(state: LeaseState | undefined, request: LeaseRequest, nowMs: number): LeaseChange {
  const { proposedId } = request;
  if (proposedId === undefined) throw StoreError.invalid('changing a lease needs a proposed id');
  checkId(proposedId);
  const shown = leaseStatus(state, nowMs).state;
  if (!state || shown === 'expired' || shown === 'broken')
    throw conflict('LeaseNotPresentWithLeaseOperation', 'there is no lease');
  // A repeated change finds its own outcome: the lease already has the proposed id.
  if (!sameId(state.id, proposedId)) ofLease(state, request.leaseId);
  if (shown === 'breaking') throw conflict('LeaseIsBreakingAndCannotBeChanged', 'the lease is breaking');
  return { state: { ...state, id: proposedId }, leaseId: proposedId };
}

function breakLease(state: LeaseState | undefined, request: LeaseRequest, nowMs: number): LeaseChange {
  const { breakSeconds } = request;
  if (breakSeconds !== undefined && !(breakSeconds >= 0 && breakSeconds <= maxLeaseSeconds))
    throw StoreError.invalid(`a break period is 0 to ${maxLeaseSeconds} seconds`);
  if (!state) throw conflict('LeaseNotPresentWithLeaseOperation', 'there is no lease to break');
  const endMs = state.breakAtMs ?? (state.durationSeconds === infiniteLease ? undefined : state.untilMs);
  const leftSeconds = endMs === undefined ? undefined : Math.max(0, Math.ceil((endMs - nowMs) / 1000));
  // A fixed lease breaks when it would have ended, an infinite one at once; a period can only shorten that.
  const seconds = Math.min(breakSeconds ?? leftSeconds ?? 0, leftSeconds ?? maxLeaseSeconds);
  const { id, durationSeconds } = state;
  return { state: { id, durationSeconds, breakAtMs: nowMs + seconds * 1000 }, leaseSeconds: seconds };
}

function held(lease: { id: string; durationSeconds: number }, nowMs: number): LeaseChange {
  const { id, durationSeconds } = lease;
  const state: LeaseState = { id, durationSeconds };
  if (durationSeconds !== infiniteLease) state.untilMs = nowMs + durationSeconds * 1000;
  return { state, leaseId: id };
}

function ofLease(state: LeaseState | undefined, leaseId: string | undefined): LeaseState {
  if (leaseId === undefined) throw conflict('LeaseIdMissing', 'the lease id is missing');
  if (!state) throw conflict('LeaseNotPresentWithLeaseOperation', 'there is no lease');
  if (!sameId(state.id, leaseId))
    throw conflict('LeaseIdMismatchWithLeaseOperation', 'the lease id is not that of the lease');
  return state;
}

function checkId(id: string): void {
  if (!/^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i.test(id))
    throw StoreError.invalid('a lease id is a GUID');
}

function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function conflict(code: string, message: string): StoreError {
  return new StoreError('lease-conflict', message, { code });
}
