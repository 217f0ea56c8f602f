// Reading and changing one blob (Gen2 reference §3.1, §3.4, §2.9).
import { randomUUID } from 'node:crypto';
import type { SetAttributesMutation } from '../../core/mutation.ts';
import { segmentsOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import { parseContentHeaders, parseMetaHeaders } from '../../wire/dfs/properties.ts';
import { decodePath } from '../../wire/http.ts';
import { accountOfHost, gen2Path, stripAccount } from './address.ts';
import { conditioned, type Exchange, given, type Operation } from './exchange.ts';
import { expiryOf } from './new-path.ts';
import { read } from './read.ts';
import { empty, entryAfter, entryHeaders, versionHeaders } from './replies.ts';

export const headBlob: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const { entry } = await store.query(
    { verb: 'stat', path: address.path, attributes: true, ...conditioned(exchange) },
    ctx,
  );
  return { status: 200, headers: { ...entryHeaders(entry), 'content-length': entry.lengthBytes } };
};

export const getBlob: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  try {
    return await read(exchange);
  } catch (thrown) {
    if (StoreError.from(thrown, 'no').kind !== 'is-directory') throw thrown;
    // A folder is an empty blob with a mark.
    const { entry } = await store.query({ verb: 'stat', path: address.path, attributes: true }, ctx);
    return empty(200, entryHeaders(entry));
  }
};

async function change(exchange: Exchange, what: Partial<SetAttributesMutation>) {
  const { address, store, ctx } = exchange;
  const result = await store.mutate(
    { verb: 'set-attributes', path: address.path, ...conditioned(exchange), ...what },
    ctx,
  );
  const entry = await entryAfter(exchange, result, address.path);
  return empty(200, { ...versionHeaders(entry), 'x-ms-request-server-encrypted': 'true' });
}

export const setMetadata: Operation = (exchange) =>
  change(exchange, { properties: parseMetaHeaders(exchange.request.headers) ?? {} });

export const setHeaders: Operation = (exchange) =>
  change(exchange, { content: parseContentHeaders(exchange.request.headers, 'x-ms-blob-') ?? {} });

export const setExpiry: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  const { entry } = await store.query({ verb: 'stat', path: address.path }, ctx);
  const expiresMs = expiryOf(exchange, entry.createdMs ?? entry.modifiedMs);
  return change(exchange, { expiresMs: expiresMs ?? null });
};

export const deleteBlob: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  await store.mutate({ verb: 'delete', path: address.path, recursive: false, ...conditioned(exchange) }, ctx);
  return empty(202, { 'x-ms-delete-type-permanent': 'true' });
};

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

export const copyBlob: Operation = async (exchange) => {
  const { address, store, ctx, request } = exchange;
  const source = await store.query({ verb: 'stat', path: copySource(exchange), attributes: true }, ctx);
  if (source.entry.type === 'directory') throw new StoreError('is-directory', 'a directory cannot be copied');
  const { body, lengthBytes } = await store.query({ verb: 'read', path: source.entry.path, offset: 0 }, ctx);
  const { permission, content } = source.entry;
  const properties = parseMetaHeaders(request.headers) ?? source.entry.properties;
  const attributes = { permission, ...(content ? { content } : {}), ...(properties ? { properties } : {}) };
  const result = await store.mutate(
    {
      verb: 'create',
      path: address.path,
      parents: 'below-root-folder',
      body: { stream: body, lengthBytes },
      attributes,
      ...conditioned(exchange),
    },
    ctx,
  );
  const entry = await entryAfter(exchange, result, address.path);
  return empty(202, {
    ...versionHeaders(entry),
    'x-ms-copy-id': randomUUID(),
    'x-ms-copy-status': 'success',
  });
};
