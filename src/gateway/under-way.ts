// Mutations under way: what began under an older routing table may still change a store after a newer one is in force (semantics C3).

/** Work that has begun and not ended. */
export interface UnderWay {
  /** Counts `work` until it ends. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Resolves when everything that is under way now has ended, however it ends. */
  ended(): Promise<void>;
}

/** Nothing is under way yet. */
export function createUnderWay(): UnderWay {
  const running = new Set<Promise<unknown>>();
  return {
    during(work) {
      running.add(work);
      const end = (): boolean => running.delete(work);
      work.then(end, end);
      return work;
    },
    async ended() {
      await Promise.allSettled([...running]);
    },
  };
}
