// Tells how long a store took and how it answered; changes nothing.
import type { Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';

/** Told after each call; `error` absent if it went well. Seconds until the head of an answer, not its body. */
export type Observer = (verb: string, seconds: number, error?: StoreError) => void;

/** A layer that reports to `observer`. */
export function withObserver(store: Store, observer: Observer): Store {
  const watch = async <T>(verb: string, call: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const seconds = (): number => (performance.now() - began) / 1000;
    try {
      const result = await call();
      observer(verb, seconds());
      return result;
    } catch (error) {
      observer(verb, seconds(), StoreError.from(error));
      throw error;
    }
  };
  return {
    ...store,
    query: (query, ctx) => watch(query.verb, () => store.query(query, ctx)),
    mutate: (mutation, ctx) => watch(mutation.verb, () => store.mutate(mutation, ctx)),
  };
}
