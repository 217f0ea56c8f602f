// The caller's own token instead of the gateway's, so that the store judges the caller: around one driver, innermost.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Caller, Ctx, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** What a driver asks before each request, and the layer that must be around it. */
export interface ForwardedCallers {
  /** The Authorization header of the caller that is asked for now. Undefined: the gateway's own. @throws StoreError `denied` */
  onBehalf(): string | undefined;
  around(store: Store): Store;
}

const withoutSlashes = (audience: string): string => audience.replace(/\/+$/, '');

/**
 * The header for a caller. Who came with a token never gets by with the gateway's rights: a token that was made for others is refused,
 * and sent nowhere.
 */
function headerOf({ scheme, token }: Caller, resources: ReadonlySet<string>): string | undefined {
  if (scheme !== 'bearer') return undefined;
  if (!token) throw new StoreError('denied', 'the store wants the caller’s token, and this request has none');
  if (!token.audiences.some((audience) => resources.has(withoutSlashes(audience))))
    throw new StoreError('denied', 'the caller’s token was not made for the store');
  return `Bearer ${token.reveal()}`;
}

/** @param resources whom tokens for the store are made for (`aud`); a slash at the end does not count */
export function forwardCallers(resources: readonly string[]): ForwardedCallers {
  // Clients below a driver have no place for a context of ours, so it goes along with the call.
  const asking = new AsyncLocalStorage<Ctx>();
  const own = new Set(resources.map(withoutSlashes));
  return {
    onBehalf() {
      const ctx = asking.getStore();
      return ctx && headerOf(ctx.caller, own);
    },
    around(store) {
      const { direct } = store;
      return {
        ...store,
        query: (query, ctx) => asking.run(ctx, () => store.query(query, ctx)),
        mutate: (mutation, ctx) => asking.run(ctx, () => store.mutate(mutation, ctx)),
        ...(direct ? { direct: (path: string, ctx: Ctx) => directFor(direct, path, ctx, asking) } : {}),
      };
    },
  };
}

function directFor(
  direct: NonNullable<Store['direct']>,
  path: string,
  ctx: Ctx,
  asking: AsyncLocalStorage<Ctx>,
): ReturnType<NonNullable<Store['direct']>> {
  const found = direct(path, ctx);
  return (
    found && {
      ...found,
      forward: (request, signal) => asking.run(ctx, () => found.forward(request, signal)),
    }
  );
}
