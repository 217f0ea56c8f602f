// Reading and changing one blob (Gen2 reference §3.1, §3.4, §2.9).
import type { SetAttributesMutation } from '../../core/mutation.ts';
import { StoreError } from '../../core/store-error.ts';
import { parseContentHeaders, parseMetaHeaders } from '../../wire/dfs/properties.ts';
import { conditioned, type Exchange, missingHeader, type Operation } from './exchange.ts';
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
  if (expiresMs === undefined) throw missingHeader('x-ms-expiry-option');
  return change(exchange, { expiresMs });
};

export const deleteBlob: Operation = async (exchange) => {
  const { address, store, ctx } = exchange;
  await store.mutate({ verb: 'delete', path: address.path, recursive: false, ...conditioned(exchange) }, ctx);
  return empty(202, { 'x-ms-delete-type-permanent': 'true' });
};
