// Copy Blob and Put Blob From URL within one account (Gen2 reference §3.4).
import { randomUUID } from 'node:crypto';
import type { MutationResult } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import type { ReadResult } from '../../core/query.ts';
import { StoreError } from '../../core/store-error.ts';
import { parseMetaHeaders } from '../../wire/dfs/properties.ts';
import { decodePath } from '../../wire/http.ts';
import { accountOfHost, gen2Path, stripAccount } from './address.ts';
import { conditioned, conditionOf, type Exchange, given, type Operation } from './exchange.ts';
import { empty, entryAfter, versionHeaders } from './replies.ts';

/** The source of a copy: a path of this account. @throws StoreError `invalid`, `unsupported` for other accounts */
function copySource(exchange: Exchange): string {
  const text = given(exchange, 'x-ms-copy-source')!;
  let url: URL;
  try {
    url = new URL(text, 'http://here');
  } catch {
    throw new StoreError('invalid', 'x-ms-copy-source is not a URL', { code: 'InvalidHeaderValue' });
  }
  const own = given(exchange, 'host');
  if (text.startsWith('http') && url.host !== own)
    throw StoreError.unsupported('copies from elsewhere are not supported');
  const path = gen2Path(
    stripAccount(decodePath(url.pathname), accountOfHost(own)?.account, exchange.accounts).path,
  );
  if (segmentsOf(path).length < 2)
    throw new StoreError('invalid', 'the source is not a blob', { code: 'InvalidHeaderValue' });
  return path;
}

/** The source, opened under the conditions that the request makes for it. @throws StoreError */
async function openSource(exchange: Exchange, path: string) {
  const { store, ctx } = exchange;
  const condition = conditionOf(exchange, 'x-ms-source-');
  const conditioned = condition ? { condition } : {};
  try {
    const { entry } = await store.query({ verb: 'stat', path, attributes: true, ...conditioned }, ctx);
    if (entry.type === 'directory') throw new StoreError('is-directory', 'a directory cannot be copied');
    return entry;
  } catch (thrown) {
    const error = StoreError.from(thrown, 'no');
    // If-None-Match of the source finding it the same is a failed condition too, not a conflict.
    if (error.kind !== 'condition-failed' && !(condition && error.kind === 'exists')) throw error;
    throw new StoreError('source-condition-failed', error.message);
  }
}

async function copy(exchange: Exchange, source: string): Promise<MutationResult> {
  const { address, store, ctx, request } = exchange;
  const { permission, content, etag, properties: kept } = await openSource(exchange, source);
  const properties = parseMetaHeaders(request.headers) ?? kept;
  if (source === address.path) {
    // Clients copy a blob onto itself to change its metadata; its content must not be read and replaced at once.
    return store.mutate(
      {
        verb: 'set-attributes',
        path: source,
        ...(properties ? { properties } : {}),
        ...conditioned(exchange),
      },
      ctx,
    );
  }
  const same = etag === undefined ? {} : { condition: { ifMatch: etag } };
  const { body, lengthBytes }: ReadResult = await store.query(
    { verb: 'read', path: source, offset: 0, ...same },
    ctx,
  );
  return store.mutate(
    {
      verb: 'create',
      path: address.path,
      parents: 'below-root-folder',
      body: { stream: body, lengthBytes },
      attributes: { permission, ...(content ? { content } : {}), ...(properties ? { properties } : {}) },
      ...conditioned(exchange),
    },
    ctx,
  );
}

export const copyBlob: Operation = async (exchange) => {
  const result = await copy(exchange, copySource(exchange));
  const entry = await entryAfter(exchange, result, exchange.address.path);
  // With a blob type it is Put Blob From URL, which is done when it answers.
  if (given(exchange, 'x-ms-blob-type') !== undefined) return empty(201, versionHeaders(entry));
  return empty(202, {
    ...versionHeaders(entry),
    'x-ms-copy-id': randomUUID(),
    'x-ms-copy-status': 'success',
  });
};
