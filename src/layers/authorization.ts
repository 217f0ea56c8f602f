// Lets through what the caller may do and refuses the rest before anything is asked (core/access decides).
import { type Grant, judgeMutation, type Refusal, refusalOfQuery } from '../core/access.ts';
import { bodyOf } from '../core/mutation.ts';
import type { Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** What confines a caller. */
export interface Confined {
  /** For the store: the app is fixed in it, so that the operation is done under the route that it was judged by. */
  ctx: Ctx;
  /** Lists that must each allow an operation, by any grant of theirs; none: nothing is confined. */
  lists: readonly (readonly Grant[])[];
}

const codes: Record<Refusal, string> = {
  path: 'AuthorizationFailure',
  level: 'AuthorizationResourceTypeMismatch',
  right: 'AuthorizationPermissionMismatch',
};

const words: Record<Refusal, string> = {
  path: 'the caller may not come here',
  level: 'the caller’s credential is not for resources of this kind',
  right: 'the caller may not do this',
};

/**
 * A layer. What cannot be judged because no face parsed it (`direct`) is open only to callers that nothing confines.
 * @param confine may throw StoreError: the caller may do nothing at all
 * @param onDenied told of each refusal
 */
export function withAuthorization(
  store: Store,
  confine: (ctx: Ctx) => Confined,
  onDenied?: (ctx: Ctx) => void,
): Store {
  const deny = (ctx: Ctx, refusal: Refusal, path: string): StoreError => {
    onDenied?.(ctx);
    return new StoreError('denied', `${words[refusal]}: ${path}`, { code: codes[refusal] });
  };
  return {
    ...store,
    async query(query, ctx) {
      const confined = confine(ctx);
      const refusal = refusalOfQuery(query, confined.lists);
      if (refusal) throw deny(ctx, refusal, query.path);
      return store.query(query, confined.ctx);
    },
    async mutate(mutation, ctx) {
      try {
        const confined = confine(ctx);
        const verdict = judgeMutation(mutation, confined.lists);
        if ('refused' in verdict) throw deny(ctx, verdict.refused, mutation.path);
        const result = store.mutate(verdict.mutation, confined.ctx);
        return await (verdict.replacesNothing ? result.catch(overwriteRefused) : result);
      } catch (error) {
        bodyOf(mutation)?.stream.destroy();
        throw error;
      }
    },
    ...(store.direct ? { direct: directOf(store.direct, confine) } : {}),
  };
}

function directOf(
  direct: NonNullable<Store['direct']>,
  confine: (ctx: Ctx) => Confined,
): NonNullable<Store['direct']> {
  return (path, ctx) => {
    const confined = confine(ctx);
    return confined.lists.length === 0 ? direct(path, confined.ctx) : undefined;
  };
}

/** To who may create but not replace, what is there already is not "already there" but forbidden, as in the service. */
function overwriteRefused(thrown: unknown): never {
  const error = StoreError.from(thrown);
  if (error.kind !== 'exists' && error.kind !== 'condition-failed') throw error;
  throw new StoreError('denied', 'the caller may create but not replace', {
    code: 'UnauthorizedBlobOverwrite',
  });
}
