// Which routing table is in force: a new one at once, but no side is added or removed before the journal allows it (semantics C3).
import type { Mount } from '../core/mount.ts';
import { isWithin } from '../core/path.ts';
import type { Access, Route, RoutingTable } from '../core/route.ts';
import type { Side } from '../core/store.ts';
import { isTwoSided } from '../gateway/places.ts';
import type { Change, Journal } from '../journal/journal.ts';

/** One app: what the file wants and what is in force. */
export interface RouteStatus {
  app: string;
  desired?: Route;
  effective?: Route;
  /** Why the two differ. */
  reason?: string;
}

/** What a change of table needs. */
export interface Transition {
  /** The routes that will be in force. */
  routes: Map<string, Route>;
  /** Mounts that become two-sided, with the side that has everything. */
  added: { mount: Mount; truth: Side }[];
  /** Apps whose change has to wait, and why. */
  held: Map<string, string>;
}

/** Mounts of these routes, each once. */
export function mountsOf(routes: Iterable<Route>): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const route of routes)
    for (const mount of route.mounts) mounts.set(`${mount.source}\0${mount.target}`, mount);
  return [...mounts.values()];
}

function isSame(mount: Mount): (other: Mount) => boolean {
  return ({ source, target }) => source === mount.source && target === mount.target;
}

/** The only side that is written by any app of the mount so far; source where nobody has written yet (semantics D1). */
function loneSide(mount: Mount, routes: readonly Route[]): Side {
  const mine = routes.filter((route) => route.mounts.some(isSame(mount)));
  return mine.length > 0 && mine.every((route) => route.writes === 'target') ? 'target' : 'source';
}

function withAccess({ access: _, ...route }: Route, access: Access | undefined): Route {
  return access ? { ...route, access } : route;
}

/**
 * What changes when `desired` follows `effective`, pure.
 * @param unsettled true if the journal holds anything below a canonical path
 */
export function transition(
  effective: readonly Route[],
  desired: readonly Route[],
  unsettled: (path: string) => boolean,
): Transition {
  const routes = new Map(desired.map((route) => [route.app, route]));
  const held = new Map<string, string>();
  for (const before of effective) {
    if (before.writes !== 'both') continue;
    const after = routes.get(before.app);
    const kept = after?.writes === 'both' ? after.mounts : [];
    const needed = before.mounts.find((mount) => !kept.some(isSame(mount)) && unsettled(mount.target));
    if (!needed) continue;
    // What a caller may do is no matter of sides: a tightened rule holds at once.
    routes.set(before.app, after ? withAccess(before, after.access) : before);
    held.set(before.app, `both sides are needed until nothing below ${needed.target} diverges any more`);
  }
  const next = [...routes.values()];
  const added = mountsOf(next)
    .filter((mount) => isTwoSided(mount, next) && !isTwoSided(mount, effective))
    .map((mount) => ({ mount, truth: loneSide(mount, effective) }));
  return { routes, added, held };
}

/** The table in force and how it came about. */
export interface TableInForce {
  current(): RoutingTable;
  /** Takes a new table as far as the journal allows; resolves when it is in force. */
  propose(desired: RoutingTable, text: string): Promise<void>;
  /** Tries again what had to wait. */
  retry(): Promise<void>;
  status(): RouteStatus[];
  /** Mounts of all routes in force. */
  mounts(): Mount[];
}

/** Name of the journal's row with the text of the table in force. */
export const tableRow = 'routes';

/** What the table in force stands on. */
export interface TableOptions {
  journal: Journal;
  /** The table that the former process ended with; undefined on a first start. */
  former: RoutingTable | undefined;
  /** True if the side that has everything is known to have nothing: then nothing diverges. */
  isEmpty(mount: Mount, truth: Side): Promise<boolean>;
  now(): number;
  /** How long a request without an answer may still land, milliseconds. */
  zombieMs: number;
  /** Makes sure that this journal may write to both sides where these routes do (semantics D1). */
  claim(routes: readonly Route[]): Promise<void>;
  /** Resolves when the mutations that are under way now, planned under the table in force, have ended. */
  mutationsEnded(): Promise<void>;
  onDivergence(path: string): void;
}

/** The tail of a row that waits for the last mutation of the table before, epoch ms: for ever, unless it is set anew. */
const heldUntilMs = Number.MAX_SAFE_INTEGER;

/** Starts with the former table; nothing is in force on a first start until a table is proposed. */
export function createTableInForce(options: TableOptions): TableInForce {
  const { journal } = options;
  const nothing: RoutingTable = { digest: '', routes: new Map(), match: () => undefined };
  let effective = options.former ?? nothing;
  let desired = effective;
  let held = new Map<string, string>();
  let failure: string | undefined;
  let desiredText = '';
  let queue: Promise<void> = Promise.resolve();

  const firstStart = options.former === undefined;
  /** Target roots of the mounts in force with a row, an open intent or unflushed bytes at, above or below them. */
  const unsettledRoots = async (): Promise<Set<string>> => {
    const roots = new Set<string>();
    const unflushed = (await journal.uploads()).filter((upload) => upload.unflushed);
    for (const { target } of mountsOf(effective.routes.values())) {
      const above = await journal.state(target);
      const below = await journal.below(target, { direct: false, limit: 1 });
      const found = [...above.intents, ...below.divergences, ...below.intents];
      const uploading = unflushed.some((upload) => isWithin(upload.path, target));
      if (above.divergence || found.length > 0 || uploading) roots.add(target);
    }
    return roots;
  };
  const addSide = async (mount: Mount, truth: Side): Promise<Change[]> => {
    const { divergence } = await journal.state(mount.target);
    if (divergence) return [];
    if (firstStart && effective === nothing && (await options.isEmpty(mount, truth))) return [];
    const reason = firstStart
      ? 'first start: everything is on the one side'
      : 'a side was added to the writes';
    const common = {
      path: mount.target,
      subtree: true,
      truth,
      generation: 0,
      sinceMs: options.now(),
      reason,
    };
    // Nothing was under way before the first table.
    const held = effective === nothing ? {} : { tailUntilMs: heldUntilMs };
    return [{ do: 'put', divergence: { ...common, ...held, keepExtras: true } }];
  };
  /** What was written to one side under the table before is in no row: no proof counts until it has landed (semantics C3). */
  const release = async ({ target }: Mount): Promise<void> => {
    await options.mutationsEnded();
    const { divergence } = await journal.state(target);
    if (divergence?.path !== target || divergence.tailUntilMs !== heldUntilMs) return;
    const tailUntilMs = options.now() + options.zombieMs;
    await journal.apply([{ do: 'put', divergence: { ...divergence, tailUntilMs } }]);
    options.onDivergence(target);
  };
  const apply = async (): Promise<void> => {
    const unsettled = await unsettledRoots();
    const change = transition([...effective.routes.values()], [...desired.routes.values()], (path) =>
      unsettled.has(path),
    );
    const rows: Change[] = [];
    for (const { mount, truth } of change.added) rows.push(...(await addSide(mount, truth)));
    // Durable before the first write under the new table: what is forgotten here is never found again.
    if (change.held.size === 0) rows.push({ do: 'meta', key: tableRow, value: desiredText });
    await journal.apply(rows);
    await options.claim([...change.routes.values()]);
    const wanted = desired;
    held = change.held;
    effective = {
      digest: wanted.digest,
      routes: change.routes,
      match(caller) {
        const route = wanted.match(caller);
        return route && change.routes.get(route.app);
      },
    };
    for (const { mount } of change.added) {
      options.onDivergence(mount.target);
      void release(mount);
    }
  };
  const attempt = async (): Promise<void> => {
    try {
      await apply();
      failure = undefined;
    } catch (error) {
      failure = `it could not be put in force: ${error instanceof Error ? error.message : String(error)}`;
      throw error;
    }
  };
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    queue = queue.then(work, work);
    return queue;
  };
  return {
    current: () => effective,
    propose: (table, text) =>
      enqueue(() => {
        desired = table;
        desiredText = text;
        return attempt();
      }),
    retry: () => (held.size > 0 || failure !== undefined ? enqueue(attempt) : Promise.resolve()),
    status() {
      const apps = new Set([...desired.routes.keys(), ...effective.routes.keys()]);
      return [...apps].map((app) => {
        const status: RouteStatus = { app };
        const [wanted, inForce] = [desired.routes.get(app), effective.routes.get(app)];
        const reason = held.get(app) ?? failure;
        if (wanted) status.desired = wanted;
        if (inForce) status.effective = inForce;
        if (reason !== undefined) status.reason = reason;
        return status;
      });
    },
    mounts: () => mountsOf(effective.routes.values()),
  };
}
