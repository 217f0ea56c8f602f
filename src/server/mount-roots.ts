// The roots of the mounts are there before the first client asks: on Gen2 a root may be a filesystem.
import { ownCtx } from '../core/ctx.ts';
import type { RoutingTable } from '../core/route.ts';
import type { Side, Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** How often a root that could not be made is tried again, milliseconds. */
const retryMs = 2000;
/** How long a store may take to say that it is there, milliseconds. */
const patienceMs = 5000;

function soon(reason: string) {
  return ownCtx(reason, AbortSignal.timeout(patienceMs));
}

/** True only if the store answered and has nothing below this root. */
export async function isRootEmpty(store: Store, root: string): Promise<boolean> {
  try {
    const page = await store.query(
      { verb: 'list', path: root, recursive: false, limit: 2 },
      soon('first look'),
    );
    return page.entries.every((entry) => entry.path.endsWith('/.twinlake')) && page.token === undefined;
  } catch (error) {
    return StoreError.from(error, 'no').kind === 'not-found';
  }
}

/** Makes the root of a mount; one that is there stays as it is. @throws StoreError */
export async function makeRoot(store: Store, path: string): Promise<void> {
  if (path === '/') return;
  const mutation = { verb: 'mkdir', path, parents: 'all', attributes: { permission: 0o755 } } as const;
  await store.mutate(mutation, soon('mount root'));
}

/** Makes every root that the table in force writes; what fails is tried again until it is there. */
export function ensureRoots(stores: Record<Side, Store>, table: () => RoutingTable, logger: Logger) {
  const made = new Set<string>();
  const warned = new Set<string>();
  const makeAll = async (): Promise<void> => {
    for (const route of table().routes.values()) {
      const sides: Side[] = route.writes === 'both' ? ['source', 'target'] : [route.writes];
      for (const mount of route.mounts) for (const side of sides) await ensureRoot(side, mount[side]);
    }
  };
  const ensureRoot = async (side: Side, path: string): Promise<void> => {
    const key = `${side}:${path}`;
    if (made.has(key)) return;
    try {
      await makeRoot(stores[side], path);
      made.add(key);
      warned.delete(key);
    } catch (error) {
      const level = warned.has(key) ? 'debug' : 'warn';
      warned.add(key);
      logger[level]({ side, path, err: error }, 'the root of a mount cannot be made yet');
    }
  };
  let running: Promise<void> | undefined;
  const again = (): Promise<void> => {
    running ??= makeAll().finally(() => {
      running = undefined;
    });
    return running;
  };
  const timer = setInterval(() => void again(), retryMs);
  timer.unref();
  return { makeNow: again, stop: () => clearInterval(timer) };
}
