// One slow call for many that wait: an fsync that starts after a write covers it, so all waiting writers share one.

/** A call made while `work` runs waits for the next run, which it shares with all others that came meanwhile. */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function run(): Promise<void> {
    try {
      await work();
    } finally {
      running = undefined;
    }
  }

  return () => {
    if (!running) {
      running = run();
      return running;
    }
    next ??= running
      .catch(() => undefined) // its own callers hear of that failure
      .then(() => {
        next = undefined;
        running = run();
        return running;
      });
    return next;
  };
}
