// Makes one path on one side like the truth, and proves it: copy to a hidden name without the lock, rename under it.
import { createHash, type Hash } from 'node:crypto';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Entry } from '../core/entry.ts';
import type { Body, Mutation } from '../core/mutation.ts';
import { ancestorsOf, isWithin, parentOf } from '../core/path.ts';
import type { ReadResult } from '../core/query.ts';
import type { Store } from '../core/store.ts';
import { StoreError } from '../core/store-error.ts';
import {
  attributeChanges,
  attributesFor,
  type Common,
  changesAcl,
  commonOf,
  timesChange,
} from './attributes.ts';
import { compare } from './compare.ts';
import { attributesRefused } from './refused-for-good.ts';
import type { CopyJob, SyncParts } from './sync-parts.ts';

/** Code of a failure that concerns the path alone, whatever the stores are like. */
export const notEqualYet = 'not-equal-yet';

/** What was prepared without the lock. */
export interface Prepared {
  truth: Entry | undefined;
  other: Entry | undefined;
  /** `hidden`: a proven copy waits under the hidden name. `equal`: both contents were read and are the same. */
  content: 'hidden' | 'equal' | 'none';
  /** How much of the file waits under the hidden name. */
  hiddenBytes: number;
  /** What is made below inherits differently afterwards. */
  changesAcl: boolean;
}

function commonTo({ stores }: SyncParts): Common {
  return commonOf(stores.source.supports, stores.target.supports);
}

/** The entry at a path with all its attributes, or undefined. */
export async function entryOrNothing(
  store: Store,
  path: string,
  parts: SyncParts,
): Promise<Entry | undefined> {
  try {
    return (await store.query({ verb: 'stat', path, attributes: true }, parts.ctx())).entry;
  } catch (error) {
    const { kind } = StoreError.from(error, 'no');
    if (kind === 'not-found' || kind === 'not-directory') return undefined;
    throw error;
  }
}

/** SHA-256 of a file, read to its end. */
async function digestOf(store: Store, path: string, parts: SyncParts, offset = 0): Promise<string> {
  const hash = createHash('sha256');
  const { body } = await store.query({ verb: 'read', path, offset }, parts.ctx());
  await pipeline(
    body,
    new Writable({
      write(chunk, _, next) {
        hash.update(chunk);
        next();
      },
    }),
  );
  return hash.digest('hex');
}

function hashing(hash: Hash, onBytes: ((bytes: number) => void) | undefined): Transform {
  return new Transform({
    transform(chunk: Buffer, _, next) {
      hash.update(chunk);
      onBytes?.(chunk.length);
      next(null, chunk);
    },
  });
}

/** Writes what is read to the hidden name, and reads it back. `offset`: how much of the file is there already. */
async function writeHidden(
  parts: SyncParts,
  job: CopyJob,
  { body, offset, lengthBytes }: ReadResult,
  mutationOf: (body: Body) => Mutation,
): Promise<void> {
  const to = parts.stores[job.other];
  const hash = createHash('sha256');
  const counted = hashing(hash, parts.onBytes);
  // A broken body makes the mutation fail by itself; its own error says more than the pipe's.
  pipeline(body, counted).catch(() => undefined);
  await to.mutate(mutationOf({ stream: counted, lengthBytes }), parts.ctx());
  const [copied, stored] = [hash.digest('hex'), await digestOf(to, job.hiddenPath, parts, offset)];
  if (copied !== stored) throw new StoreError('internal', `the copy of ${job.path} is not like its original`);
}

/** @returns how long the copy is: a file that grows may be longer by now than the entry says */
async function copyToHidden(parts: SyncParts, job: CopyJob, truth: Entry): Promise<number> {
  const whole = { verb: 'read', path: job.truthPath, offset: 0 } as const;
  const read = await parts.stores[job.truth].query(whole, parts.ctx());
  parts.hidden?.begin(job.other, job.hiddenPath);
  const { hiddenPath: path } = job;
  const attributes = attributesFor(truth, commonTo(parts));
  await writeHidden(parts, job, read, (body) => ({
    verb: 'create',
    path,
    parents: 'all',
    body,
    attributes,
  }));
  return read.lengthBytes;
}

/**
 * Adds to the hidden copy what was added to the file since, unless that is more than `mostBytes`. The caller knows that the file was only
 * added to.
 * @returns what is prepared now, and how much is still missing of it
 */
export async function addTail(
  parts: SyncParts,
  job: CopyJob,
  prepared: Prepared,
  mostBytes: number,
): Promise<{ prepared: Prepared; missingBytes: number }> {
  const { truth: before, hiddenBytes: offset } = prepared;
  const from = parts.stores[job.truth];
  const truth = await entryOrNothing(from, job.truthPath, parts);
  if (truth?.type !== 'file' || truth.fileId !== before?.fileId || truth.lengthBytes < offset)
    throw new StoreError('unavailable', `${job.path} is another file now`, { code: notEqualYet });
  const lengthBytes = truth.lengthBytes - offset;
  if (lengthBytes > mostBytes) return { prepared, missingBytes: lengthBytes };
  if (lengthBytes > 0) {
    const tail = { verb: 'read', path: job.truthPath, offset, lengthBytes } as const;
    const read = await from.query(tail, parts.ctx());
    const { hiddenPath: path } = job;
    try {
      await writeHidden(parts, job, read, (body) => ({ verb: 'append', path, position: offset, body }));
    } catch (error) {
      // Nobody but us knows the hidden name: whatever it was, the next try begins with a copy of its own.
      const { message } = StoreError.from(error);
      throw new StoreError('unavailable', message, { code: notEqualYet, cause: error });
    }
  }
  return { prepared: { ...prepared, truth, hiddenBytes: truth.lengthBytes }, missingBytes: 0 };
}

/** Everything that needs no lock: looking at both sides, reading, copying to the hidden name. */
export async function prepare(parts: SyncParts, job: CopyJob): Promise<Prepared> {
  const [from, to] = [parts.stores[job.truth], parts.stores[job.other]];
  const truth = await entryOrNothing(from, job.truthPath, parts);
  const other = await entryOrNothing(to, job.otherPath, parts);
  const can = commonTo(parts);
  const difference = compare(truth, other, can);
  const seen = {
    truth,
    other,
    hiddenBytes: 0,
    changesAcl: !!truth && !!other && changesAcl(attributeChanges(truth, other, can)),
  };
  if (difference === 'maybe-content') {
    if (job.trusted) return { ...seen, content: 'equal' };
    const digests = await Promise.all([
      digestOf(from, job.truthPath, parts),
      digestOf(to, job.otherPath, parts),
    ]);
    if (digests[0] === digests[1]) return { ...seen, content: 'equal' };
  } else if (truth?.type !== 'file' || difference === 'attributes' || difference === 'same') {
    return { ...seen, content: 'none' };
  }
  return { ...seen, content: 'hidden', hiddenBytes: await copyToHidden(parts, job, truth!) };
}

/** The folders above the path that the other side does not have, made as the truth has them. */
export async function ensureParents(parts: SyncParts, job: CopyJob): Promise<void> {
  const [from, to] = [parts.stores[job.truth], parts.stores[job.other]];
  if (await entryOrNothing(to, parentOf(job.otherPath), parts)) return;
  const truths = ancestorsOf(job.truthPath);
  const others = ancestorsOf(job.otherPath);
  for (const [i, path] of others.entries()) {
    if (path === '/' || (await entryOrNothing(to, path, parts))) continue;
    // Above the mount's root the two sides have nothing to do with each other.
    const at = i + truths.length - others.length;
    const truth = at > 0 ? await entryOrNothing(from, truths[at]!, parts) : undefined;
    const attributes = truth ? attributesFor(truth, commonTo(parts)) : { permission: 0o755 };
    await to.mutate({ verb: 'mkdir', path, parents: 'all', attributes }, parts.ctx());
  }
}

/** Most rows below a folder that are looked at before it may go. */
const belowLimit = 10_000;

/**
 * A folder may go with all in it only if nothing in it is the newest there is: a row below it may have the other truth.
 * @throws StoreError `not-equal-yet`
 */
async function refuseIfTruthBelow({ journal }: SyncParts, { path, other }: CopyJob): Promise<void> {
  const below = await journal.below(path, { direct: false, limit: belowLimit });
  const isNewest =
    below.divergences.length === belowLimit ||
    below.divergences.some((row) => row.truth === other) ||
    below.uploads.some((upload) => upload.unflushed && upload.sides.includes(other)) ||
    below.intents.some(
      ({ primary, reaches }) => primary === other && reaches.some((r) => isWithin(r.path, path)),
    );
  if (!isNewest) return;
  throw new StoreError('unavailable', `the newest state of something below ${path} is on the ${other}`, {
    code: notEqualYet,
  });
}

/** What the other side has is put aside where it may be the only copy, else removed. */
export async function clearAway(parts: SyncParts, job: CopyJob, there: Entry): Promise<void> {
  if (there.type === 'directory') await refuseIfTruthBelow(parts, job);
  const { keptPath } = job;
  if (keptPath === undefined) return removeOther(parts, job);
  const to = parts.stores[job.other];
  await to.mutate({ verb: 'mkdir', path: parentOf(keptPath), parents: 'all' }, parts.ctx());
  const move = { verb: 'rename', path: job.otherPath, destination: keptPath } as const;
  await to.mutate({ ...move, replace: 'none', intoDirectory: false }, parts.ctx());
  parts.onKept?.(job.path, keptPath);
}

async function removeOther(parts: SyncParts, job: CopyJob): Promise<void> {
  try {
    await parts.stores[job.other].mutate(
      { verb: 'delete', path: job.otherPath, recursive: true },
      parts.ctx(),
    );
  } catch (error) {
    if (StoreError.from(error).kind !== 'not-found') throw error;
  }
}

async function putInPlace(
  parts: SyncParts,
  job: CopyJob,
  { truth, other, content }: Prepared,
): Promise<void> {
  const to = parts.stores[job.other];
  if (!truth) {
    if (other && !job.keepExtras) await clearAway(parts, job, other);
    return;
  }
  const isReplaced = other !== undefined && content === 'hidden' && job.keptPath !== undefined;
  if (other && (isReplaced || other.type !== truth.type)) await clearAway(parts, job, other);
  if (content === 'hidden') {
    await ensureParents(parts, job);
    const { hiddenPath: path, otherPath: destination } = job;
    await to.mutate({ verb: 'rename', path, destination, replace: 'any', intoDirectory: false }, parts.ctx());
  } else if (truth.type === 'directory' && other?.type !== 'directory') {
    await ensureParents(parts, job);
    await to.mutate(
      {
        verb: 'mkdir',
        path: job.otherPath,
        parents: 'all',
        attributes: attributesFor(truth, commonTo(parts)),
      },
      parts.ctx(),
    );
  }
}

async function look(parts: SyncParts, job: CopyJob): Promise<[Entry | undefined, Entry | undefined]> {
  return Promise.all([
    entryOrNothing(parts.stores[job.truth], job.truthPath, parts),
    entryOrNothing(parts.stores[job.other], job.otherPath, parts),
  ]);
}

/** @returns true if there was anything to change */
async function alignAttributes(parts: SyncParts, job: CopyJob, truth: Entry, other: Entry): Promise<boolean> {
  const changes = attributeChanges(truth, other, commonTo(parts));
  let refused: StoreError | undefined;
  for (const change of changes) {
    const mutation = { verb: 'set-attributes', path: job.otherPath, ...change } as const;
    try {
      await parts.stores[job.other].mutate(mutation, parts.ctx());
    } catch (thrown) {
      refused = refusalOfAttributes(StoreError.from(thrown), job);
    }
  }
  if (job.owners) await alignOwners(parts, job, truth, other);
  if (refused) throw refused;
  return changes.length > 0;
}

/** @throws StoreError the error itself unless it says that this store cannot have such attributes */
function refusalOfAttributes(error: StoreError, { other }: CopyJob): StoreError {
  const isForGood = error.kind === 'denied' || error.kind === 'invalid' || error.kind === 'unsupported';
  if (error.temporary || error.applied === 'unknown' || !isForGood) throw error;
  return new StoreError(error.kind, `the ${other} does not take its attributes: ${error.message}`, {
    code: attributesRefused,
    cause: error,
  });
}

/** Last of all, for what else is changed may set them. */
async function alignTimes(parts: SyncParts, job: CopyJob, truth: Entry, other: Entry): Promise<void> {
  const can = { truth: parts.stores[job.truth].supports, other: parts.stores[job.other].supports };
  const change = timesChange(truth, other, can);
  if (!change) return;
  try {
    const mutation = { verb: 'set-attributes', path: job.otherPath, ...change } as const;
    await parts.stores[job.other].mutate(mutation, parts.ctx());
  } catch (thrown) {
    throw refusalOfAttributes(StoreError.from(thrown), job);
  }
}

/** Who owns a path is known by names that the other store may not have: then its own owner stays, and that is said. */
async function alignOwners(parts: SyncParts, job: CopyJob, truth: Entry, other: Entry): Promise<void> {
  const { owner, group } = truth;
  if (owner === other.owner && group === other.group) return;
  try {
    const mutation = { verb: 'set-attributes', path: job.otherPath, owner, group } as const;
    await parts.stores[job.other].mutate(mutation, parts.ctx());
  } catch (thrown) {
    const error = StoreError.from(thrown);
    if (error.temporary || error.applied === 'unknown') throw error;
    parts.onOwnerRefused?.(job.path, error);
  }
}

/** True if a file is the version that was seen before: what was read of it then is what it holds now. */
function isSameVersion(before: Entry | undefined, now: Entry | undefined): boolean {
  if (!before || !now) return before === now;
  if (before.type !== now.type) return false;
  if (now.type === 'directory') return true;
  return (
    before.etag === now.etag &&
    before.fileId === now.fileId &&
    before.lengthBytes === now.lengthBytes &&
    before.modifiedMs === now.modifiedMs
  );
}

/**
 * The step under the lock: put in place what was prepared, and look once more. The caller has checked that no divergence tells of a newer
 * write; one that was settled meanwhile, and a write that no divergence tells of, show in the files themselves.
 * @returns true if both sides are proven equal
 */
export async function complete(parts: SyncParts, job: CopyJob, prepared: Prepared): Promise<boolean> {
  const before = await look(parts, job);
  if (!isSameVersion(prepared.truth, before[0]) || !isSameVersion(prepared.other, before[1])) return false;
  await putInPlace(parts, job, prepared);
  let [truth, other] = await look(parts, job);
  if (truth && other && truth.type === other.type && (await alignAttributes(parts, job, truth, other)))
    [truth, other] = await look(parts, job);
  if (truth && other && job.times) {
    await alignTimes(parts, job, truth, other);
    [truth, other] = await look(parts, job);
  }
  const can = commonTo(parts);
  const difference = compare(truth, other, can);
  if (difference === 'extra') return job.keepExtras;
  // The content was read on both sides, or proven under the hidden name; the lengths agree still.
  if (difference === 'maybe-content')
    return prepared.content !== 'none' && attributeChanges(truth!, other!, can).length === 0;
  return difference === 'same' || difference === 'nothing-there';
}

/** Removes what an interrupted copy left under its hidden name. */
export async function discardHidden(parts: SyncParts, job: CopyJob, placed: boolean): Promise<void> {
  if (!parts.hidden?.end(job.other, job.hiddenPath) || placed) return;
  await parts.stores[job.other]
    .mutate({ verb: 'delete', path: job.hiddenPath, recursive: false }, parts.ctx())
    // Whatever is left there is found when its folder is tidied.
    .catch(() => undefined);
}
