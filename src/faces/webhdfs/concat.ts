// CONCAT and Gen1's MSCONCAT: many files become one.
import type { ConcatMutation } from '../../core/mutation.ts';
import { normalizePath, parentOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import type { FaceReply, FaceRequest } from '../../wire/http.ts';
import { wrong } from '../../wire/webhdfs/params.ts';
import type { Exchange } from './exchange.ts';
import { emptyReply } from './replies.ts';
import { newAttributes } from './uploads.ts';

/** Largest list of sources, as text: some 40,000 names of 100 bytes. */
export const maxConcatBodyBytes = 4_194_304;

/** The destination exists and is continued. */
export async function concat({ store, ctx, target }: Exchange): Promise<FaceReply> {
  const { path, params, dialect } = target;
  const sources = checkSources(params.required('sources').split(','), path);
  await store.mutate({ verb: 'concat', path, sources, create: false, deleteSourceDirectory: false }, ctx);
  return emptyReply(200, dialect);
}

/** The destination is made anew, its parent too if it is missing; the list comes in the body. */
export async function msConcat(exchange: Exchange): Promise<FaceReply> {
  const { store, ctx, target, request } = exchange;
  const { path, params, dialect } = target;
  const deleteSourceDirectory = params.flag('deleteSourceDirectory', false);
  const sources = checkSources(parseSources(await readText(request)), path);
  const mutation: ConcatMutation = { verb: 'concat', path, sources, create: true, deleteSourceDirectory };
  try {
    await store.mutate(mutation, ctx);
  } catch (error) {
    if (StoreError.from(error).kind !== 'parent-not-found') throw error;
    const attributes = newAttributes(target, 'directory');
    await store.mutate({ verb: 'mkdir', path: parentOf(path), parents: 'all', attributes }, ctx);
    await store.mutate(mutation, ctx);
  }
  return emptyReply(200, dialect);
}

/** Names are resolved from the root. */
function checkSources(names: readonly string[], destination: string): string[] {
  const sources = names
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map(normalizePath);
  if (sources.length === 0) wrong('sources', 'it names no file');
  if (new Set(sources).size !== sources.length) wrong('sources', 'it names a file twice');
  if (sources.includes(destination)) wrong('sources', 'it names the destination');
  return sources;
}

/** `{"sources":[...]}` whatever the Content-Type says, or `sources=a,b` as raw text that is not URL-decoded (old clients). */
function parseSources(text: string): string[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) {
    if (!trimmed.startsWith('sources=')) wrong('sources', 'the body has none');
    return trimmed.slice('sources='.length).split(',');
  }
  let sources: unknown;
  try {
    ({ sources } = JSON.parse(trimmed) as { sources?: unknown });
  } catch {
    wrong('sources', 'the body is not JSON');
  }
  if (!Array.isArray(sources) || !sources.every((name) => typeof name === 'string')) {
    wrong('sources', 'the body has no list of names');
  }
  return sources;
}

async function readText({ body }: FaceRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  try {
    for await (const chunk of body) {
      total += (chunk as Buffer).length;
      if (total > maxConcatBodyBytes) {
        throw new StoreError(
          'too-large',
          `the list of sources is over the limit of ${maxConcatBodyBytes} bytes`,
        );
      }
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('aborted', 'request body ended early', { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}
