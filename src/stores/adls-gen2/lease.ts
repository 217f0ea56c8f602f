// Leases of files and filesystems.
import { randomUUID } from 'node:crypto';
import type { LeaseMutation, MutationResult } from '../../core/mutation.ts';
import type { Ctx } from '../../core/store.ts';
import { StoreError } from '../../core/store-error.ts';
import type { Account } from './account.ts';
import { permission } from './body.ts';
import { sdkConditions } from './conditions.ts';
import { placeOf } from './place.ts';
import { sdk } from './queries.ts';

/** Duration of a lease that does not end by itself. */
const infiniteLease = -1;

/** @throws StoreError `lease-conflict` with the service's code */
export async function lease(account: Account, mutation: LeaseMutation, ctx: Ctx): Promise<MutationResult> {
  const { path, action, leaseId, proposedId, durationSeconds = infiniteLease, breakSeconds } = mutation;
  const place = placeOf(path);
  if (!place) throw StoreError.invalid('the root cannot be leased');
  const client = place.path === '' ? account.filesystem(place.filesystem) : account.file(place);
  const handle = client.getDataLakeLeaseClient(
    action === 'acquire' ? (proposedId ?? leaseId ?? randomUUID()) : leaseId,
  );
  const options = { abortSignal: ctx.signal, conditions: sdkConditions(mutation.condition) };
  await permission(ctx);
  const send = () => {
    switch (action) {
      case 'acquire':
        return handle.acquireLease(durationSeconds, options);
      case 'renew':
        return handle.renewLease(options);
      case 'change':
        if (proposedId === undefined) throw StoreError.invalid('changing a lease needs a proposed id');
        return handle.changeLease(proposedId, options);
      case 'release':
        return handle.releaseLease(options);
      case 'break':
        // The SDK's own default is a period of 0; absent has to mean absent.
        return handle.breakLease(breakSeconds as number, options);
    }
  };
  const answer = await sdk(send(), true);
  const result: MutationResult = {};
  if (answer.leaseId !== undefined) result.leaseId = answer.leaseId;
  if (answer.leaseTime !== undefined) result.leaseSeconds = answer.leaseTime;
  return result;
}
