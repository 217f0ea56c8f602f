// Folders that a write implies are made as mutations of their own: each store would give them a mode of its own choice, and no
// divergence would tell of it.
import type { Entry } from '../core/entry.ts';
import type { Attributes, Mutation } from '../core/mutation.ts';
import { isWithin, parentOf } from '../core/path.ts';
import type { Ctx } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import { askTruth } from './ask.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { pathOn } from './places.ts';
import type { Write } from './prepare-write.ts';

/** What Gen2 takes off the mode of an implied folder unless told otherwise. */
const gen2Umask = 0o027;

/** Carries out a mutation like any other. */
type Carry = (write: Write) => Promise<unknown>;

/** The parent that a write implies; undefined if it implies none, or both sides need not agree. */
function impliedParent({ route, place, mutation }: Write): string | undefined {
  if (route.writes !== 'both' || !('parents' in mutation) || mutation.parents === 'none') return undefined;
  // What has to be there already has a parent.
  if (mutation.condition?.ifMatch !== undefined) return undefined;
  const parent = parentOf(mutation.path);
  return parent !== place.mount.target && isWithin(parent, place.mount.target) ? parent : undefined;
}

/** For operations of our own on behalf of a client: its answer does not show them, and they end although it goes away. */
function innerCtx({ wantEntry: _, ...ctx }: Ctx): Ctx {
  return { ...ctx, trail: {}, signal: new AbortController().signal };
}

async function lookFor(
  parts: GatewayParts,
  write: Write,
  path: string,
): Promise<Entry | 'missing' | 'unclear'> {
  const { route, ctx, place } = write;
  const read = { route, path, tree: false, ctx: { ...innerCtx(ctx), signal: ctx.signal } };
  try {
    const { entry } = await askTruth(parts, read, (side) =>
      parts.sides[side].store.query({ verb: 'stat', path: pathOn(side, place, path) }, read.ctx),
    );
    return entry;
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    // A store that does not answer now may take the write a moment later, and would then make the folder in its own way.
    if (error.temporary) throw error;
    // Anything else but a plain no is for the write itself to meet.
    return error.kind === 'not-found' ? 'missing' : 'unclear';
  }
}

/**
 * True if the parent is there, asked under the lock of the write, where nobody can take it away: else the stores would make it, each with a
 * mode of its own.
 * @param age of the known folders before `makeParents`
 */
export async function parentsStand(parts: GatewayParts, write: Write, age: number): Promise<boolean> {
  const parent = impliedParent(write);
  const { folders } = parts;
  if (parent === undefined || age === folders.age || folders.has(parent)) return true;
  return (await lookFor(parts, write, parent)) !== 'missing';
}

/** Folders to be made, from the top, and the mode of the one they are made in. */
async function missingParents(
  parts: GatewayParts,
  write: Write,
  parent: string,
): Promise<{ missing: string[]; above: number }> {
  const missing: string[] = [];
  const { folders } = parts;
  for (let path = parent; path !== write.place.mount.target; path = parentOf(path)) {
    if (folders.has(path) && missing.length === 0) break;
    const seenAt = folders.age;
    const found = await lookFor(parts, write, path);
    if (found === 'unclear') return { missing: [], above: 0 };
    if (found !== 'missing') {
      if (found.type === 'directory') folders.add(path, seenAt);
      return { missing, above: found.permission };
    }
    missing.unshift(path);
  }
  return { missing, above: 0o755 };
}

/**
 * The mode as the protocol has it: HDFS gives folders implied by a file their parent's, those implied by a folder the folder's
 * own, both open to their owner; Gen2 takes the umask off everything.
 */
function attributesOf({ mutation, ctx }: Write, above: number): Attributes {
  const given = 'attributes' in mutation ? mutation.attributes : undefined;
  if (ctx.protocol === 'dfs') return { permission: 0o777, umask: given?.umask ?? gen2Umask };
  if (mutation.verb !== 'mkdir') return { permission: (above & 0o777) | 0o300 };
  const umask = given?.umask === undefined ? {} : { umask: given.umask & ~0o300 };
  return { permission: ((given?.permission ?? 0o755) & 0o777) | 0o300, ...umask };
}

/**
 * Makes the missing parents of a write on both sides.
 * @param made is given what was made, from the top, for `unmakeParents` if the write is refused
 * @throws StoreError temporary if nobody knows what is missing
 */
export async function makeParents(
  parts: GatewayParts,
  write: Write,
  made: string[],
  carry: Carry,
): Promise<void> {
  const parent = impliedParent(write);
  if (parent === undefined || parts.folders.has(parent)) return;
  const { missing, above } = await missingParents(parts, write, parent);
  for (const path of missing) {
    // A filesystem comes into being only where the protocol allows it: elsewhere the write is refused for its want.
    const parents = 'parents' in write.mutation ? write.mutation.parents : 'none';
    if (parents === 'below-root-folder' && parentOf(path) === '/') return;
    const seenAt = parts.folders.age;
    try {
      const mutation: Mutation = { verb: 'mkdir', path, parents, attributes: attributesOf(write, above) };
      await carry({ ...write, mutation, ctx: innerCtx(write.ctx) });
    } catch (thrown) {
      const error = StoreError.from(thrown);
      if (error.applied === 'unknown' || error.temporary) throw error;
      // What stands in the way stands in the way of the write too, which says so in its own words.
      return;
    }
    parts.folders.add(path, seenAt);
    made.push(path);
  }
}

/**
 * Takes away again what was made for a write that was refused, as far as nobody uses it.
 * @returns the write's error, which does not say that nothing was changed where a folder may be left
 */
export async function unmakeParents(
  parts: GatewayParts,
  write: Write,
  made: readonly string[],
  carry: Carry,
  refusal: StoreError,
): Promise<StoreError> {
  if (refusal.applied === 'unknown') return refusal;
  for (const path of [...made].reverse()) {
    parts.folders.forget(path);
    try {
      const mutation: Mutation = { verb: 'delete', path, recursive: false };
      await carry({ ...write, mutation, ctx: innerCtx(write.ctx) });
    } catch (error) {
      if (StoreError.from(error).kind === 'not-empty') return refusal;
      parts.events.onError?.('implied folders', error);
      const { kind, message } = refusal;
      return refusal.temporary
        ? new StoreError(kind, message, { applied: 'unknown', cause: refusal })
        : refusal;
    }
  }
  return refusal;
}
