// Gen2's append and flush over a store that appends only at the end of a file (semantics A4, A5).
import { Readable } from 'node:stream';
import { checkCondition } from '../../core/condition.ts';
import type { Entry } from '../../core/entry.ts';
import type { FlushMutation, MutationResult, StageMutation } from '../../core/mutation.ts';
import type { Ctx, Store } from '../../core/store.ts';
import { afterChange, ownLimit, StoreError } from '../../core/store-error.ts';
import { lookUp, permission, quiet } from './hidden.ts';
import type { Pieces } from './pieces.ts';
import { bytesOf, rewrite } from './rewrite.ts';
import { isNamed, isOther, leave, masked, takeTurn, type Upload, type Uploads } from './uploads.ts';

/** A store with the uploads under way on it. */
export interface Staged {
  store: Store;
  uploads: Uploads;
  pieces: Pick<Pieces, 'during'>;
  /** How long an append without an answer may still land, milliseconds. */
  zombieMs: number;
  now(): number;
}

/**
 * The bytes go to the end of the file at once; until the flush readers are shown the file without them.
 * @throws StoreError `bad-offset` for a position inside what is flushed, `unavailable` if those before it do not come
 */
export async function stage(staged: Staged, mutation: StageMutation, ctx: Ctx): Promise<MutationResult> {
  const { store, uploads } = staged;
  const { path, position, condition } = mutation;
  checkPosition(position);
  const entry = await look(store, path, ctx);
  if (entry.type === 'directory') throw new StoreError('is-directory', `this is a directory: ${path}`);
  const upload = await beginWith(uploads, entry);
  checkCondition(condition, masked(entry, upload));
  const checkBehindFlushed = (): void => {
    const flushed = upload.shown.lengthBytes;
    if (position < flushed) throw new StoreError('bad-offset', `the file has ${flushed} bytes already`);
  };
  checkBehindFlushed();
  const lengthBytes = await turnAt(store, upload, mutation, ctx);
  let after: number | undefined;
  try {
    checkBehindFlushed();
    checkNothingLate(staged, upload);
    await (upload.kept ?? uploads.keep(upload));
    after = await put(staged, upload, mutation, lengthBytes, ctx);
  } catch (error) {
    const failure = StoreError.from(error);
    if (failure.applied === 'unknown' && staged.zombieMs > 0) {
      upload.lateUntilMs = staged.now() + staged.zombieMs;
      delete upload.isReplaced;
      await uploads.keep(upload);
    }
    // `bad-offset`: somebody else changed the file, so it is looked at again.
    if (failure.applied === 'no' && failure.kind !== 'bad-offset') after = lengthBytes;
    if (failure.kind === 'not-found') await uploads.end(path);
    throw failure;
  } finally {
    leaveAt(staged, upload, after);
  }
  return ctx.wantEntry ? { entry: masked(entry, upload) } : {};
}

/** While something may land late nobody knows how long the file will be when the next one looks. */
function leaveAt({ now }: Staged, upload: Upload, lengthBytes: number | undefined): void {
  leave(upload, upload.lateUntilMs > now() ? undefined : lengthBytes);
}

/** @throws StoreError `unavailable` while an append without an answer may still land among those that would come now */
export function checkNothingLate({ now }: Staged, upload: Upload | undefined): void {
  const leftMs = upload && !upload.isReplaced ? upload.lateUntilMs - now() : 0;
  if (leftMs <= 0) return;
  const message = 'an append without an answer may still land in this file';
  throw new StoreError('unavailable', message, { retryAfterMs: leftMs, code: ownLimit });
}

/**
 * A file that has come to stand where an append may still land shows what it has now, and not those bytes: a store that only appends puts them
 * behind all that is there.
 */
export async function hideLate({ store, uploads }: Staged, late: readonly Upload[], ctx: Ctx): Promise<void> {
  for (const upload of late) {
    try {
      upload.shown = await look(store, upload.shown.path, quiet(ctx));
      upload.lengthBytes = undefined;
      upload.isReplaced = true;
      await uploads.keep(upload);
    } catch (error) {
      if (StoreError.from(error).kind !== 'not-found') throw error;
    }
  }
}

/** What was staged and not flushed goes, before somebody else changes the end of the file, or takes it away as a part of another one. */
export async function dropUnflushed(staged: Staged, path: string, ctx: Ctx): Promise<void> {
  const { store, uploads } = staged;
  if (!uploads.get(path)) return;
  try {
    const { shown } = await beginWith(uploads, await look(store, path, quiet(ctx)));
    const flushed = { position: shown.lengthBytes, retain: false, close: true };
    await flush(staged, { verb: 'flush', path, ...flushed }, quiet(ctx));
  } catch (error) {
    // Of a file that is gone nothing was staged; what is to be done with it says the same.
    if (StoreError.from(error).kind !== 'not-found') throw error;
    await uploads.end(path);
  }
}

/**
 * After a change without an answer that would put another file here: one that the store has no name for is told by its length alone, for it
 * must not be shown as far as the former one was flushed.
 */
export async function forgetReplaced({ store, uploads }: Staged, path: string, ctx: Ctx): Promise<void> {
  const upload = uploads.get(path);
  if (!upload || isNamed(upload.shown) || upload.lengthBytes === undefined) return;
  const entry = await lookUp(store, path, ctx);
  if (entry?.lengthBytes !== upload.lengthBytes && uploads.get(path) === upload) await uploads.end(path);
}

/** The file as the store has it. Content headers would cost some stores a call of their own, and nobody sees them here. */
async function look(store: Store, path: string, ctx: Ctx): Promise<Entry> {
  return (await store.query({ verb: 'stat', path }, { ...ctx, protocol: 'webhdfs' })).entry;
}

/** What is known of another file that stood here before is forgotten. */
async function beginWith(uploads: Uploads, entry: Entry): Promise<Upload> {
  const known = uploads.get(entry.path);
  if (known && isOther(known.shown, entry)) {
    await uploads.end(entry.path);
    known.shown = entry;
    known.lengthBytes = entry.lengthBytes;
  }
  return uploads.begin(entry);
}

/** Waits for the turn; with an unknown length the file is looked at first. @returns the length of the file */
async function turnAt(
  store: Store,
  upload: Upload,
  { path, position }: StageMutation,
  ctx: Ctx,
): Promise<number> {
  for (;;) {
    await takeTurn(upload, position, ctx);
    if (upload.lengthBytes !== undefined) return upload.lengthBytes;
    try {
      const entry = await look(store, path, ctx);
      if (position <= entry.lengthBytes) return entry.lengthBytes;
      leave(upload, entry.lengthBytes);
    } catch (error) {
      leave(upload, undefined);
      throw error;
    }
  }
}

/** @returns the length of the file afterwards */
async function put(
  staged: Staged,
  upload: Upload,
  { path, position, body }: StageMutation,
  lengthBytes: number,
  ctx: Ctx,
): Promise<number> {
  const { store } = staged;
  if (position === lengthBytes) {
    const appended = { verb: 'append', path, position, body } as const;
    const wantEntry = body.lengthBytes === undefined;
    const { entry } = await store.mutate(appended, { ...ctx, wantEntry });
    return entry?.lengthBytes ?? position + body.lengthBytes!;
  }
  // Sent again, or sent anew: what is there already is skipped as far as it is the same.
  const rest = await behindEqual(store, path, position, lengthBytes, chunksOf(body.stream), ctx);
  const promised = body.lengthBytes;
  if (!rest) {
    await permission(ctx);
    return lengthBytes;
  }
  const tail = checkedLength(
    rest.chunks,
    promised === undefined ? undefined : promised - (rest.at - position),
  );
  if (rest.at === lengthBytes) {
    const stream = Readable.from(tail, { objectMode: false });
    const result = await store.mutate(
      { verb: 'append', path, position: lengthBytes, body: { stream } },
      { ...ctx, wantEntry: true },
    );
    return result.entry!.lengthBytes;
  }
  let length = 0;
  const whole = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of spliced(store, path, rest.at, lengthBytes, tail, ctx)) {
      length += chunk.length;
      yield chunk;
    }
  };
  await replaceFile(staged, upload, whole(), ctx);
  return length;
}

/** Another file takes the place of this one; should the process end between, what is shown must be true of both. */
async function replaceFile(
  { store, uploads, pieces }: Staged,
  upload: Upload,
  content: AsyncIterable<Buffer>,
  ctx: Ctx,
): Promise<void> {
  const { fileId: before, ...shown } = upload.shown;
  if (before !== undefined && upload.kept) {
    upload.shown = shown;
    await uploads.keep(upload);
  }
  const { path } = shown;
  const { fileId } = await pieces.during(path, () => rewrite(store, path, content, ctx));
  upload.shown = fileId === undefined ? shown : { ...shown, fileId };
  if (before !== undefined && upload.kept) await uploads.keep(upload);
}

/** What the file has before `at`, then the new bytes, then what it has behind them. */
async function* spliced(
  store: Store,
  path: string,
  at: number,
  lengthBytes: number,
  fresh: AsyncIterable<Buffer>,
  ctx: Ctx,
): AsyncGenerator<Buffer> {
  yield* bytesOf(store, path, 0, at, ctx);
  let end = at;
  for await (const chunk of fresh) {
    end += chunk.length;
    yield chunk;
  }
  yield* bytesOf(store, path, end, lengthBytes, ctx);
}

/** Reads the body beside the file. @returns where they part and the body from there; undefined if all of it is there already */
async function behindEqual(
  store: Store,
  path: string,
  position: number,
  lengthBytes: number,
  body: AsyncGenerator<Buffer>,
  ctx: Ctx,
): Promise<{ at: number; chunks: AsyncIterable<Buffer> } | undefined> {
  const there = bytesOf(store, path, position, lengthBytes, ctx);
  let held: Buffer = Buffer.alloc(0);
  let at = position;
  try {
    for (let next = await body.next(); !next.done; next = await body.next()) {
      let chunk = next.value;
      while (chunk.length > 0) {
        if (held.length === 0) {
          const more = at < lengthBytes ? await there.next() : undefined;
          if (!more || more.done) return { at, chunks: startingWith(chunk, body) };
          held = more.value;
        }
        const same = equalPrefix(chunk, held);
        at += same;
        if (same < chunk.length && same < held.length) {
          return { at, chunks: startingWith(chunk.subarray(same), body) };
        }
        chunk = chunk.subarray(same);
        held = held.subarray(same);
      }
    }
    return undefined;
  } finally {
    await there.return(undefined);
  }
}

function equalPrefix(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  if (a.subarray(0, length).equals(b.subarray(0, length))) return length;
  let at = 0;
  while (a[at] === b[at]) at++;
  return at;
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** @throws StoreError `aborted` if the client breaks off */
async function* chunksOf(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'the body broke off', { cause: error });
  }
}

/** @throws StoreError `aborted` if it is too short, `invalid` if it is too long */
async function* checkedLength(
  chunks: AsyncIterable<Buffer>,
  promised: number | undefined,
): AsyncGenerator<Buffer> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    if (promised !== undefined && received > promised)
      throw StoreError.invalid('the body is longer than promised');
    yield chunk;
  }
  if (promised !== undefined && received < promised)
    throw new StoreError('aborted', 'the body ended before its promised length');
}

/** @throws StoreError `invalid-flush` unless the file reaches exactly, or with unflushed bytes beyond, to the position */
export async function flush(staged: Staged, mutation: FlushMutation, ctx: Ctx): Promise<MutationResult> {
  const { store, uploads } = staged;
  const { path, position, retain, content, condition } = mutation;
  checkPosition(position);
  const idleBefore = !uploads.get(path)?.busy;
  const first = await look(store, path, ctx);
  if (first.type === 'directory') throw new StoreError('is-directory', `this is a directory: ${path}`);
  const known = uploads.get(path);
  const upload = await beginWith(uploads, first);
  checkCondition(condition, masked(first, upload));
  // Nobody of this process has appended since it was looked at: it need not be looked at again.
  const isFresh = idleBefore && !upload.busy && upload.lengthBytes === first.lengthBytes;
  await takeTurn(upload, 0, ctx);
  let after: number | undefined;
  try {
    const entry = isFresh ? first : await look(store, path, ctx);
    after = entry.lengthBytes;
    if (position > after || position < upload.shown.lengthBytes) {
      throw new StoreError('invalid-flush', `not all bytes up to ${position} have been uploaded`, {
        code: 'InvalidFlushPosition',
      });
    }
    const isRewritten = position < after && !retain;
    if (isRewritten) {
      await replaceFile(staged, upload, bytesOf(store, path, 0, position, ctx), ctx);
      after = position;
    } else {
      await permission(ctx);
    }
    if (content) {
      const set = store.mutate({ verb: 'set-attributes', path, content }, quiet(ctx));
      await (isRewritten ? afterChange(set) : set);
    }
    const flushed = content || isRewritten ? await afterChange(look(store, path, ctx)) : entry;
    const isWhole = (): boolean => after === position && upload.waiting.length === 0;
    await uploads.show(upload, { ...flushed, lengthBytes: position }, isWhole);
    return { entry: masked(flushed, upload) };
  } catch (error) {
    if (!known && !upload.kept) await uploads.end(path);
    if (StoreError.from(error).applied === 'unknown') after = undefined;
    throw error;
  } finally {
    leaveAt(staged, upload, after);
  }
}

function checkPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0)
    throw StoreError.invalid('a position is a whole number of bytes, 0 or more');
}
